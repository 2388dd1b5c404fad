"""The room Run in a browser: figures, matrix and pictures of a run, and curves that grow while it learns."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pellucid.lab.answer import answer
from pellucid.lab.place import HERE
from pellucid.learn.unfinished import Unfinished
from pellucid.request import TrainRequest

pytestmark = pytest.mark.slow

Visit = Callable[..., Any]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def home(tmp_path: Path, _workshop: Path) -> Iterator[Path]:
    """The folder where the lab is opened, with one run from scratch."""
    (tmp_path / "home" / "runs").mkdir(parents=True)
    shutil.copytree(_workshop / "run", tmp_path / "home" / "runs" / "one")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HERE, "folder", tmp_path / "home")
        patch.setattr(HERE, "network", None)
        yield tmp_path / "home"


def told(page: Any, selector: str, text: str) -> None:
    page.locator(f"#run-room {selector}", has_text=text).first.wait_for()


def shown(page: Any, run: str) -> Any:
    """Wait until the run is shown; what Python says of it."""
    page.wait_for_selector(f'#run-room[data-shown="{run}"]')
    return answer({"kind": "runs.show", "run": run})


def counts(page: Any) -> list[int]:
    return [int(one.get_attribute("data-value")) for one in page.query_selector_all("#run-room td[data-at]")]


def test_the_figures_on_the_page_are_pythons(visit: Visit, home: Path) -> None:
    """Accuracy, interval, ladder, curves, matrix, the sentence on confidence, and how it was made."""
    page = visit("#run")
    reply = shown(page, "runs/one")
    assert page.inner_text("#run-room .answer strong") == reply["test"]["told"]
    told(page, ".answer", reply["test"]["span"])
    for one in reply["stages"]:
        told(page, ".figures tr", one["right"])
    drawn = page.eval_on_selector_all(
        '#run-room circle[data-key="val_loss"]', "all => all.map(one => Number(one.dataset.value))"
    )
    assert drawn == [one["val_loss"] for one in reply["curves"]["epochs"]]
    page.click("#run-room .curves summary")
    cells = page.eval_on_selector_all(
        "#run-room .curves tbody tr",
        "rows => rows.map(row => [...row.cells].slice(1).map(one => one.textContent))",
    )
    assert cells == [one["told"] for one in reply["curves"]["epochs"]]
    assert counts(page) == [count for row in reply["confusion"]["counts"] for count in row]
    told(page, ".believed", reply["calibration"]["told"])
    for word, text in reply["head"]:
        told(page, ".making tr", word)
        told(page, ".making tr", text)


def wrong_cell(reply: Any) -> tuple[int, int, int]:
    """A cell of the matrix that holds mistakes: row, column, count; else the first that is right."""
    for row, line in enumerate(reply["confusion"]["counts"]):
        for column, count in enumerate(line):
            if row != column and count:
                return row, column, count
    return 0, 0, reply["confusion"]["counts"][0][0]


def test_a_cell_is_opened_by_keyboard_and_its_pictures_lead_inside(
    visit: Visit, home: Path, _workshop: Path
) -> None:
    """Arrows move, Enter opens; a picture is a link, and Inside shows that very picture."""
    page = visit("#run")
    reply = shown(page, "runs/one")
    row, column, count = wrong_cell(reply)
    page.focus('#run-room td[tabindex="0"]')
    for key in ["ArrowDown"] * row + ["ArrowRight"] * column:
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.dataset.at") == f"{row},{column}"
    page.keyboard.press("Enter")
    names = reply["confusion"]["classes"]
    told(page, ".pictures h2", f"{names[row]} taken for {names[column]}: {count} picture")
    assert page.evaluate("document.activeElement.textContent").startswith(names[row])
    assert page.url.endswith(f"#run?cell={row},{column}")
    found = answer({"kind": "runs.cell", "run": "runs/one", "truth": row, "said": column})
    links = page.locator("#run-room .pictures:not(.worst) a")
    assert [int(one.get_attribute("data-row")) for one in links.all()] == [
        one["row"] for one in found["pictures"]
    ]
    links.first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#inside[data-ready]", timeout=30_000)
    assert "network=run%2Fruns%2Fone" in page.url
    assert f"picture=run%2Fruns%2Fone%23{found['pictures'][0]['row']}" in page.url
    told_of = answer(
        {
            "kind": "inside.look",
            "network": "run/runs/one",
            "picture": f"run/runs/one#{found['pictures'][0]['row']}",
        }
    )
    assert told_of["height"] == 12
    assert page.inner_text("#wrong") == ""


def test_a_cell_is_opened_by_mouse_and_from_an_address(visit: Visit, home: Path) -> None:
    """The address brings run and cell back; what is wrong in it is left out."""
    page = visit("#run?run=runs/one&cell=1,1")
    told(page, ".pictures h2", "slanted taken for slanted")
    page.click('#run-room td[data-at="0,0"]')
    told(page, ".pictures h2", "lying taken for lying")
    assert page.get_attribute('#run-room td[data-at="0,0"]', "aria-selected") == "true"
    page = visit("#run?run=runs/one&cell=7,7")
    shown(page, "runs/one")
    assert page.url.endswith("#run")


def test_more_pictures_of_a_cell(visit: Visit, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few at a time, each once, as often as one asks."""
    monkeypatch.setattr("pellucid.lab.runs.PAGE", 2)
    monkeypatch.setattr("pellucid.lab.runs.WORST", 2)
    total = answer({"kind": "runs.cell", "run": "runs/one", "truth": 0, "said": 0})["total"]
    page = visit("#run?cell=0,0")
    links = page.locator("#run-room .pictures:not(.worst) a")
    for count in range(2, total, 2):
        page.wait_for_function(
            "count => document.querySelectorAll('#run-room .pictures:not(.worst) a').length === count",
            arg=count,
        )
        page.click(f'#run-room button:has-text("Show more ({total - count} left)")')
    page.wait_for_selector('#run-room button:has-text("Show more")', state="detached")
    assert len({one.get_attribute("data-row") for one in links.all()}) == links.count() == total


