"""One HTML file that answers by itself: opened as a file, without a network, in a real browser."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from pellucid.export.file import export_run
from pellucid.recipe import train
from pellucid.request import TrainRequest
from pellucid.run import Run

pytestmark = pytest.mark.slow


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium) as browser:
        opened = browser.new_page()
        opened.on("request", lambda asked: asked.url.startswith(("file:", "blob:")) or pytest.fail(asked.url))
        yield opened


@pytest.mark.parametrize("which", ["run", "scratched"])
def test_it_answers_as_the_run_does(
    which: str, request: pytest.FixtureRequest, page: Page, paint, strokes: Path, tmp_path: Path
) -> None:
    """A backbone's run in colour and a network's in grey: label and share, and the proof at the opening."""
    run: Run = request.getfixturevalue(which)
    folder = paint(tmp_path / "new", 2, offset=100) if which == "run" else strokes
    exported = export_run(run, "web", tmp_path / "it.html")
    assert (exported.pictures, exported.difference) == (4, None)
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(exported.path.as_uri())
    expect(page.locator("#model")).to_have_text(run.folder.name)
    expect(page.locator("#how")).to_have_text(
        re.compile(r"Checked just now: 4 pictures are answered for as the run did, within \de-\d\.")
    )
    paths = sorted(folder.rglob("*.png"))
    paths = paths[:: len(paths) // 3][:3]
    page.set_input_files("#files", [str(path) for path in paths])
    expect(page.locator("#answers meter")).to_have_count(9)
    for entry, said in zip(page.locator("#answers > li").all(), run.predict(paths), strict=True):
        assert said.confidence is not None
        expect(entry.locator("p")).to_have_text(f"{said.label}, {100 * said.confidence:.1f} %")
    assert Axe().run(page).violations_count == 0
    assert wrong == []


def test_numbers_that_were_damaged_answer_for_nobody(scratched: Run, page: Page, tmp_path: Path) -> None:
    """What the page holds is checked against what the run said; and what is no picture is told."""
    path = export_run(scratched, "web", tmp_path / "it.html").path
    text = path.read_text("utf-8")
    numbers = re.search(r'id="numbers">"([^<]{200})', text)
    assert numbers is not None
    path.write_text(text.replace(numbers[1], numbers[1][:100] + numbers[1][:100][::-1].upper()), "utf-8")
    page.goto(path.as_uri())
    expect(page.locator("#wrong")).to_contain_text("This browser's probabilities differ from the run's by")
    (tmp_path / "none.png").write_bytes(b"none")
    path.write_text(text, "utf-8")
    page.goto(path.as_uri())
    page.set_input_files("#files", str(tmp_path / "none.png"))
    expect(page.locator("#answers .wrong")).to_have_text("It is not a picture that this browser can read.")


def test_names_are_text_and_nothing_else(
    page: Page, paint: Callable[..., Path], tiny: str, tmp_path: Path
) -> None:
    """A class that would end its element, or begin a script, is shown as it is written."""
    names = ("<!--<script>", "<img src=x onerror=alert(1)>", "a&b")
    source = paint(tmp_path / "hostile", 12, names)
    run = train(TrainRequest(source=str(source), backbone=tiny, out=tmp_path / "<b>run", fit="squash"))
    exported = export_run(run, "web", tmp_path / "it.html")
    page.goto(exported.path.as_uri())
    expect(page.locator("#model")).to_have_text("<b>run")
    expect(page.locator("#classes")).to_have_text("3 classes: " + ", ".join(sorted(names)))
    assert page.title() == "<b>run: what is on this picture?"
    assert page.locator("img[src=x]").count() == 0
