"""Which operation a PyTorch module is: its class is known, and so are its weights, window and padding.

A module counts as known only where its ``forward`` is the known one: a class of somebody's own that computes
something else is opened up instead, down to the functions that it calls (``insight.calls``).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor, nn

from pellucid.insight.modules import Asleep, Calibrated
from pellucid.insight.operation import (
    ELEMENTWISE,
    AdaptivePooling,
    Affine,
    ChannelAffine,
    Convolution,
    Dense,
    Distance,
    Elementwise,
    GlobalPooling,
    Normalisation,
    Numbers,
    Operation,
    Padding,
    Passing,
    Pooling,
    Reshaping,
    Shape,
    Slide,
    Softmax,
    Unknown,
    clamp,
    elu,
    leaky_relu,
)
from pellucid.network.blueprint import Size
from pellucid.network.modules import Affine as AffineModule
from pellucid.network.modules import (
    ChannelScale,
    ChannelsLastFlatten,
    Global,
    OwnDropout,
    PaddedAvgPool2d,
    PaddedConv2d,
    PaddedMaxPool2d,
    ScaledTanh,
)
from pellucid.network.modules import Distance as DistanceModule
from pellucid.network.shapes import Pads, same_padding

NO_CHANCE = "dropout passes all numbers on when a network answers"
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)

Maker = Callable[[Any, Shape, Shape], Operation]
"""From a module and the shapes of its input and output, without the batch."""


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is looked at as a whole: its kind is known, or it is one of PyTorch's own layers."""
    if _maker(module) is not None:
        return True
    return type(module).__module__.startswith("torch.nn.modules") and not isinstance(module, _CONTAINERS)


def operation_of(module: nn.Module, shape: Shape, out_shape: Shape) -> Operation:
    """What the module computes on an input of this shape; Unknown, with why, where that is not known."""
    maker = _maker(module)
    if maker is None:
        return Unknown(f"There is no arithmetic for the kind {type(module).__name__} here.")
    return maker(module, shape, out_shape)


def numbers(tensor: Tensor | None) -> Numbers | None:
    """A tensor's numbers in float64."""
    return None if tensor is None else np.asarray(tensor.detach().double().cpu().numpy())


def pair(value: Any) -> Size:
    """What PyTorch takes as one number or as two."""
    if isinstance(value, int):
        return value, value
    first, second = (int(one) for one in (value if len(value) == 2 else (value[0], value[0])))
    return first, second