def test_the_worst_mistakes(visit: Visit, home: Path) -> None:
    """The surest first, as Python has them."""
    page = visit("#run")
    reply = shown(page, "runs/one")
    if not reply["worst"]["total"]:
        told(page, ".worst", "It made none on its test pictures.")
        return
    page.wait_for_selector("#run-room .worst li")
    rows = [int(one.get_attribute("data-row")) for one in page.locator("#run-room .worst a").all()]
    assert rows == reply["worst"]["rows"]


def test_a_run_is_chosen_by_keyboard(visit: Visit, home: Path) -> None:
    """The newest is shown first; typing in the chooser shows another, and the address says so."""
    shutil.copytree(home / "runs" / "one", home / "runs" / "two")
    page = visit("#run")
    first = page.get_attribute("#run-room", "data-shown")
    other = "runs/one" if first == "runs/two" else "runs/two"
    page.focus("#run-room select")
    page.keyboard.type(other)
    shown(page, other)
    page.wait_for_function("name => location.hash.includes(name)", arg=quote(other, safe=""))


def epoch(number: int) -> dict[str, Any]:
    return {
        "event": "epoch",
        "epoch": number,
        "loss": 2 / number,
        "accuracy": 1 - 0.5 / number,
        "val_loss": 2.1 / number,
        "val_accuracy": 1 - 0.6 / number,
        "weights": "last",
        "rate": 0.1,
        "seconds": 1.5,
        "pictures_per_second": 100.0,
    }


def points(page: Any) -> list[float]:
    values: list[float] = page.eval_on_selector_all(
        '#run-room circle[data-key="val_loss"]', "all => all.map(one => Number(one.dataset.value))"
    )
    return values


