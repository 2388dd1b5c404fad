"""The page of a classifier, in a real browser: pictures are chosen, answered for, and told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from pellucid.run import Run

pytestmark = pytest.mark.slow


@pytest.fixture
def page(port: int, chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=chromium) as browser:
        opened = browser.new_page()
        wrong: list[str] = []
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        opened.goto(f"http://127.0.0.1:{port}/")
        yield opened
        assert wrong == [] or all("422" in one for one in wrong)


def test_pictures_are_answered_for(page: Page, run: Run, paint: Callable[..., Path], tmp_path: Path) -> None:
    """By keyboard or mouse: label, confidence, and the classes with their shares as the run has them; a file
    that is no picture is told so and stops no other, and its name is text and nothing else."""
    expect(page.locator("#model")).to_have_text("colours")
    expect(page.locator("#classes")).to_have_text("3 classes: blue, green, red")
    picture = next((paint(tmp_path / "new", 1, offset=100) / "red").glob("*.png"))
    other = tmp_path / "<img src=x onerror=alert(1)>.png"
    other.write_bytes(b"no picture")
    page.set_input_files("#files", [str(other), str(picture)])
    entries = page.locator("#answers > li")
    expect(entries).to_have_count(2)
    expect(entries.nth(0).locator("h2")).to_have_text(other.name)
    expect(entries.nth(0).locator(".wrong")).to_have_text(
        "it is not a picture that can be read (it begins with 'no picture')"
    )
    (said,) = run.predict(picture)
    assert said.confidence is not None
    expect(entries.nth(1).locator("p")).to_have_text(f"red, {100 * said.confidence:.1f} %")
    best = sorted(said.probabilities.items(), key=lambda item: -item[1])
    assert entries.nth(1).locator("th").all_inner_texts() == [name for name, _ in best]
    assert entries.nth(1).locator(".share").all_inner_texts() == [f"{100 * share:.1f} %" for _, share in best]
    expect(page.locator("#how")).to_contain_text("curl --data-binary @picture.jpg http://127.0.0.1:")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everyone_can_use_it(page: Page, paint: Callable[..., Path], tmp_path: Path, scheme: str) -> None:
    """axe finds nothing in either scheme, and at 390 pixels nothing stands beyond the edge."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_input_files("#files", [str(path) for path in paint(tmp_path / "new", 1).rglob("*.png")])
    expect(page.locator("#answers meter")).to_have_count(9)
    page.locator("summary").click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
