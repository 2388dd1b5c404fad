"""The shape that each layer of a blueprint puts out, and the padding that it needs to do so.

A layer that cannot stand where it stands is refused here, with both shapes; what a layer may hold by itself
is checked where it is made (``network.blueprint``).
"""

from dataclasses import dataclass
from typing import get_args

from pellucid.errors import PellucidError
from pellucid.network.blueprint import (
    TABLES,
    Augmentation,
    AvgPool,
    BatchNorm,
    Blueprint,
    Conv,
    Dense,
    DepthwiseConv,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    Layer,
    MaxPool,
    Padding,
    Rbf,
    Rescale,
    ScaledAvgPool,
    Size,
    ZeroPad,
)

Shape = tuple[int, ...]
"""(height, width, channels), or (units,) once the picture is flat."""

Pads = tuple[tuple[int, int], tuple[int, int]]
"""((top, bottom), (left, right))."""


class ShapeError(PellucidError):
    """A layer that cannot follow the layer before it.

    Args:
        came, expected, advice: As for every error.
        place: Which layer, counted from 1.
    """

    def __init__(self, came: str, expected: str, advice: str, place: int = 0) -> None:
        super().__init__(came, expected, advice)
        self.place = place


class _CannotError(Exception):
    """Why a layer cannot be: what came (after the layer's name), what was expected, what to do."""


@dataclass(frozen=True)
class Window:
    """What slides over the map, of every layer that has such a thing."""

    size: Size
    stride: Size
    dilation: Size
    padding: Padding

    @property
    def reach(self) -> Size:
        """How many rows and columns it spans, holes included: (size - 1) * dilation + 1."""
        (height, width), (down, right) = self.size, self.dilation
        return (height - 1) * down + 1, (width - 1) * right + 1


def window_of(layer: Layer) -> Window | None:
    """The window of a convolution or pooling; None for a layer that has none."""
    if isinstance(layer, Conv | DepthwiseConv):
        return Window(layer.kernel, layer.stride, layer.dilation, layer.padding)
    if isinstance(layer, MaxPool | AvgPool | ScaledAvgPool):
        return Window(layer.window, layer.stride or layer.window, (1, 1), layer.padding)
    return None


