"""The room Inside in a browser: by mouse and by keyboard, its numbers Python's, nothing from outside."""

import io
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
import pytest
from PIL import Image

from pellucid.lab.answer import answer
from pellucid.lab.held import HELD
from pellucid.pictures.decode import decode

pytestmark = pytest.mark.slow

Visit = Callable[..., Any]
NETWORK = "input 28x28x1; conv 8 3x3 relu; maxpool 2x2; conv 24 3x3 relu; flatten; dense 10 softmax"
PICTURE = "digits/7"


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    """PyTorch is loaded before a page waits for it."""
    HELD.inside(NETWORK, PICTURE)


def address(
    layer: str = "", cell: str = "", network: str = NETWORK, picture: str = PICTURE, **more: str
) -> str:
    chosen = {"network": network, "picture": picture, "layer": layer, "cell": cell, **more}
    return "#inside?" + "&".join(f"{name}={quote(value)}" for name, value in chosen.items() if value)


def shown(page: Any, layer: str, *index: int) -> None:
    """Wait until the room shows this cell."""
    page.wait_for_selector(f'#inside-room[data-shown="{layer}:{",".join(map(str, index))}"]')


def thumbs(page: Any, layer: str) -> Any:
    """The thumbnails of a layer, once they are drawn."""
    canvas = page.locator(f'section[aria-label="{layer}"] canvas[aria-label]')
    canvas.wait_for()
    return canvas


def opened(layer: str, *index: int, network: str = NETWORK, picture: str = PICTURE) -> Any:
    """The same cell, opened by Python."""
    return HELD.inside(network, picture).cell(layer, *index)


def number_of(page: Any, row: str) -> float:
    """The number beside a word in the table of results, with all its digits."""
    cell = page.locator(".results tr", has=page.locator("th", has_text=row)).locator("td").first
    return float(cell.get_attribute("data-value"))


def check_cell(page: Any, layer: str, *index: int, **named: str) -> None:
    """What the page says of a cell is what Python says of it."""
    cell = opened(layer, *index, **named)
    assert float(page.get_attribute(".value strong", "data-value")) == cell.value
    assert number_of(page, "= sum") == cell.worked.sum
    assert number_of(page, "PyTorch says") == cell.value
    assert number_of(page, "residue") == cell.residue
    if cell.activation:
        assert number_of(page, cell.activation.name) == cell.activation.output


def test_a_cells_arithmetic_is_pythons(visit: Visit) -> None:
    """Every kind of layer of the network, restored from an address: value, sum, activation, residue."""
    for layer, *index in (
        ("conv2d", 3, 7, 9),
        ("max_pooling2d", 3, 2, 2),
        ("conv2d_1", 5, 0, 4),
        ("flatten", 30),
    ):
        page = visit(address(layer, ",".join(map(str, index))))
        shown(page, layer, *index)
        check_cell(page, layer, *index)
    page = visit(address("dense", "4"))
    shown(page, "dense", 4)
    check_cell(page, "dense", 4)


def test_the_patch_beside_the_kernel(visit: Visit) -> None:
    """Five of eight channels in grids, what adds most first; the rest with number and sum, then opened."""
    page = visit(address("conv2d_1", "5,3,4"))
    shown(page, "conv2d_1", 5, 3, 4)
    reply = answer(
        {
            "kind": "inside.cell",
            "network": NETWORK,
            "picture": PICTURE,
            "layer": "conv2d_1",
            "index": [5, 3, 4],
        }
    )
    assert page.locator(".slice").count() == 5
    for place, one in enumerate(reply["slices"]):
        part = page.locator(".slice").nth(place)
        assert part.locator("> .quiet").inner_text() == f"channel {one['channel']}"
        for grid, field in enumerate(("input", "weight", "product")):
            cells = part.locator(".matrix").nth(grid).locator("td")
            values = [float(each.get_attribute("data-value")) for each in cells.all()]
            assert values == [value for row in one[field] for value in row]
    rest = page.locator(".rest").first
    assert rest.inner_text().startswith("3 other channels come to ")
    assert float(rest.locator(".number").get_attribute("data-value")) == reply["other_slices"]["sum"]
    rest.locator("button").click()
    page.wait_for_function("() => document.querySelectorAll('.slice').length === 8")
    assert rest.is_hidden()


