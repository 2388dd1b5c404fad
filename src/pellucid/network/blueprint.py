"""A network as data: a chain of layers with Keras' names, before any number is in it.

How it is written as text is ``network.text``'s business, what it costs ``network.account``'s, and how it
becomes a module ``network.build``'s. Sizes are (height, width); shapes are (height, width, channels).
A layer's own values are checked when it is made (BlueprintError); whether it fits the layer before it says
``network.shapes``.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pellucid.network.values import number, one_of, pairs, whole

Size = tuple[int, int]
"""(height, width)."""

Padding = Literal["valid", "same"]
"""``same`` is TensorFlow's: output = ceil(input / stride), the odd row or column at the bottom or right."""

ActivationName = Literal["relu", "relu6", "leaky_relu", "sigmoid", "tanh", "gelu", "softmax", "scaled_tanh"]
"""Keras' names and their Keras defaults (leaky_relu: 0.2 for x < 0; gelu: the exact one); ``scaled_tanh``
is LeNet-5's 1.7159 * tanh(2/3 * x), LeCun et al. 1998, appendix A."""
ACTIVATIONS: tuple[ActivationName, ...] = get_args(ActivationName)

FlipMode = Literal["horizontal", "vertical", "horizontal_and_vertical"]

FitName = Literal["squash", "letterbox", "crop"]
"""``pictures.preprocess`` says what each does, and a test that these are its names: it is slow to import."""

TableName = Literal["lenet5"]
"""Which maps a filter sees, where it does not see all."""


def _pooling(layer: Any) -> None:
    pairs(layer, "window")
    if layer.stride is not None:
        pairs(layer, "stride")
    one_of(layer, "padding", get_args(Padding))


