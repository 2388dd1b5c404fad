"""A saliency map as a picture: the picture, the map over it, and a scale of colour and numbers.

Matplotlib draws it. The colour-blind can read the palettes, and a line at half of the largest number says the
same without colour.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid.errors import printable
from pellucid.insight.saliency.frame import Frame
from pellucid.insight.saliency.grid import drawn_out
from pellucid.insight.saliency.map import Saliency, blurred

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "grad-cam": "Grad-CAM",
    "layer-cam": "LayerCAM",
    "occlusion": "Occlusion",
    "integrated-gradients": "Integrated gradients",
}
_UNITS = {
    "grad-cam": "the layer's channels, weighted and added",
    "layer-cam": "the layer's channels, weighted cell by cell and added",
    "occlusion": "what the answer loses while the place is covered",
    "integrated-gradients": "what the pixels add to the score, blurred",
}
_PANEL = 460  # pixels: the longer side of the picture on the paper
_LEAST = 150  # and the shorter side at least, so that text has room
_DOTS = 100
_EDGE, _GAP, _HEAD, _BAR, _LEGEND = 16, 14, 60, 16, 110
_GREY = 0.65
_INK, _QUIET = "#1b1e22", "#59616a"


@dataclass(frozen=True)
class Words:
    """What stands above the pictures."""

    title: str
    under: str


def overlay(pixels_HWC: NDArray[np.uint8], frame: Frame, found: Saliency, words: Words) -> bytes:
    """The PNG.

    Args:
        pixels_HWC: The picture, upright, uint8 (H, W, 3).
        frame: Which part of it the network sees.
        found: The map.
        words: The title, and a line under it.
    """
    from matplotlib.figure import Figure  # half a second to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the font lacks
        figure = Figure(dpi=_DOTS, facecolor="white")
        _draw(figure, pixels_HWC, frame, found, words)
        file = io.BytesIO()
        figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _draw(
    figure: "Figure", pixels_HWC: NDArray[np.uint8], frame: Frame, found: Saliency, words: Words
) -> None:
    scale = _PANEL / max(frame.height, frame.width)
    tall, wide = (max(round(side * scale), _LEAST) for side in (frame.height, frame.width))
    width, height = 2 * wide + 2 * _EDGE + _GAP + _LEGEND, _HEAD + tall + _EDGE
    figure.set_size_inches(width / _DOTS, height / _DOTS)

    def panel(left: float, across: float, short: float = 0) -> "Axes":
        box = left / width, (_EDGE + short) / height, across / width, (tall - 2 * short) / height
        return figure.add_axes(box)

    def write(y: float, text: str, size: float, **more: Any) -> None:
        plain, room = printable(text), int(width / (size * _DOTS / 72 * 0.68))  # 0.68 of a letter's height
        fitting = plain if len(plain) <= room else f"{plain[: room - 3]}..."
        figure.text(_EDGE / width, 1 - y / height, fitting, size=size, parse_math=False, **more)

    write(25, words.title, 11.5, color=_INK, weight="bold")
    write(45, words.under, 8.5, color=_QUIET)
    plain, over = panel(_EDGE, wide), panel(_EDGE + wide + _GAP, wide)
    small_HWC = _small(pixels_HWC)
    for axes, shown_HWC in ((plain, small_HWC), (over, _pale(small_HWC))):
        _lay(axes, shown_HWC, frame, smooth=max(frame.height, frame.width) > _PANEL / 4)
        axes.set(xlim=(0, frame.width), ylim=(frame.height, 0), aspect="equal")
        axes.set_axis_off()
    paint = _paint(found)
    _cover(over, paint, found, frame)
    for axes in (plain, over):
        _outline(axes, found, frame)
    _legend(panel(2 * wide + _EDGE + 2 * _GAP, _BAR, min(tall / 8, 20)), paint, _UNITS[found.method])


@dataclass(frozen=True)
class _Paint:
    """Which colour a number has.

    Attributes:
        numbers_HW: What is drawn, over the whole of the network's input.
        largest: At the end of the colours.
        signed: Whether there is another end for what speaks against the class.
    """

    numbers_HW: NDArray[np.float64]
    largest: float
    signed: bool

    def colours(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """RGBA in 0..1 with one axis more: the nearer to 0, the more transparent."""
        from matplotlib import colormaps

        share = np.clip(numbers / self.largest, -1 if self.signed else 0, 1)
        places = 0.5 - share / 2 if self.signed else 0.15 + 0.8 * share
        painted = np.array(colormaps["PuOr" if self.signed else "inferno"](places))
        painted[..., 3] = 0.72 * np.abs(share) ** (1 if self.signed else 0.7)
        return painted


def _paint(found: Saliency) -> _Paint:
    height, width = (axis.length for axis in found.grid)
    signed = found.layer is None
    map_HW = np.asarray(found.evidence.signed_HW, np.float64)
    if not signed:
        map_HW = np.maximum(map_HW, 0)
    if map_HW.shape == (height, width):
        numbers_HW = blurred(map_HW)
        return _Paint(numbers_HW, float(np.abs(numbers_HW).max()) or 1.0, signed)
    fine = max(1, -(-_PANEL // max(height, width)))  # finer than the network sees, so that nothing is jagged
    numbers_HW = drawn_out(map_HW, found.grid, height * fine, width * fine).astype(np.float64)
    return _Paint(numbers_HW, float(np.abs(map_HW).max()) or 1.0, signed)


def _lay(axes: "Axes", pixels_HWC: NDArray[Any], frame: Frame, smooth: bool) -> None:
    extent = 0, frame.width, frame.height, 0
    axes.imshow(pixels_HWC, extent=extent, interpolation="antialiased" if smooth else "nearest")


def _cover(axes: "Axes", paint: _Paint, found: Saliency, frame: Frame) -> None:
    """The colours over the part that the network sees, and a line at half of the largest number."""
    extent = frame.left, frame.right, frame.bottom, frame.top
    axes.imshow(paint.colours(paint.numbers_HW), extent=extent, interpolation="bilinear")
    if frame.cut:
        for x in (frame.left, frame.right) if frame.left > 0 else ():
            _dashes(axes, (x, x), (frame.top, frame.bottom))
        for y in (frame.top, frame.bottom) if frame.top > 0 else ():
            _dashes(axes, (frame.left, frame.right), (y, y))
    if found.map_HW.shape == tuple(axis.length for axis in found.grid) or found.scale == 0:
        return
    rows, columns = paint.numbers_HW.shape
    y = frame.top + (np.arange(rows) + 0.5) / rows * (frame.bottom - frame.top)
    x = frame.left + (np.arange(columns) + 0.5) / columns * (frame.right - frame.left)
    if min(rows, columns) > 1:
        for colour, thick in (("black", 1.8), ("white", 0.9)):
            axes.contour(x, y, paint.numbers_HW, [found.scale / 2], colors=[colour], linewidths=thick)


def _outline(axes: "Axes", found: Saliency, frame: Frame) -> None:
    """The strongest region."""
    region = found.region()
    if region is None:
        return
    box = frame.box(region.top, region.left, region.bottom, region.right)
    _rectangle(axes, box.left, box.top, box.right + 1 - box.left, box.bottom + 1 - box.top)


def _dashes(axes: "Axes", x: Sequence[float], y: Sequence[float]) -> None:
    """Where the network's view ends: white dashes on a black line."""
    axes.plot(x, y, color="black", linewidth=1.2)
    axes.plot(x, y, color="white", linewidth=1.2, linestyle=(0, (4, 4)))


