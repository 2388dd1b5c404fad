"""The page in a browser: both rooms by mouse and by keyboard, its numbers Python's, nothing from outside."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pellucid.lab.answer import answer
from pellucid.lab.classtest import network_of
from pellucid.lab.nine import FILTERS, NINE
from pellucid.network.account import account
from pellucid.network.catalogue import NETWORKS

pytestmark = pytest.mark.slow

Visit = Callable[..., Any]
NINTHS = {
    "loopy": "-1 9 -1 -5 1 -3 -3 3 -3 -5 -1 -5 -3 -5 -3",
    "vertical": "5 -5 5 5 -5 7 3 -3 7 1 1 5 3 1 3",
    "diagonal": "1 -5 1 1 -1 -1 3 -3 -1 1 1 5 -1 9 -1",
}


def values(page: Any, host: str) -> list[float]:
    """The numbers of a grid, with all their digits, row by row."""
    return [
        float(one.get_attribute("data-value")) for one in page.query_selector_all(f"#{host} [data-value]")
    ]


def cell(host: str, row: int, column: int) -> str:
    return f'#{host} [data-at="{row},{column}"]'


def until(page: Any, host: str, wanted: list[float]) -> None:
    """Wait until a grid shows these numbers; where it does not, say what it shows."""
    try:
        page.wait_for_function(
            "([host, wanted]) => JSON.stringify([...document.querySelectorAll(`#${host} [data-value]`)]"
            ".map(one => Number(one.dataset.value))) === JSON.stringify(wanted)",
            arg=[host, wanted],
        )
    except Exception:
        assert values(page, host) == wanted
        raise


def told(page: Any, selector: str, text: str) -> None:
    """Wait until an element holds this text."""
    page.locator(selector, has_text=text).first.wait_for()


@pytest.mark.parametrize("name", NINTHS)
def test_the_fifteen_cells_of_each_feature_map(visit: Visit, name: str) -> None:
    """Chosen by mouse: each cell is FACTS.md's ninths, and is written with four digits."""
    page = visit()
    page.select_option("#filter", name)
    wanted = [int(number) for number in NINTHS[name].split()]
    until(page, "map", [number / 9 for number in wanted])
    shown = [one.inner_text() for one in page.query_selector_all("#map [data-at]")]
    assert [float(text) for text in shown] == [float(f"{number / 9:.4g}") for number in wanted]


def test_relu_and_pooling(visit: Visit) -> None:
    """FACTS.md: 0 1 0 / 0 .11 0 / 0 .33 0 / 0 / 0, pooled 1 1 / .33 .33 / .33 .33 / 0 0."""
    page = visit()
    third = 3 / 9
    until(page, "relu", [0, 1, 0, 0, 1 / 9, 0, 0, third, 0, 0, 0, 0, 0, 0, 0])
    until(page, "pooled", [1, 1, third, third, third, third, 0, 0])
    page.select_option("#example", "numbers")
    until(page, "pooled", [8, 9, 3, 2])
    page.select_option("#pool", "average")
    until(page, "pooled", [4, 4.5, 2, 0.75])


def test_the_slides_errors_are_pointed_out_at_their_cells(visit: Visit) -> None:
    """Four cells carry a mark and a sentence; with another filter there is none."""
    page = visit()
    assert page.locator("#map .noted").count() == 4
    assert "The slides print -0.22 here. It is -5/9 = -0.56." in page.inner_text("#errata")
    page.click(cell("map", 4, 1))
    told(page, "#told", "exactly -5/9. After ReLU: 0. The slides leave this cell out.")
    page.select_option("#filter", "vertical")
    page.wait_for_selector("#map .noted", state="detached")
    assert page.inner_text("#errata") == ""


def test_a_cell_by_mouse_opens_its_arithmetic(visit: Visit) -> None:
    """Terms, products, sum and mean; the patch is framed on the picture; the address names the cell."""
    page = visit()
    page.click(cell("map", 0, 0))
    text = page.inner_text("#arithmetic")
    assert "(-1)*1 + 1*1 + 1*1 + (-1)*1 + 1*(-1) + (-1)*1 + (-1)*1 + 1*1 + 1*1" in text
    page.click(cell("map", 0, 1))
    told(page, "#arithmetic", "The mean of 9: 9 / 9 = 1")
    framed = page.eval_on_selector_all("#picture .in", "cells => cells.map(one => one.dataset.at)")
    assert framed == [f"{row},{column}" for row in range(3) for column in (1, 2, 3)]
    assert page.url.endswith("#filters?cell=map:0,1")
    page.click(cell("pooled", 1, 1))
    told(page, "#arithmetic", "The largest of 0.1111, 0, 0.3333, 0 is 0.3333")
    assert page.locator("#relu .marked").get_attribute("data-at") == "2,1"


