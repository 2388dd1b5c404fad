"""The room Inside in a browser: by mouse and by keyboard, its numbers Python's, nothing from outside."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from pellucid.lab.answer import answer
from pellucid.lab.held import HELD

pytestmark = pytest.mark.slow

Visit = Callable[..., Any]
NETWORK = "input 28x28x1; conv 8 3x3 relu; maxpool 2x2; conv 24 3x3 relu; flatten; dense 10 softmax"
PICTURE = "digits/7"


def address(
    layer: str = "", cell: str = "", network: str = NETWORK, picture: str = PICTURE, **more: str
) -> str:
    chosen = {"network": network, "picture": picture, "layer": layer, "cell": cell, **more}
    return "#inside?" + "&".join(f"{name}={quote(value)}" for name, value in chosen.items() if value)


def shown(page: Any, layer: str, *index: int) -> None:
    """Wait until the room shows this cell."""
    page.wait_for_selector(f'#inside-room[data-shown="{layer}:{",".join(map(str, index))}"]')


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
    page.locator('section[aria-label="conv2d_1"] canvas').click(position={"x": 60, "y": 10})
    page.wait_for_selector('#inside-room[data-shown^="conv2d_1:"]')
    channel, *place = map(int, page.get_attribute("#inside-room", "data-shown").partition(":")[2].split(","))
    map_HW = HELD.inside(NETWORK, PICTURE).value("conv2d_1")[order[1]]
    assert channel == order[1]
    assert map_HW[tuple(place)] == map_HW.max()
    side = page.locator(".large canvas").bounding_box()["width"] / 11
    page.locator(".large canvas").click(position={"x": 2.5 * side, "y": 4.5 * side})
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
    page.click(f"text=Channel {way}")
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
    for _ in range(40):
        page.keyboard.press("Tab")
        part = page.evaluate("document.activeElement.closest('.bench > section')?.className ?? ''")
        if part and part not in seen:
            seen.append(part)
    assert seen == ["sight", "middle", "cell"]
    page.focus('section[aria-label="conv2d"] canvas')
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
    page = visit("#inside?layer=blocks.2.0.conv_dw&cell=7,0,3")
    page.set_default_timeout(60_000)
    shown(page, "blocks.2.0.conv_dw", 7, 0, 3)
    check_cell(page, "blocks.2.0.conv_dw", 7, 0, 3, network=network, picture=picture)
    assert page.locator(".strip button").count() == 9
    assert page.inner_text('.strip [aria-expanded="true"]').startswith("blocks.2")
    page.click(".strip button >> nth=2")
    page.wait_for_selector('#inside-room[data-shown^="blocks.1.0.conv_pw:"]')
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
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert serious(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