def test_the_answer_is_pythons(visit: Visit) -> None:
    """The five most probable classes with their numbers."""
    page = visit(address())
    best = answer({"kind": "inside.look", "network": NETWORK, "picture": PICTURE})["answer"]["best"]
    rows = page.locator(".answer tbody tr")
    assert [float(one.get_attribute("data-value")) for one in rows.locator("td").all()] == [
        one["probability"] for one in best
    ]
    assert rows.locator("th").first.inner_text() == f"class {best[0]['name']}"
    assert "It has learnt nothing" in page.inner_text(".answer")


def test_by_mouse(visit: Visit) -> None:
    """A thumbnail opens its map at its strongest cell; a click in the map opens that cell; links lead on."""
    page = visit(address("conv2d", "0,0,0"))
    shown(page, "conv2d", 0, 0, 0)
    order = answer({"kind": "inside.sprite", "network": NETWORK, "picture": PICTURE, "layer": "conv2d_1"})[
        "order"
    ]
    thumbs(page, "conv2d_1").click(position={"x": 60, "y": 10})
    page.wait_for_selector('#inside-room[data-shown^="conv2d_1:"]')
    channel, *place = map(int, page.get_attribute("#inside-room", "data-shown").partition(":")[2].split(","))
    map_HW = HELD.inside(NETWORK, PICTURE).value("conv2d_1")[order[1]]
    assert channel == order[1]
    assert map_HW[tuple(place)] == map_HW.max()
    side = page.locator(".large canvas >> nth=0").bounding_box()["width"] / 11
    page.locator(".large canvas >> nth=0").click(position={"x": 2.5 * side, "y": 4.5 * side})
    shown(page, "conv2d_1", order[1], 4, 2)
    check_cell(page, "conv2d_1", order[1], 4, 2)
    page.locator(".links button").first.click()
    page.wait_for_selector('#inside-room[data-shown^="max_pooling2d:"]')
    channel, *place = map(int, page.get_attribute("#inside-room", "data-shown").partition(":")[2].split(","))
    order = answer(
        {"kind": "inside.sprite", "network": NETWORK, "picture": PICTURE, "layer": "max_pooling2d"}
    )["order"]
    way = "after" if channel != order[-1] else "before"
    after = order[order.index(channel) + (1 if way == "after" else -1)]
    page.click(f'button:text-is("Channel {way}")')
    page.wait_for_selector(f'#inside-room[data-shown^="max_pooling2d:{after}"]')


def test_forward_and_back(visit: Visit) -> None:
    """A convolution's cell says whether it wins its window; the link leads there, and its link back again."""
    page = visit(address("max_pooling2d", "2,5,6"))
    shown(page, "max_pooling2d", 2, 5, 6)
    winner = next(term for term in opened("max_pooling2d", 2, 5, 6).worked.terms if term.weight == 1)
    page.locator(".links", has_text="Comes from").locator("button").click()
    shown(page, "conv2d", winner.channel, winner.row, winner.column)
    use = page.locator(".links", has_text="Goes to")
    assert "it wins its window" in use.inner_text()
    use.locator("button").click()
    shown(page, "max_pooling2d", 2, 5, 6)