def test_filters_by_keyboard_alone(visit: Visit) -> None:
    """Tab to the picture, arrows and Space turn a cell over; the map answers; arrows move in the map too."""
    page = visit()
    page.focus("#example")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.at") == "0,0"
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", " "):
        page.keyboard.press(key)
    turned = np.array(NINE)
    turned[1, 2] = 1
    reply = answer({"kind": "filters.map", "picture": [turned.tolist()], "filter": [FILTERS[0].small]})
    until(page, "map", [value for row in reply["map"] for value in row])
    assert page.evaluate("document.activeElement.dataset.at") == "1,2"
    told(page, "#rote-answer", "It says: no nine. 34 of 35 cells are as they must be.")
    page.focus('#map [tabindex="0"]')
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    told(page, "#cell-title", "Feature map, row 2, column 3")
    page.focus('#kernel [tabindex="0"]:visible')
    page.keyboard.press("+")
    assert page.input_value("#filter") == "own"
    told(page, "#kernel", "2")
    page.focus('[data-shift="0,1"]')
    page.keyboard.press("Enter")
    told(page, "#rote-answer", "It says: no nine.")


def test_shifting_fools_the_comparison_and_not_the_filter(visit: Visit) -> None:
    """By mouse: on larger paper, one column to the right, the best cell is 1 one column further."""
    page = visit("#filters?example=roomy")
    told(page, "#rote-answer", "It says: a nine.")
    before = values(page, "map")
    page.click('[data-shift="0,1"]')
    told(page, "#rote-answer", "It says: no nine.")
    told(page, "#rote-filter", "The loopy filter still finds the loop whole")
    after = values(page, "map")
    assert after.index(1) == before.index(1) + 1
    page.click("#reset")
    told(page, "#rote-answer", "It says: a nine. 35 of 35")
    until(page, "map", [int(number) / 9 for number in NINTHS["loopy"].split()])


def test_step_play_and_pause_fill_the_map(visit: Visit) -> None:
    """Step shows a cell at a time; Play goes on by itself; Pause stops it; Show all ends it."""
    page = visit()
    page.click("#step")
    until(page, "map", [-1 / 9])
    until(page, "relu", [0])
    assert values(page, "pooled") == []
    page.focus("#step")
    page.keyboard.press("Enter")
    until(page, "map", [-1 / 9, 1])
    page.select_option("#speed", "150")
    page.click("#play")
    assert page.inner_text("#play") == "Pause"
    page.wait_for_function("() => document.querySelectorAll('#map [data-value]').length >= 5")
    assert len(values(page, "pooled")) >= 1
    page.click("#play")
    paused = len(values(page, "map"))
    page.wait_for_timeout(400)
    assert len(values(page, "map")) == paused < 15
    page.click("#all")
    page.wait_for_function("() => document.querySelectorAll('#map [data-value]').length === 15")


def test_nothing_plays_where_little_motion_is_asked_for(visit: Visit) -> None:
    """Play is off and says why; Step works."""
    page = visit(reduced_motion="reduce")
    assert page.is_disabled("#play")
    assert page.is_visible("#still")
    page.click("#step")
    until(page, "map", [-1 / 9])


def test_size_stride_padding_and_sum(visit: Visit) -> None:
    """Each choice is Python's answer to the same question; padding is drawn; what does not fit is said."""
    page = visit("#filters?size=5&stride=2&padding=same&take=sum&cell=map:0,0")
    reply = answer(
        {
            "kind": "filters.map",
            "picture": [NINE],
            "filter": [FILTERS[0].large],
            "stride": 2,
            "padding": "same",
            "take": "sum",
        }
    )
    until(page, "map", [value for row in reply["map"] for value in row])
    (top, bottom), (left, right) = reply["pads"]
    padding = (7 + top + bottom) * (5 + left + right) - 35
    assert page.locator("#picture .pad").count() == padding
    page.select_option("#padding", "valid")
    page.select_option("#stride", "3")
    told(page, "#pool-told", "A window of 2x2 does not fit on a map of 1x1.")


