"""Which cells of the next steps use a cell, and whether it wins the pooling windows that it lies in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.insight.arithmetic import Given, work_out
from pellucid.insight.operation import (
    AdaptivePooling,
    Addition,
    Concatenation,
    Convolution,
    Dense,
    Distance,
    GlobalPooling,
    Index,
    Multiplication,
    Operation,
    Padding,
    Permutation,
    Pooling,
    Reshaping,
    Shape,
    Slide,
    Softmax,
    Unknown,
)

Places = tuple[tuple[int, ...], ...]
"""For each axis of an output, which places: the cells at all of them together."""


@dataclass(frozen=True)
class Use:
    """The cells of one later layer that are made from a cell.

    Attributes:
        layer: The layer.
        kind: What it is.
        channels: Their channels, or units.
        rows: Their rows; empty in a flat row.
        columns: Their columns; empty in a flat row.
        cells: How many there are: every channel at every row and column.
        won: In how many of them the cell is the largest and wins; None where nothing is won.
        known: Whether it is known which they are; not so for an unknown kind of layer.
    """

    layer: str
    kind: str
    channels: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    cells: int
    won: int | None = None
    known: bool = True

    def to_json(self) -> dict[str, Any]:
        """The use as JSON holds it."""
        return {
            "layer": self.layer,
            "kind": self.kind,
            "channels": list(self.channels),
            "rows": list(self.rows),
            "columns": list(self.columns),
            "cells": self.cells,
            "won": self.won,
            "known": self.known,
        }


def use_of(
    layer: str, kind: str, operation: Operation, given: Given, part: int, index: Index, out: Shape
) -> Use:
    """How a step uses a cell of its input.

    Args:
        layer: The step's layer.
        kind: Its kind, for a person.
        operation: What it computes.
        given: All of its inputs.
        part: Which of them the cell is in.
        index: The cell's place there.
        out: The shape of the step's output.
    """
    shapes = [numbers.shape for _, numbers in given]
    places = forward(operation, shapes, part, index, out)
    if places is None:
        return Use(layer, kind, (), (), (), 0, known=False)
    channels, rows, columns = (*places, (), (), ())[:3]
    won = None
    if getattr(operation, "maximum", False):
        won = sum(_wins(operation, given, index, one) for one in product(*places))
    return Use(layer, kind, channels, rows, columns, prod(map(len, places)), won)


def forward(
    operation: Operation, shapes: Sequence[Shape], part: int, index: Index, out: Shape
) -> Places | None:
    """Where the output is made from the cell at ``index`` of input ``part``; None where that is not known."""
    if isinstance(operation, Unknown):
        return None
    if isinstance(operation, Concatenation):
        before = sum(shape[operation.axis] for shape in shapes[:part])
        return tuple((place + before * (axis == operation.axis),) for axis, place in enumerate(index))
    if isinstance(operation, Addition | Multiplication):
        missing = (0,) * (len(out) - len(index))
        own = (*(1 for _ in missing), *shapes[part])
        return tuple(
            (place,) if size == own[axis] else tuple(range(size))
            for axis, (place, size) in enumerate(zip((*missing, *index), out, strict=True))
        )
    worker = _FORWARD.get(type(operation))
    return worker(operation, index, shapes[part], out) if worker else tuple((place,) for place in index)


def _wins(operation: Operation, given: Given, index: Index, out: Index) -> bool:
    """Whether the output at ``out`` is this very cell, the first of the largest."""
    winner = next((one for one in work_out(operation, given, out).terms if one.weight == 1), None)
    return winner is not None and (winner.channel, winner.row, winner.column) == tuple(index)


def _outputs(places: Callable[[int], NDArray[Any]], place: int, number: int) -> tuple[int, ...]:
    """The outputs along an axis whose window holds this place."""
    return tuple(out for out in range(number) if np.any(places(out) == place))


def _under(slide: Slide, channels: tuple[int, ...], index: Index, out: Shape) -> Places:
    rows = _outputs(lambda one: slide.places(0, one), index[1], out[1])
    return channels, rows, _outputs(lambda one: slide.places(1, one), index[2], out[2])


def _convolution(operation: Convolution, index: Index, shape: Shape, out: Shape) -> Places:
    size = out[0] // operation.groups
    first = index[0] // (shape[0] // operation.groups) * size
    return _under(operation.slide, tuple(range(first, first + size)), index, out)


def _pooling(operation: Pooling, index: Index, shape: Shape, out: Shape) -> Places:
    return _under(operation.slide, (index[0],), index, out)


def _adaptive(operation: AdaptivePooling, index: Index, shape: Shape, out: Shape) -> Places:
    rows = _outputs(lambda one: operation.places(0, one, shape[1]), index[1], out[1])
    columns = _outputs(lambda one: operation.places(1, one, shape[2]), index[2], out[2])
    return (index[0],), rows, columns


def _global(operation: GlobalPooling, index: Index, shape: Shape, out: Shape) -> Places:
    return ((index[0],), *((0,) for _ in out[1:]))


def _all_along(axis: int, index: Index, out: Shape) -> Places:
    return tuple(tuple(range(size)) if place == axis else (index[place],) for place, size in enumerate(out))


def _moved(operation: Reshaping | Permutation, index: Index, shape: Shape, out: Shape) -> Places:
    return tuple((place,) for place in operation.target(index, shape))


def _padded(operation: Padding, index: Index, shape: Shape, out: Shape) -> Places:
    (top, _), (left, _) = operation.pads
    return (index[0],), (index[1] + top,), (index[2] + left,)


_FORWARD: dict[type, Callable[[Any, Index, Shape, Shape], Places]] = {
    Convolution: _convolution,
    Pooling: _pooling,
    AdaptivePooling: _adaptive,
    GlobalPooling: _global,
    Dense: lambda operation, index, shape, out: _all_along(len(out) - 1, index, out),
    Distance: lambda operation, index, shape, out: _all_along(0, index, out),
    Softmax: lambda operation, index, shape, out: _all_along(operation.axis, index, out),
    Reshaping: _moved,
    Permutation: _moved,
    Padding: _padded,
}
