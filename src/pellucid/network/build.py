"""A blueprint and its numbers as a PyTorch module: one as it is written, and one that trains faster.

Both give the same outputs. Modules have the layers' Keras names; an activation inside a layer stands after
it as ``conv2d_activation``. Augmentation layers are not in it: they act on pixels, before the network.
"""

from collections import OrderedDict
from itertools import pairwise
from typing import Any, cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pellucid.network.blueprint import (
    Activation,
    ActivationName,
    Augmentation,
    AvgPool,
    BatchNorm,
    Blueprint,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    Layer,
    MaxPool,
    Rbf,
    Rescale,
    ScaledAvgPool,
    ZeroPad,
)
from pellucid.network.modules import (
    Affine,
    ChannelScale,
    ChannelsLastFlatten,
    Crop,
    Distance,
    Global,
    OwnDropout,
    PaddedAvgPool2d,
    PaddedConv2d,
    PaddedMaxPool2d,
    ScaledTanh,
    torch_pads,
)
from pellucid.network.parameters import Parameters, check_parameters, connections
from pellucid.network.shapes import Shape, padding_of, seen_size, shapes, window_of


class Network(nn.Sequential):
    """A chain of named modules: (N, C, H, W) float32 -> logits or probabilities (N, K).

    Attributes:
        blueprint: What it was built from.
        generator: What its dropout draws from.
    """

    blueprint: Blueprint
    generator: torch.Generator

    def parameters_out(self) -> Parameters:
        """Copies of its tensors under Keras' names and in Keras' layouts, float32."""
        found: Parameters = {}
        modules = dict(self.named_children())
        for name, layer in zip(self.blueprint.names, self.blueprint.layers, strict=True):
            for tensor, (place, to_keras) in _tensors(layer).items():
                values = _tensor(modules[_holder(name, layer)], place).detach().cpu().numpy()
                found[f"{name}.{tensor}"] = np.ascontiguousarray(to_keras(values), np.float32)
        return found

    def parameters_in(self, parameters: Parameters) -> None:
        """Take these numbers, named and laid out as Keras has them.

        Raises:
            ParameterError: They are not those of this network.
        """
        check_parameters(self.blueprint, parameters)
        modules = dict(self.named_children())
        with torch.no_grad():
            for name, layer in zip(self.blueprint.names, self.blueprint.layers, strict=True):
                for tensor, (place, _) in _tensors(layer).items():
                    values = _from_keras(layer, tensor, parameters[f"{name}.{tensor}"])
                    _tensor(modules[_holder(name, layer)], place).copy_(torch.from_numpy(values))


def build(blueprint: Blueprint, parameters: Parameters, *, fast: bool = False, seed: int = 0) -> Network:
    """The network as a module, with channels-last weights.

    Args:
        blueprint: The network.
        parameters: Its tensors (``network.parameters``).
        fast: Leave the last softmax out (the loss wants logits; an ``rbf`` ends in minus its distances), and
            put ReLU and its kin after a max pooling that follows them, which gives the same numbers, and in
            place where nobody needs what was there, leave out pixels that no answer depends on, and take
            kernels' gradients as ``gradients`` does.
        seed: What dropout begins to draw from.

    Raises:
        ShapeError: a layer cannot follow the one before it.
        ParameterError: the tensors are not those of this network.
    """
    generator = torch.Generator().manual_seed(seed)
    steps: list[tuple[str, nn.Module]] = []
    before: Shape = (blueprint.input.height, blueprint.input.width, blueprint.input.channels)
    for name, layer, after in zip(blueprint.names, blueprint.layers, shapes(blueprint), strict=True):
        steps += _steps(name, layer, before, generator)
        before = after
    if fast:
        steps = _reordered(steps, blueprint.layers[-1] if blueprint.layers else None)
        seen = seen_size(blueprint)
        if seen != (blueprint.input.height, blueprint.input.width):
            steps.insert(0, ("crop", Crop(seen)))
    for _, module in steps:
        if fast and isinstance(module, PaddedConv2d):
            module.own_gradient = True
    network = Network(OrderedDict(steps))
    network.blueprint, network.generator = blueprint, generator
    network.parameters_in(parameters)
    for name, layer in zip(blueprint.names, blueprint.layers, strict=True):
        mask = connections(layer)
        if mask is not None:
            conv = cast(PaddedConv2d, network.get_submodule(name))
            conv.mask = torch.from_numpy(np.ascontiguousarray(mask.T))[:, :, None, None]
    return network.to(memory_format=torch.channels_last)


