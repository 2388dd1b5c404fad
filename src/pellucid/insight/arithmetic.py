"""How one number of a step's output is worked out, in float64: every term, the bias, and the sum.

What the framework said instead, and where the cell's pixels lie, is left to ``insight.cell``.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.insight.operation import (
    AdaptivePooling,
    Addition,
    Affine,
    ChannelAffine,
    Concatenation,
    Convolution,
    Dense,
    Distance,
    Elementwise,
    GlobalPooling,
    Index,
    Multiplication,
    Normalisation,
    Operation,
    Padding,
    Passing,
    Permutation,
    Pooling,
    Reshaping,
    Softmax,
    Unknown,
)

Given = Sequence[tuple[str, NDArray[Any]]]
"""The inputs of a step: whose output each is, and its numbers without the batch."""

_ADDED = "sum of the products"
_BIASED = "sum of the products + bias"
_LARGEST = "the largest input; its weight is 1"


@dataclass(frozen=True)
class Term:
    """One input that a cell is made from, and what it adds.

    Attributes:
        source: The layer whose output the input is; ``input`` for the network's own.
        channel: Its channel there, or its unit in a flat row.
        row: Its row; None in a flat row. Of padding it lies outside the map.
        column: Its column; None in a flat row.
        input: Its value; None where padding has none, as in max pooling.
        weight: What it is multiplied by; None where a function is taken of it instead.
        product: What it adds.
        padding: Whether it is padding and no number of the map.
    """

    source: str
    channel: int
    row: int | None
    column: int | None
    input: float | None
    weight: float | None
    product: float
    padding: bool = False


@dataclass(frozen=True)
class Worked:
    """One number, worked out.

    Attributes:
        terms: What it is made from, over all channels.
        bias: What is added to the products; 0 where there is nothing.
        sum: The number, in float64.
        formula: How it comes from the terms.
        details: Numbers that the formula names, such as the four statistics of a batch normalisation.
        known: Whether there is arithmetic for it; ``formula`` says why not.
    """

    terms: tuple[Term, ...]
    bias: float
    sum: float
    formula: str
    details: dict[str, float] = field(default_factory=dict)
    known: bool = True

    def scaled(self, scale: float, offset: float) -> "Worked":
        """The same number times ``scale`` plus ``offset``, told term by term."""
        terms = tuple(
            replace(
                one, weight=None if one.weight is None else one.weight * scale, product=one.product * scale
            )
            for one in self.terms
        )
        return replace(
            self,
            terms=terms,
            bias=self.bias * scale + offset,
            sum=self.sum * scale + offset,
            formula=_BIASED,
            details={**self.details, "scale": scale},
        )


def work_out(operation: Operation, given: Given, index: Index) -> Worked:
    """The number at ``index`` of the step's output.

    Args:
        operation: What the step does.
        given: Its inputs, float, of shape (channels, height, width) or (units,).
        index: (channel, row, column), or (unit,), within the output's shape.
    """
    worker = _WORKERS.get(type(operation))
    if isinstance(operation, Unknown) or worker is None:
        reason = operation.reason if isinstance(operation, Unknown) else "It is of an unknown kind."
        return Worked((), 0.0, math.nan, reason, known=False)
    return worker(operation, given, index)


def _term(given: tuple[str, NDArray[Any]], index: Index, weight: float) -> Term:
    """The input at this index, times a weight."""
    source, numbers = given
    value = float(numbers[index])
    return Term(source, *_places(index), value, weight, value * weight)


def _places(index: Sequence[int]) -> tuple[int, int | None, int | None]:
    """(channel, row, column) of an index; of a flat row (unit, None, None)."""
    channel, row, column, *_ = *map(int, index), None, None, None
    return channel or 0, row, column


def _added(terms: Iterable[Term], bias: float | None = None, **details: float) -> Worked:
    """The products and the bias, added without rounding in between."""
    terms = tuple(terms)
    total = _total([*(one.product for one in terms), bias or 0.0])
    return Worked(terms, bias or 0.0, total, _ADDED if bias is None else _BIASED, details)


def _total(numbers: Sequence[float]) -> float:
    """math.fsum, which refuses infinities of both signs where a network has gone out of bounds."""
    if all(map(math.isfinite, numbers)):
        return math.fsum(numbers)
    return float(sum(numbers))


def _under(
    rows: NDArray[Any], columns: NDArray[Any], shape: Sequence[int]
) -> Iterable[tuple[int, int, bool]]:
    """The places under a window, and whether each lies in the map."""
    height, width = shape[-2:]
    for row, column in product(rows.tolist(), columns.tolist()):
        yield row, column, 0 <= row < height and 0 <= column < width


def _convolution(operation: Convolution, given: Given, index: Index) -> Worked:
    ((source, x_CHW),) = given
    filter_, row, column = index
    weight_IHW = operation.weight_OIHW[filter_]
    seen = weight_IHW.shape[0]
    first = filter_ // (operation.weight_OIHW.shape[0] // operation.groups) * seen
    slide = operation.slide
    places = list(_under(slide.places(0, row), slide.places(1, column), x_CHW.shape))
    terms = []
    for part in range(seen):
        channel = first + part
        for (y, x, inside), weight in zip(places, weight_IHW[part].ravel().tolist(), strict=True):
            value = float(x_CHW[channel, y, x]) if inside else 0.0
            terms.append(Term(source, channel, y, x, value, weight, value * weight, not inside))
    return _added(terms, None if operation.bias_O is None else float(operation.bias_O[filter_]))


def _pooling(operation: Pooling, given: Given, index: Index) -> Worked:
    channel, row, column = index
    ((source, x_CHW),) = given
    slide, (height, width) = operation.slide, x_CHW.shape[1:]
    places = list(_under(slide.places(0, row), slide.places(1, column), x_CHW.shape))
    if operation.maximum:
        return _winner(source, x_CHW, channel, places)
    (top, bottom), (left, right) = slide.pads if operation.counted != "inside" else ((0, 0), (0, 0))
    # A window that hangs over the edge of the padding too (PyTorch's ceil_mode) has nothing there.
    counts = [-top <= y < height + bottom and -left <= x < width + right for y, x, _ in places]
    divisor = operation.counted if isinstance(operation.counted, int) else sum(counts)
    weight = 1 / divisor
    terms = (
        _term(given[0], (channel, y, x), weight)
        if inside
        else Term(source, channel, y, x, 0.0, weight if counted else 0.0, 0.0, True)
        for (y, x, inside), counted in zip(places, counts, strict=True)
    )
    return _added(terms, divided_by=float(divisor))


def _winner(
    source: str, x_CHW: NDArray[Any], channel: int, places: Sequence[tuple[int, int, bool]]
) -> Worked:
    """The largest under the window; of equal ones the first, as PyTorch has it. NaN beats all."""
    inside = [(y, x) for y, x, is_inside in places if is_inside]
    if not inside:
        padding = tuple(Term(source, channel, y, x, None, 0.0, 0.0, True) for y, x, _ in places)
        return Worked(padding, 0.0, -math.inf, _LARGEST)
    values = np.array([x_CHW[channel, y, x] for y, x in inside], np.float64)
    best = int(values.argmax())
    terms = []
    for y, x, is_inside in places:
        wins = is_inside and (y, x) == inside[best]
        value = float(x_CHW[channel, y, x]) if is_inside else None
        terms.append(
            Term(source, channel, y, x, value, float(wins), value if wins and value else 0.0, not is_inside)
        )
    ties = int(np.count_nonzero(values == values[best]))
    return Worked(tuple(terms), 0.0, float(values[best]), _LARGEST, {"equally_large": float(max(ties, 1))})


def _adaptive(operation: AdaptivePooling, given: Given, index: Index) -> Worked:
    channel, row, column = index
    height, width = given[0][1].shape[1:]
    rows, columns = operation.places(0, row, height), operation.places(1, column, width)
    return _inside(given, channel, rows, columns, operation.maximum)


def _global(operation: GlobalPooling, given: Given, index: Index) -> Worked:
    height, width = given[0][1].shape[1:]
    return _inside(given, index[0], np.arange(height), np.arange(width), operation.maximum)


def _inside(given: Given, channel: int, rows: NDArray[Any], columns: NDArray[Any], maximum: bool) -> Worked:
    """The largest or the mean of some rows and columns of a channel."""
    places = list(_under(rows, columns, given[0][1].shape))
    if maximum:
        return _winner(*given[0], channel, places)
    terms = (_term(given[0], (channel, y, x), 1 / len(places)) for y, x, _ in places)
    return _added(terms, divided_by=float(len(places)))


def _dense(operation: Dense, given: Given, index: Index) -> Worked:
    *rows, unit = index
    weights = operation.weight_UD[unit].tolist()
    terms = (_term(given[0], (*rows, place), weight) for place, weight in enumerate(weights))
    return _added(terms, None if operation.bias_U is None else float(operation.bias_U[unit]))


def _normalisation(operation: Normalisation, given: Given, index: Index) -> Worked:
    gamma, beta, mean, variance = (
        float(numbers_C[index[0]])
        for numbers_C in (operation.gamma_C, operation.beta_C, operation.mean_C, operation.variance_C)
    )
    scale = gamma / math.sqrt(variance + operation.epsilon)
    worked = _added([_term(given[0], index, scale)], beta - mean * scale)
    return replace(
        worked,
        formula="gamma * (x - mean) / sqrt(variance + epsilon) + beta = x * weight + bias",
        details={
            "gamma": gamma,
            "beta": beta,
            "mean": mean,
            "variance": variance,
            "epsilon": operation.epsilon,
        },
    )


def _elementwise(operation: Elementwise, given: Given, index: Index) -> Worked:
    source, numbers = given[0]
    value = float(numbers[index])
    out = operation.function(value)
    return Worked((Term(source, *_places(index), value, None, out),), 0.0, out, operation.formula)


def _softmax(operation: Softmax, given: Given, index: Index) -> Worked:
    source, numbers = given[0]
    along = [
        (*index[: operation.axis], place, *index[operation.axis + 1 :])
        for place in range(numbers.shape[operation.axis])
    ]
    values = [float(numbers[one]) for one in along]
    own, shares, details = operation.share(values, index[operation.axis])
    terms = tuple(
        Term(source, *_places(one), value, None, share)
        for one, value, share in zip(along, values, shares, strict=True)
    )
    return Worked(terms, 0.0, own, operation.formula, details)


def _repeated(index: Index, shape: Sequence[int]) -> Index:
    """Where an input of this shape is read for an output's index: an axis of length 1 is repeated."""
    own = index[len(index) - len(shape) :]
    return tuple(0 if size == 1 else place for place, size in zip(own, shape, strict=True))


