"""The room Views in a browser: by mouse and by keyboard, its views Python's pixel by pixel."""

import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from pellucid.lab.answer import answer
from pellucid.lab.views import VIEWS

pytestmark = pytest.mark.slow

Visit = Callable[..., Any]
DIGIT = "#views?picture=digits/3"
PICTURE = '#views-room .sight label:has-text("Begin with") select'
PRESET = '#views-room label:has-text("Preset") select'
TEXT = "#views-room textarea"
PIXELS = """([selector, place]) => {
  const canvas = document.querySelectorAll(selector)[place];
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [canvas.height, canvas.width, [...data.data]];
}"""


def settled(page: Any, picture: str, text: str, seed: int = 0) -> Any:
    """Wait until the room shows these views; what Python says to the same question."""
    wanted = json.dumps([picture, text, seed], separators=(",", ":"))
    page.wait_for_function(
        "wanted => document.querySelector('#views-room').dataset.shown === wanted", arg=wanted
    )
    return answer({"kind": "views.make", "picture": picture, "text": text, "seed": seed})


def check(page: Any, reply: Any) -> None:
    """Each view on the page is the sheet's, to the pixel, and its words are Python's."""
    sheet, told = np.asarray(Image.open(io.BytesIO(reply["tiles"]))), reply["sheet"]
    for number in range(VIEWS):
        height, width, data = page.evaluate(PIXELS, ["#views-room .view canvas", number])
        place = number + 1
        top = place // told["columns"] * told["height"]
        left = place % told["columns"] * told["width"]
        expected = sheet[top : top + height, left : left + width]
        assert [height, width] == told["sizes"][place]
        assert np.array_equal(np.array(data, np.uint8).reshape(height, width, 4)[..., :3], expected)
    words = [one.inner_text() for one in page.query_selector_all("#views-room .view")]
    assert words == [f"{view['number'] + 1} {view['said']}" for view in reply["views"]]


def told(page: Any, selector: str, text: str) -> None:
    page.locator(f"#views-room {selector}", has_text=text).first.wait_for()


def test_the_views_on_the_page_are_pythons(visit: Visit) -> None:
    """The lecture's plan to begin with, then a preset and a picture chosen by mouse."""
    page = visit(DIGIT)
    lecture = "RandomFlip horizontal\nRandomRotation 0.1\nRandomZoom 0.2"
    check(page, settled(page, "digits/3", lecture))
    page.select_option(PRESET, "shift")
    check(page, settled(page, "digits/3", "RandomCrop padding=1\nfill nearest"))
    page.select_option(PICTURE, "digits/8")
    check(page, settled(page, "digits/8", "RandomCrop padding=1\nfill nearest"))
    assert page.url.endswith("#views?picture=digits%2F8&preset=shift")


def test_a_slider_and_its_number_change_the_plan(visit: Visit) -> None:
    """By keyboard on the slider, by typing in the number: text, views and both controls follow."""
    page = visit(f"{DIGIT}&plan={quote('RandomRotation 0.1')}")
    settled(page, "digits/3", "RandomRotation 0.1")
    page.focus('[aria-label="RandomRotation, factor"]')
    page.keyboard.press("ArrowRight")
    check(page, settled(page, "digits/3", "RandomRotation 0.11"))
    assert page.input_value('[aria-label="RandomRotation, factor, as a number"]') == "0.11"
    assert page.evaluate("document.activeElement.type") == "range"
    page.fill('[aria-label="RandomRotation, factor, as a number"]', "0.25")
    page.keyboard.press("Enter")
    check(page, settled(page, "digits/3", "RandomRotation 0.25"))
    assert page.input_value('[aria-label="RandomRotation, factor"]') == "0.25"
    assert page.input_value(TEXT) == "RandomRotation 0.25"
    assert page.input_value(PRESET) == ""