def test_the_address_brings_a_view_back(visit: Visit) -> None:
    """One's own drawing, one's own filter and the chosen cell, in a page that has seen none of it."""
    page = visit()
    page.click(cell("picture", 6, 4))
    page.click('#kernel figure:not([hidden]) [data-at="1,1"]')
    page.click(cell("map", 4, 2))
    told(page, "#cell-title", "row 5, column 3")
    fresh = visit("#" + page.url.partition("#")[2])
    assert values(fresh, "picture") == values(page, "picture")
    assert values(fresh, "map") == values(page, "map")
    assert fresh.inner_text("#arithmetic") == page.inner_text("#arithmetic")


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("filter=zzz&stride=77&cell=map:99,99", "#filters"),
        ("picture=1,2:3&weights=1,2:3&example=none&cell=<img>", "#filters"),
        ("window=4&cell=pool:9,9", "#filters?window=4"),
    ],
)
def test_what_an_address_has_wrong_is_left_out(visit: Visit, address: str, kept: str) -> None:
    """The room opens with what is right in it, and the address says so."""
    page = visit(f"#filters?{address}")
    until(page, "map", [int(number) / 9 for number in NINTHS["loopy"].split()])
    assert page.url.partition("/#")[2] == kept.removeprefix("#")
    told(page, "#cell-title", "Feature map, row 1, column 1")


def png(pixels: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, "PNG")
    return file.getvalue()


def give(page: Any, name: str, data: bytes) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": data})


def test_a_persons_picture_in_colour_and_grey(visit: Visit) -> None:
    """Three slices, 27 products, one sum that is Python's; in grey one slice; by keyboard the cell moves."""
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (14, 16, 3))
    page = visit()
    give(page, "mine.png", png(pixels_HWC))
    told(page, "#file-told", "mine.png, at 14x16.")
    told(page, "#arithmetic", "blue products")
    weights = [FILTERS[0].small] * 3
    question = {"picture": pixels_HWC.transpose(2, 0, 1).tolist(), "filter": weights}
    page.focus("#map canvas")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    told(page, "#cell-title", "row 2, column 2")
    total = answer({"kind": "filters.cell", "cell": [1, 1], **question})["sum"]
    told(page, "#arithmetic", f"The mean of 27: {total:,.0f} / 27")
    page.click("#picture canvas", position={"x": 14 * 8 + 3, "y": 14 * 6 + 3})
    told(page, "#cell-title", "row 6, column 8")
    page.select_option("#colour", "grey")
    told(page, "#picture-size", "14x16")
    told(page, "#arithmetic", "The mean of 9:")


def test_a_picture_is_dropped(visit: Visit) -> None:
    """As with the file dialog; dropped beside its place it does not replace the page."""
    page = visit()
    drop = """([selector, bytes]) => {
      const given = new DataTransfer();
      given.items.add(new File([new Uint8Array(bytes)], "dropped.png", {type: "image/png"}));
      for (const name of ["dragover", "drop"]) document.querySelector(selector).dispatchEvent(
        new DragEvent(name, {dataTransfer: given, bubbles: true, cancelable: true}));
    }"""
    data = list(png(np.zeros((9, 9, 3))))
    page.evaluate(drop, ["#rote", data])
    page.evaluate(drop, ["#drop", data])
    told(page, "#file-told", "dropped.png, at 9x9.")


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        (
            "drawing.png",
            b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
            "it is an SVG drawing",
        ),
        ("page.png", b"<!doctype html><img src=x onerror=alert(1)>", "it is not a picture that can be read"),
        ("<img src=x onerror=alert(1)>.png", b"GIF89a", "The picture cannot be read"),
        ("empty.png", b"", "The file is empty"),
        ("huge.png", b"\xff" * 25_000_001, "at most 25 MB can be looked at"),
    ],
)
def test_a_hostile_picture_gets_a_sentence_and_the_page_lives(
    visit: Visit, name: str, data: bytes, reason: str
) -> None:
    """The reason stands at the picture, as text; the nine goes on answering."""
    page = visit()
    if len(data) > 10**6:  # too large for Playwright's own wire
        page.evaluate(
            "size => { const given = new DataTransfer();"
            "given.items.add(new File([new Uint8Array(size)], 'a.png'));"
            "const input = document.querySelector('#file'); input.files = given.files;"
            "input.dispatchEvent(new Event('change')); }",
            len(data),
        )
    else:
        give(page, name, data)
    told(page, "#file-told.wrong", reason)
    assert page.locator("#file-told *").count() == 0
    page.select_option("#filter", "vertical")
    until(page, "map", [int(number) / 9 for number in NINTHS["vertical"].split()])


def test_a_picture_of_20000_a_side_is_refused_on_the_page(visit: Visit, bomb: Callable[[int], bytes]) -> None:
    """A hundred bytes that claim 400 million pixels."""
    page = visit()
    give(page, "large.png", bomb(20_000))
    told(page, "#file-told.wrong", "20000 x 20000 pixels is more than the limit of 134,217,728")


