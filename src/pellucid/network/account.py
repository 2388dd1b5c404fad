"""What a network costs, layer by layer, before anything runs: shapes, parameters and their arithmetic,
multiply-adds, memory of the activations, and what part of the picture each output sees.

Nothing is allocated: all of it is arithmetic on a blueprint. Modules are ``network.traced``'s business.
"""

import math
from dataclasses import dataclass
from typing import Any

from pellucid.network.blueprint import (
    TABLES,
    Activation,
    AvgPool,
    BatchNorm,
    Blueprint,
    Conv,
    Dense,
    DepthwiseConv,
    GlobalAvgPool,
    GlobalMaxPool,
    Layer,
    MaxPool,
    Rbf,
    Rescale,
    ScaledAvgPool,
    ZeroPad,
)
from pellucid.network.receptive import Field
from pellucid.network.shapes import Shape, padding_of, seen_size, shapes, window_of
from pellucid.network.text import format_layer

COUNTED = (
    "Multiply-adds: one each time that a convolution or a dense layer multiplies a weight, for one picture; "
    "zeros of the padding are multiplied too. Biases, pooling, normalisation and activations are not counted."
)
"""What ``macs`` counts; a multiply-add is one multiplication and one addition, two FLOPs."""

_FLOAT32 = 4  # bytes

_KERAS_KINDS: dict[type, str] = {
    Conv: "Conv2D",
    DepthwiseConv: "DepthwiseConv2D",
    MaxPool: "MaxPooling2D",
    AvgPool: "AveragePooling2D",
    GlobalAvgPool: "GlobalAveragePooling2D",
    GlobalMaxPool: "GlobalMaxPooling2D",
    BatchNorm: "BatchNormalization",
    Rescale: "Rescaling",
    ZeroPad: "ZeroPadding2D",
    Activation: "Activation",
}