def same_padding(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    """How many zeros TensorFlow's ``same`` puts before and after ``size`` numbers.

    The output has ceil(size / stride) numbers; of an odd padding, the one more comes after.
    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    """
    out = -(-size // stride)
    total = max((out - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def padding_of(layer: Layer, in_shape: Shape) -> Pads:
    """((top, bottom), (left, right)) that the layer adds to a map of ``in_shape``; zeros where none."""
    if isinstance(layer, ZeroPad):
        return (layer.top, layer.bottom), (layer.left, layer.right)
    window = window_of(layer)
    if window is None or window.padding == "valid":
        return (0, 0), (0, 0)
    top_bottom, left_right = (
        same_padding(*numbers)
        for numbers in zip(in_shape[:2], window.size, window.stride, window.dilation, strict=True)
    )
    return top_bottom, left_right


def shapes(blueprint: Blueprint) -> tuple[Shape, ...]:
    """The output shape of each layer, in order.

    Raises:
        ShapeError: A layer cannot follow the one before it: its window is larger than the map, its groups do
            not divide the channels, it needs a map (or a flat row) and gets the other, or it augments what is
            no picture any more.
    """
    shape: Shape = (blueprint.input.height, blueprint.input.width, blueprint.input.channels)
    found: list[Shape] = []
    is_picture = True
    for place, (name, layer) in enumerate(zip(blueprint.names, blueprint.layers, strict=True), 1):
        try:
            if isinstance(layer, get_args(Augmentation)) and not is_picture:
                raise _CannotError(
                    f"changes whole pictures, and here comes {_written(shape)} of another layer.",
                    "Augmentation stands before every layer but rescale and zeropad.",
                    "Move it to the front.",
                )
            shape = _after(layer, shape)
        except _CannotError as error:
            came, expected, advice = error.args
            raise ShapeError(f"Layer {place}, '{name}', {came}", expected, advice, place) from None
        is_picture = is_picture and isinstance(layer, Rescale | ZeroPad | Augmentation)
        found.append(shape)
    return tuple(found)


def seen_size(blueprint: Blueprint) -> Size:
    """How many rows and columns of the picture, from its top left, the network's answer depends on.

    A window that does not divide its map leaves rows below and columns on the right unread, and so does all
    that they were computed from: the digits convnet reads 26 x 26 of 28 x 28 pixels. Layers that pad, and
    those that take the whole map, read everything before them.

    Raises:
        ShapeError: A layer cannot follow the one before it.
    """
    shape: Shape = (blueprint.input.height, blueprint.input.width, blueprint.input.channels)
    windows: list[Window] = []
    for layer, after in zip(blueprint.layers, shapes(blueprint), strict=True):
        window = window_of(layer)
        if len(after) != 3 or any(map(any, padding_of(layer, shape))) or isinstance(layer, BatchNorm):
            break
        windows += [window] if window else []
        shape = after
    rows, columns = shape[0], shape[1]
    for window in reversed(windows):
        rows, columns = (
            (out - 1) * stride + reach
            for out, stride, reach in zip((rows, columns), window.stride, window.reach, strict=True)
        )
    return rows, columns


def _written(shape: Shape) -> str:
    return f"a map of {'x'.join(map(str, shape))}" if len(shape) == 3 else f"a flat row of {shape[0]:,}"


def _after(layer: Layer, shape: Shape) -> Shape:
    """The shape after this layer; _CannotError where there is none."""
    if isinstance(layer, Dense | Rbf):
        if len(shape) != 1:
            raise _CannotError(
                f"needs a flat row of numbers, and here comes {_written(shape)}.",
                "A dense layer stands after flatten or a global pooling.",
                "Put flatten before it.",
            )
        return (layer.units,)
    if isinstance(layer, Flatten):
        return (shape[0] if len(shape) == 1 else shape[0] * shape[1] * shape[2],)
    if isinstance(layer, GlobalAvgPool | GlobalMaxPool):
        _need_map(shape)
        return shape[2:]
    if isinstance(layer, ZeroPad):
        _need_map(shape)
        height, width, channels = shape
        return height + layer.top + layer.bottom, width + layer.left + layer.right, channels
    if isinstance(layer, get_args(Augmentation)):
        return shape
    window = window_of(layer)
    if window is None:
        return shape
    _need_map(shape)
    return *_slide(window, shape), _channels(layer, shape[2])


def _need_map(shape: Shape) -> None:
    if len(shape) != 3:
        raise _CannotError(
            f"needs a map of height, width and channels, and here comes {_written(shape)}.",
            "Windows and paddings stand before flatten, dense and global pooling.",
            "Move it before the layer that makes the row flat.",
        )


def _slide(window: Window, shape: Shape) -> Size:
    """The height and width that the window leaves of this map."""
    if window.padding == "same":
        return -(-shape[0] // window.stride[0]), -(-shape[1] // window.stride[1])
    reach = window.reach
    if reach[0] > shape[0] or reach[1] > shape[1]:
        dilated = f" ({window.size[0]}x{window.size[1]} dilated)" if window.dilation != (1, 1) else ""
        raise _CannotError(
            f"has a window of {reach[0]}x{reach[1]}{dilated}, and here comes {_written(shape)}.",
            "Without padding a window is at most as high and as wide as its map.",
            "Take a smaller window, padding=same, or less pooling before it.",
        )
    height, width = ((shape[axis] - reach[axis]) // window.stride[axis] + 1 for axis in (0, 1))
    return height, width


def _channels(layer: Layer, channels: int) -> int:
    """How many channels a layer with a window puts out."""
    if isinstance(layer, DepthwiseConv):
        return channels * layer.multiplier
    if not isinstance(layer, Conv):
        return channels
    if channels % layer.groups or layer.filters % layer.groups:
        raise _CannotError(
            f"has {layer.groups:,} groups, {layer.filters:,} filters, and {channels:,} channels come in.",
            "Groups divide both the channels that come in and the filters.",
            "Take a number of groups that divides both.",
        )
    if layer.table is not None:
        _need_table(layer, channels)
    return layer.filters


def _need_table(layer: Conv, channels: int) -> None:
    table = TABLES[layer.table] if layer.table else ()
    wanted = 1 + max(max(seen) for seen in table)
    if (layer.filters, channels, layer.groups) != (len(table), wanted, 1):
        raise _CannotError(
            f"has {layer.filters:,} filters in {layer.groups:,} groups, and {channels:,} channels come in.",
            f"The table {layer.table} connects {wanted} channels to {len(table)} filters, without groups.",
            "Take these numbers, or leave the table out.",
        )
