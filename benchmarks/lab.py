"""How long the lab lets a person wait, measured in Chromium on a backbone of 83 layers.

    python -m benchmarks.lab [--rounds 2]

First paint of the page, the first view of a new picture, and from a click on a cell to its arithmetic, over
cells of every kind of layer. Playwright and Chromium are wanted (PELLUCID_CHROMIUM names another place).
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import machine, record
from benchmarks.process import ROOT
from benchmarks.spread import Figures, tell

_PELLUCID = Path(sys.executable).with_name("pellucid")
_BACKBONE = "efficientnet_lite0"
_CHROMIUM = os.environ.get("PELLUCID_CHROMIUM", "/usr/bin/chromium")
_LAYERS = (
    "conv_stem",
    "bn1",
    "blocks.0.0.conv_dw",
    "blocks.1.0.conv_pw",
    "blocks.1.0.conv_dw",
    "blocks.2.1.bn3",
    "blocks.3.2.conv_pwl",
    "blocks.5.1.conv_pw",
    "blocks.6.0.conv_pwl",
    "conv_head",
)
_PICTURE = "#inside-room .sight select"  # after the network's
_PICTURES = 5  # other than the first, which has been seen before anything is measured
# From the click until the cell that was clicked is shown, in the browser's own clock.
_CLICK = """async ([layer, x, y]) => {
  const room = document.querySelector("#inside-room"), canvas = room.querySelector(".large canvas.map");
  const box = canvas.getBoundingClientRect(), before = room.dataset.shown, begun = performance.now();
  const at = { bubbles: true, clientX: box.left + x * box.width, clientY: box.top + y * box.height };
  canvas.dispatchEvent(new PointerEvent("click", at));
  while (room.dataset.shown === before) {
    if (performance.now() - begun > 5000) return null;
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - begun;
}"""
_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@contextmanager
def lab() -> Iterator[str]:
    """The address of a lab of its own."""
    command = [str(_PELLUCID), "open", _BACKBONE, "--no-browser", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield json.loads(server.stdout.readline())["address"]
        finally:
            server.terminate()


def opened(browser: Any, address: str, room: str) -> Any:
    """A new page with this room in it."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(f"{address.partition('#')[0]}#{room}")
    return page


def painted(page: Any) -> float:
    """Milliseconds from the request for the page until something of it was seen."""
    return float(page.wait_for_function(_PAINT).json_value())


def measure(page: Any, pictures: list[str], figures: Figures) -> None:
    """Clicks on cells of every kind of layer, and pictures that were not seen before, in the room Inside."""
    for layer in _LAYERS:
        page.evaluate("hash => { location.hash = hash; }", f"#inside?layer={layer}")
        page.wait_for_selector(f'#inside-room[data-shown^="{layer}:"]')
        page.wait_for_timeout(300)
        for x, y in ((0.11, 0.23), (0.52, 0.48), (0.83, 0.31), (0.34, 0.77)):
            seconds = page.evaluate(_CLICK, [layer, x, y])
            if seconds is not None:
                figures.note("click to arithmetic", seconds, unit="ms")
    for picture in pictures:
        begun = page.evaluate("() => performance.now()")
        page.locator(_PICTURE).nth(1).select_option(picture)
        page.wait_for_function(f"() => decodeURIComponent(location.hash).includes({json.dumps(picture)})")
        figures.note(
            "first view of a new picture", page.evaluate("() => performance.now()") - begun, unit="ms"
        )


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lab", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    figures, about = Figures(), machine.describe()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        for turn in range(given.rounds):
            tell(f"Round {turn + 1} of {given.rounds}")
            with lab() as address:
                page = opened(browser, address, "inside")
                figures.note("first paint, the lab just started", painted(page), unit="ms")
                page.wait_for_selector("#inside-room[data-shown]")
                for room in ("filters", "network", "views"):
                    other = opened(browser, address, room)
                    figures.note("first paint", painted(other), unit="ms")
                    other.close()
                options = page.locator("optgroup option").evaluate_all("all => all.map(one => one.value)")
                first = page.locator(_PICTURE).nth(1).input_value()
                others = [
                    one for one in dict.fromkeys(options) if one.startswith("clipart/") and one != first
                ]
                measure(page, others[:_PICTURES], figures)
                page.close()
        browser.close()
    print(figures.table())
    clicks = sorted(figures.spreads()["click to arithmetic"].values)
    worst = {"p90": clicks[int(0.9 * (len(clicks) - 1))], "worst": clicks[-1]}
    print(", ".join(f"{name} {value:.0f} ms" for name, value in worst.items()))
    path = record.write(
        "lab",
        note=given.note,
        settings={"backbone": _BACKBONE, "rounds": given.rounds, "layers": list(_LAYERS)},
        machine=about,
        versions=machine.versions(),
        figures=figures.spreads(),
        more={"click to arithmetic": worst},
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
