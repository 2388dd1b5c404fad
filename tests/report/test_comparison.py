"""The page of a comparison: its words, and hostile names that stay inert."""

from pathlib import Path
from typing import Any

from pellucid.report.comparison import SHOWN, render_comparison, sentence

PAIR: dict[str, Any] = {
    "a": "runs/conv",
    "b": "runs/dense",
    "n": 1000,
    "only_a": 52,
    "only_b": 4,
    "difference": 0.048,
    "interval": [0.034, 0.064],
    "p": 1e-11,
    "adjusted_p": 1e-11,
    "verdict": "runs/conv",
}


def told(**changes: Any) -> dict[str, Any]:
    run = {"recipe": "scratch", "n": 1000, "interval": [0.9, 0.99], "seconds": 60.0, "bytes": 417584}
    run |= {"parameters": 104202, "correct": 979, "accuracy": 0.979}
    return {
        "runs": [{**run, "run": "runs/conv"}, {**run, "run": "runs/dense"}],
        "pairs": [PAIR],
        "disagreements": [{"path": "test/27", "label": "5", "answers": ["5", "0"]}],
        **changes,
    }


def test_a_real_difference_is_called_better() -> None:
    """Who, by how much, how often right where the other is wrong, and p; from the better one's side."""
    expected = (
        "runs/conv is better than runs/dense on these 1,000 pictures, by 4.8 points (95 % interval 3.4 to "
        "6.4 points): right where the other is wrong 52 times, and wrong where it is right 4 times "
        "(p < 0.0001)."
    )
    assert sentence(PAIR) == expected
    turned = PAIR | {"a": "runs/dense", "b": "runs/conv", "only_a": 4, "only_b": 52}
    turned |= {"difference": -0.048, "interval": [-0.064, -0.034]}
    assert sentence(turned) == expected


def test_a_difference_that_may_be_chance_is_called_that() -> None:
    """Nothing is called better, and the interval reaches across 0."""
    chance = PAIR | {"only_a": 6, "only_b": 4, "difference": 0.002, "interval": [-0.005, 0.009]}
    chance |= {"adjusted_p": 0.75, "verdict": "chance"}
    assert sentence(chance) == (
        "runs/conv has 0.2 points more than runs/dense on these 1,000 pictures, which could be chance: right "
        "where the other is wrong 6 times, and wrong where it is right 4 times (p = 0.75; 95 % interval -0.5 "
        "to 0.9 points from runs/conv's side)."
    )
    assert "equally many" in sentence(chance | {"only_b": 6, "difference": 0.0})


def test_hostile_names_are_inert() -> None:
    """A class or a run that is named like a tag is text on the page."""
    bad = "<img src=x onerror=alert(1)>"
    page = render_comparison(
        told(disagreements=[{"path": bad, "label": bad, "answers": [bad, "\u202egnp"]}]),
        {},
        lambda path: None,
    )
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert "\u202e" not in page


def test_many_disagreements_are_cut_and_counted() -> None:
    """The first are shown, the rest counted; the curves have a line a run."""
    many = [{"path": f"test/{n}", "label": "5", "answers": ["5", "0"]} for n in range(SHOWN + 9)]
    epochs = {"runs/conv": [{"epoch": n, "val_accuracy": 0.9} for n in (1, 2)]}
    page = render_comparison(told(disagreements=many), epochs, lambda path: None)
    assert page.count("<strong>") == SHOWN
    assert "9\N{NO-BREAK SPACE}more pictures" in page
    assert 'aria-label="Validation accuracy' in page
    assert "Nowhere: they gave the same answer" in render_comparison(
        told(disagreements=[]), {}, lambda path: None
    )


def test_the_page_loads_nothing(chromium: str, tmp_path: Path) -> None:
    """Opened in Chromium, it asks for nothing but itself and reports no error."""
    from playwright.sync_api import sync_playwright

    path = tmp_path / "page.html"
    path.write_text(render_comparison(told(), {}, lambda path: None), encoding="utf-8")
    asked: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        assert page.locator("h1").inner_text().startswith("2\xa0runs on 1,000\xa0pictures")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
