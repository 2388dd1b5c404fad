"""What one step of a network computes, as data: its kind, its weights, and how its window moves.

Nothing here runs anything. Which module or function does what is ``insight.recognition``'s business; the sums
are ``insight.arithmetic``'s. Shapes are PyTorch's without the batch: (channels, height, width) or (units,).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.network.blueprint import Size
from pellucid.network.shapes import Pads

Numbers = NDArray[np.float64]
Shape = tuple[int, ...]
Index = tuple[int, ...]


@dataclass(frozen=True)
class Slide:
    """How a window moves over the rows and columns of a map: (height, width) of each, and the padding."""

    window: Size
    stride: Size = (1, 1)
    pads: Pads = ((0, 0), (0, 0))
    dilation: Size = (1, 1)

    def places(self, axis: int, out: int) -> NDArray[np.int64]:
        """The rows (axis 0) or columns (axis 1) under the window of output ``out``; padding lies outside."""
        first = out * self.stride[axis] - self.pads[axis][0]
        return first + self.dilation[axis] * np.arange(self.window[axis])


@dataclass(frozen=True, eq=False)
class Convolution:
    """A weighted sum under a window; of ``groups`` parts of the channels a filter sees its own."""

    weight_OIHW: Numbers
    bias_O: Numbers | None
    slide: Slide
    groups: int = 1


@dataclass(frozen=True)
class Pooling:
    """The largest or the mean number under a window.

    Attributes:
        slide: The window.
        maximum: Whether it is the largest; padding then never wins.
        counted: What a mean is divided by: the numbers under the window that lie ``inside`` the map, those
            inside the map with its ``padding``, or a number.
    """

    slide: Slide
    maximum: bool
    counted: Literal["inside", "padding"] | int = "inside"


@dataclass(frozen=True)
class AdaptivePooling:
    """Pooling into a map of ``size``, with windows as equal as they can be (PyTorch's adaptive pooling)."""

    size: Size
    maximum: bool

    def places(self, axis: int, out: int, size: int) -> NDArray[np.int64]:
        """The rows or columns that output ``out`` sees: floor(out * n / m) up to ceil((out + 1) * n / m)."""
        wanted = self.size[axis]
        return np.arange(out * size // wanted, -(-(out + 1) * size // wanted))


@dataclass(frozen=True)
class GlobalPooling:
    """One number a channel: the largest or the mean of its map."""

    maximum: bool


@dataclass(frozen=True, eq=False)
class Dense:
    """A weighted sum of all numbers along the last axis: of a flat row, all there are."""

    weight_UD: Numbers
    bias_U: Numbers | None


@dataclass(frozen=True, eq=False)
class Normalisation:
    """Batch normalisation at inference, with the activation that is fused into it, if any."""

    gamma_C: Numbers
    beta_C: Numbers
    mean_C: Numbers
    variance_C: Numbers
    epsilon: float
    activation: "Elementwise | None" = None


@dataclass(frozen=True)
class Elementwise:
    """A function of one number.

    Attributes:
        name: What it is called: ``relu6``.
        formula: How it is written: ``min(max(x, 0), 6)``.
        function: It, in float64.
    """

    name: str
    formula: str
    function: Callable[[float], float]


@dataclass(frozen=True)
class Softmax:
    """exp(x / temperature) of each number along an axis, divided by the sum of all of them."""

    axis: int = 0
    temperature: float = 1.0

    @property
    def formula(self) -> str:
        """How it is written."""
        divided = "" if self.temperature == 1 else " / temperature"
        return f"exp((x - largest){divided}) / sum of these exponentials"

    def share(self, values: Sequence[float], place: int) -> tuple[float, list[float], dict[str, float]]:
        """A number's share, all exponentials, and the numbers that stand in the formula."""
        scaled = np.asarray(values, np.float64)
        with np.errstate(invalid="ignore"):  # between infinities there is no share, and NaN says so
            exponentials = np.exp((scaled - scaled.max()) / self.temperature)
        total = float(exponentials.sum())
        details = {"largest": float(scaled.max()), "sum_of_exponentials": total}
        if self.temperature != 1:
            details["temperature"] = self.temperature
        return float(exponentials[place]) / total, exponentials.tolist(), details


@dataclass(frozen=True)
class Addition:
    """Numbers at the same place, added, each times 1 or -1; what has one row is repeated."""

    signs: tuple[float, ...] = (1.0, 1.0)


@dataclass(frozen=True)
class Multiplication:
    """Numbers at the same place, multiplied; what has one row is repeated."""


@dataclass(frozen=True)
class Concatenation:
    """Several maps one behind the other along an axis."""

    axis: int = 0


@dataclass(frozen=True)
class Reshaping:
    """The same numbers in another shape, read row by row.

    Attributes:
        shape: The output's.
        order: How a map is read: ``CHW`` is PyTorch's order (channel by channel), ``HWC`` Keras' (pixel by
            pixel, the channels of each side by side).
    """

    shape: Shape
    order: Literal["CHW", "HWC"] = "CHW"

    def source(self, index: Index, shape: Shape) -> Index:
        """Where the number at ``index`` of the output stood in an input of this shape."""
        flat = int(np.ravel_multi_index(index, self.shape))
        if self.order == "HWC" and len(shape) == 3:
            channels, height, width = shape
            row, column, channel = np.unravel_index(flat, (height, width, channels))
            return int(channel), int(row), int(column)
        return tuple(int(place) for place in np.unravel_index(flat, shape))

    def target(self, index: Index, shape: Shape) -> Index:
        """Where the number at ``index`` of an input of this shape comes to stand in the output."""
        if self.order == "HWC" and len(shape) == 3:
            channels, height, width = shape
            flat = np.ravel_multi_index((index[1], index[2], index[0]), (height, width, channels))
        else:
            flat = np.ravel_multi_index(index, shape)
        return tuple(int(place) for place in np.unravel_index(int(flat), self.shape))


@dataclass(frozen=True)
class Permutation:
    """The same numbers with their axes in another order: output axis n is input axis ``axes[n]``."""

    axes: tuple[int, ...]

    def source(self, index: Index, shape: Shape) -> Index:
        """Where the number at ``index`` of the output stood in the input."""
        before = dict(zip(self.axes, index, strict=True))
        return tuple(before[axis] for axis in range(len(index)))

    def target(self, index: Index, shape: Shape) -> Index:
        """Where the number at ``index`` of the input comes to stand in the output."""
        return tuple(index[axis] for axis in self.axes)


@dataclass(frozen=True)
class Padding:
    """Rows and columns of one value around a map."""

    pads: Pads
    value: float = 0.0


@dataclass(frozen=True)
class Affine:
    """x * scale + offset, with two numbers that are the same everywhere."""

    scale: float
    offset: float


@dataclass(frozen=True, eq=False)
class ChannelAffine:
    """x * scale + offset, with two numbers for each channel."""

    scale_C: Numbers
    offset_C: Numbers


@dataclass(frozen=True, eq=False)
class Distance:
    """The squared Euclidean distance of a flat row from a point of each unit (LeNet-5's output)."""

    points_DU: Numbers


@dataclass(frozen=True)
class Passing:
    """What comes in goes out; ``reason`` says why, as of dropout when a network answers."""

    reason: str


@dataclass(frozen=True)
class Unknown:
    """Something that this house has no arithmetic for; ``reason`` says what, as a sentence."""

    reason: str


Operation = (
    Convolution
    | Pooling
    | AdaptivePooling
    | GlobalPooling
    | Dense
    | Normalisation
    | Elementwise
    | Softmax
    | Addition
    | Multiplication
    | Concatenation
    | Reshaping
    | Permutation
    | Padding
    | Affine
    | ChannelAffine
    | Distance
    | Passing
    | Unknown
)


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _clipped(x: float, low: float, high: float) -> float:
    return x if math.isnan(x) else min(max(x, low), high)


ELEMENTWISE: dict[str, Elementwise] = {
    one.name: one
    for one in (
        Elementwise("relu", "max(x, 0)", lambda x: _clipped(x, 0.0, math.inf)),
        Elementwise("relu6", "min(max(x, 0), 6)", lambda x: _clipped(x, 0.0, 6.0)),
        Elementwise("sigmoid", "1 / (1 + exp(-x))", _sigmoid),
        Elementwise("tanh", "tanh(x)", math.tanh),
        Elementwise(
            "gelu", "x / 2 * (1 + erf(x / sqrt(2)))", lambda x: x / 2 * (1 + math.erf(x / math.sqrt(2)))
        ),
        Elementwise(
            "gelu_tanh",
            "x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))",
            lambda x: x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        ),
        Elementwise("silu", "x / (1 + exp(-x))", lambda x: x * _sigmoid(x)),
        Elementwise("hardsigmoid", "min(max(x + 3, 0), 6) / 6", lambda x: _clipped(x + 3, 0.0, 6.0) / 6),
        Elementwise(
            "hardswish", "x * min(max(x + 3, 0), 6) / 6", lambda x: x * _clipped(x + 3, 0.0, 6.0) / 6
        ),
        Elementwise("softplus", "log(1 + exp(x))", _softplus),
        Elementwise("mish", "x * tanh(log(1 + exp(x)))", lambda x: x * math.tanh(_softplus(x))),
        Elementwise("softsign", "x / (1 + |x|)", lambda x: x / (1 + abs(x))),
        Elementwise("scaled_tanh", "1.7159 * tanh(2 x / 3)", lambda x: 1.7159 * math.tanh(2 * x / 3)),
    )
}
"""The activations that need no number of their own."""


def leaky_relu(slope: float) -> Elementwise:
    """x where it is positive, and ``slope`` times it elsewhere."""
    return Elementwise("leaky_relu", f"x if x > 0 else {slope:g} x", lambda x: x if x > 0 else slope * x)


def elu(alpha: float) -> Elementwise:
    """x where it is positive, and alpha * (exp(x) - 1) elsewhere."""
    return Elementwise(
        "elu", f"x if x > 0 else {alpha:g} (exp(x) - 1)", lambda x: x if x > 0 else alpha * math.expm1(x)
    )


def clamp(low: float, high: float) -> Elementwise:
    """x, but at least ``low`` and at most ``high``."""
    return Elementwise("clamp", f"min(max(x, {low:g}), {high:g})", lambda x: _clipped(x, low, high))