def test_by_keyboard_alone(visit: Visit) -> None:
    """Tab goes from picture to layers to cell to answer; arrows move, Enter opens, Escape goes up."""
    page = visit(address("conv2d", "0,3,3"))
    shown(page, "conv2d", 0, 3, 3)
    page.focus("#inside-room select")
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        part = page.evaluate("document.activeElement.closest('.bench > section')?.className ?? ''")
        if part and part not in seen:
            seen.append(part)
    assert seen == ["sight", "middle", "cell", "answer"]
    thumbs(page, "max_pooling2d")
    thumbs(page, "conv2d").focus()
    page.keyboard.press("End")
    last = answer({"kind": "inside.sprite", "network": NETWORK, "picture": PICTURE, "layer": "conv2d"})[
        "order"
    ][-1]
    page.wait_for_selector(f'#inside-room[data-shown^="conv2d:{last},"]')
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('#inside-room[data-shown^="max_pooling2d:"]')
    assert (
        page.evaluate("document.activeElement.closest('section').getAttribute('aria-label')")
        == "max_pooling2d"
    )
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.className") == "map"
    channel, row, _ = map(int, page.get_attribute("#inside-room", "data-shown").partition(":")[2].split(","))
    page.keyboard.press("Home")
    shown(page, "max_pooling2d", channel, row, 0)
    page.keyboard.press("ArrowRight")
    shown(page, "max_pooling2d", channel, row, 1)
    check_cell(page, "max_pooling2d", channel, row, 1)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "H2"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "map"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "thumbs"


def test_the_address_says_what_is_chosen(visit: Visit) -> None:
    """A page that has seen none of it shows the same cell."""
    page = visit(address("conv2d_1", "7,2,3", sort="number"))
    shown(page, "conv2d_1", 7, 2, 3)
    page.focus(".large canvas")
    page.keyboard.press("ArrowDown")
    shown(page, "conv2d_1", 7, 3, 3)
    assert "layer=conv2d_1&cell=7,3,3&sort=number" in page.url
    fresh = visit("#" + page.url.partition("#")[2])
    shown(fresh, "conv2d_1", 7, 3, 3)
    assert fresh.inner_text(".opened") == page.inner_text(".opened")


def test_a_layer_that_does_not_exist_leaves_the_page_alive(visit: Visit) -> None:
    """The address names one: it is told what there is, and the first layer opens."""
    page = visit(address("conv2d_9", "0,0,0"))
    page.wait_for_selector('#inside-room[data-shown^="conv2d:"]')
    assert page.inner_text("#wrong").startswith("The network has no layer 'conv2d_9'. It has 5 layers:")
    page.focus(".large canvas")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#wrong", state="hidden")


