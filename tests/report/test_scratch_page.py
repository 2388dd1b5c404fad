"""The report of a network from scratch: curves and what they say, layers that add up, nothing hostile."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pellucid.evaluation.proportion import Proportion
from pellucid.network.account import account
from pellucid.network.text import parse

Make = Callable[..., Any]
NETWORK = "input 12x12x1; conv 8 3x3 relu; maxpool 2x2; flatten; dense 2 softmax"
HOSTILE = ("<img src=x onerror=alert(1)>", '"><script>alert(2)</script>\n\x1b[31m', "' onmouseover='alert(3)")


def scratch(make: Make, classes: tuple[str, ...] = ("ants", "bees"), network: str = NETWORK) -> Any:
    """The record of a run from scratch with five epochs, of which the third was kept."""
    made = make(classes)
    epochs = [
        {
            "event": "epoch",
            "epoch": n,
            "loss": 1.0 / n,
            "accuracy": 1 - 0.4 / n,
            "val_loss": 0.3 + abs(n - 3) / 10,
            "val_accuracy": 0.8,
            "weights": "last",
            "rate": 0.001,
            "seconds": 1.5,
            "pictures_per_second": 1234.5,
        }
        for n in range(1, 6)
    ]
    plan = {"epochs": 5, "batch": 128, "rate": 0.004, "decay": 0.01, "seed": 0}
    figure = Proportion(36, 30).to_json()
    del made.record["backbone"]
    made.record |= {
        "chosen": "scratch",
        "request": made.record["request"] | {"recipe": "auto", "network": network},
        "network": network,
        "account": account(parse(NETWORK)).to_json(),
        "fits": {"chosen": "squash", "why": "All pictures fit.", "tried": [], "as_it_is": True},
        "head": {"temperature": 1.2, "calibration": "Least log loss on 37 validation pictures."},
        "training": {
            "plan": plan,
            "augment": "light",
            "device": "cpu",
            "precision": "fp32",
            "threads": 2,
            "best": 3,
            "weights": "averaged",
            "stopped": "All 5 epochs were done.",
            "epochs": epochs,
            "difference": 1e-6,
        },
        "shifts": [{"shift": n, "sideways": figure, "down": figure} for n in range(-6, 7)],
        "notes": ["All pictures fit.", "The network's last layer was given 2 outputs, one a class."],
    }
    return made


def text(page: str) -> str:
    return " ".join(re.sub(r"<style.*?</style>|<svg.*?</svg>|<[^>]+>", " ", page, flags=re.DOTALL).split())


def test_it_says_how_the_network_learnt(make: Make) -> None:
    """What was kept and why, what the curves say, the settings, and how to make it again."""
    said = text(scratch(make).page()).replace("\xa0", " ").replace("&nbsp;", " ").replace("&#39;", "'")
    assert "The recipe auto chose scratch." in said
    assert (
        "A network of 482 parameters learnt from nothing but the 171 training pictures, seen as views that"
        in said
    )
    assert "The weights of epoch 3 were kept, averaged over its steps: they had the least loss" in said
    assert (
        "After epoch 3 the training loss still fell, from 0.333 to 0.200, and the validation loss rose"
        in said
    )
    assert "AdamW, 128 pictures a step. The learning rate rose to 0.004 and fell to nearly nothing" in said
    assert (
        "Each picture has the network's size, 224 \N{MULTIPLICATION SIGN} 224 pixels, and goes in as it is."
        in said
    )
    assert said.count("All pictures fit.") == 0
    assert "The network's last layer was given 2 outputs, one a class." in said
    assert f"--network '{NETWORK}'" in said


def test_the_layers_add_up(make: Make) -> None:
    """Each row of the table has its arithmetic; parameters and multiply-adds are re-added to the totals."""
    page = scratch(make).page()
    table = page[page.index('aria-label="Layers"') :].split("</table>")[0]
    rows = [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr>.*?</tr>", table)[1:]
    ]
    assert [row[0] for row in rows] == ["conv2d", "max_pooling2d", "flatten", "dense", "total"]
    assert rows[0][3] == "(3*3*1 + 1)*8 = 80"
    for column in (2, 4):
        figures = [int(row[column].replace(",", "")) for row in rows]
        assert sum(figures[:-1]) == figures[-1] > 0


def test_a_single_epoch_has_a_page_too(make: Make) -> None:
    """Where there is no curve to draw the rest stands."""
    made = scratch(make)
    made.record["training"] |= {"epochs": made.record["training"]["epochs"][:1], "best": 1}
    made.record["shifts"] = []
    page = made.page()
    assert 'aria-label="Log loss of training' not in page
    assert "Every epoch" in page


@pytest.mark.slow
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390), ("light", 390)])
def test_a_browser_finds_nothing_to_run_load_or_complain_of(
    make: Make, tmp_path: Path, chromium: str, scheme: Any, width: int
) -> None:
    """Hostile class names and a hostile network's text stay text; nothing overflows, nothing is asked for."""
    from playwright.sync_api import sync_playwright

    file = tmp_path / "report.html"
    file.write_text(scratch(make, HOSTILE, "; ".join(HOSTILE)).page(), encoding="utf-8")
    complaints: list[str] = []
    requests: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        overflow = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        shown = page.evaluate("[...document.querySelectorAll('#making pre code')].map(one => one.innerText)")
        # No label of a plot is cut off at the edge of its drawing.
        cut = page.evaluate(
            """[...document.querySelectorAll('#making .plot')].flatMap(plot => {
                const frame = plot.getBoundingClientRect();
                return [...plot.querySelectorAll('text')].filter(text => {
                    const box = text.getBoundingClientRect();
                    return box.left < frame.left || box.right > frame.right
                        || box.top < frame.top || box.bottom > frame.bottom;
                }).map(text => text.textContent);
            })"""
        )
        plots = page.locator("#making .plot").count()
        browser.close()
    assert complaints == []
    assert {url for url in requests if not url.startswith("data:")} == {file.as_uri()}
    assert overflow == [width, width]
    assert shown[0].splitlines()[0] == HOSTILE[0]
    assert plots == 3
    assert cut == []