@dataclass(frozen=True)
class Row:
    """What one layer costs, for one picture.

    Attributes:
        name: The layer's name.
        kind: The name of its class in Keras (Conv2D), or of the module's.
        text: The layer in a network's text (``conv 32 3x3 relu``); empty for a module.
        output_shape: (height, width, channels), or (units,); empty where nothing came out.
        weights: How many of the parameters multiply or scale.
        biases: How many of the parameters are added.
        trainable: How many of the parameters learn.
        arithmetic: How the parameters are counted: ``(3*3*32 + 1)*64 = 18,496``; empty where there are none.
        macs: Multiply-adds; ``COUNTED`` says which.
        activation_bytes: What the output takes in float32.
        receptive_field: (height, width) of the part of the picture that one output sees, padding and what
            lies beyond the edge included; None where it is not known.
        stride: How many pixels of the picture one step on the output's map is, (down, right); None where
            the output has no places, or where it is not known.
        start: Centre of the first output's field, (row, column), where the first pixel's centre is (0, 0);
            None where the field is.
    """

    name: str
    kind: str
    text: str
    output_shape: Shape
    weights: int
    biases: int
    trainable: int
    arithmetic: str
    macs: int
    activation_bytes: int
    receptive_field: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    start: tuple[float, float] | None = None

    @property
    def parameters(self) -> int:
        """All parameters, learnt or not."""
        return self.weights + self.biases

    def to_json(self) -> dict[str, Any]:
        """The row as JSON holds it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "text": self.text,
            "output_shape": list(self.output_shape),
            "parameters": self.parameters,
            "weights": self.weights,
            "biases": self.biases,
            "trainable": self.trainable,
            "arithmetic": self.arithmetic,
            "macs": self.macs,
            "activation_bytes": self.activation_bytes,
            "receptive_field": _listed(self.receptive_field),
            "stride": _listed(self.stride),
            "start": _listed(self.start),
        }


def _listed(pair: tuple[float, float] | None) -> list[float] | None:
    return None if pair is None else list(pair)


@dataclass(frozen=True)
class Account:
    """What a network costs: its rows, and their sums.

    Attributes:
        input_shape: (height, width, channels) of the picture.
        rows: One for each layer, in order.
        notes: What a reader must know besides, one sentence or two each.
    """

    input_shape: Shape
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """All parameters, learnt or not."""
        return sum(row.parameters for row in self.rows)

    @property
    def weights(self) -> int:
        """The parameters that multiply or scale."""
        return sum(row.weights for row in self.rows)

    @property
    def biases(self) -> int:
        """The parameters that are added."""
        return sum(row.biases for row in self.rows)

    @property
    def trainable(self) -> int:
        """The parameters that learn."""
        return sum(row.trainable for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-adds for one picture."""
        return sum(row.macs for row in self.rows)

    @property
    def activation_bytes(self) -> int:
        """What all outputs together take in float32, for one picture."""
        return sum(row.activation_bytes for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        """The account as ``pellucid network --json`` prints it."""
        return {
            "input_shape": list(self.input_shape),
            "layers": [row.to_json() for row in self.rows],
            "parameters": self.parameters,
            "weights": self.weights,
            "biases": self.biases,
            "trainable": self.trainable,
            "macs": self.macs,
            "activation_bytes": self.activation_bytes,
            "notes": list(self.notes),
        }


def account(blueprint: Blueprint, notes: tuple[str, ...] = ()) -> Account:
    """What the network costs, layer by layer.

    Raises:
        ShapeError: A layer cannot follow the one before it.
    """
    before: Shape = (blueprint.input.height, blueprint.input.width, blueprint.input.channels)
    field = Field.of_input(blueprint.input.height, blueprint.input.width)
    rows = []
    for name, layer, after in zip(blueprint.names, blueprint.layers, shapes(blueprint), strict=True):
        field = _seen(field, layer, before, after)
        counted = _count(layer, before)
        rows.append(
            Row(
                name=name,
                kind=_KERAS_KINDS.get(type(layer), type(layer).__name__),
                text=format_layer(layer),
                output_shape=after,
                weights=counted.weights,
                biases=counted.biases,
                trainable=counted.trainable,
                arithmetic=counted.arithmetic,
                macs=_macs(layer, before, after),
                activation_bytes=_FLOAT32 * math.prod(after),
                receptive_field=field.size,
                stride=field.stride,
                start=field.start,
            )
        )
        before = after
    shape = (blueprint.input.height, blueprint.input.width, blueprint.input.channels)
    return Account(shape, tuple(rows), (*notes, *_unread(blueprint)))


def _unread(blueprint: Blueprint) -> tuple[str, ...]:
    """A sentence where pixels at the edge are read by nothing."""
    (height, width), (rows, columns) = (blueprint.input.height, blueprint.input.width), seen_size(blueprint)
    if (rows, columns) == (height, width):
        return ()
    return (
        f"Only {rows:,} x {columns:,} of the {height:,} x {width:,} pixels are read, from the top left: "
        "where windows do not divide their map, what is left over at the bottom and on the right is dropped.",
    )


@dataclass(frozen=True)
class Counted:
    """How many parameters there are, and how that is worked out."""

    weights: int = 0
    biases: int = 0
    trainable: int = 0
    arithmetic: str = ""


def count_conv(kernel: tuple[int, ...], channels: int, filters: int, groups: int, bias: bool) -> Counted:
    """A convolution: each filter has a weight for each number that it sees, and a bias.

    ``(3*3*32 + 1)*64 = 18,496``; in groups a filter sees its part of the channels: ``(3*3*32/4 + 1)*64``.
    """
    seen = math.prod(kernel) * channels // groups
    factors = "*".join(f"{size:,}" for size in kernel)
    factors += f"*{channels:,}" + (f"/{groups:,}" if groups > 1 else "")
    return _filters(factors, seen, filters, bias)


def count_depthwise(kernel: tuple[int, ...], channels: int, multiplier: int, bias: bool) -> Counted:
    """A depthwise convolution: each filter sees one channel only. ``(3*3 + 1)*32 = 320``."""
    factors = "*".join(f"{size:,}" for size in kernel)
    return _filters(factors, math.prod(kernel), channels * multiplier, bias, channels, multiplier)


def _filters(
    factors: str, seen: int, filters: int, bias: bool, channels: int = 0, multiplier: int = 1
) -> Counted:
    times = f"{channels:,}*{multiplier:,}" if multiplier > 1 else f"{filters:,}"
    total = (seen + bias) * filters
    text = f"({factors} + 1)*{times}" if bias else f"{factors}*{times}"
    return Counted(seen * filters, filters * bias, total, f"{text} = {total:,}")


_TOLD_APART = 10**9


def count_dense(inputs: int, units: int, bias: bool) -> Counted:
    """A dense layer: each unit has a weight for each input, and a bias. ``(1,152 + 1)*10 = 11,530``.

    Where there are a thousand million weights or more, weights and biases are told apart.
    """
    weights, biases = inputs * units, units * bias
    total = weights + biases
    if not bias:
        text = f"{inputs:,}*{units:,} = {total:,}"
    elif weights < _TOLD_APART:
        text = f"({inputs:,} + 1)*{units:,} = {total:,}"
    else:
        text = f"{inputs:,}*{units:,} = {weights:,} weights, + {biases:,} biases = {total:,}"
    return Counted(weights, biases, total, text)


def count_norm(channels: int) -> Counted:
    """A batch normalisation: scale and shift learn, mean and variance are measured."""
    text = f"4*{channels:,} = {4 * channels:,}, of which {2 * channels:,} are learnt"
    return Counted(2 * channels, 2 * channels, 2 * channels, text)


def _count(layer: Layer, before: Shape) -> Counted:
    channels = before[-1]
    if isinstance(layer, Conv):
        if layer.table is not None:
            return _count_table(layer, channels)
        return count_conv(layer.kernel, channels, layer.filters, layer.groups, layer.bias)
    if isinstance(layer, DepthwiseConv):
        return count_depthwise(layer.kernel, channels, layer.multiplier, layer.bias)
    if isinstance(layer, Dense):
        return count_dense(channels, layer.units, layer.bias)
    if isinstance(layer, BatchNorm):
        return count_norm(channels)
    if isinstance(layer, ScaledAvgPool):
        return Counted(channels, channels, 2 * channels, f"2*{channels:,} = {2 * channels:,}")
    if isinstance(layer, Rbf):
        fixed = channels * layer.units
        return Counted(fixed, 0, 0, f"{channels:,}*{layer.units:,} = {fixed:,}, of which 0 are learnt")
    return Counted()


def _connections(layer: Conv) -> int:
    """How many pairs of a channel and a filter that sees it there are in the layer's table."""
    return sum(len(seen) for seen in TABLES[layer.table]) if layer.table else 0


def _count_table(layer: Conv, channels: int) -> Counted:
    """``5*5*60 + 16 = 1,516``: a kernel for each connection, a bias for each filter."""
    (height, width), pairs = layer.kernel, _connections(layer)
    weights, biases = height * width * pairs, layer.filters * layer.bias
    bias = f" + {layer.filters:,}" if layer.bias else ""
    told = f" ({pairs:,} of {channels:,}*{layer.filters:,} connections)"
    text = f"{height:,}*{width:,}*{pairs:,}{bias} = {weights + biases:,}{told}"
    return Counted(weights, biases, weights + biases, text)


def _macs(layer: Layer, before: Shape, after: Shape) -> int:
    """The multiply-adds of a layer for one picture: its weights, once for each place that it is used at."""
    if isinstance(layer, Conv | DepthwiseConv):
        return after[0] * after[1] * _count(layer, before).weights
    if isinstance(layer, Dense | Rbf):
        return before[-1] * after[-1]
    return 0


def _seen(field: Field, layer: Layer, before: Shape, after: Shape) -> Field:
    """The field after this layer."""
    if len(after) != 3:
        return field.joined(before[:2])
    window, ((top, _), (left, _)) = window_of(layer), padding_of(layer, before)
    reach, step = (window.reach, window.stride) if window else ((1, 1), (1, 1))
    return field.slid(reach, step, (top, left))
