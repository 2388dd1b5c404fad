"""Where a cell comes from and where it goes: back to the pixels that can change it, forward to its users.

Going back, each step's rows, columns and channels are sets, not intervals, and what falls on padding is left
out at every step: so the field is exact for chains of windows with any stride, padding and dilation. Where
branches meet, it is the smallest box around the fields of all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

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

Mask = NDArray[np.bool_]
Span = tuple[int, int]
"""The first and the last of some rows or columns."""


@dataclass(frozen=True)
class Field:
    """The part of the picture, as the network sees it, that can change a cell.

    Attributes:
        top: Its first row, from 0.
        left: Its first column, from 0.
        bottom: Its last row.
        right: Its last column.
        beyond: How many rows and columns more it would have above, left, below and right on a picture without
            edges: there, padding stands in for pixels.
        exact: Whether it is no larger than it must be, and ``beyond`` no smaller; not so behind a step of an
            unknown kind, or where numbers from beyond an edge were put in another order.
    """

    top: int
    left: int
    bottom: int
    right: int
    beyond: tuple[int, int, int, int]
    exact: bool

    def to_json(self) -> dict[str, Any]:
        """The keys of the contract (rows and columns, both ends included), ``beyond`` and ``exact``."""
        sides = ("top", "left", "bottom", "right")
        return {
            **{side: getattr(self, side) for side in sides},
            "beyond": dict(zip(sides, self.beyond, strict=True)),
            "exact": self.exact,
        }


@dataclass(frozen=True)
class Region:
    """Some cells of a step's output: those whose place on every axis is marked.

    Attributes:
        masks: For each axis, which places.
        reach: For each axis, what it would span on a map without edges.
        exact: Whether all of it is known to be needed, and its reach is known.
    """

    masks: tuple[Mask, ...]
    reach: tuple[Span, ...]
    exact: bool = True

    @classmethod
    def cell(cls, index: Index, shape: Shape) -> "Region":
        """One cell."""
        return cls.around(tuple(np.arange(size) == place for size, place in zip(shape, index, strict=True)))

    @classmethod
    def around(cls, masks: tuple[Mask, ...], exact: bool = True) -> "Region":
        """What is marked, and nothing beyond the edges."""
        return cls(masks, tuple(map(_span, masks)), exact)

    @classmethod
    def whole(cls, shape: Shape, exact: bool = True) -> "Region":
        """All of an output."""
        return cls.around(tuple(np.ones(size, np.bool_) for size in shape), exact)

    @property
    def empty(self) -> bool:
        """Whether it holds no cell: all of it fell on padding, or another branch was meant."""
        return not all(mask.any() for mask in self.masks)

    def joined(self, other: "Region") -> "Region":
        """The smallest region with rows, columns and channels of both."""
        if self.empty or other.empty:
            return other if self.empty else self
        pairs = zip(self.reach, other.reach, strict=True)
        reach = tuple((min(one[0], two[0]), max(one[1], two[1])) for one, two in pairs)
        masks = tuple(one | two for one, two in zip(self.masks, other.masks, strict=True))
        return Region(masks, reach, self.exact and other.exact)

    def along(self, axis: int, mask: Mask) -> "Region":
        """The same with other places along one axis, none of them beyond an edge."""
        masks, reach = [*self.masks], [*self.reach]
        masks[axis], reach[axis] = mask, _span(mask)
        return Region(tuple(masks), tuple(reach), self.exact)


def _span(mask: Mask) -> Span:
    marked = np.flatnonzero(mask)
    return (int(marked[0]), int(marked[-1])) if len(marked) else (0, 0)


def field_of(steps: Mapping[str, Any], picture: str, name: str, index: Index) -> Field | None:
    """The pixels that can change a cell, by walking back from it.

    Args:
        steps: Of a trace, by name, in the order in which they happened.
        picture: The name of the step that is the picture.
        name: The cell's step.
        index: Its place there.

    Returns:
        The field; None where no pixel can change the cell, or the input is no picture.
    """
    regions = {name: Region.cell(index, steps[name].shape)}
    for step in reversed(list(steps.values())):
        region = regions.get(step.name)
        if region is None or region.empty or not step.inputs:
            continue
        shapes = [steps[one].shape for one in step.inputs]
        for source, part in zip(step.inputs, back(step.operation, region, shapes), strict=True):
            regions[source] = regions[source].joined(part) if source in regions else part
    seen = regions.get(picture)
    if seen is None or len(seen.masks) != 3 or seen.empty:
        return None
    (top, bottom), (left, right) = _span(seen.masks[1]), _span(seen.masks[2])
    _, (first, last), (west, east) = seen.reach
    height, width = steps[picture].shape[1:]
    beyond = max(-first, 0), max(-west, 0), max(last - height + 1, 0), max(east - width + 1, 0)
    return Field(top, left, bottom, right, beyond, seen.exact)


def back(operation: Operation, region: Region, shapes: Sequence[Shape]) -> list[Region]:
    """What each input, of these shapes, gives to the region of the output."""
    if isinstance(operation, Unknown):
        return [Region.whole(shape, exact=False) for shape in shapes]
    if isinstance(operation, Concatenation):
        return _split(operation, region, shapes)
    if isinstance(operation, Addition | Multiplication):
        return [_unrepeated(region, shape) for shape in shapes]
    worker = _BACK.get(type(operation))
    return [worker(operation, region, shapes[0])] if worker else [region]


def _split(operation: Concatenation, region: Region, shapes: Sequence[Shape]) -> list[Region]:
    parts, start = [], 0
    for shape in shapes:
        own = region.masks[operation.axis][start : start + shape[operation.axis]]
        start += shape[operation.axis]
        parts.append(region.along(operation.axis, own))
    return parts


def _unrepeated(region: Region, shape: Shape) -> Region:
    """The region of an input whose axes of length 1 were repeated."""
    own = region.masks[len(region.masks) - len(shape) :]
    if tuple(len(mask) for mask in own) == shape and len(own) == len(region.masks):
        return region
    found = Region(own, region.reach[len(region.masks) - len(shape) :], region.exact)
    for axis, size in enumerate(shape):
        if len(own[axis]) != size:
            found = found.along(axis, np.array([own[axis].any()]))
    return found


def _slid(slide: Slide, axis: int, mask: Mask, reach: Span, size: int) -> tuple[Mask, Span]:
    """The rows (axis 0) or columns under the windows of the marked outputs, and how far they reach."""
    found = np.zeros(size, np.bool_)
    first = np.flatnonzero(mask) * slide.stride[axis] - slide.pads[axis][0]
    places = (first[:, None] + slide.dilation[axis] * np.arange(slide.window[axis])).ravel()
    found[places[(places >= 0) & (places < size)]] = True
    return found, (int(slide.places(axis, reach[0])[0]), int(slide.places(axis, reach[1])[-1]))


def _under(slide: Slide, channels: Mask, region: Region, shape: Shape) -> Region:
    rows, down = _slid(slide, 0, region.masks[1], region.reach[1], shape[1])
    columns, across = _slid(slide, 1, region.masks[2], region.reach[2], shape[2])
    return Region((channels, rows, columns), (_span(channels), down, across), region.exact)


def _convolution(operation: Convolution, region: Region, shape: Shape) -> Region:
    groups = region.masks[0].reshape(operation.groups, -1).any(axis=1)
    return _under(operation.slide, groups.repeat(shape[0] // operation.groups), region, shape)


def _pooling(operation: Pooling, region: Region, shape: Shape) -> Region:
    return _under(operation.slide, region.masks[0], region, shape)


def _adaptive(operation: AdaptivePooling, region: Region, shape: Shape) -> Region:
    masks = [region.masks[0]]
    for axis, size in enumerate(shape[1:]):
        found = np.zeros(size, np.bool_)
        for out in np.flatnonzero(region.masks[axis + 1]):
            found[operation.places(axis, int(out), size)] = True
        masks.append(found)
    return Region.around(tuple(masks), region.exact)


def _global(operation: GlobalPooling, region: Region, shape: Shape) -> Region:
    return Region.around((region.masks[0], *(np.ones(size, np.bool_) for size in shape[1:])), region.exact)


def _all_along(region: Region, shape: Shape, axis: int) -> Region:
    return region.along(axis, np.ones(shape[axis], np.bool_))


def _reshaped(operation: Reshaping, region: Region, shape: Shape) -> Region:
    if shape == operation.shape:
        return region
    marked = np.zeros(operation.shape, np.bool_)
    marked[np.ix_(*region.masks)] = True
    if operation.order == "HWC" and len(shape) == 3:
        marked = marked.reshape(shape[1], shape[2], shape[0]).transpose(2, 0, 1)
        return _projected(marked, region.exact)
    found = _projected(marked.reshape(shape), region.exact)
    same = _kept(shape, operation.shape)
    reach = tuple(region.reach[same[axis]] if axis in same else span for axis, span in enumerate(found.reach))
    lost = any(
        region.reach[axis] != _span(region.masks[axis])
        for axis, size in enumerate(operation.shape)
        if size > 1 and axis not in same.values()
    )
    return Region(found.masks, reach, found.exact and not lost)


def _kept(shape: Shape, out: Shape) -> dict[int, int]:
    """The axes that a reshaping leaves as they are: as long as before, and as many numbers apart."""
    there = {(size, prod(out[axis + 1 :])): axis for axis, size in enumerate(out) if size > 1}
    keys = [(size, prod(shape[axis + 1 :])) for axis, size in enumerate(shape)]
    return {axis: there[key] for axis, key in enumerate(keys) if key in there}


def _projected(marked: Mask, exact: bool) -> Region:
    """The smallest region around the marked cells."""
    axes = range(marked.ndim)
    return Region.around(
        tuple(np.asarray(marked.any(axis=tuple(a for a in axes if a != axis))) for axis in axes), exact
    )


def _permuted(operation: Permutation, region: Region, shape: Shape) -> Region:
    order = [operation.axes.index(axis) for axis in range(len(shape))]
    masks, reach = (region.masks[place] for place in order), (region.reach[place] for place in order)
    return Region(tuple(masks), tuple(reach), region.exact)


def _unpadded(operation: Padding, region: Region, shape: Shape) -> Region:
    masks, reach = [region.masks[0]], [region.reach[0]]
    for (before, _), size, mask, span in zip(
        operation.pads, shape[1:], region.masks[1:], region.reach[1:], strict=True
    ):
        masks.append(mask[before : before + size])
        reach.append((span[0] - before, span[1] - before))
    return Region(tuple(masks), tuple(reach), region.exact)


_BACK: dict[type, Callable[[Any, Region, Shape], Region]] = {
    Convolution: _convolution,
    Pooling: _pooling,
    AdaptivePooling: _adaptive,
    GlobalPooling: _global,
    Dense: lambda operation, region, shape: _all_along(region, shape, len(shape) - 1),
    Distance: lambda operation, region, shape: _all_along(region, shape, 0),
    Softmax: lambda operation, region, shape: _all_along(region, shape, operation.axis),
    Reshaping: _reshaped,
    Permutation: _permuted,
    Padding: _unpadded,
}