def until(page: Any, count: int) -> None:
    page.wait_for_function(
        "count => document.querySelectorAll('#run-room circle[data-key=\"val_loss\"]').length === count",
        arg=count,
    )


def test_the_curves_grow_while_a_training_runs(visit: Visit, home: Path) -> None:
    """From no run at all: it appears when it begins, a point an epoch, and the run when it is there."""
    shutil.move(home / "runs" / "one", home.parent / "done")
    page = visit("#run")
    told(page, "", f"There is no run below {home} yet.")
    told(page, ".formula", "pellucid train builtin:digits")
    unfinished = Unfinished(home / "runs" / "mine")
    unfinished.begin(TrainRequest(source="builtin:digits", network="digits-convnet", epochs=3), "0" * 32)
    told(page, ".curves", "Epoch 1 of 3 is under way")
    assert page.locator("#run-room select").input_value() == "runs/mine.unfinished"
    lines = []
    for number in (1, 2, 3):
        lines.append(epoch(number))
        unfinished.tell(lines)
        until(page, number)
        assert points(page) == [one["val_loss"] for one in lines]
    told(page, ".curves", "3 epochs of 3 done")
    shutil.move(home.parent / "done", home / "runs" / "mine")
    unfinished.remove()
    reply = shown(page, "runs/mine")
    until(page, len(reply["curves"]["epochs"]))
    told(page, ".answer", reply["test"]["right"])
    assert page.locator("#run-room select").input_value() == "runs/mine"


def test_a_page_that_nobody_sees_asks_nothing(visit: Visit, home: Path) -> None:
    """Hidden, it stops; seen again, it asks at once; in another room it stops too."""
    unfinished = Unfinished(home / "runs" / "mine")
    unfinished.begin(TrainRequest(source="builtin:digits", network="digits-convnet"), "0" * 32)
    page = visit("#run")
    told(page, ".curves", "Epoch 1 is under way")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.wait_for_timeout(1500)
    assert any("runs.watch" in one for one in asked)
    hide = "hidden => { Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden}); }"
    page.evaluate(hide, True)
    page.wait_for_timeout(300)
    asked.clear()
    unfinished.tell([epoch(1)])
    page.wait_for_timeout(2500)
    assert asked == []
    page.evaluate(hide, False)
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    until(page, 1)
    page.click('nav [data-room="filters"]')
    page.wait_for_selector("#filters[data-ready]")
    asked.clear()
    page.wait_for_timeout(2500)
    assert not any("runs." in one for one in asked)


def test_a_training_that_was_deleted_is_told(visit: Visit, home: Path) -> None:
    """And the page goes on."""
    unfinished = Unfinished(home / "runs" / "mine")
    unfinished.begin(TrainRequest(source="builtin:digits", network="digits-convnet"), "0" * 32)
    page = visit("#run")
    told(page, ".curves", "Epoch 1 is under way")
    unfinished.remove()
    told(page, ".curves", "The training is gone: its folder was deleted.")
    page.click('#run-room button:has-text("Look again")')
    page.select_option("#run-room select", "runs/one")
    shown(page, "runs/one")


def renamed(run: Path, classes: list[str], source: Path) -> None:
    """The run as if its classes and its files had these names."""
    import hashlib

    record = json.loads((run / "run.json").read_text())
    old = record["classes"]
    record["classes"] = classes
    record["source"]["name"] = str(source)
    for name in ("predictions.csv", "splits.csv"):
        with (run / name).open(newline="") as file:
            table = list(csv.reader(file))
        label = table[0].index("label")
        for row in table[1:]:
            row[0] = row[0].replace("lying/00", "lying/\n\"'<b>00")
            row[label] = classes[old.index(row[label])]
            if name == "predictions.csv":
                row[label + 1] = classes[old.index(row[label + 1])]
        with (run / name).open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(table)
        data = (run / name).read_bytes()
        record["files"][name] = hashlib.blake2b(data, digest_size=16).hexdigest()
    (run / "run.json").write_text(json.dumps(record))