def _addition(operation: Addition, given: Given, index: Index) -> Worked:
    pairs = zip(given, operation.signs, strict=True)
    return _added(_term(one, _repeated(index, one[1].shape), sign) for one, sign in pairs)


def _multiplication(operation: Multiplication, given: Given, index: Index) -> Worked:
    (one, (source, other)) = given
    place = _repeated(index, other.shape)
    weight = float(other[place])
    worked = _added([_term(one, _repeated(index, one[1].shape), weight)])
    where = ",".join(map(str, place))
    return replace(worked, formula=f"the product; the weight is {source} {where}")


def _concatenation(operation: Concatenation, given: Given, index: Index) -> Worked:
    place = index[operation.axis]
    for one in given:
        length = one[1].shape[operation.axis]
        if place < length:
            there = (*index[: operation.axis], place, *index[operation.axis + 1 :])
            return replace(_added([_term(one, there, 1.0)]), formula=f"the same number, of {one[0]}")
        place -= length
    raise IndexError(index)


def _moved(operation: Reshaping | Permutation, given: Given, index: Index) -> Worked:
    place = operation.source(index, given[0][1].shape)
    return replace(_added([_term(given[0], place, 1.0)]), formula="the same number, in another place")


def _padding(operation: Padding, given: Given, index: Index) -> Worked:
    source, x_CHW = given[0]
    channel, row, column = index
    y, x = row - operation.pads[0][0], column - operation.pads[1][0]
    if 0 <= y < x_CHW.shape[1] and 0 <= x < x_CHW.shape[2]:
        return replace(_added([_term(given[0], (channel, y, x), 1.0)]), formula="the same number, moved")
    term = Term(source, channel, y, x, operation.value, 1.0, operation.value, True)
    return replace(_added([term]), formula="padding")


