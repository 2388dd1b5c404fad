"""The page of views: which pictures are taken, that its views are training's, and that names are inert."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pellucid.data.item import Item
from pellucid.data.source import Source, open_source
from pellucid.errors import PictureError
from pellucid.pictures.augment.presets import preset
from pellucid.pictures.augment.text import augmentation
from pellucid.pictures.augment.view import View as TrainingView
from pellucid.pictures.decode import decode
from pellucid.pictures.digest import picture_digest
from pellucid.pictures.preprocess import Preprocess
from pellucid.report.views import SIDE, address, page, picked, rows, summary

HOSTILE = (
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
    "a\n\x1b[31m\u202e\udcff",
)


def png(height: int, width: int, seed: int = 0) -> bytes:
    pixels_HWC = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels_HWC).save(file, "PNG")
    return file.getvalue()


def source_of(*items: Item, data: bytes | None = None) -> Source:
    def read(index: int) -> bytes:
        return data or png(20, 30, index)

    return Source("somewhere", items, read)


def named(names: tuple[str, ...]) -> Source:
    return source_of(*(Item(f"{name}/1.jpg", name) for name in names))


class Page(HTMLParser):
    """The elements of a page with the names of their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_pictures_are_taken_evenly_from_the_classes_and_within_them() -> None:
    """Six of ten a's, two b's and five c's, of which only training's count."""
    items = [Item(f"a{n}", "a") for n in range(10)] + [Item(f"b{n}", "b", "train") for n in range(2)]
    items += [Item(f"c{n}", "c") for n in range(4)] + [Item("held out", "c", "test")]
    source = source_of(*items)
    assert [items[index].path for index in picked(source, 6)] == ["a2", "a7", "b0", "b1", "c1", "c3"]
    assert len(picked(source, 100)) == len(set(picked(source, 100))) == 16
    assert 16 not in picked(source, 100)


def test_the_views_shown_are_those_that_training_makes() -> None:
    """Seed, content and number decide; a small picture keeps its size, and is shown unchanged."""
    plan, source = preset("lecture"), source_of(Item("x.png", "x"))
    ((row,), skipped) = rows(source, plan, 1, 3, 7)
    pixels_HWC, key = decode(png(20, 30)), picture_digest(png(20, 30))
    assert skipped == []
    assert np.array_equal(row.pixels_HWC, pixels_HWC)
    for view in row.views:
        assert np.array_equal(view.pixels_HWC, plan.view(pixels_HWC, 7, key, view.number))
        assert view.said == plan.said(plan.draw(7, key, view.number))


def test_a_large_picture_is_shown_as_networks_take_it() -> None:
    """Squashed to 224 x 224, and its views are, pixel for pixel, those that such a network learns from."""
    data, plan = png(460, 300), augmentation("RandomZoom -0.5..-0.5; RandomFlip horizontal")
    ((row,), _) = rows(source_of(Item("x.png", "x"), data=data), plan, 1, 2, 5)
    seen_HWC = Preprocess(SIDE, SIDE, "squash", (127.5,) * 3, (127.5,) * 3).pixels(data)
    assert np.array_equal(row.pixels_HWC, seen_HWC)
    for view in row.views:
        learnt_HWC = TrainingView(plan, 5, view.number).of(seen_HWC, picture_digest(data))
        assert np.array_equal(view.pixels_HWC, learnt_HWC)


def test_what_cannot_be_read_is_named() -> None:
    """Damaged, and gone; the others are shown."""
    items = tuple(Item(f"{n}.png", "x") for n in range(3))

    def read(index: int) -> bytes:
        if index == 0:
            raise FileNotFoundError(2, "No such file or directory")
        return b"" if index == 1 else png(9, 9)

    found, skipped = rows(Source("s", items, read), preset("none"), 3, 1, 0)
    assert [row.path for row in found] == ["2.png"]
    assert [(one.path, one.reason) for one in skipped] == [
        ("0.png", "there is no such file"),
        ("1.png", "it is empty"),
    ]

    def refuse(index: int) -> bytes:
        raise PictureError("no")

    assert rows(Source("s", items, refuse), preset("none"), 3, 1, 0)[0] == []