def _rectangle(axes: "Axes", x: float, y: float, across: float, down: float) -> None:
    from matplotlib.patches import Rectangle

    for colour, thick in (("black", 3.4), ("white", 1.6)):
        box = Rectangle((x, y), across, down, fill=False, edgecolor=colour, linewidth=thick)
        axes.add_patch(box).set_clip_on(False)


def _legend(axes: "Axes", paint: _Paint, unit: str) -> None:
    """The colours as they are over grey, with numbers."""
    least = -paint.largest if paint.signed else 0.0
    numbers = np.linspace(least, paint.largest, 256)[:, None]
    painted = paint.colours(numbers)
    mixed = painted[..., :3] * painted[..., 3:] + _GREY * (1 - painted[..., 3:])
    axes.imshow(mixed, extent=(0, 1, least, paint.largest), origin="lower", aspect="auto")
    ticks = [least, least / 2, 0, paint.largest / 2, paint.largest] if paint.signed else None
    ticks = ticks or [0, paint.largest / 4, paint.largest / 2, 3 * paint.largest / 4, paint.largest]
    axes.set_yticks(ticks, [f"{tick:+.2g}" if paint.signed and tick else f"{tick:.2g}" for tick in ticks])
    axes.yaxis.tick_right()
    axes.tick_params(labelsize=8.5, labelcolor=_INK, color=_QUIET)
    axes.set_xticks([])
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(unit, size=8.5, color=_QUIET, labelpad=8)
    for spine in axes.spines.values():
        spine.set_color(_QUIET)


def _small(pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """No more pixels than the paper has room for."""
    image = Image.fromarray(pixels_HWC)
    image.thumbnail((2 * _PANEL, 2 * _PANEL), Image.Resampling.BOX)
    return np.asarray(image)


def _pale(pixels_HWC: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Grey, and lighter, so that colours stand out."""
    grey_HW = pixels_HWC @ np.array([0.299, 0.587, 0.114]) / 255
    return np.repeat((0.3 + 0.7 * grey_HW)[:, :, None], 3, axis=2)