def test_a_factor_out_of_range_is_told_and_the_views_stay(visit: Visit) -> None:
    """The sentence is the plan's own; the number is marked, and a right one takes the sentence away."""
    page = visit(f"{DIGIT}&plan={quote('RandomRotation 0.1')}")
    reply = settled(page, "digits/3", "RandomRotation 0.1")
    number = '[aria-label="RandomRotation, factor, as a number"]'
    for wrong, sentence in (("3", "RandomRotation's factor is 3.0."), ("", "is empty or no number.")):
        page.fill(number, wrong)
        page.keyboard.press("Tab")
        told(page, "#views-wrong", sentence)
        assert page.get_attribute(number, "aria-invalid") == "true"
        check(page, reply)
    page.fill(number, "0.2")
    page.keyboard.press("Tab")
    settled(page, "digits/3", "RandomRotation 0.2")
    assert page.inner_text("#views-wrong") == ""
    assert page.get_attribute(number, "aria-invalid") is None


def test_augmentations_are_added_moved_and_removed_by_keyboard(visit: Visit) -> None:
    """Each has the name of its kind on its buttons; the text follows."""
    page = visit(f"{DIGIT}&plan={quote('RandomFlip horizontal')}")
    page.focus('#views-room label:has-text("Another") select')
    page.keyboard.type("RandomErasing")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    added = "RandomErasing 1..1 scale=0.02..0.2"
    check(page, settled(page, "digits/3", f"RandomFlip horizontal\n{added}"))
    assert page.locator('[aria-label="RandomErasing, scale, to"]').count() == 1
    page.focus('[aria-label="Move up RandomErasing"]')
    page.keyboard.press("Enter")
    settled(page, "digits/3", f"{added}\nRandomFlip horizontal")
    page.select_option('#views-room .steps label:has-text("mode") select', "vertical")
    settled(page, "digits/3", f"{added}\nRandomFlip vertical")
    page.click('[aria-label="Remove RandomErasing"]')
    check(page, settled(page, "digits/3", "RandomFlip vertical"))
    page.select_option('#views-room label:has-text("Beyond the edges") select', "nearest")
    settled(page, "digits/3", "RandomFlip vertical\nfill nearest")


def test_every_one_of_quick_clicks_counts(visit: Visit) -> None:
    """Four augmentations are added by four clicks; of a window of another size no command is told."""
    page = visit(f"{DIGIT}&plan={quote('RandomCrop 10 40')}")
    settled(page, "digits/3", "RandomCrop 10 40")
    told(page, ".shown", "Training refuses such views: the picture is 28x28, they are 10x40")
    assert page.locator("#views-room .shown code").count() == 0
    page.click('[aria-label="Remove RandomCrop"]')
    settled(page, "digits/3", "")
    told(page, ".shown", "Learn from such views: pellucid train PICTURES --augment")
    page.select_option('#views-room label:has-text("Another") select', "RandomGrayscale")
    page.evaluate(
        """() => {
          const all = [...document.querySelectorAll("#views-room button")];
          const add = all.find((one) => one.textContent === "Add");
          for (let count = 0; count < 4; count += 1) add.click();
        }"""
    )
    settled(page, "digits/3", "\n".join(["RandomGrayscale 0.5"] * 4))


def test_the_text_is_written_and_its_slips_are_told(visit: Visit) -> None:
    """With line and column, and a button that leads there; hostile text is text."""
    page = visit(DIGIT)
    page.focus(TEXT)
    page.keyboard.press("Control+a")
    page.keyboard.type("RandomZoom 0.2\nRandomRotation 3")
    told(page, "#views-wrong", "Line 2, column 16: RandomRotation's factor is 3.")
    assert page.get_attribute(TEXT, "aria-invalid") == "true"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.type("0.3")
    check(page, settled(page, "digits/3", "RandomZoom 0.2\nRandomRotation 0.3"))
    page.fill(TEXT, "<img src=x onerror=alert(1)>")
    told(page, "#views-wrong", "Line 1, column 1: there is no augmentation '<img'.")
    assert page.locator("#views-room img").count() == 0


