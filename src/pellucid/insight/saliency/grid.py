"""Where the cells of a map lie on the picture, and the map drawn out to any size.

A cell lies at the middle of its receptive field, padding included. Maps of unpadded networks lie well inside
the picture, and one that is simply stretched over it puts its cells several pixels too far out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.insight.inside import Inside
from pellucid.insight.receptive import field_of
from pellucid.insight.record import INPUT


@dataclass(frozen=True)
class Axis:
    """The rows of a map, or its columns, along a side of the network's input.

    Attributes:
        count: How many there are.
        length: Of the side, in pixels of the network's input.
        first: The middle of the first, from the side's beginning; the middle of the first pixel is 0.5.
        step: From the middle of one to the next.
    """

    count: int
    length: int
    first: float
    step: float

    @classmethod
    def stretched(cls, count: int, length: int) -> "Axis":
        """Equal parts of the whole side."""
        return cls(count, length, length / count / 2, length / count)

    def middle(self, place: int) -> float:
        """The middle of a row or column, in pixels of the network's input."""
        return self.first + self.step * place

    def weights(self, size: int) -> NDArray[np.float64]:
        """How much each of ``size`` equal parts of the side takes of each row: (size, count), rows sum to 1.

        It is linear between the middles, and the nearest row beyond the outer ones; where parts are wider
        than rows, each is the mean of the rows around it.
        """
        parts = self.length / size
        middles = self.first + self.step * np.arange(self.count)
        wanted = np.clip((np.arange(size) + 0.5) * parts, middles[0], middles[-1])
        far = np.abs(wanted[:, None] - middles[None]) / max(self.step, parts)
        near = np.maximum(1 - far, 0)
        return np.asarray(near / near.sum(axis=1, keepdims=True))


Grid = tuple[Axis, Axis]
"""The rows and the columns of a map."""


def drawn_out(map_HW: NDArray[Any], grid: Grid, height: int, width: int) -> NDArray[np.float32]:
    """A map over the whole of the network's input, at any size: float32 (height, width)."""
    rows, columns = grid
    return np.asarray(rows.weights(height) @ map_HW @ columns.weights(width).T, np.float32)


def grid_of(inside: Inside, step: str) -> Grid:
    """Where the cells of a step's map lie; stretched where their receptive fields do not say."""
    _, *shape = inside.trace.steps[step].shape
    _, *sides = inside.trace.steps[INPUT].shape
    found = [_axis(inside, step, axis, shape, sides) for axis in (0, 1)]
    return found[0], found[1]


def _axis(inside: Inside, step: str, axis: int, shape: list[int], sides: list[int]) -> Axis:
    """By three cells: where the first two are apart as all others must be, the middles are evenly spaced."""
    count, length = shape[axis], sides[axis]
    even = Axis.stretched(count, length)
    if count < 2:
        return even
    middles = []
    for place in (0, 1, count - 1):
        index = [0, shape[0] // 2, shape[1] // 2]
        index[axis + 1] = place
        field = field_of(inside.trace.steps, INPUT, step, tuple(index))
        if field is None or not field.exact:
            return even
        ends = (field.top, field.bottom) if axis == 0 else (field.left, field.right)
        before, after = field.beyond[axis], field.beyond[axis + 2]
        first, last = -before if before else ends[0], length - 1 + after if after else ends[1]
        middles.append((first + last + 1) / 2)
    gap = middles[1] - middles[0]
    if gap <= 0 or abs(middles[2] - middles[0] - gap * (count - 1)) > 1e-6:
        return even
    return Axis(count, length, middles[0], gap)