def answer(blueprint: Blueprint, parameters: Parameters, x_NHWC: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the network puts out for pictures (N, H, W, C) as they are: (N, ...) float32.

    Raises:
        ShapeError, ParameterError: as ``build``.
    """
    network = build(blueprint, parameters).eval()
    with torch.inference_mode():
        return cast(NDArray[np.float32], network(torch.from_numpy(x_NHWC).permute(0, 3, 1, 2)).numpy())


def _steps(name: str, layer: Layer, before: Shape, generator: torch.Generator) -> list[tuple[str, nn.Module]]:
    """The modules of one layer, in order, each with its name."""
    if isinstance(layer, get_args(Augmentation)):
        return []
    steps = [(name, _module(layer, before, generator))]
    if isinstance(layer, ScaledAvgPool):
        steps.append((f"{name}_scale", ChannelScale(before[2])))
    if isinstance(layer, Conv | DepthwiseConv | Dense | ScaledAvgPool) and layer.activation:
        steps.append((f"{name}_activation", _activation(layer.activation)))
    return steps


def _module(layer: Layer, before: Shape, generator: torch.Generator) -> nn.Module:
    match layer:
        case Conv() | DepthwiseConv():
            return _convolution(layer, before)
        case MaxPool():
            return PaddedMaxPool2d(layer.window, layer.stride or layer.window, padding_of(layer, before))
        case AvgPool() | ScaledAvgPool():
            stride, pads = layer.stride or layer.window, padding_of(layer, before)
            return PaddedAvgPool2d(layer.window, stride, pads, (before[0], before[1]))
        case GlobalAvgPool() | GlobalMaxPool():
            return Global(isinstance(layer, GlobalMaxPool))
        case Flatten():
            return ChannelsLastFlatten()
        case Dense():
            return nn.Linear(before[0], layer.units, layer.bias)
        case Rbf():
            return Distance(before[0], layer.units)
        case Dropout():
            return OwnDropout(layer.rate, generator)
        case BatchNorm():
            norm = nn.BatchNorm2d if len(before) == 3 else nn.BatchNorm1d
            return norm(before[-1], eps=layer.epsilon, momentum=1 - layer.momentum)
        case Rescale():
            return Affine(layer.scale, layer.offset)
        case Activation():
            return _activation(layer.name)
        case ZeroPad():
            return nn.ZeroPad2d(torch_pads(padding_of(layer, before)))
    raise TypeError(f"no module for {layer!r}")


def _convolution(layer: Conv | DepthwiseConv, before: Shape) -> PaddedConv2d:
    window = window_of(layer)
    if window is None:
        raise TypeError(f"no window in {layer!r}")
    depthwise = isinstance(layer, DepthwiseConv)
    return PaddedConv2d(
        before[2],
        before[2] * layer.multiplier if isinstance(layer, DepthwiseConv) else layer.filters,
        window.size,
        stride=window.stride,
        dilation=window.dilation,
        pads=padding_of(layer, before),
        groups=before[2] if depthwise else cast(Conv, layer).groups,
        bias=layer.bias,
    )


def _activation(name: ActivationName) -> nn.Module:
    """The activation; on a map, softmax is over the channels, as everywhere in Keras."""
    match name:
        case "relu":
            return nn.ReLU()
        case "relu6":
            return nn.ReLU6()
        case "leaky_relu":
            return nn.LeakyReLU(0.2)
        case "sigmoid":
            return nn.Sigmoid()
        case "tanh":
            return nn.Tanh()
        case "gelu":
            return nn.GELU()
        case "scaled_tanh":
            return ScaledTanh()
        case "softmax":
            return nn.Softmax(dim=1)
    raise TypeError(f"no module for the activation {name!r}")


class _Negative(nn.Module):
    """Minus its input: the nearest point has the largest logit."""

    def forward(self, x_NK: Tensor) -> Tensor:
        return -x_NK


def _reordered(steps: list[tuple[str, nn.Module]], last: Layer | None) -> list[tuple[str, nn.Module]]:
    """Rising activations after the max pooling that follows them, and no softmax at the end."""
    steps = list(steps)
    for place in range(len(steps) - 1):
        if _is_rising(steps[place][1]) and isinstance(steps[place + 1][1], PaddedMaxPool2d):
            steps[place], steps[place + 1] = steps[place + 1], steps[place]
    for (_, before), (_, module) in pairwise(steps):
        # Neither a convolution, a pooling nor a dense layer asks for its own output again.
        if _is_rising(module) and isinstance(before, nn.Conv2d | PaddedMaxPool2d | nn.Linear):
            cast(nn.ReLU, module).inplace = True
    if steps and isinstance(steps[-1][1], nn.Softmax):
        steps.pop()
    if isinstance(last, Rbf):
        steps.append(("logits", _Negative()))
    return steps


def _is_rising(module: nn.Module) -> bool:
    return isinstance(module, nn.ReLU | nn.ReLU6 | nn.LeakyReLU)


# --- Keras' layouts and PyTorch's -------------------------------------------------------------------------


def _holder(name: str, layer: Layer) -> str:
    """The module that holds a layer's tensors."""
    return f"{name}_scale" if isinstance(layer, ScaledAvgPool) else name


def _tensor(module: nn.Module, place: str) -> Tensor:
    return cast(Tensor, getattr(module, place))


def _tensors(layer: Layer) -> dict[str, tuple[str, Any]]:
    """Keras' name of each tensor -> PyTorch's, and the function from PyTorch's layout to Keras'."""
    biased = {"bias": ("bias", np.asarray)} if getattr(layer, "bias", False) else {}
    match layer:
        case Conv():
            return {"kernel": ("weight", lambda oihw: oihw.transpose(2, 3, 1, 0)), **biased}
        case DepthwiseConv():
            return {"kernel": ("weight", lambda oihw: _depthwise(oihw, layer.multiplier)), **biased}
        case Dense():
            return {"kernel": ("weight", np.transpose), **biased}
        case BatchNorm():
            names = ("weight", "bias", "running_mean", "running_var")
            keras = ("gamma", "beta", "moving_mean", "moving_variance")
            return {theirs: (ours, np.asarray) for theirs, ours in zip(keras, names, strict=True)}
        case ScaledAvgPool():
            return {"scale": ("scale", np.asarray), "bias": ("bias", np.asarray)}
        case Rbf():
            return {"points": ("points", np.asarray)}
    return {}


def _depthwise(weight_O1HW: NDArray[np.float32], multiplier: int) -> NDArray[np.float32]:
    """PyTorch's (channels * multiplier, 1, h, w) as Keras' (h, w, channels, multiplier)."""
    height, width = weight_O1HW.shape[2:]
    return weight_O1HW.reshape(-1, multiplier, height, width).transpose(2, 3, 0, 1)


def _from_keras(layer: Layer, tensor: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """A tensor in PyTorch's layout."""
    if tensor != "kernel":
        return np.ascontiguousarray(values)
    if isinstance(layer, Dense):
        return np.ascontiguousarray(values.T)
    if isinstance(layer, DepthwiseConv):
        height, width = values.shape[:2]
        return np.ascontiguousarray(values.transpose(2, 3, 0, 1).reshape(-1, 1, height, width))
    return np.ascontiguousarray(values.transpose(3, 2, 0, 1))