def test_a_view_is_chosen_by_arrows_and_opened(visit: Visit) -> None:
    """Its words, its matrix with four digits and with all, and its number in the address."""
    page = visit(f"{DIGIT}&plan={quote('RandomRotation 0.1')}")
    reply = settled(page, "digits/3", "RandomRotation 0.1")
    page.click("#views-room .view >> nth=0")
    for key in ("ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    chosen = page.locator('#views-room [aria-selected="true"]')
    number = int(chosen.locator("b").inner_text())
    assert number > 2
    assert page.evaluate("document.activeElement.getAttribute('aria-selected')") == "true"
    view = reply["views"][number - 1]
    told(page, ".opened h2", f"One view: {number}")
    told(page, ".words", view["warp"]["told"].capitalize())
    titles = [one.get_attribute("title") for one in page.query_selector_all("#views-room .matrix .formula")]
    assert [[float(part) for part in title.split(", ")] for title in titles] == view["warp"]["matrix"]
    assert page.url.endswith(f"&view={number}")
    page.fill(TEXT, "RandomHue 0.5")
    told(page, ".matrix", "No pixel moves: this plan changes values only.")


def test_another_seed_draws_other_views(visit: Visit) -> None:
    """By its button and by its number; what is no seed is 0."""
    page = visit(f"{DIGIT}&plan={quote('RandomRotation 0.1')}")
    page.click('#views-room button:has-text("Other views")')
    check(page, settled(page, "digits/3", "RandomRotation 0.1", 1))
    page.fill('#views-room label:has-text("Seed") input', "77")
    page.keyboard.press("Tab")
    check(page, settled(page, "digits/3", "RandomRotation 0.1", 77))
    page.fill('#views-room label:has-text("Seed") input', "-5")
    page.keyboard.press("Tab")
    settled(page, "digits/3", "RandomRotation 0.1", 0)


def test_the_address_brings_a_view_back(visit: Visit) -> None:
    """Picture, plan, seed and view; what is wrong in it is left out."""
    plan = "RandomErasing 1..1 scale=0.1..0.2\nfill constant 9"
    page = visit(f"#views?picture=digits/7&plan={quote(plan)}&seed=5&view=4")
    check(page, settled(page, "digits/7", plan, 5))
    told(page, ".opened h2", "One view: 4")
    page = visit("#views?picture=digits/99&preset=nothing&seed=x&view=99")
    lecture = "RandomFlip horizontal\nRandomRotation 0.1\nRandomZoom 0.2"
    settled(page, "clipart/animals/beagle-copper-ganson.jpg", lecture)
    assert page.url.endswith("#views?view=12")


def png(pixels: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_a_persons_own_picture(visit: Visit) -> None:
    """Given as a file; its views are Python's, and its name is text whatever it is."""
    page = visit("#views?preset=light")
    data = png(np.random.default_rng(0).integers(0, 256, (20, 30, 3)))
    name = "<img src=x onerror=alert(1)>.png"
    page.set_input_files(
        '#views-room input[type="file"]', {"name": name, "mimeType": "image/png", "buffer": data}
    )
    told(page, ".drop", name)
    page.wait_for_selector('#views-room[data-shown*="own-"]')
    picture, text, seed = json.loads(page.get_attribute("#views-room", "data-shown"))
    reply = answer({"kind": "views.make", "picture": picture, "text": text, "seed": seed})
    assert reply["sheet"]["sizes"][0] == [20, 30]
    check(page, reply)
    assert page.locator("#views-room img").count() == 0
    page.set_input_files(
        '#views-room input[type="file"]', {"name": "a.png", "mimeType": "image/png", "buffer": b"GIF89a"}
    )
    told(page, ".drop .wrong", "The picture cannot be read")
    check(page, reply)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visit, scheme: str) -> None:
    """Wide and narrow, with every kind of control and with a mistake; nothing runs out of the page."""
    from axe_playwright_python.sync_playwright import Axe

    page = visit(f"{DIGIT}&preset=strong", color_scheme=scheme)
    page.fill('[aria-label="RandomHue, factor, as a number"]', "7")
    page.keyboard.press("Tab")
    told(page, "#views-wrong", "RandomHue's factor is 7.0.")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page).response["violations"]
        assert [one for one in found if one["impact"] in ("serious", "critical")] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