def test_a_server_that_is_gone_is_told(visit: Visit) -> None:
    """A question that cannot be sent leaves the page with a sentence, and the next one takes it away."""
    page = visit()
    page.route("**/answer", lambda route: route.abort())
    page.select_option("#stride", "2")
    told(page, "#wrong", "Pellucid does not answer. If it was closed, start it again: pellucid open")
    page.unroute("**/answer")
    page.select_option("#stride", "1")
    page.wait_for_selector("#wrong", state="hidden")


def test_the_network_table_is_the_account(visit: Visit) -> None:
    """Every row of the digits convnet: output, arithmetic, parameters, multiply-adds; and the total."""
    page = visit("#network")
    rows = [row.inner_text().split("\t") for row in page.query_selector_all("#table tr")]
    assert rows[1][:3] == ["input", "", "28x28x1"]
    for row, one in zip(rows[2:-1], NETWORKS["digits-convnet"].account().rows, strict=True):
        output = (
            "x".join(map(str, one.output_shape)) if len(one.output_shape) > 1 else f"{one.output_shape[0]:,}"
        )
        counts = [f"{one.parameters:,}", f"{one.macs:,}"]
        assert row[:6] == [one.name, one.text, output, one.arithmetic, *counts]
    assert rows[-1][4] == "104,202"
    assert "conv2d_1 11x11x64" in page.get_attribute("#volumes svg", "aria-label")


def test_a_network_is_written_by_keyboard(visit: Visit) -> None:
    """The table follows; a slip is told with its line and column, and a button leads to it."""
    page = visit("#network")
    page.focus("#text")
    page.keyboard.press("Control+a")
    page.keyboard.type("input 8x8x1\nconv 1 2x2 relu stride=2\nflaten")
    told(page, "#text-wrong", "Line 3, column 1: there is no layer 'flaten'.")
    assert page.get_attribute("#text", "aria-invalid") == "true"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.type("flatten")
    told(page, "#table", "flatten")
    page.wait_for_selector("#text-wrong .wrong", state="detached")
    assert page.locator("#table tfoot td").nth(3).inner_text() == "5"
    assert page.input_value("#named") == ""
    fresh = visit("#" + page.url.partition("#")[2])
    assert fresh.input_value("#text") == "input 8x8x1\nconv 1 2x2 relu stride=2\nflatten"


def test_the_slides_errors_on_networks_are_told(visit: Visit) -> None:
    """LeNet-5's arithmetic beside its table; 24.9 trillion weights beside the full-HD picture."""
    page = visit("#network")
    page.select_option("#named", "lenet5")
    told(page, "#notes", "Erratum: the lecture's slides write 48120*84+84 and 4042164*10+10")
    told(page, "#dense-told", "It is 24.9 trillion weights (24,883,200,000,000)")
    told(page, "#dense-told", "(3*3*3 + 1)*32 = 896")
    page.fill('#dense [name="height"]', "28")
    page.fill('#dense [name="width"]', "28")
    told(page, "#dense-told", "28*28*3 = 2,352")
    assert "Erratum" not in page.inner_text("#dense-told")
    page.fill('#dense [name="size"]', "")
    told(page, "#dense-told", "The question has no 'size'.")


def test_the_class_test_by_keyboard(visit: Visit) -> None:
    """The lecture's: right answers are right, wrong ones come with the arithmetic, open ones stay open."""
    page = visit("#network")
    answers = {"0.shape": "4x4x1", "0.parameters": "4", "1.parameters": "10", "total": "248"}
    for name, text in answers.items():
        page.focus(f'#test [name="{name}"]')
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    told(page, "#test-told", "3 of 20 right.")
    assert page.inner_text('[id="test-0.shape-mark"]') == "Right."
    assert page.inner_text('[id="test-0.parameters-mark"]') == (
        "Not so: 5. That leaves out the biases, 1 of them. (2*2*1 + 1)*1 = 5"
    )
    assert page.inner_text('[id="test-6.shape-mark"]') == ""


def test_another_class_test_by_mouse(visit: Visit) -> None:
    """A random network has an address; filled in with the account's figures all of it is right."""
    page = visit("#network")
    page.click("#another")
    told(page, "#test-seed", "this page's address brings it back")
    seed = int(re.search(r"seed=(\d+)", page.url)[1])
    network = network_of(seed)
    for index, (layer, row) in enumerate(zip(network.layers, account(network).rows, strict=True)):
        page.fill(f'[name="{index}.shape"]', " x ".join(map(str, row.output_shape)))
        page.fill(f'[name="{index}.parameters"]', f"{row.parameters}")
        if page.locator(f'[name="{index}.activation"]').count():
            page.select_option(f'[name="{index}.activation"]', layer.activation)
    page.fill('[name="total"]', f"{account(network).parameters}")
    page.click("#test button")
    page.wait_for_function("() => document.querySelector('#test-told').textContent !== ''")
    right, of = re.findall(r"\d+", page.inner_text("#test-told"))
    assert right == of
    fresh = visit("#" + page.url.partition("#")[2])
    assert fresh.locator("#test tr").count() == len(network.layers)