TABLES: dict[TableName, tuple[tuple[int, ...], ...]] = {
    # Table I of LeCun et al. 1998: the maps of S2 that each map of C3 sees; 60 connections in all.
    "lenet5": (
        *((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
        *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
        *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
        (0, 1, 2, 3, 4, 5),
    )
}


@dataclass(frozen=True)
class Input:
    """What comes in: one picture of this shape.

    ``fit`` is how pictures of other sizes are brought to this one; None refuses them.
    """

    height: int
    width: int
    channels: int
    fit: FitName | None = None

    def __post_init__(self) -> None:
        whole(self, "height", "width", "channels")
        one_of(self, "fit", (None, *get_args(FitName)))


@dataclass(frozen=True)
class Conv:
    """Conv2D. ``groups`` parts of the input's channels each have filters of their own.

    With a ``table``, filter f sees the channels ``TABLES[table][f]`` only (Keras has no such layer).
    """

    filters: int
    kernel: Size
    stride: Size = (1, 1)
    padding: Padding = "valid"
    dilation: Size = (1, 1)
    groups: int = 1
    activation: ActivationName | None = None
    bias: bool = True
    table: TableName | None = None

    def __post_init__(self) -> None:
        whole(self, "filters", "groups")
        pairs(self, "kernel", "stride", "dilation")
        one_of(self, "padding", get_args(Padding))
        one_of(self, "activation", (None, *ACTIVATIONS))
        one_of(self, "bias", (True, False))
        one_of(self, "table", (None, *TABLES))


@dataclass(frozen=True)
class DepthwiseConv:
    """DepthwiseConv2D: ``multiplier`` filters for each channel, which see that channel only."""

    kernel: Size
    stride: Size = (1, 1)
    padding: Padding = "valid"
    dilation: Size = (1, 1)
    multiplier: int = 1
    activation: ActivationName | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        whole(self, "multiplier")
        pairs(self, "kernel", "stride", "dilation")
        one_of(self, "padding", get_args(Padding))
        one_of(self, "activation", (None, *ACTIVATIONS))
        one_of(self, "bias", (True, False))


@dataclass(frozen=True)
class MaxPool:
    """MaxPooling2D; where padded, padding never wins."""

    window: Size = (2, 2)
    stride: Size | None = None  # None: the window's
    padding: Padding = "valid"

    def __post_init__(self) -> None:
        _pooling(self)


@dataclass(frozen=True)
class AvgPool:
    """AveragePooling2D; where padded, padding is not counted."""

    window: Size = (2, 2)
    stride: Size | None = None  # None: the window's
    padding: Padding = "valid"

    def __post_init__(self) -> None:
        _pooling(self)


@dataclass(frozen=True)
class ScaledAvgPool:
    """LeNet-5's subsampling: each channel's averages times a learnt number, plus another learnt number.

    (The paper adds the four pixels; the factor 4 is in the first number.) Keras has no such layer.
    """

    window: Size = (2, 2)
    stride: Size | None = None  # None: the window's
    padding: Padding = "valid"
    activation: ActivationName | None = None

    def __post_init__(self) -> None:
        _pooling(self)
        one_of(self, "activation", (None, *ACTIVATIONS))


@dataclass(frozen=True)
class GlobalAvgPool:
    """GlobalAveragePooling2D: one number a channel."""


@dataclass(frozen=True)
class GlobalMaxPool:
    """GlobalMaxPooling2D: one number a channel."""


@dataclass(frozen=True)
class Flatten:
    """All numbers in a row, the channels of a pixel side by side (height, width, channels)."""


@dataclass(frozen=True)
class Dense:
    """Every output from every input."""

    units: int
    activation: ActivationName | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        whole(self, "units")
        one_of(self, "activation", (None, *ACTIVATIONS))
        one_of(self, "bias", (True, False))


@dataclass(frozen=True)
class Rbf:
    """LeNet-5's output: each unit's squared Euclidean distance from a fixed point, sum((x - w)**2).

    The smallest answer wins; the points are given, not learnt. Keras has no such layer.
    """

    units: int

    def __post_init__(self) -> None:
        whole(self, "units")


@dataclass(frozen=True)
class Dropout:
    """In training, each number is 0 with probability ``rate`` and the others are divided by 1 - rate."""

    rate: float

    def __post_init__(self) -> None:
        number(self, "rate", 0, 1, below=True)


@dataclass(frozen=True)
class BatchNorm:
    """BatchNormalization over the channels, with Keras' momentum (what is kept of the running average)."""

    momentum: float = 0.99
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        number(self, "momentum", 0, 1)
        number(self, "epsilon", 0, 1)


@dataclass(frozen=True)
class Rescale:
    """Rescaling: x * scale + offset."""

    scale: float
    offset: float = 0.0

    def __post_init__(self) -> None:
        number(self, "scale", -math.inf, math.inf)
        number(self, "offset", -math.inf, math.inf)


@dataclass(frozen=True)
class Activation:
    """An activation as a layer of its own."""

    name: ActivationName

    def __post_init__(self) -> None:
        one_of(self, "name", ACTIVATIONS)


@dataclass(frozen=True)
class ZeroPad:
    """ZeroPadding2D."""

    top: int
    bottom: int
    left: int
    right: int

    def __post_init__(self) -> None:
        whole(self, "top", "bottom", "left", "right", least=0)


@dataclass(frozen=True)
class RandomFlip:
    """In training, mirrored with probability 1/2 (in each direction that the mode names)."""

    mode: FlipMode = "horizontal_and_vertical"

    def __post_init__(self) -> None:
        one_of(self, "mode", get_args(FlipMode))


@dataclass(frozen=True)
class RandomRotation:
    """In training, turned by at most ``factor`` of a full turn either way."""

    factor: float

    def __post_init__(self) -> None:
        number(self, "factor", 0, 1)


@dataclass(frozen=True)
class RandomZoom:
    """In training, zoomed by at most these shares; ``width`` None keeps the aspect."""

    height: float
    width: float | None = None

    def __post_init__(self) -> None:
        number(self, "height", 0, 1, below=True)
        if self.width is not None:
            number(self, "width", 0, 1, below=True)


@dataclass(frozen=True)
class RandomTranslation:
    """In training, moved by at most these shares of height and width."""

    height: float
    width: float

    def __post_init__(self) -> None:
        number(self, "height", 0, 1)
        number(self, "width", 0, 1)


@dataclass(frozen=True)
class RandomContrast:
    """In training, contrast times 1 - factor to 1 + factor."""

    factor: float

    def __post_init__(self) -> None:
        number(self, "factor", 0, 1)


@dataclass(frozen=True)
class RandomBrightness:
    """In training, brighter or darker by at most ``factor`` of the range."""

    factor: float

    def __post_init__(self) -> None:
        number(self, "factor", 0, 1)


Augmentation = (
    RandomFlip | RandomRotation | RandomZoom | RandomTranslation | RandomContrast | RandomBrightness
)
"""Layers that act in training only and on whole pictures."""

Layer = (
    Conv
    | DepthwiseConv
    | MaxPool
    | AvgPool
    | ScaledAvgPool
    | GlobalAvgPool
    | GlobalMaxPool
    | Flatten
    | Dense
    | Rbf
    | Dropout
    | BatchNorm
    | Rescale
    | Activation
    | ZeroPad
    | Augmentation
)

# Keras' name for a layer of each kind; the second of a kind gets _1, the third _2.
_KERAS_NAMES: dict[type, str] = {
    Conv: "conv2d",
    DepthwiseConv: "depthwise_conv2d",
    MaxPool: "max_pooling2d",
    AvgPool: "average_pooling2d",
    ScaledAvgPool: "scaled_average_pooling2d",
    GlobalAvgPool: "global_average_pooling2d",
    GlobalMaxPool: "global_max_pooling2d",
    Flatten: "flatten",
    Dense: "dense",
    Rbf: "rbf",
    Dropout: "dropout",
    BatchNorm: "batch_normalization",
    Rescale: "rescaling",
    ZeroPad: "zero_padding2d",
    RandomFlip: "random_flip",
    RandomRotation: "random_rotation",
    RandomZoom: "random_zoom",
    RandomTranslation: "random_translation",
    RandomContrast: "random_contrast",
    RandomBrightness: "random_brightness",
}


@dataclass(frozen=True)
class Blueprint:
    """An input and the layers that follow one another."""

    input: Input
    layers: tuple[Layer, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each layer as Keras would print it: conv2d, max_pooling2d, conv2d_1, ..."""
        return keras_names(self.layers)


def keras_names(layers: Sequence[Layer]) -> tuple[str, ...]:
    """The names that a fresh Keras session gives these layers, one after the other."""
    seen: Counter[str] = Counter()
    names = []
    for layer in layers:
        # An Activation layer is called "activation" by Keras, whatever it applies.
        base = "activation" if isinstance(layer, Activation) else _KERAS_NAMES[type(layer)]
        names.append(f"{base}_{seen[base]}" if seen[base] else base)
        seen[base] += 1
    return tuple(names)
