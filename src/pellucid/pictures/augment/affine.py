"""Affine maps of the plane as six numbers, and how they follow one another.

A map leads from a place in the output to the place in the input that is shown there, in pixels whose centres
are whole numbers (as Keras and OpenCV count them). Carrying one out is ``warp``'s business.
"""

from math import cos, pi, sin
from typing import NamedTuple

Frame = tuple[int, int]
"""(height, width) of a picture, in pixels."""

_CLOSE = 1e-9  # of a pixel


class Affine(NamedTuple):
    """x' = a x + b y + c and y' = d x + e y + f; x counts columns and y rows."""

    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 1.0
    f: float = 0.0

    def after(self, later: "Affine") -> "Affine":
        """The one map that does what this one and then the ``later`` one do to a picture.

        The later map is asked first: it leads from the output to the picture between the two.
        """
        a, b, c, d, e, f = self
        return Affine(
            a * later.a + b * later.d,
            a * later.b + b * later.e,
            a * later.c + b * later.f + c,
            d * later.a + e * later.d,
            d * later.b + e * later.e,
            d * later.c + e * later.f + f,
        )

    def shift(self) -> tuple[int, int] | None:
        """(rows, columns) where the map is a shift by whole pixels, to a billionth of one; else None."""
        if self.a != 1 or self.e != 1 or self.b or self.d:
            return None
        rows, columns = round(self.f), round(self.c)
        whole = abs(self.f - rows) < _CLOSE and abs(self.c - columns) < _CLOSE
        return (rows, columns) if whole else None


IDENTITY = Affine()


def about_centre(frame: Frame, a: float, b: float, d: float, e: float) -> Affine:
    """A linear map that leaves the middle of the picture where it is."""
    y, x = (frame[0] - 1) / 2, (frame[1] - 1) / 2
    return Affine(a, b, x - a * x - b * y, d, e, y - d * x - e * y)


def rotation(frame: Frame, turn: float) -> Affine:
    """Counter-clockwise about the middle by a share of a full turn."""
    cosine, sine = cos(2 * pi * turn), sin(2 * pi * turn)
    return about_centre(frame, cosine, -sine, sine, cosine)
