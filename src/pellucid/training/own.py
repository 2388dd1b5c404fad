"""A network that was trained here as a classifier has it: frozen layers in ONNX Runtime, and a head.

The last dense layer is the head, so that a run of any recipe answers in one way; nothing here needs PyTorch.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pellucid.errors import RequestError
from pellucid.network.blueprint import Activation, Blueprint, Dense, Layer, Rbf
from pellucid.network.onnx_model import onnx_model
from pellucid.network.parameters import Parameters, parameter_shapes
from pellucid.network.shapes import Shape, shapes
from pellucid.network.text import format_blueprint
from pellucid.training.affine import Head
from pellucid.training.session import open_session


@dataclass(frozen=True)
class OwnLayers:
    """The layers of a network up to its head.

    Attributes:
        blueprint: The whole network.
        parameters: Its tensors; of the head's layer they are there too.
        until: How many layers stand before the head.
    """

    blueprint: Blueprint
    parameters: Parameters
    until: int

    @cached_property
    def key(self) -> str:
        """What these layers compute, as the name of a folder."""
        digest = hashlib.blake2b(format_blueprint(self.blueprint).encode(), digest_size=16)
        for name, values in self.parameters.items():
            digest.update(name.encode() + np.ascontiguousarray(values).tobytes())
        return f"own-{self.until}-{digest.hexdigest()}"

    @property
    def output_shape(self) -> Shape:
        """The shape of one picture's output, without the batch; a map as (C, H, W)."""
        shape = shapes(self.blueprint)[self.until - 1] if self.until else _input_shape(self.blueprint)
        return (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape

    def session(self, threads: int = 1) -> onnxruntime.InferenceSession:
        """A session on ``threads`` threads; several Python threads may run one session at the same time."""
        return open_session(self.graph(), threads)

    def graph(self) -> bytes:
        """The ONNX file's bytes."""
        return bytes(onnx_model(self.blueprint, self.parameters, until=self.until).SerializeToString())

    def tensors(self) -> Mapping[str, NDArray[np.float32]]:
        """What a run keeps of it: the tensors of the layers before the head."""
        return {name: self.parameters[name] for name in _before(self.blueprint, self.until)}


def classes_out(blueprint: Blueprint) -> int:
    """How many classes the network answers for.

    Raises:
        RequestError: it does not end in a flat row of numbers that a softmax can stand on.
    """
    if not blueprint.layers or len(shapes(blueprint)[-1]) != 1 or _wrong_end(blueprint.layers):
        raise RequestError(
            f"The network ends in {blueprint.names[-1] if blueprint.layers else 'its input'!r}.",
            "An end that gives one number a class was expected: 'dense 10 softmax', or globalavgpool with as "
            "many channels as there are classes.",
            "Add such a layer to its text.",
        )
    return shapes(blueprint)[-1][0]


def with_classes(blueprint: Blueprint, classes: int) -> Blueprint:
    """The same network with as many outputs in its last dense layer as there are classes.

    Raises:
        RequestError: it does not end in a dense layer, and has another number of outputs.
    """
    if classes_out(blueprint) == classes:
        return blueprint
    place = _head_place(blueprint.layers)
    if place is None:
        raise RequestError(
            f"The network answers for {classes_out(blueprint)} classes, and the pictures have {classes}.",
            "As many outputs as classes were expected.",
            "Change the network's last layers.",
        )
    last = cast(Dense, blueprint.layers[place])
    changed = replace(last, units=classes)
    layers = (*blueprint.layers[:place], changed, *blueprint.layers[place + 1 :])
    return Blueprint(blueprint.input, layers)


def cut(blueprint: Blueprint, parameters: Parameters) -> tuple[OwnLayers, Head]:
    """The frozen layers and the head of a trained network; the head's temperature is 1."""
    classes, place = classes_out(blueprint), _head_place(blueprint.layers)
    if place is not None:
        name = blueprint.names[place]
        bias_K = parameters.get(f"{name}.bias", np.zeros(classes, np.float32))
        return OwnLayers(blueprint, parameters, place), Head(parameters[f"{name}.kernel"], bias_K)
    # The layers' outputs are the logits themselves; of an rbf the nearest point is the answer.
    sign = -1 if isinstance(blueprint.layers[-1], Rbf) else 1
    until = len(blueprint.layers) - isinstance(blueprint.layers[-1], Activation)
    head = Head(sign * np.eye(classes, dtype=np.float32), np.zeros(classes, np.float32))
    return OwnLayers(blueprint, parameters, until), head


def joined(blueprint: Blueprint, tensors: Mapping[str, NDArray[Any]], head: Head) -> OwnLayers:
    """The layers again, from what a run kept.

    Raises:
        KeyError: a tensor is missing.
        ValueError: a tensor has another shape than the network's.
        ShapeError: the network's layers do not fit one another.
    """
    wanted = parameter_shapes(blueprint)
    place = _head_place(blueprint.layers)
    until = place if place is not None else len(blueprint.layers)
    if place is None and isinstance(blueprint.layers[-1], Activation):
        until -= 1
    parameters = {name: np.asarray(tensors[name], np.float32) for name in _before(blueprint, until)}
    if place is not None:
        name = blueprint.names[place]
        parameters[f"{name}.kernel"] = head.weight_DK
        if f"{name}.bias" in wanted:
            parameters[f"{name}.bias"] = head.bias_K
    for name, values in parameters.items():
        if values.shape != tuple(wanted[name]):
            raise ValueError(f"{name} is {values.shape} and not {tuple(wanted[name])}")
    return OwnLayers(blueprint, parameters, until)


def _wrong_end(layers: tuple[Layer, ...]) -> bool:
    """Whether the last activation is one that a softmax does not stand on."""
    last = layers[-1]
    if isinstance(last, Activation):
        return last.name != "softmax"
    return getattr(last, "activation", None) not in (None, "softmax")


def _head_place(layers: tuple[Layer, ...]) -> int | None:
    """Where the dense layer stands that is the head; None where there is none."""
    end = len(layers) - 1
    if layers and isinstance(layers[end], Activation):
        end -= 1
    last = layers[end] if end >= 0 else None
    if not isinstance(last, Dense):
        return None
    activation = last.activation
    return end if activation is None or (activation == "softmax" and end == len(layers) - 1) else None


def _before(blueprint: Blueprint, until: int) -> list[str]:
    """The names of the tensors of the first layers."""
    names = set(blueprint.names[:until])
    return [name for name in parameter_shapes(blueprint) if name.partition(".")[0] in names]


def _input_shape(blueprint: Blueprint) -> Shape:
    return blueprint.input.height, blueprint.input.width, blueprint.input.channels
