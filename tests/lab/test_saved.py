"""One file that opens offline: what it holds is Python's, what it lacks it says, and nothing is fetched."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from torch import nn

from pellucid.errors import RequestError
from pellucid.events import Event, Notice
from pellucid.lab.exploration import Exploration, exploration
from pellucid.lab.saved import canonical, save

pytestmark = pytest.mark.slow

HOSTILE = "<img src=x onerror=alert(1)></script>"
CELL = ("conv2d", 3, 5, 7)


@pytest.fixture(scope="module")
def opened() -> Exploration:
    """A small network with a picture in it."""
    pixels_HW = np.random.default_rng(0).integers(0, 256, (12, 12), dtype=np.uint8)
    return exploration("input 12x12x1; conv 4 3x3 relu; maxpool 2x2; flatten; dense 3 softmax", pixels_HW)


@pytest.fixture(scope="module")
def saved(opened: Exploration, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(opened, tmp_path_factory.mktemp("saved") / "inside.html", cells=["conv2d:3,5,7"])


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[[Path], Any]]:
    """Open a file; a request for anything else, an error, and what the policy refuses fail the test."""
    wrong: list[str] = []
    pages = []

    def open_file(path: Path) -> Any:
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        pages.append(page)
        page.set_default_timeout(30_000)  # other tests run beside it
        page.on("request", lambda request: request.url == path.as_uri() or wrong.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text))
        page.goto(path.as_uri())
        page.wait_for_selector("#inside-room[data-shown]")
        return page

    yield open_file
    for page in pages:
        page.close()
    assert wrong == []


def test_the_cell_that_was_asked_for_is_python_s(visit: Any, saved: Path, opened: Exploration) -> None:
    """The page opens with it; its value, sum and terms are those of Python."""
    page = visit(saved)
    assert page.get_attribute("#inside-room", "data-shown") == "conv2d:3,5,7"
    cell = opened.inside.cell(*CELL)
    value = page.locator(".value [data-value]").get_attribute("data-value")
    assert float(value) == pytest.approx(cell.value, abs=1e-7)
    largest = max((term.product for term in cell.worked.terms), key=abs)
    first = page.locator(".terms tbody tr").first.locator("td").last.get_attribute("data-value")
    assert float(first) == pytest.approx(largest, rel=1e-6)


def test_every_layer_opens_at_its_strongest_cell(visit: Any, saved: Path, opened: Exploration) -> None:
    """A click on a layer's first thumbnail: what the page goes to is in the file, and is Python's."""
    page = visit(saved)
    for layer in opened.inside.layers:
        thumbs = page.locator(f'section[aria-label="{layer.name}"] canvas[aria-label]')
        thumbs.click(position={"x": 8, "y": 8})
        page.wait_for_selector(f'#inside-room[data-shown^="{layer.name}:"]')
        at = page.get_attribute("#inside-room", "data-shown").partition(":")[2]
        value = np.asarray(opened.inside.value(layer.name))[tuple(map(int, at.split(",")))]
        shown = page.locator(".value [data-value]").get_attribute("data-value")
        assert float(shown) == pytest.approx(float(value), abs=1e-6)


def test_what_the_file_does_not_hold_it_says(visit: Any, saved: Path) -> None:
    """With how to put it in; the page stays alive."""
    page = visit(saved)
    page.get_by_role("button", name="Right", exact=True).click()
    wrong = page.locator("#wrong")
    wrong.wait_for()
    assert wrong.text_content() == (
        "This file does not hold that. It was saved with the strongest cell of 4 layers and 1 more; others "
        'are put into it by explore(...).save_html("inside.html", cells=["LAYER:CHANNEL,ROW,COLUMN"]), and '
        "in a notebook or by 'pellucid open' all of them can be opened."
    )
    assert page.get_attribute("#inside-room", "data-shown") == "conv2d:3,5,7"
    assert not page.get_by_text("Choose File").is_visible()


def test_axe_finds_nothing_serious(visit: Any, saved: Path) -> None:
    """As on the page that the server sends."""
    found = Axe().run(visit(saved)).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


def test_hostile_names_are_inert(visit: Any, tmp_path: Path) -> None:
    """Of classes and of the module itself, in the title, the heading and the answers."""
    named = type(HOSTILE, (nn.Sequential,), {})
    module = named(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(200, 2))
    pixels_HW = np.zeros((12, 12), np.uint8)
    page = visit(save(exploration(module, pixels_HW, (HOSTILE, "b")), tmp_path / "inside.html"))
    assert page.title() == f"Inside {HOSTILE}: your picture"
    assert page.locator("h1").first.text_content() == f"Inside {HOSTILE}"
    assert page.locator("img").count() == 0


def test_only_the_layers_that_were_asked_for_are_in_it(opened: Exploration, tmp_path: Path) -> None:
    """And those of the cells; the answers stand under the questions that the page asks."""
    told: list[Event] = []
    path = save(opened, tmp_path / "a.html", layers=["flatten"], cells=["dense:2"], listen=told.append)
    data = re.search(r'<script type="application/json" id="answers">(.*)</script>', path.read_text("utf-8"))
    assert data is not None
    store = json.loads(data[1])
    look = canonical({"kind": "inside.look", "network": opened.network, "picture": opened.picture})
    assert '"dense"' in canonical(json.loads(next(key for key in store["replies"] if '"dense"' in key)))
    assert look in store["replies"]
    asked = {json.loads(key).get("layer") for key in store["replies"]} - {None}
    assert asked == {"flatten", "dense"}
    assert store["first"] == {"layer": "dense", "cell": "2"}
    assert any(isinstance(one, Notice) and "MB and opens offline." in one.text for one in told)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"layers": ["conv2e"]}, "The network has no layer 'conv2e'."),
        ({"cells": ["conv2d:9,9,9"]}, "The layer 'conv2d' was asked for channel 9."),
        ({"cells": ["conv2d"]}, "The cell is 'conv2d'."),
    ],
)
def test_what_there_is_not_is_refused_and_nothing_is_written(
    opened: Exploration, tmp_path: Path, wanted: dict[str, list[str]], words: str
) -> None:
    """A file that is there stays as it was."""
    path = tmp_path / "inside.html"
    path.write_text("before")
    with pytest.raises(RequestError, match=re.escape(words)):
        save(opened, path, **wanted)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
