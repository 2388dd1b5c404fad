"""The tensors of a network: what each is called, what shape it has, and what is in it before training.

Names, layouts and order are Keras': ``conv2d.kernel`` (height, width, channels, filters), ``dense.bias``.
How many there are, and how that is worked out, is ``network.account``'s business.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import PellucidError, shown
from pellucid.network.blueprint import (
    TABLES,
    BatchNorm,
    Blueprint,
    Conv,
    Dense,
    DepthwiseConv,
    Layer,
    Rbf,
    ScaledAvgPool,
)
from pellucid.network.characters import drawn_digits
from pellucid.network.shapes import Shape, shapes

Parameters = dict[str, NDArray[np.float32]]
"""Name of a tensor (``conv2d.kernel``) -> its numbers."""


class ParameterError(PellucidError):
    """Tensors that are not those of the network: one is missing, not known, or of another shape."""


def tensor_shapes(layer: Layer, before: Shape) -> dict[str, Shape]:
    """The shape of each tensor of a layer whose input has the shape ``before``, in Keras' layouts and order.

    ``kernel`` is (height, width, channels / groups, filters) of a convolution, (height, width, channels,
    multiplier) of a depthwise one and (inputs, units) of a dense layer. Of layers that Keras does not have:
    a pooling that learns has a ``scale`` and a ``bias`` for each channel, and an ``rbf`` layer ``points``
    (inputs, units).
    """
    channels = before[-1]
    if isinstance(layer, Conv):
        kernel = (*layer.kernel, channels // layer.groups, layer.filters)
        return {"kernel": kernel, **({"bias": (layer.filters,)} if layer.bias else {})}
    if isinstance(layer, DepthwiseConv):
        kernel = (*layer.kernel, channels, layer.multiplier)
        return {"kernel": kernel, **({"bias": (channels * layer.multiplier,)} if layer.bias else {})}
    if isinstance(layer, Dense):
        return {"kernel": (channels, layer.units), **({"bias": (layer.units,)} if layer.bias else {})}
    if isinstance(layer, BatchNorm):
        return dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (channels,))
    if isinstance(layer, ScaledAvgPool):
        return {"scale": (channels,), "bias": (channels,)}
    if isinstance(layer, Rbf):
        return {"points": (channels, layer.units)}
    return {}


def parameter_shapes(blueprint: Blueprint) -> dict[str, Shape]:
    """The name and shape of every tensor of a network, in order: ``{"conv2d.kernel": (3, 3, 1, 32), ...}``.

    Nothing is allocated. ``tensor_shapes`` says what each layer has.

    Raises:
        ShapeError: A layer cannot follow the one before it.
    """
    before: Shape = (blueprint.input.height, blueprint.input.width, blueprint.input.channels)
    found: dict[str, Shape] = {}
    for name, layer, after in zip(blueprint.names, blueprint.layers, shapes(blueprint), strict=True):
        tensors = tensor_shapes(layer, before)
        found |= {f"{name}.{tensor}": shape for tensor, shape in tensors.items()}
        before = after
    return found


def connections(layer: Layer) -> NDArray[np.float32] | None:
    """What a layer's table leaves of its kernel, (channels, filters): 1 where a filter sees a channel or 0.

    None for a layer without a table. A kernel has zeros wherever this has, before and after training.
    """
    if not isinstance(layer, Conv) or layer.table is None:
        return None
    table = TABLES[layer.table]
    mask = np.zeros((1 + max(map(max, table)), len(table)), np.float32)
    for filter_, seen in enumerate(table):
        mask[list(seen), filter_] = 1
    return mask


def initial_parameters(blueprint: Blueprint, seed: int) -> Parameters:
    """What a network's tensors hold before training, as Keras begins; equal seeds give equal bits.

    Kernels are Glorot-uniform: between -limit and limit with limit = sqrt(6 / (fan_in + fan_out)), Glorot and
    Bengio 2010, equation 16, where fan_in and fan_out are the kernel's last two sizes times the area of its
    window, as Keras counts them for groups and depthwise convolutions too. Biases, beta and moving mean are
    0; gamma, moving variance and the scale of a learning pooling are 1. The points of an ``rbf`` layer of ten
    units on 84 inputs are ten drawn digits (``network.characters``), of any other -1 or 1 by chance (LeCun et
    al. 1998, section II.C). Numbers are drawn by Philox from (seed, name of the layer): a layer's do not
    depend on the layers before it.

    Args:
        blueprint: The network.
        seed: A whole number from 0.

    Returns:
        float32 arrays, named and shaped as ``parameter_shapes`` says.

    Raises:
        ShapeError: A layer cannot follow the one before it.
    """
    layers = dict(zip(blueprint.names, blueprint.layers, strict=True))
    drawn: Parameters = {}
    for name, shape in parameter_shapes(blueprint).items():
        layer, _, tensor = name.partition(".")
        if tensor == "kernel":
            drawn[name] = _glorot(_generator(seed, layer), shape)
            mask = connections(layers[layer])
            drawn[name] *= 1 if mask is None else mask
        elif tensor == "points":
            drawn[name] = _points(_generator(seed, layer), shape)
        else:
            value = 1 if tensor in ("gamma", "moving_variance", "scale") else 0
            drawn[name] = np.full(shape, value, np.float32)
    return drawn


def _generator(seed: int, layer: str) -> np.random.Generator:
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence(seed, spawn_key=tuple(layer.encode())))
    )


def _glorot(generator: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
    area = math.prod(shape[:-2])
    limit = math.sqrt(6 / (area * (shape[-2] + shape[-1])))
    kernel = generator.random(shape, np.float32)
    kernel -= np.float32(0.5)
    kernel *= np.float32(2 * limit)
    return kernel


def _points(generator: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
    digits = drawn_digits()
    if shape == digits.shape:
        return digits
    return generator.integers(0, 2, shape).astype(np.float32) * 2 - 1


def check_parameters(blueprint: Blueprint, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Whether these are the network's tensors, each of the shape that ``parameter_shapes`` says.

    Raises:
        ParameterError: One is missing, one is not the network's, one has another shape, or a kernel is not 0
            where the layer's table connects nothing; the message names the first.
        ShapeError: A layer cannot follow the one before it.
    """
    expected = parameter_shapes(blueprint)
    for name, shape in expected.items():
        if name not in tensors:
            raise ParameterError(
                f"The tensor {shown(name)} of the network is missing.",
                f"{len(expected):,} tensors were expected, this one of shape {_written(shape)}.",
                "Give all tensors of this network, or the network that these belong to.",
            )
        if tuple(tensors[name].shape) != shape:
            raise ParameterError(
                f"The tensor {shown(name)} has the shape {_written(tensors[name].shape)}.",
                f"The network needs {_written(shape)} there.",
                "Give the tensors of this network, or the network that these belong to.",
            )
    for name in tensors:
        if name not in expected:
            raise ParameterError(
                f"The tensor {shown(name)} is none of the network's.",
                f"The network has {', '.join(expected) or 'no tensors'}."
                if len(expected) <= 8
                else f"The network has {len(expected):,} tensors: {', '.join([*expected][:4])}, ...",
                "Leave it out, or give the network that it belongs to.",
            )
    for name, layer in zip(blueprint.names, blueprint.layers, strict=True):
        mask = connections(layer)
        if mask is not None and np.any(tensors[f"{name}.kernel"][:, :, mask == 0]):
            raise ParameterError(
                f"The tensor {shown(f'{name}.kernel')} is not 0 where its layer's table connects nothing.",
                "A filter has no weights for a channel that it does not see.",
                "Put zeros there, or take the table out of the layer.",
            )


def _written(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "a single number"