def test_hostile_names_are_text(visit: Visit, home: Path, _workshop: Path) -> None:
    """HTML in a class, newlines, quotes and tags in a file's name: shown, and nothing in them acts."""
    source = Path(shutil.copytree(_workshop / "strokes", home / "strokes"))
    (source / "lying" / "00.png").rename(source / "lying" / "\n\"'<b>00.png")
    renamed(home / "runs" / "one", [HOSTILE, "a\nb\u202e", "c" * 300], source)
    page = visit("#run?cell=0,0")
    shown(page, "runs/one")
    told(page, ".confusion th", HOSTILE)
    told(page, ".confusion th", "a\\nb\\u202e")
    told(page, ".pictures h2", f"{HOSTILE} taken for {HOSTILE}")
    page.wait_for_selector("#run-room .pictures li")
    assert page.locator("#run-room img, #run-room b b, #run-room .path *").count() == 0
    assert page.locator("#run-room .gone").count() == 0
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    rows = answer({"kind": "runs.show", "run": "runs/one"})["worst"]["rows"]
    found = answer({"kind": "runs.pictures", "run": "runs/one", "rows": rows[:1]})
    assert all(one["gone"] == "" for one in found["pictures"])


def test_pictures_that_are_gone_are_told(visit: Visit, home: Path) -> None:
    """In the place of each, and the page goes on."""
    record = json.loads((home / "runs" / "one" / "run.json").read_text())
    record["source"]["name"] = str(home / "nowhere")
    (home / "runs" / "one" / "run.json").write_text(json.dumps(record))
    page = visit("#run?cell=0,0")
    told(page, ".gone", "the picture is no longer where the run found it")
    assert page.locator("#run-room .pictures a").count() == 0


def test_a_damaged_run_gets_a_sentence_and_the_page_lives(visit: Visit, home: Path) -> None:
    """What is sound is shown; what is not JSON is told; another run can be chosen."""
    two = Path(shutil.copytree(home / "runs" / "one", home / "runs" / "two"))
    (two / "predictions.csv").write_text("x")
    page = visit("#run?run=runs/two")
    told(page, ".wrong", "predictions.csv is not the file that training wrote")
    assert counts(page)
    page.click('#run-room td[data-at="0,0"]')
    page.locator("#wrong", has_text="predictions.csv is not the file that training wrote").wait_for()
    (two / "run.json").write_text("[")
    page = visit("#run?run=runs/two")
    page.locator("#wrong", has_text="run.json is not JSON").wait_for()
    page.select_option("#run-room select", "runs/one")
    shown(page, "runs/one")
    page.wait_for_selector("#wrong", state="hidden")
    page = visit(f"#run?run={quote('../' + HOSTILE)}")
    page.locator("#wrong", has_text=f"There is no run '../{HOSTILE}' here.").wait_for()
    page.select_option("#run-room select", "runs/one")
    shown(page, "runs/one")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visit, home: Path, scheme: str) -> None:
    """With a cell open, wide and narrow; and a training under way."""
    from axe_playwright_python.sync_playwright import Axe

    unfinished = Unfinished(home / "runs" / "mine")
    unfinished.begin(TrainRequest(source="builtin:digits", network="digits-convnet"), "0" * 32)
    unfinished.tell([epoch(1), epoch(2)])
    for address in ("#run?run=runs/one&cell=0,0", "#run"):
        page = visit(address, color_scheme=scheme)
        if "one" in address:
            page.wait_for_selector("#run-room .pictures li")
        else:
            until(page, 2)
        page.eval_on_selector_all("#run-room details", "all => all.forEach(one => { one.open = true; })")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            found = Axe().run(page).response["violations"]
            assert [one for one in found if one["impact"] in ("serious", "critical")] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