def _affine(operation: Affine, given: Given, index: Index) -> Worked:
    return _added([_term(given[0], index, operation.scale)], operation.offset)


def _channel_affine(operation: ChannelAffine, given: Given, index: Index) -> Worked:
    scale, offset = float(operation.scale_C[index[0]]), float(operation.offset_C[index[0]])
    return _added([_term(given[0], index, scale)], offset)


def _distance(operation: Distance, given: Given, index: Index) -> Worked:
    source, x_D = given[0]
    terms = []
    for place, (value, point) in enumerate(
        zip(x_D.tolist(), operation.points_DU[:, index[0]].tolist(), strict=True)
    ):
        terms.append(Term(source, place, None, None, value, point, (value - point) ** 2))
    return replace(_added(terms), formula="sum of (input - weight)^2")


def _passing(operation: Passing, given: Given, index: Index) -> Worked:
    return replace(_added([_term(given[0], index, 1.0)]), formula=operation.reason)


_WORKERS: dict[type, Callable[[Any, Given, Index], Worked]] = {
    Convolution: _convolution,
    Pooling: _pooling,
    AdaptivePooling: _adaptive,
    GlobalPooling: _global,
    Dense: _dense,
    Normalisation: _normalisation,
    Elementwise: _elementwise,
    Softmax: _softmax,
    Addition: _addition,
    Multiplication: _multiplication,
    Concatenation: _concatenation,
    Reshaping: _moved,
    Permutation: _moved,
    Padding: _padding,
    Affine: _affine,
    ChannelAffine: _channel_affine,
    Distance: _distance,
    Passing: _passing,
}
