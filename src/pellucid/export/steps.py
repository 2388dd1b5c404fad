"""An ONNX graph as the few steps that the page's own engine knows (``classifying/page/engine.js``).

What stands in a graph for the batch's sake, or is a number that is known already, goes into the steps'
settings. A kind of node that the engine does not know is refused by its name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from pellucid.errors import RequestError, shown

_LARGEST = 3.4e38
Settings = dict[str, Any]


@dataclass
class Steps:
    """What is computed, in order.

    Attributes:
        steps: Each with op, inputs, output, and settings of its own.
        tensors: The numbers that learnt, float32, by their names.
        output: The name of what comes out.
    """

    steps: list[dict[str, Any]] = field(default_factory=list)
    tensors: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    output: str = ""

    def add(self, op: str, inputs: list[str], output: str, **settings: Any) -> None:
        """One step more."""
        self.steps.append({"op": op, "inputs": inputs, "output": output, **settings})
        self.output = output


class _UnknownError(Exception):
    """A node that the engine has no step for; the text says what is wrong with it."""


def steps_of(data: bytes) -> Steps:
    """The steps of a graph from ``pictures`` to ``features``.

    Raises:
        RequestError: it holds a node that the engine does not know.
    """
    graph = onnx.load_from_string(data).graph
    numbers = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    found, alias = Steps(), dict[str, str]()
    for node in graph.node:
        inputs = [alias.get(name, name) for name in node.input]
        settings = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        if node.op_type == "Constant":
            numbers[node.output[0]] = numpy_helper.to_array(settings["value"])
        elif node.op_type in ("Identity", "Dropout") or (node.op_type == "Sum" and len(inputs) == 1):
            alias[node.output[0]] = inputs[0]
        else:
            _add(found, node, inputs, settings, numbers)
    (output,) = graph.output
    found.output = alias.get(output.name, output.name)
    return found


def _add(
    found: Steps,
    node: onnx.NodeProto,
    inputs: list[str],
    settings: Settings,
    numbers: Mapping[str, NDArray[Any]],
) -> None:
    try:
        if node.op_type not in _KINDS:
            raise _UnknownError("is not known")
        op, kept, made = _KINDS[node.op_type](_Node(inputs, settings, numbers))
    except _UnknownError as error:
        raise RequestError(
            f"The page cannot compute the node {shown(node.op_type)} of this network: it {error}.",
            f"Nodes of these kinds were expected: {', '.join(sorted(_KINDS))}.",
            "Export it with --format onnx.",
        ) from None
    for name in kept:
        if name in numbers and name not in found.tensors:
            found.tensors[name] = np.asarray(numbers[name], np.float32)
    for name, values in made.pop("tensors", {}).items():
        found.tensors[name] = np.asarray(values, np.float32)
    found.add(op, kept, node.output[0], **made)


@dataclass(frozen=True)
class _Node:
    """A node's inputs, its settings, and the numbers that are known."""

    inputs: list[str]
    settings: Settings
    numbers: Mapping[str, NDArray[Any]]

    def known(self, place: int) -> NDArray[Any] | None:
        """The numbers of an input; None where it has none."""
        name = self.inputs[place] if place < len(self.inputs) else ""
        if name and name not in self.numbers:
            raise _UnknownError("needs numbers that are not known beforehand")
        return self.numbers[name] if name else None

    def needed(self, place: int) -> NDArray[Any]:
        found = self.known(place)
        if found is None:
            raise _UnknownError("lacks an input")
        return found


_Step = tuple[str, list[str], Settings]


def _conv(node: _Node) -> _Step:
    weight = node.needed(1)
    if weight.ndim != 4 or node.settings.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise _UnknownError("is no convolution over height and width with its padding written out")
    made = {
        "group": node.settings.get("group", 1),
        "strides": node.settings.get("strides", [1, 1]),
        "dilations": node.settings.get("dilations", [1, 1]),
        "pads": node.settings.get("pads", [0, 0, 0, 0]),
    }
    return "conv", node.inputs, made


def _pool(op: str) -> Callable[[_Node], _Step]:
    def pool(node: _Node) -> _Step:
        odd = node.settings.get("ceil_mode", 0) or set(node.settings.get("dilations", [1])) != {1}
        padded = any(node.settings.get("pads", []))
        if odd or (padded and node.settings.get("count_include_pad", 0)):
            raise _UnknownError("pools windows that reach beyond the map, with holes, or with its padding")
        window = node.settings["kernel_shape"]
        strides = node.settings.get("strides", [1] * len(window))
        return (
            op,
            node.inputs,
            {
                "window": window,
                "strides": strides,
                "pads": node.settings.get("pads", [0, 0, 0, 0]),
            },
        )

    return pool


