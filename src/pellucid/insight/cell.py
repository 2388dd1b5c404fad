"""One number of a network, opened: its terms, its sum, what the framework says, where it comes from and goes.

It puts together what ``insight.arithmetic``, ``receptive`` and ``uses`` know of one place in a trace. A layer
of a network of ours is a Keras layer: its activation is its last step.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import RequestError, shown
from pellucid.insight.arithmetic import Term, Worked, work_out
from pellucid.insight.operation import (
    ChannelAffine,
    Elementwise,
    Index,
    Normalisation,
    Operation,
    Shape,
    Softmax,
)
from pellucid.insight.receptive import Field, field_of
from pellucid.insight.uses import Use, use_of


class Step(Protocol):
    """What must be known of a step (``insight.record``)."""

    name: str
    kind: str
    operation: Operation
    inputs: tuple[str, ...]
    shape: Shape


class Trace(Protocol):
    """What must be known of a pass (``insight.trace``)."""

    @property
    def steps(self) -> Mapping[str, Any]:
        """The steps by name, in order."""

    def value(self, name: str) -> NDArray[Any]:
        """A step's output."""

    def users(self, name: str) -> tuple[Any, ...]:
        """The steps that take it."""


@dataclass(frozen=True)
class Layer:
    """What a person calls a layer: one step of a pass, or several.

    Attributes:
        name: Its Keras name, or the path of its module.
        kind: Its class in Keras, or the module's, or the function's name.
        steps: The steps of the trace that it is made of; the last gives its output.
        shape: Of its output, as PyTorch has it: (channels, height, width) or (units,).
    """

    name: str
    kind: str
    steps: tuple[str, ...]
    shape: Shape

    @property
    def output_shape(self) -> Shape:
        """(height, width, channels), or (units,)."""
        return (*self.shape[1:], self.shape[0]) if len(self.shape) == 3 else self.shape

    def to_json(self) -> dict[str, Any]:
        """The layer as JSON holds it."""
        return {"name": self.name, "kind": self.kind, "output_shape": list(self.output_shape)}


