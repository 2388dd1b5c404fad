"""A blueprint and its numbers as an ONNX graph, written directly: ONNX Runtime then answers without PyTorch.

Maps are (N, C, H, W) inside; a flat row that comes out is in Keras' order, as everywhere. Only inference is
in the graph: dropout and augmentation leave no node. What ONNX Runtime does better is left to it: it folds
batch normalisation into the convolution before it, and does ReLU in the convolution's own pass. (Put after a
max pooling, which gives the same numbers, ReLU gained nothing: 6.4 and 6.6 ms for 64 digits, 51 and 51 ms for
16 pictures of 64x64; best of 25 runs on one core, ONNX Runtime 1.31.)
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

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
from pellucid.network.parameters import Parameters, check_parameters, parameter_shapes
from pellucid.network.shapes import Shape, padding_of, shapes, window_of

# Old enough for every ONNX Runtime from 1.14 (1.20 reads up to opset 21 and IR version 10).
_OPSET = 18
_IR_VERSION = 8
_INPUT, _OUTPUT = "pictures", "features"

# After flatten, these do not care which number of the row stands where.
_ORDERLESS = (Activation, BatchNorm, Dropout, Flatten, Rescale)


def onnx_model(blueprint: Blueprint, parameters: Parameters, *, until: int | None = None) -> onnx.ModelProto:
    """The network as a graph: ``pictures`` float32 (N, C, H, W) in, ``features`` float32 (N, ...) out.

    N is free. A map that comes out is (N, C, H, W); a flat row is as Keras has it, channels side by side.

    Args:
        blueprint: The network.
        parameters: The tensors of the layers that are taken, in Keras' layouts; others may be there.
        until: How many layers are taken, from 0 (the pictures themselves); all where it is None.

    Raises:
        ShapeError: a layer cannot follow the one before it.
        ParameterError: a tensor is missing or has another shape.
    """
    taken = replace(blueprint, layers=blueprint.layers[:until])
    needed = parameter_shapes(taken)
    check_parameters(taken, {name: parameters[name] for name in needed if name in parameters})
    of = blueprint.input
    before: Shape = (of.height, of.width, of.channels)
    graph = _Graph(parameters)
    for place, (name, layer, after) in enumerate(zip(taken.names, taken.layers, shapes(taken), strict=True)):
        graph.add(name, layer, before, taken.layers[place + 1 :])
        before = after
    graph.node("Identity", [], name=_OUTPUT)
    picture = ("batch", of.channels, of.height, of.width)
    row = ("batch", before[2], before[0], before[1]) if len(before) == 3 else ("batch", *before)
    made = helper.make_graph(
        graph.nodes,
        "network",
        [helper.make_tensor_value_info(_INPUT, TensorProto.FLOAT, picture)],
        [helper.make_tensor_value_info(_OUTPUT, TensorProto.FLOAT, row)],
        graph.tensors,
    )
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(made, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="pellucid")
    onnx.checker.check_model(model)
    return model


class _Graph:
    """The nodes and tensors so far; each node takes the output of the last."""

    def __init__(self, parameters: Parameters) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self._parameters = parameters
        self._last = _INPUT
        self._order: NDArray[np.intp] | None = None  # Keras' place of each number of the row, if not its own

    def add(self, name: str, layer: Layer, before: Shape, rest: Sequence[Layer]) -> None:
        """The nodes of one layer that gets a map or row of the shape ``before``; ``rest`` comes after it."""
        match layer:
            case Conv() | DepthwiseConv():
                self._convolution(name, layer, before)
            case MaxPool() | AvgPool() | ScaledAvgPool():
                self._pooling(name, layer, before)
            case GlobalAvgPool() | GlobalMaxPool():
                kind = "GlobalAveragePool" if isinstance(layer, GlobalAvgPool) else "GlobalMaxPool"
                self.node(kind, [])
                self.node("Flatten", [])
            case Flatten() if len(before) == 3:
                self._flatten(before, rest)
            case Dense():
                inputs = [self._tensor(f"{name}.kernel", ordered=True)]
                self.node("Gemm", [*inputs, *([self._tensor(f"{name}.bias")] if layer.bias else [])])
                self._order = None
            case Rbf():
                self._distances(name)
            case BatchNorm():
                keras = ("gamma", "beta", "moving_mean", "moving_variance")
                names = [self._tensor(f"{name}.{one}", ordered=True) for one in keras]
                self.node("BatchNormalization", names, epsilon=layer.epsilon)
            case Rescale():
                self._affine(name, np.array(layer.scale, np.float32), np.array(layer.offset, np.float32))
            case ZeroPad():
                (top, bottom), (left, right) = padding_of(layer, before)
                pads = np.array([0, 0, top, left, 0, 0, bottom, right], np.int64)
                self.node("Pad", [self._constant(f"{name}.pads", pads)])
            case Activation():
                self._activation(layer.name)
            case _ if not isinstance(layer, (Flatten, Dropout, *get_args(Augmentation))):
                raise TypeError(f"no node for {layer!r}")
        if isinstance(layer, Conv | DepthwiseConv | Dense | ScaledAvgPool) and layer.activation:
            self._activation(layer.activation)

    def node(self, kind: str, more: Sequence[str], name: str | None = None, **attributes: Any) -> None:
        """A node that takes the last output and these, and whose output is then the last."""
        output = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self._last, *more], [output], **attributes))
        self._last = output

    def _flatten(self, before: Shape, rest: Sequence[Layer]) -> None:
        """A row from a map; where a layer that weighs the whole row follows, its kernel is reordered instead.

        What may stand between treats every number alike, or has a number for each, which is reordered too.
        """
        follows = next((layer for layer in rest if not isinstance(layer, _ORDERLESS)), None)
        if isinstance(follows, Dense | Rbf):
            self._order = np.arange(np.prod(before)).reshape(before).transpose(2, 0, 1).ravel()
        else:
            self.node("Transpose", [], perm=[0, 2, 3, 1])
        self.node("Flatten", [])

    def _convolution(self, name: str, layer: Conv | DepthwiseConv, before: Shape) -> None:
        kernel = np.asarray(self._parameters[f"{name}.kernel"], np.float32)
        if isinstance(layer, DepthwiseConv):
            height, width = kernel.shape[:2]
            weight_OIHW = kernel.transpose(2, 3, 0, 1).reshape(-1, 1, height, width)
        else:
            weight_OIHW = kernel.transpose(3, 2, 0, 1)
        inputs = [self._constant(f"{name}.weight", weight_OIHW)]
        if layer.bias:
            inputs.append(self._tensor(f"{name}.bias"))
        self.node(
            "Conv",
            inputs,
            kernel_shape=layer.kernel,
            strides=layer.stride,
            dilations=layer.dilation,
            group=before[2] if isinstance(layer, DepthwiseConv) else layer.groups,
            pads=_pads(layer, before),
        )

    def _pooling(self, name: str, layer: MaxPool | AvgPool | ScaledAvgPool, before: Shape) -> None:
        kind = "MaxPool" if isinstance(layer, MaxPool) else "AveragePool"
        window = window_of(layer)
        if window is None:
            raise TypeError(f"no window in {layer!r}")
        if self.nodes and self.nodes[-1].op_type == "Pad":
            # ONNX Runtime 1.31 would make these zeros the pooling's own padding, which never wins and is not
            # counted; a sum of one stands between them.
            self.node("Sum", [])
        self.node(kind, [], kernel_shape=window.size, strides=window.stride, pads=_pads(layer, before))
        if isinstance(layer, ScaledAvgPool):
            tensors = (np.asarray(self._parameters[f"{name}.{one}"], np.float32) for one in ("scale", "bias"))
            self._affine(name, *(tensor[:, None, None] for tensor in tensors))

    def _affine(self, name: str, scale: NDArray[np.float32], offset: NDArray[np.float32]) -> None:
        self.node("Mul", [self._constant(f"{name}.factor", scale)])
        if np.any(offset):
            self.node("Add", [self._constant(f"{name}.summand", offset)])

    def _distances(self, name: str) -> None:
        """sum over d of (x_d - point_dk)^2: (N, D) -> (N, K)."""
        self.node("Unsqueeze", [self._constant(f"{name}.axis", np.array([2], np.int64))])
        self.node("Sub", [self._tensor(f"{name}.points", ordered=True)])
        self._order = None
        axes = self._constant(f"{name}.inputs", np.array([1], np.int64))
        self.node("ReduceSumSquare", [axes], keepdims=0)

    def _activation(self, name: ActivationName) -> None:
        place = f"{name}_{len(self.nodes)}"
        match name:
            case "relu" | "sigmoid" | "tanh":
                self.node(name.capitalize(), [])
            case "relu6":
                limits = [self._constant(f"{place}.{low}", np.float32(low)) for low in (0, 6)]
                self.node("Clip", limits)
            case "leaky_relu":
                self.node("LeakyRelu", [], alpha=0.2)
            case "softmax":
                self.node("Softmax", [], axis=1)
            case "scaled_tanh":
                self.node("Mul", [self._constant(f"{place}.inner", np.float32(2 / 3))])
                self.node("Tanh", [])
                self.node("Mul", [self._constant(f"{place}.outer", np.float32(1.7159))])
            case "gelu":
                self._gelu(place)

    def _gelu(self, place: str) -> None:
        """x / 2 * (1 + erf(x / sqrt 2)); opset 18 has no node for it."""
        x = self._last
        self.node("Mul", [self._constant(f"{place}.root", np.float32(np.sqrt(0.5)))])
        self.node("Erf", [])
        self.node("Add", [self._constant(f"{place}.one", np.float32(1))])
        self.node("Mul", [x])
        self.node("Mul", [self._constant(f"{place}.half", np.float32(0.5))])

    def _tensor(self, name: str, ordered: bool = False) -> str:
        """A tensor of the network; ``ordered``: its first axis runs along the row as it is here."""
        values = np.asarray(self._parameters[name], np.float32)
        return self._constant(name, values if not ordered or self._order is None else values[self._order])

    def _constant(self, name: str, values: NDArray[Any] | np.generic) -> str:
        self.tensors.append(numpy_helper.from_array(np.array(values, order="C"), name))
        return name


def _pads(layer: Layer, before: Shape) -> list[int]:
    """ONNX's order: the beginnings of both axes, then the ends."""
    (top, bottom), (left, right) = padding_of(layer, before)
    return [top, left, bottom, right]