def convolution(
    weight: Tensor, bias: Tensor | None, stride: Any, padding: Any, dilation: Any, groups: int
) -> Operation:
    """A two-dimensional convolution with padding as PyTorch takes it: numbers, ``valid`` or ``same``."""
    if weight.dim() != 4:
        return Unknown(f"There is no arithmetic for convolutions over {weight.dim() - 2} axes here.")
    window, spread = pair(tuple(weight.shape[2:])), pair(dilation)
    pads: Pads = ((0, 0), (0, 0))
    if padding == "same":
        totals = [reach * (size - 1) for reach, size in zip(spread, window, strict=True)]
        pads = _two([(total // 2, total - total // 2) for total in totals])
    elif padding != "valid":
        pads = _two([(one, one) for one in pair(padding)])
    weight_OIHW = numbers(weight)
    if weight_OIHW is None:
        raise TypeError("a convolution has weights")
    return Convolution(weight_OIHW, numbers(bias), Slide(window, pair(stride), pads, spread), groups)


def pooling(
    window: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    *,
    maximum: bool,
    include_padding: bool = True,
    divisor: int | None = None,
) -> Operation:
    """A two-dimensional pooling as PyTorch takes it."""
    around = _two([(one, one) for one in pair(padding)])
    slide = Slide(pair(window), pair(window if stride in (None, []) else stride), around, pair(dilation))
    return Pooling(slide, maximum, divisor or ("padding" if include_padding else "inside"))


def adaptive(size: Any, shape: Shape, *, maximum: bool) -> Operation:
    """PyTorch's adaptive pooling on a map of this shape."""
    wanted = (size, size) if size is None or isinstance(size, int) else tuple(size)
    height, width = (own if one is None else int(one) for one, own in zip(wanted, shape[1:], strict=True))
    return AdaptivePooling((height, width), maximum)


def normalisation(
    mean: Tensor | None,
    variance: Tensor | None,
    gamma: Tensor | None,
    beta: Tensor | None,
    epsilon: float,
    activation: Elementwise | None = None,
) -> Operation:
    """Batch normalisation with these statistics."""
    mean_C, variance_C = numbers(mean), numbers(variance)
    if mean_C is None or variance_C is None:
        return Unknown(
            "It normalises by the statistics of the picture itself, which this house does not open."
        )
    gamma_C, beta_C = numbers(gamma), numbers(beta)
    return Normalisation(
        np.ones_like(mean_C) if gamma_C is None else gamma_C,
        np.zeros_like(mean_C) if beta_C is None else beta_C,
        mean_C,
        variance_C,
        float(epsilon),
        activation,
    )


def softmax(axis: int | None, shape: Shape) -> Operation:
    """Softmax along an axis that counts the batch as PyTorch does."""
    if axis is None or axis % (len(shape) + 1) == 0:
        return Unknown("It is a softmax along no axis of the picture.")
    return Softmax(axis % (len(shape) + 1) - 1)


def padding(sides: Any, value: float) -> Operation:
    """Constant padding as ``torch.nn.functional.pad`` takes it: left, right, top, bottom."""
    four = (sides,) * 4 if isinstance(sides, int) else tuple(int(side) for side in sides)
    if len(four) not in (2, 4) or min(four) < 0:
        return Unknown("It pads other axes than rows and columns, or cuts them.")
    left, right, top, bottom = (*four, 0, 0)[:4]
    return Padding(((top, bottom), (left, right)), float(value))


def _two(sides: list[tuple[int, int]]) -> Pads:
    rows, columns = sides
    return rows, columns


def _of_torch(pads: tuple[int, int, int, int] | None) -> Pads:
    left, right, top, bottom = pads or (0, 0, 0, 0)
    return (top, bottom), (left, right)


def _conv(module: Any, shape: Shape, out_shape: Shape) -> Operation:
    if module.padding_mode != "zeros":
        return Unknown(f"There is no arithmetic for convolutions with {module.padding_mode} padding here.")
    return convolution(
        module.weight, module.bias, module.stride, module.padding, module.dilation, module.groups
    )


def _own_conv(module: PaddedConv2d, shape: Shape, out_shape: Shape) -> Operation:
    weight = module.weight if module.mask is None else module.weight * module.mask
    found = convolution(weight, module.bias, module.stride, module.padding, module.dilation, module.groups)
    return found if module.pads is None else _padded(found, _of_torch(module.pads))


def _padded(found: Operation, pads: Pads) -> Operation:
    """The same with other padding."""
    if isinstance(found, Convolution):
        slide = Slide(found.slide.window, found.slide.stride, pads, found.slide.dilation)
        return Convolution(found.weight_OIHW, found.bias_O, slide, found.groups)
    if isinstance(found, Pooling):
        slide = Slide(found.slide.window, found.slide.stride, pads, found.slide.dilation)
        return Pooling(slide, found.maximum, found.counted)
    return found


def _timm_same(maker: Maker) -> Maker:
    """timm's layers with TensorFlow's ``same`` padding, which depends on the map's size."""

    def make(module: Any, shape: Shape, out_shape: Shape) -> Operation:
        found = maker(module, shape, out_shape)
        if not isinstance(found, Convolution | Pooling):
            return found
        if isinstance(found, Pooling) and found.counted == "inside":
            found = Pooling(found.slide, found.maximum, "padding")  # to PyTorch it is no padding any more
        slide = found.slide
        sides = zip(shape[1:], slide.window, slide.stride, slide.dilation, strict=True)
        return _padded(found, _two([same_padding(*one) for one in sides]))

    return make


def _max_pool(module: Any, shape: Shape, out_shape: Shape) -> Operation:
    return pooling(module.kernel_size, module.stride, module.padding, module.dilation, maximum=True)


def _avg_pool(module: Any, shape: Shape, out_shape: Shape) -> Operation:
    return pooling(
        module.kernel_size,
        module.stride,
        module.padding,
        maximum=False,
        include_padding=module.count_include_pad,
        divisor=module.divisor_override,
    )


def _own_pool(module: Any, shape: Shape, out_shape: Shape) -> Operation:
    slide = Slide(module.window, module.stride, _of_torch(module.pads))
    return Pooling(slide, isinstance(module, PaddedMaxPool2d))


def _norm(module: Any, shape: Shape, out_shape: Shape) -> Operation:
    statistics = (module.running_mean, module.running_var)
    return normalisation(*statistics, module.weight, module.bias, module.eps)


def _fused_norm(module: Any, shape: Shape, out_shape: Shape) -> Operation:
    found = _norm(module, shape, out_shape)
    if isinstance(found, Normalisation) and not isinstance(module.act, nn.Identity):
        activation = operation_of(module.act, shape, out_shape)
        if not isinstance(activation, Elementwise):
            return Unknown(f"There is no arithmetic for the activation {type(module.act).__name__} here.")
        return Normalisation(
            found.gamma_C, found.beta_C, found.mean_C, found.variance_C, found.epsilon, activation
        )
    return found


def _dense(module: Any, shape: Shape, out_shape: Shape) -> Operation:
    weight_UD = numbers(module.weight)
    if weight_UD is None:
        raise TypeError("a dense layer has weights")
    return Dense(weight_UD, numbers(module.bias))


def _channel_scale(module: ChannelScale, shape: Shape, out_shape: Shape) -> Operation:
    scale_C, offset_C = (
        np.asarray(one.detach().double().cpu().numpy()) for one in (module.scale, module.bias)
    )
    return ChannelAffine(scale_C, offset_C)


def _distance(module: DistanceModule, shape: Shape, out_shape: Shape) -> Operation:
    return Distance(np.asarray(module.points.detach().double().cpu().numpy()))


def _prelu(module: nn.PReLU, shape: Shape, out_shape: Shape) -> Operation:
    if module.weight.numel() != 1:
        return Unknown("There is no arithmetic for a PReLU with a slope for each channel here.")
    return leaky_relu(float(module.weight.detach()))


def _is(operation: Operation) -> Maker:
    return lambda module, shape, out_shape: operation


_DROPOUT = _is(Passing(NO_CHANCE))
_BY_FORWARD: dict[Any, Maker] = {
    nn.Conv2d.forward: _conv,
    PaddedConv2d.forward: _own_conv,
    nn.MaxPool2d.forward: _max_pool,
    nn.AvgPool2d.forward: _avg_pool,
    PaddedMaxPool2d.forward: _own_pool,
    PaddedAvgPool2d.forward: _own_pool,
    nn.AdaptiveAvgPool2d.forward: lambda m, shape, _: adaptive(m.output_size, shape, maximum=False),
    nn.AdaptiveMaxPool2d.forward: lambda m, shape, _: adaptive(m.output_size, shape, maximum=True),
    Global.forward: lambda module, *_: GlobalPooling(module.maximum),
    nn.Linear.forward: _dense,
    nn.BatchNorm2d.forward: _norm,
    nn.Flatten.forward: lambda module, shape, out_shape: Reshaping(out_shape),
    ChannelsLastFlatten.forward: lambda module, shape, out_shape: Reshaping(out_shape, "HWC"),
    nn.Unflatten.forward: lambda module, shape, out_shape: Reshaping(out_shape),
    nn.ConstantPad2d.forward: lambda module, *_: padding(module.padding, module.value),
    nn.Softmax.forward: lambda module, shape, _: softmax(module.dim, shape),
    nn.Softmax2d.forward: _is(Softmax()),
    nn.LeakyReLU.forward: lambda module, *_: leaky_relu(module.negative_slope),
    nn.PReLU.forward: _prelu,
    nn.ELU.forward: lambda module, *_: elu(module.alpha),
    nn.Hardtanh.forward: lambda module, *_: clamp(module.min_val, module.max_val),
    nn.GELU.forward: lambda m, *_: ELEMENTWISE["gelu_tanh" if m.approximate == "tanh" else "gelu"],
    AffineModule.forward: lambda module, *_: Affine(module.scale, module.offset),
    ChannelScale.forward: _channel_scale,
    DistanceModule.forward: _distance,
    Calibrated.forward: lambda module, *_: Softmax(0, module.temperature),
    Asleep.forward: _is(Passing("it acts in training only")),
    nn.Identity.forward: _is(Passing("it passes all numbers on")),
    **{one.forward: _DROPOUT for one in (OwnDropout, nn.Dropout, nn.Dropout2d, nn.AlphaDropout)},
    **{
        one.forward: _is(ELEMENTWISE[name])
        for name, one in (
            ("relu", nn.ReLU),
            ("sigmoid", nn.Sigmoid),
            ("tanh", nn.Tanh),
            ("silu", nn.SiLU),
            ("hardsigmoid", nn.Hardsigmoid),
            ("hardswish", nn.Hardswish),
            ("mish", nn.Mish),
            ("softsign", nn.Softsign),
            ("scaled_tanh", ScaledTanh),
        )
    },
}
# ReLU6 is a Hardtanh whose bounds are its own.
_BY_CLASS: dict[type, Maker] = {nn.ReLU6: _is(ELEMENTWISE["relu6"])}
_OF_TIMM: dict[str, Maker] = {
    "Conv2dSame": _timm_same(_conv),
    "MaxPool2dSame": _timm_same(_max_pool),
    "AvgPool2dSame": _timm_same(_avg_pool),
    "BatchNormAct2d": _fused_norm,
}


def _maker(module: nn.Module) -> Maker | None:
    kind = type(module)
    if issubclass(kind, nn.Conv2d) and kind._conv_forward is not nn.Conv2d._conv_forward:
        return None  # Conv2d.forward itself calls that, as where weights are standardised
    if kind.__module__.startswith("timm.layers."):
        return _OF_TIMM.get(kind.__name__) or _BY_FORWARD.get(kind.forward)
    return _BY_CLASS.get(kind) or _BY_FORWARD.get(kind.forward)


def without_batch(shape: Any) -> Shape:
    """The shape of a tensor without its batch of one; all of it where it has none."""
    whole = tuple(int(size) for size in shape)
    return whole[1:] if whole and whole[0] == 1 else whole
