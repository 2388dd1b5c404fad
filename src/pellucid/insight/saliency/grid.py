"""Where the cells of a map lie on the picture, and the map drawn out to any size.

A cell lies at the middle of its receptive field. Maps of unpadded networks lie well inside the picture, and
one that is simply stretched over it puts its cells several pixels too far out. Where a layer pads, its cells
lie evenly about the middle instead: trained networks make up for padding (docs/decisions/0009).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.insight.inside import Inside
from pellucid.insight.operation import (
    AdaptivePooling,
    Addition,
    Affine,
    ChannelAffine,
    Concatenation,
    Convolution,
    Elementwise,
    Multiplication,
    Normalisation,
    Operation,
    Padding,
    Passing,
    Permutation,
    Pooling,
    Reshaping,
    Shape,
    Softmax,
)
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
    """Where the cells of a step's map lie; stretched over the picture where the steps before do not say."""
    _, *shape = inside.trace.steps[step].shape
    _, *sides = inside.trace.steps[INPUT].shape
    rows, columns = (_axis(inside, step, axis, shape[axis], sides[axis]) for axis in (0, 1))
    return rows, columns


def maps_of(inside: Inside) -> set[str]:
    """The steps whose output has the picture's rows and columns, in that order, and more than one cell.

    Some networks turn their maps round for a while, so that channels come last; these are left out.
    """
    steps = inside.trace.steps
    turned: dict[str, Shape] = {INPUT: (0, 1, 2)}
    for step in steps.values():
        before = _before(inside, step.name)
        if before in turned and len(step.shape) == 3 and not isinstance(step.operation, Reshaping):
            axes, operation = turned[before], step.operation
            turn = operation.axes if isinstance(operation, Permutation) else (0, 1, 2)
            turned[step.name] = tuple(axes[one] for one in turn)
    return {
        name for name, axes in turned.items() if axes == (0, 1, 2) and math.prod(steps[name].shape[1:]) > 1
    }


def _axis(inside: Inside, name: str, axis: int, count: int, length: int) -> Axis:
    """Going back, the middle of cell i is at ``first + i * step`` in the cells of each step before."""
    steps = inside.trace.steps
    first, step = 0.0, 1.0
    while name != INPUT:
        before = _before(inside, name)
        sizes = steps[before].shape[1:], steps[name].shape[1:]
        moved = _moved(steps[name].operation, axis, sizes[0][axis], sizes[1][axis]) if sizes[0] else None
        if moved is None:
            return Axis.stretched(count, length)
        stride, offset = moved
        first, step, name = first * stride + offset, step * stride, before
    return Axis(count, length, first + 0.5, step)


def _before(inside: Inside, name: str) -> str:
    """The input with the most cells that a step goes on from: of a gate, the map that is gated."""
    steps = inside.trace.steps
    inputs = [one for one in steps[name].inputs if len(steps[one].shape) == 3]
    return max(inputs, key=lambda one: math.prod(steps[one].shape[1:]), default=INPUT)


def _moved(operation: Operation, axis: int, size: int, out: int) -> tuple[float, float] | None:
    """By how many input cells an output cell moves on, and where the middle of the first one lies.

    Where there is padding, the outputs lie evenly about the middle of the side.
    """
    match operation:
        case Convolution(slide=slide) | Pooling(slide=slide):
            stride = slide.stride[axis]
            if sum(slide.pads[axis]):
                return stride, (size - 1 - (out - 1) * stride) / 2
            return stride, slide.dilation[axis] * (slide.window[axis] - 1) / 2
        case AdaptivePooling():
            return size / out, (size / out - 1) / 2
        case Padding():
            return 1.0, (size - out) / 2
        case (
            Addition()
            | Affine()
            | ChannelAffine()
            | Concatenation(axis=0)
            | Elementwise()
            | Multiplication()
            | Normalisation()
            | Passing()
            | Softmax(axis=0)
        ):
            return 1.0, 0.0
    return None
