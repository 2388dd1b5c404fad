"""Occlusion sensitivity (Zeiler and Fergus 2014): what the answer loses when a square is covered.

It needs no gradient and no layer, only answers for pictures.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import RequestError
from pellucid.insight.saliency.grid import Axis, Grid

Chances = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""Pictures (N, C, H, W) -> an answer for each class (N, K)."""

WORK = ("Covering parts of the picture", "squares")
"""What is done part by part, and what it is counted in."""

_CELLS = 12  # across the shorter side, about
_BATCH = 16


@dataclass(frozen=True, eq=False)
class Occlusion:
    """What covering each place does.

    Attributes:
        signed_HW: What the answer for the class loses when the square in the middle of each cell is covered,
            float64; negative where it gains, and 0 where it was not covered yet.
        covered_HW: The answer while it is covered: a probability where the network gives any; NaN where it
            was not covered yet.
        whole: The answer for the picture as it is.
        window: The square's side, in pixels of the network's input.
        stride: From one square's middle to the next; the side of a cell.
        fill: What covers, in the network's own unit.
        grid: Where the cells lie.
        done: How many squares were covered, row by row.
    """

    signed_HW: NDArray[np.float64]
    covered_HW: NDArray[np.float64]
    whole: float
    window: int
    stride: int
    fill: float
    grid: Grid
    done: int

    @property
    def total(self) -> int:
        """How many squares there are."""
        return self.covered_HW.size


def coverings(
    chances: Chances,
    x_CHW: NDArray[Any],
    index: int,
    *,
    window: int | None = None,
    stride: int | None = None,
    fill: float = 0.0,
) -> Iterator[Occlusion]:
    """What is known before the first square is covered, and after each batch of them.

    Args:
        chances: The network.
        x_CHW: The picture as the network sees it.
        index: The class's place among its answers.
        window: The square's side; None for twice the stride.
        stride: How far it moves; None for about a twelfth of the shorter side.
        fill: What covers. 0 is the mean colour of most networks' preprocessing, and black in the others.

    Raises:
        RequestError: The window or the stride is smaller than 1.
    """
    _, height, width = x_CHW.shape
    stride = max(2 * round(min(height, width) / _CELLS / 2), 1) if stride is None else stride
    window = 2 * stride + stride % 2 if window is None else window
    if window < 1 or stride < 1:
        raise RequestError(
            f"The window is {window} and the stride {stride}.",
            "Whole numbers of pixels from 1 were expected.",
            "Leave them out for a twelfth of the picture.",
        )
    axes = _axis(height, stride), _axis(width, stride)
    whole = float(chances(x_CHW[None].astype(np.float32))[0, index])
    squares = _squares(axes, window)
    covered = np.full(len(squares), np.nan)
    for start in range(-_BATCH, len(covered), _BATCH):
        some = squares[max(start, 0) : start + _BATCH]
        if some:
            x_NCHW = np.repeat(x_CHW[None].astype(np.float32), len(some), axis=0)
            for picture_CHW, (rows, columns) in zip(x_NCHW, some, strict=True):
                picture_CHW[:, rows, columns] = fill
            covered[start : start + len(some)] = chances(x_NCHW)[:, index]
        covered_HW = covered.reshape(axes[0].count, axes[1].count).copy()
        signed_HW = np.where(np.isnan(covered_HW), 0.0, whole - covered_HW)
        done = max(start, 0) + len(some)
        yield Occlusion(signed_HW, covered_HW, whole, window, stride, fill, axes, done)


def _axis(length: int, stride: int) -> Axis:
    return Axis(-(-length // stride), length, stride / 2, float(stride))


def _squares(axes: Grid, window: int) -> list[tuple[slice, slice]]:
    """Row by row, the rows and columns under the square in the middle of each cell."""
    rows, columns = ([_span(axis, place, window) for place in range(axis.count)] for axis in axes)
    return [(row, column) for row in rows for column in columns]


def _span(axis: Axis, place: int, window: int) -> slice:
    first = int(np.floor(axis.middle(place) - window / 2))
    return slice(max(first, 0), min(first + window, axis.length))