def test_the_page_says_what_was_drawn_and_holds_every_view() -> None:
    """The transforms with their factors, the words of each view, and a picture for each."""
    plan, source = preset("lecture"), named(("ants", "bees"))
    shown, _ = rows(source, plan, 2, 4, 0)
    html = page("my photos", "lecture", plan, shown, 0)
    parsed = Page(html)
    assert "RandomRotation(factor=0.1)" in parsed.text
    assert "Beyond the edges: reflect." in parsed.text
    assert sum(tag == "img" for tag, _ in parsed.elements) == 2 * (1 + 4)
    for row in shown:
        for view in row.views:
            assert view.said.replace(" %", "\N{NO-BREAK SPACE}%") in parsed.text
            assert address(view.pixels_HWC) in html
    plain = page("my photos", "none", preset("none"), rows(source, preset("none"), 1, 1, 0)[0], 0)
    assert "Nothing is drawn: every view is the picture itself." in plain


def test_few_pixels_travel_without_loss_and_many_as_a_jpeg() -> None:
    """A digit is a PNG, a photograph a JPEG."""
    digit = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)
    head, code = address(digit).split(",")
    assert head == "data:image/png;base64"
    assert np.array_equal(np.array(Image.open(io.BytesIO(base64.b64decode(code)))), digit)
    assert address(np.zeros((224, 224, 3), np.uint8)).startswith("data:image/jpeg;base64,")


def test_a_name_never_becomes_markup_and_nothing_is_loaded() -> None:
    """Hostile names give the elements of harmless ones; a strict policy, no script, no address."""
    plan = preset("lecture")

    def made(names: tuple[str, ...]) -> str:
        shown, _ = rows(named(names), plan, len(names), 2, 0)
        return page(names[0], "lecture", plan, shown, 0)

    html = made(HOSTILE)
    harmless = Page(made(tuple(f"class {number}" for number in range(len(HOSTILE)))))
    parsed = Page(html)
    assert parsed.elements == harmless.elements
    assert "script" not in {tag for tag, _ in parsed.elements}
    assert "<img src=x onerror=alert(1)>" in parsed.text
    assert "{{ 7 * 7 }}" in parsed.text
    html.encode("utf-8")
    assert all(letter.isprintable() or letter in "\n\xa0" for letter in html)
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )
    assert policy in html
    bare = re.sub(r'"data:image/(jpeg|png);base64,[A-Za-z0-9+/=]+"', '""', made(("a", "b")))
    assert not re.search(r"https?:|//|@import|url\((?!#)|javascript:|\bon\w+=", bare)


def test_the_summary_holds_numbers_and_words_and_no_pixels() -> None:
    """For a program: JSON as it stands."""
    plan = preset("shift")
    shown, _ = rows(named(("ants",)), plan, 1, 2, 0)
    (told,) = summary(shown)
    assert (told["path"], told["label"]) == ("ants/1.jpg", "ants")
    assert [view["view"] for view in told["views"]] == [0, 1]
    assert told["views"][0]["drawn"] == shown[0].views[0].drawn.to_json()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_every_view_and_asks_for_nothing(tmp_path: Path, chromium: str, scheme: Any) -> None:
    """No dialog, an empty console, no request, no overflow on a phone, and the colours of the scheme."""
    from playwright.sync_api import sync_playwright

    shown, _ = rows(named(HOSTILE), preset("strong"), 4, 3, 0)
    file = tmp_path / "views.html"
    file.write_text(page(HOSTILE[0], "strong", preset("strong"), shown, 0), encoding="utf-8")
    complaints: list[str] = []
    requests: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto(file.as_uri())
        widths = tab.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        images = tab.evaluate("[...document.images].map(one => one.naturalWidth)")
        background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        browser.close()
    assert complaints == []
    assert {url for url in requests if not url.startswith("data:")} == {file.as_uri()}
    assert widths == [390, 390]
    assert images == [30] * 4 * 4
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}[scheme]


def test_a_built_in_source_has_views() -> None:
    """The digits that are shipped, a class each."""
    shown, skipped = rows(open_source("builtin:digits"), preset("shift"), 10, 1, 0)
    assert [row.label for row in shown] == list("0123456789")
    assert skipped == []
    assert shown[0].views[0].pixels_HWC.shape == (28, 28, 3)