def test_a_class_called_as_a_script_is_text(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands there as it is written, and nothing of it runs."""
    from dataclasses import replace

    from pellucid.insight.subject import of_chance
    from pellucid.network.text import parse

    hostile = "<img src=x onerror=document.title='gone'>"
    subject = replace(of_chance(parse(NETWORK), "hostile"), classes=(hostile, *"abcdefghi"))
    monkeypatch.setitem(HELD._named, "hostile", subject)
    page = visit(address(network="hostile"))
    page.wait_for_selector("#inside-room[data-shown]")
    names = page.locator(".answer tbody th").all_inner_texts()
    best = answer({"kind": "inside.look", "network": "hostile", "picture": PICTURE})["answer"]["best"]
    assert names == [one["name"] for one in best]
    assert page.locator(".answer img").count() == 0
    assert page.title() == "Pellucid: Inside"


def test_a_backbone_at_224_pixels(visit: Visit) -> None:
    """EfficientNet-Lite0: its stages fold; a depthwise cell, an addition and a batch norm are Python's."""
    network, picture = "efficientnet_lite0", "clipart/animals/beagle-copper-ganson.jpg"
    HELD.inside(network, picture)
    page = visit("#inside?layer=blocks.2.0.conv_dw&cell=7,0,3")
    shown(page, "blocks.2.0.conv_dw", 7, 0, 3)
    check_cell(page, "blocks.2.0.conv_dw", 7, 0, 3, network=network, picture=picture)
    assert page.locator(".strip button").count() == 9
    assert page.inner_text('.strip [aria-expanded="true"]').startswith("blocks.2")
    page.focus('.strip [aria-expanded="true"]')
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_selector('#inside-room[data-shown^="blocks.1.0.conv_pw:"]')
    assert page.evaluate("document.activeElement.innerText").startswith("blocks.1")
    thumbs(page, "blocks.1.0.conv_pw").focus()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.innerText").startswith("blocks.1")
    page.click(".strip button >> nth=4")
    page.wait_for_selector('#inside-room[data-shown^="blocks.3.0.conv_pw:"]')
    for layer, index in (("blocks.1.1.add", [5, 20, 20]), ("blocks.3.1.bn2", [40, 0, 13])):
        page = visit(f"#inside?layer={layer}&cell={','.join(map(str, index))}")
        shown(page, layer, *index)
        check_cell(page, layer, *index, network=network, picture=picture)


def serious(page: Any) -> list[Any]:
    """What axe finds that is serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [one for one in found if one["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit: Visit, scheme: str) -> None:
    """Light and dark, wide and narrow; nothing runs out of the page."""
    for layer, cell in (("conv2d_1", "7,2,3"), ("dense", "3")):
        page = visit(address(layer, cell), color_scheme=scheme)
        page.wait_for_selector("#inside-room[data-shown]")
        page.select_option("label:has-text('Saliency') select", "grad-cam")
        page.select_option("label:has-text('A second picture') select", "digits/3")
        page.click('#inside-room button:text-is("Draw")')
        page.locator(".answer", has_text="by their weight").wait_for()
        page.locator(".maps .large >> nth=1").locator("h3", has_text="digit 3").wait_for()
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert serious(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def png(pixels: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, "PNG")
    return file.getvalue()


def give(page: Any, name: str, data: bytes) -> None:
    page.set_input_files(
        "#inside-room input[type=file]", {"name": name, "mimeType": "image/png", "buffer": data}
    )


def picture_of(page: Any) -> str:
    """The name of the picture that the address says."""
    return unquote(re.search(r"picture=([^&]+)", page.url)[1])


def until(page: Any, so: Callable[[], bool]) -> None:
    """Wait until it is so, as long as for anything else on a page."""
    for _ in range(300):
        if so():
            return
        page.wait_for_timeout(100)
    assert so()


def best_of(page: Any) -> float:
    return float(page.locator(".answer tbody td").first.get_attribute("data-value"))


def test_a_picture_is_chosen_and_the_address_brings_it_back(visit: Visit) -> None:
    """Its numbers are Python's for the same file; the lab keeps it as long as it runs."""
    data = png(np.random.default_rng(0).integers(0, 256, (40, 50, 3)))
    page = visit(address("conv2d", "1,2,3"))
    give(page, "mine.png", data)
    page.wait_for_function("() => location.hash.includes('picture=own-')")
    told = page.locator("#inside-room .drop > [role=status]")
    assert told.inner_text() == "mine.png. It stays on this machine."
    name = picture_of(page)
    assert HELD.picture(name) == data
    shown(page, "conv2d", 1, 2, 3)
    check_cell(page, "conv2d", 1, 2, 3, picture=name)
    fresh = visit("#" + page.url.partition("#")[2])
    shown(fresh, "conv2d", 1, 2, 3)
    check_cell(fresh, "conv2d", 1, 2, 3, picture=name)


def test_a_picture_that_python_let_go_of_is_sent_again(visit: Visit) -> None:
    """The page that has it sends it once more, unasked; a page that has not says what to do."""
    page = visit(address("conv2d", "1,2,3"))
    give(page, "mine.png", png(np.full((30, 30), 200)))
    page.wait_for_function("() => location.hash.includes('picture=own-')")
    shown(page, "conv2d", 1, 2, 3)
    name = picture_of(page)
    forget(name)
    page.focus(".large canvas")
    page.keyboard.press("ArrowDown")
    shown(page, "conv2d", 1, 3, 3)
    check_cell(page, "conv2d", 1, 3, 3, picture=name)
    forget(name)
    fresh = visit("#" + page.url.partition("#")[2], ready=False)
    told = fresh.locator("#wrong", has_text="That picture is no longer kept here.")
    told.wait_for()
    fresh.select_option("#inside-room label:has-text('Picture') select >> nth=0", "digits/3")
    fresh.wait_for_selector("#inside-room[data-shown]")


def forget(name: str) -> None:
    HELD._pictures.drop(lambda key: key == name)
    HELD._passes.drop(lambda key: key[1] == name)


def test_a_picture_is_dropped(visit: Visit) -> None:
    """On its place; beside it, it does not replace the page."""
    drop = """([selector, bytes]) => {
      const given = new DataTransfer();
      given.items.add(new File([new Uint8Array(bytes)], "dropped.png", {type: "image/png"}));
      for (const name of ["dragover", "drop"]) document.querySelector(selector).dispatchEvent(
        new DragEvent(name, {dataTransfer: given, bubbles: true, cancelable: true}));
    }"""
    page = visit(address())
    data = list(png(np.zeros((9, 9, 3))))
    page.evaluate(drop, ["#inside-room .answer", data])
    page.evaluate(drop, ["#inside-room .drop", data])
    page.locator("#inside-room .drop > [role=status]", has_text="dropped.png").wait_for()


def test_a_digit_is_drawn_live(visit: Visit) -> None:
    """White on black, with the mouse and with keys: each stroke is answered, as Python answers that file."""
    page = visit(address("conv2d", "1,2,3"))
    page.click('#inside-room button:text-is("Draw")')
    box = page.locator(".pad").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 110, box["y"] + 100)
    page.wait_for_function("() => location.hash.includes('picture=own-')")
    first = picture_of(page)
    page.mouse.move(box["x"] + 120, box["y"] + 180, steps=4)
    page.mouse.up()
    page.wait_for_function("(first) => !location.hash.includes(first)", arg=first)
    until(page, lambda: decode(HELD.picture(picture_of(page)))[178, 120].tolist() == [255, 255, 255])
    pixels_HWC = decode(HELD.picture(picture_of(page)))
    assert pixels_HWC[0, 0].tolist() == [0, 0, 0]
    assert pixels_HWC[100, 110].tolist() == [255, 255, 255]
    best = answer({"kind": "inside.look", "network": NETWORK, "picture": picture_of(page)})["answer"]["best"]
    until(page, lambda: best_of(page) == best[0]["probability"])
    assert page.locator("#inside-room option", has_text="your drawing").count() == 2
    before = picture_of(page)
    page.focus(".pad")
    for key in (" ", "ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    page.locator("#inside-room .drop", has_text="The pen is down").wait_for()
    page.wait_for_function("(before) => !location.hash.includes(before)", arg=before)
    page.click('#inside-room button:text-is("Wipe")')
    until(page, lambda: not decode(HELD.picture(picture_of(page))).any())


def test_a_picture_comes_from_the_camera(chromium: str, lab: str) -> None:
    """Chromium's own false camera: it is asked for when its button is pressed, and off when it is taken."""
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    code = f"""
import sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path={chromium!r}, args={flags!r})
    page = browser.new_page()
    page.goto({lab + address("conv2d", "1,2,3")!r})
    page.wait_for_selector("#inside-room[data-shown]")
    assert page.locator("video").count() == 0
    page.click('#inside-room button:text-is("Camera")')
    page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
    page.click("text=Take the picture")
    page.wait_for_function("() => location.hash.includes('picture=own-')")
    assert page.locator("video").count() == 0
    print(page.url)
    browser.close()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    name = unquote(re.search(r"picture=([^&]+)", done.stdout)[1])
    assert min(decode(HELD.picture(name)).shape[:2]) > 100


CAMERA = """() => {
  window.tracks = [];
  window.allow = [];
  const made = () => document.createElement("canvas").captureStream(5);
  const keep = (stream) => { window.tracks.push(...stream.getTracks()); return stream; };
  Object.defineProperty(navigator, "mediaDevices", { value: { getUserMedia: () =>
    new Promise((done) => window.allow.push(() => done(keep(made())))) } });
}"""
LIVE = "() => window.tracks.map((one) => one.readyState)"


def test_the_camera_is_never_on_unseen(visit: Visit) -> None:
    """Two presses of its button open it once; who leaves while permission is asked has not opened it."""
    page = visit(address())
    page.evaluate(CAMERA)
    button = page.locator('#inside-room button:text-is("Camera")')
    button.click()
    button.click()
    page.evaluate("() => window.allow.forEach((one) => one())")
    page.locator("video").wait_for()
    assert page.evaluate(LIVE) == ["ended", "live"]
    button.click()
    assert page.evaluate(LIVE) == ["ended", "ended"]
    page.evaluate("() => { window.tracks = []; window.allow = []; }")
    button.click()
    page.click('nav [data-room="filters"]')
    page.wait_for_selector("#filters[data-ready]")
    page.evaluate("() => window.allow.forEach((one) => one())")
    page.wait_for_function("() => window.tracks.length > 0")
    page.wait_for_function("() => window.tracks.every((one) => one.readyState === 'ended')")


def test_where_there_is_no_camera_the_page_says_so(visit: Visit) -> None:
    """The browser of the tests has none, and lets no page ask."""
    page = visit(address())
    page.click('#inside-room button:text-is("Camera")')
    page.locator("#inside-room .drop .wrong", has_text="Choose a file instead.").or_(
        page.locator("#inside-room .drop .wrong", has_text="or choose a file.")
    ).wait_for()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "it is an SVG drawing"),
        (b"<html><script>document.title = 'gone'</script></html>", "it is not a picture that can be read"),
        (b"", "The file is empty."),
        (b"\x89PNG\r\n\x1a\nrest", "it is "),
    ],
)
def test_what_is_no_picture_leaves_the_page_alive(visit: Visit, data: bytes, told: str) -> None:
    """It is told where the picture was given, and what was seen stays."""
    page = visit(address("conv2d", "1,2,3"))
    give(page, "drawing.png", data)
    page.locator("#inside-room .drop .wrong", has_text=told).wait_for()
    assert page.title() == "Pellucid: Inside"
    page.focus(".large canvas")
    page.keyboard.press("ArrowDown")
    shown(page, "conv2d", 1, 3, 3)


def test_a_picture_of_20000_x_20000_leaves_the_page_alive(visit: Visit, bomb: Callable[[int], bytes]) -> None:
    """It is refused by what it claims, before it is decoded."""
    page = visit(address("conv2d", "1,2,3"))
    give(page, "large.png", bomb(20_000))
    page.locator(
        "#inside-room .drop .wrong", has_text="20000 x 20000 pixels is more than the limit"
    ).wait_for()
    check_cell(page, "conv2d", 1, 2, 3)


def test_a_file_that_is_too_large_is_not_sent(visit: Visit) -> None:
    """It is told how large it may be."""
    page = visit(address("conv2d", "1,2,3"))
    page.evaluate(
        """() => {
          const given = new DataTransfer();
          given.items.add(new File([new Uint8Array(26000000)], "large.png", {type: "image/png"}));
          const drop = new DragEvent("drop", {dataTransfer: given, bubbles: true, cancelable: true});
          document.querySelector("#inside-room .drop").dispatchEvent(drop);
        }"""
    )
    told = "The file has 26 MB; at most 25 MB can be looked at. Choose a smaller one."
    page.locator("#inside-room .drop .wrong", has_text=told).wait_for()
    assert "own-" not in page.url


def test_a_second_picture_beside_the_first(visit: Visit) -> None:
    """The same map and the same cell of it, in the same colours; the address holds both."""
    page = visit(address("conv2d_1", "7,2,3"))
    shown(page, "conv2d_1", 7, 2, 3)
    page.select_option("label:has-text('A second picture') select", "digits/3")
    page.locator(".maps .large >> nth=1").locator("h3", has_text="conv2d_1, channel 7, of digit 3").wait_for()
    theirs = HELD.inside(NETWORK, "digits/3").cell("conv2d_1", 7, 2, 3).value
    mine = opened("conv2d_1", 7, 2, 3).value
    numbers = page.locator(".maps .large >> nth=1").locator("p .number")
    found = [float(one.get_attribute("data-value")) for one in numbers.all()]
    assert found == [pytest.approx(theirs, rel=1e-6), mine, pytest.approx(theirs - mine, rel=1e-5, abs=1e-9)]
    assert "beside=digits" in page.url
    page.locator(".maps .large >> nth=1").locator("canvas").focus()
    page.keyboard.press("ArrowRight")
    shown(page, "conv2d_1", 7, 2, 4)
    fresh = visit("#" + page.url.partition("#")[2])
    fresh.locator(".maps .large >> nth=1").locator("h3", has_text="of digit 3").wait_for()
    page.select_option("label:has-text('A second picture') select", "")
    page.locator(".maps .large >> nth=1").wait_for(state="hidden")


def test_a_second_picture_that_is_gone_leaves_the_first(visit: Visit) -> None:
    """It is told, and all else of the room is there."""
    page = visit(address("conv2d_1", "7,2,3", beside="own-" + "0" * 32))
    shown(page, "conv2d_1", 7, 2, 3)
    page.locator("#wrong", has_text="That picture is no longer kept here.").wait_for()
    assert page.input_value("label:has-text('A second picture') select") == ""
    assert "beside" not in page.url
    page.select_option("label:has-text('A second picture') select", "digits/3")
    page.locator(".maps .large >> nth=1").locator("h3", has_text="conv2d_1, channel 7, of digit 3").wait_for()
    page.wait_for_selector("#wrong", state="hidden")


def test_saliency_lies_over_the_picture(visit: Visit) -> None:
    """Grad-CAM for the answer or another class: its weights are Python's, and lead to their channels."""
    page = visit(address("conv2d", "1,2,3"))
    before = page.evaluate("document.querySelector('canvas.picture').toDataURL()")
    page.select_option("label:has-text('Saliency') select", "grad-cam")
    page.locator(".answer", has_text="Channels of conv2d_1 by their weight").wait_for()
    reply = answer({"kind": "inside.saliency", "network": NETWORK, "picture": PICTURE, "method": "grad-cam"})
    rows = page.locator(".answer table >> nth=1").locator("tbody tr")
    assert [float(one.get_attribute("data-value")) for one in rows.locator("td").all()] == [
        one["weight"] for one in reply["weights"]
    ]
    assert page.evaluate("document.querySelector('canvas.picture').toDataURL()") != before
    page.locator("input[type=range]").focus()
    page.keyboard.press("Home")
    assert page.evaluate("document.querySelector('canvas.picture').toDataURL()") == before
    page.keyboard.press("End")
    page.wait_for_function("() => location.hash.includes('saliency=grad-cam&over=100')")
    rows.first.locator("button").click()
    page.wait_for_selector(f'#inside-room[data-shown^="conv2d_1:{reply["weights"][0]["channel"]},"]')
    fresh = visit("#" + page.url.partition("#")[2])
    fresh.locator(".answer", has_text="Channels of conv2d_1 by their weight").wait_for()
    assert fresh.input_value("input[type=range]") == "100"


@pytest.mark.parametrize("method", ["occlusion", "integrated-gradients"])
def test_saliency_that_grows(visit: Visit, method: str) -> None:
    """Its parts are drawn one after the other, and at the end stands what Python says of the whole."""
    page = visit(address("conv2d", "1,2,3"))
    before = page.evaluate("document.querySelector('canvas.picture').toDataURL()")
    page.select_option("label:has-text('Saliency') select", method)
    reply = answer({"kind": "inside.saliency", "network": NETWORK, "picture": PICTURE, "method": method})
    page.locator(".answer", has_text=reply["notes"][0]).wait_for()
    page.locator(".answer progress").wait_for(state="hidden")
    assert f"saliency={method}" in page.url
    assert page.evaluate("document.querySelector('canvas.picture').toDataURL()") != before


def test_channels_by_what_they_see_at_a_spot(visit: Visit) -> None:
    """A click on the picture is the spot; layers and channels change, and it stays where it was."""
    page = visit(address("conv2d", "1,2,3"))
    shown(page, "conv2d", 1, 2, 3)
    page.select_option("#inside-room label:has-text('Channels') select", "spot")
    page.wait_for_function("() => location.hash.includes('sort=spot')")
    box = page.locator("canvas.picture").first.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 14.5 / 28, box["y"] + box["height"] * 7.5 / 28)
    shown(page, "conv2d", 1, 6, 13)  # 26 rows and columns for 28
    asked = {"kind": "inside.spot", "network": NETWORK, "picture": PICTURE, "at": [7, 14]}
    order = answer({**asked, "layer": "conv2d_1"})["order"]
    column = page.locator(".column[aria-label=conv2d_1] canvas")
    column.click(position={"x": 5, "y": 5})
    shown(page, "conv2d_1", order[0], 2, 5)  # 11 for 28
    page.get_by_role("button", name="Channel after").click()
    shown(page, "conv2d_1", order[1], 2, 5)
    column.focus()
    page.keyboard.press("ArrowRight")
    shown(page, "conv2d_1", order[2], 2, 5)


