"""All maps of a layer as one small picture: a thumbnail for each channel, in the page's palette.

The page cuts it up; what a map's exact numbers are is left to ``lab.inside``.
"""

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 48
"""The longer side of a thumbnail, in pixels, at most; smaller maps keep their size."""

_ZERO, _NO_NUMBER = 127, 255
_BLUE, _WHITE, _ORANGE, _GREY = (33, 102, 172), (255, 255, 255), (230, 97, 1), (128, 128, 128)


@dataclass(frozen=True)
class Sprite:
    """The thumbnails of a layer.

    Attributes:
        png: The picture, with a palette of 256 colours.
        columns: How many thumbnails stand side by side; the last row may have fewer.
        height: Rows of pixels of one thumbnail.
        width: Columns of pixels of one thumbnail.
    """

    png: bytes
    columns: int
    height: int
    width: int


def make_sprite(maps_CHW: NDArray[np.float32], scale: float) -> Sprite:
    """Draw each channel small, the first at the top left.

    Args:
        maps_CHW: float (C, H, W). A pixel of a thumbnail is the mean of the cells that it stands for.
        scale: The number at which the colour is full, the same below zero and above; 0 gives white.
    """
    channels, height, width = maps_CHW.shape
    part = min(SIDE / max(height, width), 1)
    rows, across = max(round(height * part), 1), max(round(width * part), 1)
    columns = max(math.ceil(math.sqrt(channels * rows / across)), 1)
    lines = -(-channels // columns)
    cells = np.full((lines * columns, rows, across), _ZERO, np.uint8)
    cells[:channels] = _indices(_smaller(maps_CHW, rows, across), scale)
    sheet = cells.reshape(lines, columns, rows, across).swapaxes(1, 2).reshape(lines * rows, columns * across)
    image = Image.fromarray(sheet, "L")
    image.putpalette(PALETTE.tobytes())
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return Sprite(file.getvalue(), columns, rows, across)


def _smaller(maps_CHW: NDArray[np.float32], rows: int, across: int) -> NDArray[np.float32]:
    """The same maps with fewer rows and columns, by the mean of what falls together."""
    if maps_CHW.shape[1:] == (rows, across):
        return maps_CHW
    small = [
        np.asarray(
            Image.fromarray(np.ascontiguousarray(map_HW, np.float32)).resize(
                (across, rows), Image.Resampling.BOX
            )
        )
        for map_HW in maps_CHW
    ]
    return np.stack(small)


def _indices(maps_CHW: NDArray[np.float32], scale: float) -> NDArray[np.uint8]:
    """Which colour of the palette each number has: 0 to 254, white in the middle; 255 is no number."""
    with np.errstate(invalid="ignore", over="ignore"):
        share = np.clip(maps_CHW / scale, -1, 1) if scale > 0 else np.zeros_like(maps_CHW)
        places = np.rint(share * _ZERO) + _ZERO
    return np.where(np.isnan(places), _NO_NUMBER, places).astype(np.uint8)


def _palette() -> NDArray[np.uint8]:
    """uint8 (256, 3): blue below zero, white at zero, orange above, as the page's palette.js has it."""
    colours = []
    for place in range(-_ZERO, _ZERO + 1):
        end = _BLUE if place < 0 else _ORANGE
        part = abs(place) / _ZERO
        # JavaScript's Math.round goes up at a half.
        colours.append([math.floor(a + (b - a) * part + 0.5) for a, b in zip(_WHITE, end, strict=True)])
    return np.array([*colours, _GREY], np.uint8)


PALETTE = _palette()