def _clip(node: _Node) -> _Step:
    low, high = node.known(1), node.known(2)
    bounds = {
        "low": -_LARGEST if low is None else float(low),
        "high": _LARGEST if high is None else float(high),
    }
    return "clip", node.inputs[:1], bounds


def _mean(node: _Node) -> _Step:
    axes = node.settings.get("axes") or (node.needed(1).tolist() if len(node.inputs) > 1 else None)
    if axes is None or {axis % 4 for axis in axes} != {2, 3}:
        raise _UnknownError("is no mean over height and width")
    return "mean", node.inputs[:1], {}


def _reshape(node: _Node) -> _Step:
    if len(node.needed(1)) != 2:
        raise _UnknownError("makes something else than a row")
    return "flat", node.inputs[:1], {}


def _transpose(node: _Node) -> _Step:
    if list(node.settings.get("perm", [])) != [0, 2, 3, 1]:
        raise _UnknownError("moves the axes otherwise than the channels to the end")
    return "channelslast", node.inputs, {}


def _gemm(node: _Node) -> _Step:
    plain = all(node.settings.get(name, 1.0) == 1.0 for name in ("alpha", "beta"))
    if not plain or node.settings.get("transA", 0):
        raise _UnknownError("is no plain dense layer")
    return _dense(node, turned=bool(node.settings.get("transB", 0)))


def _dense(node: _Node, turned: bool = False) -> _Step:
    weight = node.needed(1)
    if weight.ndim != 2:
        raise _UnknownError("is no plain dense layer")
    if not turned:
        return "dense", node.inputs, {}
    name = f"{node.inputs[1]}.turned"
    return "dense", [node.inputs[0], name, *node.inputs[2:]], {"tensors": {name: weight.T}}


def _norm(node: _Node) -> _Step:
    scale, bias, mean, variance = (node.needed(place).astype(np.float64) for place in (1, 2, 3, 4))
    factors = scale / np.sqrt(variance + node.settings.get("epsilon", 1e-5))
    names = [f"{node.inputs[1]}.factors", f"{node.inputs[1]}.summands"]
    return (
        "affine",
        [node.inputs[0], *names],
        {"tensors": dict(zip(names, (factors, bias - mean * factors), strict=True))},
    )


def _pad(node: _Node) -> _Step:
    pads, value = node.needed(1).tolist(), node.known(2)
    constant = node.settings.get("mode", b"constant") == b"constant" and not (value is not None and value)
    if not constant or len(pads) != 8 or any(pads[axis] for axis in (0, 1, 4, 5)) or min(pads) < 0:
        raise _UnknownError("pads otherwise than with zeros around the map")
    return "pad", node.inputs[:1], {"pads": [pads[2], pads[3], pads[6], pads[7]]}


def _as(op: str, **settings: float) -> Callable[[_Node], _Step]:
    """A step with these settings, unless the node has them."""
    return lambda node: (
        op,
        node.inputs,
        {name: node.settings.get(name, one) for name, one in settings.items()},
    )


_KINDS: dict[str, Callable[[_Node], _Step]] = {
    "Add": _as("add"),
    "AveragePool": _pool("avgpool"),
    "BatchNormalization": _norm,
    "Clip": _clip,
    "Conv": _conv,
    "Div": _as("div"),
    "Flatten": _as("flat"),
    "Gemm": _gemm,
    "GlobalAveragePool": _as("mean"),
    "GlobalMaxPool": _as("max"),
    "HardSigmoid": _as("hardsigmoid", alpha=0.2, beta=0.5),
    "HardSwish": _as("hardswish"),
    "LeakyRelu": _as("leaky", alpha=0.01),
    "MatMul": _dense,
    "MaxPool": _pool("maxpool"),
    "Mul": _as("mul"),
    "Pad": _pad,
    "ReduceMean": _mean,
    "Relu": lambda node: ("clip", node.inputs, {"low": 0.0, "high": _LARGEST}),
    "Reshape": _reshape,
    "Sigmoid": _as("sigmoid"),
    "Sub": _as("sub"),
    "Tanh": _as("tanh"),
    "Transpose": _transpose,
}