def test_numbers_are_copied_with_all_their_digits(visit: Visit) -> None:
    """What is selected and copied holds every digit, though four are in sight."""
    page = visit(address("conv2d_1", "7,2,3"))
    shown(page, "conv2d_1", 7, 2, 3)
    copied = page.evaluate(
        """() => {
          getSelection().selectAllChildren(document.querySelector('.results'));
          const given = new DataTransfer();
          const copy = {clipboardData: given, bubbles: true, cancelable: true};
          document.querySelector('.results').dispatchEvent(new ClipboardEvent('copy', copy));
          return given.getData('text/plain');
        }"""
    )
    worked = opened("conv2d_1", 7, 2, 3).worked
    assert f"= sum\t{worked.sum!r}\tin float64\n" in copied
    page.check("text=All digits")
    assert page.locator(".results td").first.inner_text() == repr(worked.sum - worked.bias)


def test_two_hundred_questions_at_once_leave_the_page_alive(visit: Visit) -> None:
    """Cells, maps and sprites, all asked in one moment: each is answered, and the room goes on."""
    page = visit(address("conv2d", "1,2,3"))
    statuses = page.evaluate(
        """async ([network, picture]) => {
          const kinds = ["inside.cell", "inside.map", "inside.sprite", "inside.look"];
          const headers = {"Content-Type": "application/json"};
          const question = (at) => ({kind: kinds[at % 4], network, layer: "conv2d_1", channel: at % 24,
            picture: at % 3 ? picture : `digits/${at % 10}`, index: [at % 24, at % 11, at % 7]});
          const send = (at) => fetch("answer", {method: "POST", headers, body: JSON.stringify(question(at))});
          const asked = Array.from({length: 200}, (_, at) => send(at));
          return (await Promise.all(asked)).map((one) => one.status);
        }""",
        [NETWORK, PICTURE],
    )
    assert statuses == [200] * 200
    page.focus(".large canvas")
    page.keyboard.press("ArrowDown")
    shown(page, "conv2d", 1, 3, 3)


def test_the_room_as_a_learner_walks_through_it(visit: Visit) -> None:
    """From the answer's unit back to a pixel, by the links alone: each step is the largest term's place."""
    page = visit(address("dense", "4"))
    shown(page, "dense", 4)
    for layer in ("flatten", "conv2d_1", "max_pooling2d", "conv2d"):
        page.locator(".links", has_text="Comes from").locator("button").click()
        page.wait_for_selector(f'#inside-room[data-shown^="{layer}:"]')
        index = [
            int(one) for one in page.get_attribute("#inside-room", "data-shown").partition(":")[2].split(",")
        ]
        check_cell(page, layer, *index)
    field = opened("conv2d", *index).pixels
    told = f"Pixels: rows {field.top} to {field.bottom}, columns {field.left} to {field.right}, framed on"
    assert told in page.inner_text(".links")
    page.locator(".opened details summary").first.click()
    assert "The same weights slide over every place" in page.inner_text(".opened details")
