"""Which part of a picture the network sees, so that a place in its input is told in the picture's own pixels.

How the pixels come there is ``pictures.preprocess``'s; this is the same geometry, and a test compares them.
"""

import math
from dataclasses import dataclass

from pellucid.pictures.preprocess import Preprocess


@dataclass(frozen=True)
class Box:
    """Rows and columns of a picture, from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int

    def to_json(self) -> dict[str, int]:
        """The four by name."""
        return {"top": self.top, "left": self.left, "bottom": self.bottom, "right": self.right}


@dataclass(frozen=True)
class Frame:
    """The network's input laid over a picture.

    Attributes:
        height: Of the picture, upright, in pixels.
        width: Of the picture.
        rows: Of the network's input.
        columns: Of the network's input.
        top: Where the input's upper edge lies on the picture, in its pixels; negative above it (letterbox).
        left: Where its left edge lies.
        bottom: Where its lower edge lies; the picture's own is ``height``.
        right: Where its right edge lies.
    """

    height: int
    width: int
    rows: int
    columns: int
    top: float
    left: float
    bottom: float
    right: float

    @property
    def cut(self) -> bool:
        """Whether a part of the picture lies outside what the network sees."""
        return self.top > 0 or self.left > 0

    def row(self, place: float) -> float:
        """From the input's upper edge (0) to its lower (``rows``): where that is on the picture."""
        return self.top + place * (self.bottom - self.top) / self.rows

    def column(self, place: float) -> float:
        """From the input's left edge (0) to its right (``columns``): where that is on the picture."""
        return self.left + place * (self.right - self.left) / self.columns

    def box(self, top: float, left: float, bottom: float, right: float) -> Box:
        """The pixels of the picture under a part of the input, given by its edges; at least one."""
        first, last = _inside(self.row(top), self.row(bottom), self.height)
        west, east = _inside(self.column(left), self.column(right), self.width)
        return Box(first, west, last, east)


def frame_of(preprocess: Preprocess, height: int, width: int) -> Frame:
    """How a picture of this size, upright, comes into the network's input."""
    rows, columns = preprocess.height, preprocess.width
    scales = rows / height, columns / width
    tall, wide = float(height), float(width)  # how much of the picture the input reaches over
    top = left = 0.0
    if preprocess.fit == "crop":
        tall, wide = min(rows / max(scales), height), min(columns / max(scales), width)
        top, left = (height - tall) / 2, (width - wide) / 2
    elif preprocess.fit == "letterbox" and (height, width) != (rows, columns):
        inner = max(round(height * min(scales)), 1), max(round(width * min(scales)), 1)
        tall, wide = rows * height / inner[0], columns * width / inner[1]
        top, left = (
            -((size - part) // 2) * length / part
            for size, part, length in zip((rows, columns), inner, (height, width), strict=True)
        )
    return Frame(height, width, rows, columns, top, left, top + tall, left + wide)


def _inside(first: float, last: float, length: int) -> tuple[int, int]:
    """Whole pixels from one edge to the other; those outside the picture are the nearest inside."""
    begin = min(max(math.floor(first + 1e-6), 0), length - 1)
    return begin, min(max(math.ceil(last - 1e-6) - 1, begin), length - 1)
