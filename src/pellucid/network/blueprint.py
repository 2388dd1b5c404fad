"""A network as data: a chain of layers with Keras' names, before any number is in it.

How it is written as text is ``network.text``'s business, what it costs ``network.account``'s, and how it
becomes a module ``network.build``'s. Sizes are (height, width); shapes are (height, width, channels).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Size = tuple[int, int]
"""(height, width)."""

Padding = Literal["valid", "same"]
"""``same`` is TensorFlow's: output = ceil(input / stride), the odd row or column at the bottom or right."""

ActivationName = Literal["relu", "relu6", "leaky_relu", "sigmoid", "tanh", "gelu", "softmax"]
ACTIVATIONS: tuple[ActivationName, ...] = get_args(ActivationName)

FlipMode = Literal["horizontal", "vertical", "horizontal_and_vertical"]


@dataclass(frozen=True)
class Input:
    """What comes in: one picture of this shape."""

    height: int
    width: int
    channels: int


@dataclass(frozen=True)
class Conv:
    """Conv2D. ``groups`` parts of the input's channels each have filters of their own."""

    filters: int
    kernel: Size
    stride: Size = (1, 1)
    padding: Padding = "valid"
    dilation: Size = (1, 1)
    groups: int = 1
    activation: ActivationName | None = None
    bias: bool = True


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


@dataclass(frozen=True)
class MaxPool:
    """MaxPooling2D; where padded, padding never wins."""

    window: Size = (2, 2)
    stride: Size | None = None  # None: the window's
    padding: Padding = "valid"


@dataclass(frozen=True)
class AvgPool:
    """AveragePooling2D; where padded, padding is not counted."""

    window: Size = (2, 2)
    stride: Size | None = None  # None: the window's
    padding: Padding = "valid"


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


@dataclass(frozen=True)
class Dropout:
    """In training, each number is 0 with probability ``rate`` and the others are divided by 1 - rate."""

    rate: float


@dataclass(frozen=True)
class BatchNorm:
    """BatchNormalization over the channels, with Keras' momentum (what is kept of the running average)."""

    momentum: float = 0.99
    epsilon: float = 1e-3


@dataclass(frozen=True)
class Rescale:
    """Rescaling: x * scale + offset."""

    scale: float
    offset: float = 0.0


@dataclass(frozen=True)
class Activation:
    """An activation as a layer of its own."""

    name: ActivationName


@dataclass(frozen=True)
class ZeroPad:
    """ZeroPadding2D."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class RandomFlip:
    """In training, mirrored with probability 1/2 (in each direction that the mode names)."""

    mode: FlipMode = "horizontal_and_vertical"


@dataclass(frozen=True)
class RandomRotation:
    """In training, turned by at most ``factor`` of a full turn either way."""

    factor: float


@dataclass(frozen=True)
class RandomZoom:
    """In training, zoomed by at most these shares; ``width`` None keeps the aspect."""

    height: float
    width: float | None = None


@dataclass(frozen=True)
class RandomTranslation:
    """In training, moved by at most these shares of height and width."""

    height: float
    width: float


@dataclass(frozen=True)
class RandomContrast:
    """In training, contrast times 1 - factor to 1 + factor."""

    factor: float


@dataclass(frozen=True)
class RandomBrightness:
    """In training, brighter or darker by at most ``factor`` of the range."""

    factor: float


Augmentation = (
    RandomFlip | RandomRotation | RandomZoom | RandomTranslation | RandomContrast | RandomBrightness
)
"""Layers that act in training only and on whole pictures."""

Layer = (
    Conv
    | DepthwiseConv
    | MaxPool
    | AvgPool
    | GlobalAvgPool
    | GlobalMaxPool
    | Flatten
    | Dense
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
    GlobalAvgPool: "global_average_pooling2d",
    GlobalMaxPool: "global_max_pooling2d",
    Flatten: "flatten",
    Dense: "dense",
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