def test_rooms_are_left_and_found_again(visit: Visit) -> None:
    """Back in Filters is what was chosen there; the title and the current link follow."""
    page = visit("#filters?filter=vertical")
    page.click('nav [data-room="network"]')
    page.wait_for_selector("#network[data-ready]")
    assert page.title() == "Pellucid: Network"
    assert page.get_attribute('nav [data-room="network"]', "aria-current") == "page"
    page.click('nav [data-room="filters"]')
    page.wait_for_selector("#filters", state="visible")
    told(page, "#filter-title", "3x3")
    assert page.input_value("#filter") == "vertical"


def test_what_a_person_did_is_there_again(visit: Visit) -> None:
    """Answers to the class test and one's own picture; the error of a room stays behind in it."""
    page = visit("#network")
    page.fill('#test [name="total"]', "248")
    page.click('nav [data-room="filters"]')
    page.wait_for_selector("#filters[data-ready]")
    give(page, "mine.png", png(np.zeros((14, 16, 3), np.int64)))
    told(page, "#file-told", "mine.png, at 14x16.")
    page.evaluate("location.hash = '#run?run=nosuch'")
    told(page, "#wrong", "There is no run 'nosuch' here.")
    page.click('nav [data-room="network"]')
    page.wait_for_selector("#network", state="visible")
    page.wait_for_selector("#wrong", state="hidden")
    assert page.input_value('#test [name="total"]') == "248"
    page.click('nav [data-room="filters"]')
    page.wait_for_selector("#filters", state="visible")
    told(page, "#picture-size", "14x16")
    assert page.input_value("#example") == "own"
    page.evaluate("location.hash = '#filters?example=nine'")
    page.wait_for_function("() => document.querySelector('#example').value === 'nine'")


def serious(page: Any) -> str:
    """What axe finds that is serious or critical; the page is empty of it where this is ``[]``."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return json.dumps([one for one in found if one["impact"] in ("serious", "critical")], indent=1)


@pytest.mark.parametrize("address", ["#filters?cell=map:0,1", "#filters", "#network"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visit, address: str, scheme: str) -> None:
    """Light and dark, wide and narrow, with a picture and with mistakes; and nothing runs out of the page."""
    page = visit(address, color_scheme=scheme)
    if address == "#network":
        page.fill('[name="total"]', "7")
        page.click("#test button")
        told(page, "#test-told", "0 of 20 right.")
        page.fill("#text", "input 8x8x1; con 3")
        told(page, "#text-wrong", "there is no layer")
    elif address == "#filters":
        give(page, "mine.png", png(np.random.default_rng(0).integers(0, 256, (20, 32, 3))))
        told(page, "#arithmetic", "blue products")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert serious(page) == "[]"
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_axe_would_find_something(visit: Visit) -> None:
    """A picture without words, and pale text, are found: the check is awake."""
    page = visit()
    page.evaluate(
        "() => { const p = document.createElement('p'); p.textContent = 'pale'; p.style.color = '#ddd';"
        "document.querySelector('#main').append(document.createElement('img'), p); }"
    )
    found = serious(page)
    assert '"image-alt"' in found
    assert '"color-contrast"' in found


def test_a_request_to_elsewhere_fails_the_page(browser: Any, lab: str) -> None:
    """The policy stops it, and the listener that each test's page has would see it."""
    page = browser.new_page()
    seen: list[str] = []
    page.on("console", lambda said: seen.append(said.text))
    page.goto(lab)
    page.evaluate("() => fetch('http://192.0.2.1/').catch(() => 0)")
    page.close()
    assert any("Content Security Policy" in text for text in seen)


def test_it_prints_on_paper(visit: Visit, tmp_path: Path) -> None:
    """Buttons stay behind, and the cells keep their colours."""
    page = visit()
    page.emulate_media(media="print")
    assert not page.is_visible("#play")
    assert page.is_visible("#arithmetic")
    colour = page.eval_on_selector("#map .chosen", "cell => getComputedStyle(cell).printColorAdjust")
    assert colour == "exact"
    page.pdf(path=tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