@dataclass(frozen=True)
class Activation:
    """The last step of a layer, from its sum to its value.

    Attributes:
        name: Such as ``relu6`` or ``softmax``.
        formula: How it is written.
        input: The sum that goes in, in float64.
        framework_input: What the framework has in its place; None where it never shows it.
        output: What comes out, in float64.
        details: Numbers that the formula names.
    """

    name: str
    formula: str
    input: float
    framework_input: float | None
    output: float
    details: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The activation as JSON holds it."""
        return {
            "name": self.name,
            "formula": self.formula,
            "input": finite(self.input),
            "framework_input": finite(self.framework_input),
            "output": finite(self.output),
            "details": {key: finite(value) for key, value in self.details.items()},
        }


@dataclass(frozen=True)
class Origin:
    """An input of a layer, told in a line: whose output it is, its shape, and what is in it."""

    source: str
    shape: Shape
    least: float
    mean: float
    largest: float

    def to_json(self) -> dict[str, Any]:
        """The origin as JSON holds it; the shape as (height, width, channels)."""
        shape = (*self.shape[1:], self.shape[0]) if len(self.shape) == 3 else self.shape
        numbers = {"least": self.least, "mean": self.mean, "largest": self.largest}
        return {
            "source": self.source,
            "shape": list(shape),
            **{key: finite(value) for key, value in numbers.items()},
        }


@dataclass(frozen=True)
class Cell:
    """One number of a layer's output.

    Attributes:
        layer: The layer.
        index: (channel, row, column) or (unit,).
        worked: Its terms, bias and sum in float64, before the activation.
        activation: The last step, where the layer has one.
        value: What the framework says.
        residue: ``value`` minus what the arithmetic gives; None where there is none.
        pixels: What part of the picture can change it; None where none can, or the input is no picture.
        inputs: What the layer was given.
        uses: Which later cells are made from it.
    """

    layer: Layer
    index: Index
    worked: Worked
    activation: Activation | None
    value: float
    residue: float | None
    pixels: Field | None
    inputs: tuple[Origin, ...]
    uses: tuple[Use, ...]

    @property
    def places(self) -> tuple[int, int | None, int | None]:
        """(channel, row, column); of a flat row (unit, None, None)."""
        channel, row, column, *_ = *self.index, None, None, None
        return channel or 0, row, column

    def to_json(self) -> dict[str, Any]:
        """The keys of the contract and more; a number that is not finite is null."""
        channel, row, column = self.places
        worked = self.worked
        return {
            "layer": self.layer.name,
            "kind": self.layer.kind,
            "output_shape": list(self.layer.output_shape),
            "channel": channel,
            "row": row,
            "column": column,
            "known": worked.known,
            "formula": worked.formula,
            "terms": [told_term(term) for term in worked.terms],
            "bias": finite(worked.bias),
            "sum": finite(worked.sum),
            "details": {key: finite(value) for key, value in worked.details.items()},
            "activation": self.activation.to_json() if self.activation else None,
            "value": finite(self.value),
            "residue": finite(self.residue),
            "pixels": self.pixels.to_json() if self.pixels else None,
            "inputs": [one.to_json() for one in self.inputs],
            "uses": [one.to_json() for one in self.uses],
        }


def place_of(text: str) -> tuple[str, Index]:
    """The layer and the index of a cell that is written ``LAYER:CHANNEL,ROW,COLUMN`` or ``LAYER:UNIT``.

    Raises:
        RequestError: It is not written so.
    """
    layer, _, numbers = text.rpartition(":")
    if not layer or re.fullmatch(r" *[0-9]{1,9} *(, *[0-9]{1,9} *)*", numbers) is None:
        raise RequestError(
            f"The cell is {shown(text)}.",
            "LAYER:CHANNEL,ROW,COLUMN was expected, or LAYER:UNIT of a flat layer; all count from 0.",
            "Write for example: conv2d_1:12,5,7 or dense:3.",
        )
    return layer, tuple(map(int, numbers.split(",")))


def finite(number: float | None) -> float | None:
    """The number, or None where JSON has none for it."""
    return number if number is not None and math.isfinite(number) else None


def told_term(term: Term) -> dict[str, Any]:
    """A term as JSON values; a number that is not finite is null."""
    return {
        "source": term.source,
        "channel": term.channel,
        "row": term.row,
        "column": term.column,
        "input": finite(term.input),
        "weight": finite(term.weight),
        "product": finite(term.product),
        "padding": term.padding,
    }


def cell_of(trace: Trace, layers: Mapping[str, Layer], picture: str, layer: Layer, index: Index) -> Cell:
    """Open one cell.

    Args:
        trace: The pass.
        layers: The layer of each step, by the step's name.
        picture: The name of the step that is the picture.
        layer: The cell's layer.
        index: Its place, within the layer's shape.
    """
    first: Step = trace.steps[layer.steps[0]]
    given = [(_called(layers, one), trace.value(one)) for one in first.inputs]
    worked = work_out(first.operation, given, index)
    activation = _fused(first.operation, worked)
    before = first.name
    for name in layer.steps[1:]:
        operation = trace.steps[name].operation
        if isinstance(operation, ChannelAffine):
            worked = worked.scaled(float(operation.scale_C[index[0]]), float(operation.offset_C[index[0]]))
        else:
            activation = _activation(operation, worked.sum, trace.value(before), index)
        before = name
    value = float(trace.value(layer.steps[-1])[index])
    found = activation.output if activation else worked.sum
    return Cell(
        layer=layer,
        index=index,
        worked=worked,
        activation=activation,
        value=value,
        residue=_residue(value, found) if worked.known else None,
        pixels=field_of(trace.steps, picture, layer.steps[-1], index),
        inputs=tuple(_origin(source, numbers) for source, numbers in given),
        uses=_uses(trace, layers, layer, index),
    )


def _residue(value: float, found: float) -> float:
    """The difference; 0 between equal infinities."""
    return 0.0 if value == found else value - found


def _called(layers: Mapping[str, Layer], step: str) -> str:
    return layers[step].name if step in layers else step


def _fused(operation: Operation, worked: Worked) -> Activation | None:
    """The activation that a batch normalisation ends in."""
    if not isinstance(operation, Normalisation) or operation.activation is None:
        return None
    inner = operation.activation
    return Activation(inner.name, inner.formula, worked.sum, None, inner.function(worked.sum))


def _activation(operation: Operation, total: float, before: NDArray[Any], index: Index) -> Activation:
    """An activation of the sum; a softmax also needs what the framework has for the other units."""
    theirs = float(before[index])
    if isinstance(operation, Elementwise):
        return Activation(operation.name, operation.formula, total, theirs, operation.function(total))
    if not isinstance(operation, Softmax):
        raise TypeError(f"no activation in {operation!r}")
    values = [float(before[(unit, *index[1:])]) for unit in range(before.shape[0])]
    values[index[0]] = total
    share, _, details = operation.share(values, index[0])
    return Activation("softmax", operation.formula, total, theirs, share, details)


def _origin(source: str, numbers: NDArray[Any]) -> Origin:
    wide = np.asarray(numbers, np.float64)
    if wide.size == 0:
        return Origin(source, numbers.shape, math.nan, math.nan, math.nan)
    return Origin(source, numbers.shape, float(wide.min()), float(wide.mean()), float(wide.max()))


def _uses(trace: Trace, layers: Mapping[str, Layer], layer: Layer, index: Index) -> tuple[Use, ...]:
    last = layer.steps[-1]
    found = []
    for step in trace.users(last):
        user = layers.get(step.name)
        if user is None:
            continue
        given = [(_called(layers, one), trace.value(one)) for one in step.inputs]
        for part, source in enumerate(step.inputs):
            if source == last:
                found.append(use_of(user.name, user.kind, step.operation, given, part, index, step.shape))
    return tuple(found)
