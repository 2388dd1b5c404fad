"""A Keras model becomes a blueprint and its numbers: which layers follow which, and where their tensors are.

A ``.keras`` file is read without Keras and nothing in it is run. A live model is saved to a temporary file
and read from there, so that there is one way in.
"""

import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.errors import printable, shown
from pellucid.network.blueprint import Blueprint, Input, Layer
from pellucid.network.keras_file import KerasError, Numbers, damaged, opened, save_model
from pellucid.network.keras_layers import MisfitError, read_layer
from pellucid.network.parameters import Parameters, tensor_shapes
from pellucid.network.shapes import Shape, ShapeError, shapes
from pellucid.network.values import BlueprintError


def from_keras(model: Any) -> tuple[Blueprint, Parameters]:
    """A Keras model as a blueprint and its tensors.

    Args:
        model: The path of a ``.keras`` file (Keras 3), or a ``keras.Model``: Sequential, or Functional with
            layers that follow one another. Models inside it are unfolded.

    Returns:
        The network, whose layers have the names that Keras gives by itself, and its tensors, float32, as
        ``network.parameters`` names them.

    Raises:
        KerasError: it is no such file or model, or it is damaged; it is no chain, or a layer is not known or
            has a setting that a blueprint cannot have: the first such layer is named, and why.
    """
    if isinstance(model, str | os.PathLike):
        return _from_file(Path(model))
    keras = sys.modules.get("keras")
    if keras is None or not isinstance(model, keras.Model):
        raise KerasError(
            f"An object of the type {shown(type(model).__name__)} is no Keras model.",
            "A keras.Model or the path of a .keras file was expected.",
            "Give one of these.",
        )
    with tempfile.TemporaryDirectory(prefix="pellucid-") as folder:
        path = Path(folder) / "model.keras"
        try:
            save_model(model, path)
        except (AttributeError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise KerasError(
                f"Keras cannot save the model {shown(model.name)} ({reason}).",
                "A model was expected that Keras can write to a .keras file.",
                "Build it by calling it once, or give its layers a get_config.",
            ) from error
        return _from_file(path)


@dataclass(frozen=True)
class _Leaf:
    """A layer of the model: what Keras wrote of it, and where its numbers lie."""

    name: str
    kind: str
    settings: Any
    place: str


def _from_file(path: Path) -> tuple[Blueprint, Parameters]:
    with opened(path) as (config, numbers):
        try:
            leaves = list(_leaves(config, ""))
        except (AttributeError, IndexError, KeyError, TypeError, RecursionError) as error:
            raise damaged(path, "its config.json is not as Keras writes it") from error
        blueprint, places = _chain(path, leaves)
        return blueprint, _tensors(path, blueprint, places, numbers)


# --- the chain --------------------------------------------------------------------------------------------


def _leaves(model: dict[str, Any], place: str) -> Iterator[_Leaf]:
    """The layers of a model in order, those of models inside it in their places.

    Raises:
        KerasError: the model is no chain.
    """
    if model["class_name"] not in ("Sequential", "Functional") or _is_own(model):
        name = model.get("config", {}).get("name") or model["class_name"]
        raise _misfit(name, model["class_name"], "is a model of its own making")
    config = model["config"]
    functional = model["class_name"] == "Functional"
    seen: Counter[str] = Counter()
    last: str | None = None
    for layer in config["layers"]:
        name, kind = layer["config"]["name"], layer["class_name"]
        if functional:
            _need_chain(layer, name, last)
        base = _snake_case(kind)
        inside = f"{place}layers/{base}_{seen[base]}" if seen[base] else f"{place}layers/{base}"
        seen[base] += 1
        if kind in ("Sequential", "Functional"):
            yield from _leaves(layer, f"{inside}/")
        else:
            yield _Leaf(name, kind, None if _is_own(layer) else layer["config"], inside)
        last = name
    if functional:
        _need_one_output(config, last)
    elif not place and config["layers"] and config["layers"][0]["class_name"] != "InputLayer":
        shape = config.get("build_input_shape")
        raise _misfit(config["name"], "Sequential", f"was never given an input (its shape is {shape})")


def _is_own(layer: dict[str, Any]) -> bool:
    """Whether it is of a class that does not come with Keras."""
    module = layer.get("module") or ""
    return not (module == "keras" or module.startswith("keras."))


def _need_chain(layer: dict[str, Any], name: str, last: str | None) -> None:
    """A layer of a functional model takes the output of the layer before it, once, and nothing else."""
    kind, nodes = layer["class_name"], layer["inbound_nodes"]
    if last is None and not nodes:
        return
    if not nodes:
        raise _misfit(name, kind, "is a second input")
    if len(nodes) > 1:
        raise _misfit(name, kind, f"is used {len(nodes)} times")
    taken = list(_histories(nodes[0]))
    if len(taken) != 1:
        raise _misfit(name, kind, f"takes {len(taken)} outputs of other layers")
    if taken[0][0] != last:
        raise _misfit(name, kind, f"takes the output of {shown(taken[0][0])}, not of {shown(last)} before it")


def _histories(value: Any) -> Iterator[list[Any]]:
    """The (layer, node, output) of each tensor that a call was given."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            yield value["config"]["keras_history"]
            return
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _histories(one)


def _need_one_output(config: dict[str, Any], last: str | None) -> None:
    outputs = config["output_layers"]
    if isinstance(outputs, dict):
        outputs = list(outputs.values())
    if outputs and isinstance(outputs[0], str):
        outputs = [outputs]
    for output in outputs:
        if output[0] != last or len(outputs) != 1:
            kinds = {one["config"]["name"]: one["class_name"] for one in config["layers"]}
            why = (
                "is one of several outputs" if len(outputs) > 1 else "is the output, and others come after it"
            )
            raise _misfit(output[0], kinds[output[0]], why)


def _chain(path: Path, leaves: list[_Leaf]) -> tuple[Blueprint, list[_Leaf]]:
    """The blueprint, and the leaf of each of its layers."""
    if not leaves:
        raise damaged(path, "its model has no layers")
    layers, kept = [], []
    for leaf in leaves[1:]:
        if leaf.kind == "InputLayer":  # of a model inside the model
            continue
        try:
            layer = _layer(leaf)
        except MisfitError as error:
            raise _misfit(leaf.name, leaf.kind, str(error)) from error
        except BlueprintError as error:
            came = error.came[0].lower() + error.came[1:].rstrip(".")
            raise _misfit(leaf.name, leaf.kind, f"cannot be: {came}") from error
        if layer is None:
            continue
        layers.append(layer)
        kept.append(leaf)
    blueprint = Blueprint(_input(leaves[0]), tuple(layers))
    try:
        shapes(blueprint)
    except ShapeError as error:
        own, theirs = blueprint.names[error.place - 1], kept[error.place - 1].name
        came = error.came.replace(shown(own), shown(theirs), 1)
        came = f"In the Keras model, {came[0].lower()}{came[1:]}"
        raise KerasError(came, error.expected, error.advice) from error
    return blueprint, kept


def _layer(leaf: _Leaf) -> Layer | None:
    if leaf.settings is None:
        raise MisfitError("is of a class that does not come with Keras, and code from a file is never run")
    return read_layer(leaf.kind, leaf.settings)


def _input(leaf: _Leaf) -> Input:
    shape = (leaf.settings or {}).get("batch_shape") if leaf.kind == "InputLayer" else None
    sizes = tuple(shape[1:]) if isinstance(shape, list) else ()
    if len(sizes) != 3 or not all(isinstance(size, int) and size > 0 for size in sizes):
        told = "x".join("?" if size is None else str(size) for size in sizes) or "nothing of a known shape"
        raise KerasError(
            f"The input {shown(leaf.name)} of the Keras model takes {told}.",
            "A picture of a fixed height, width and number of channels was expected.",
            "Make the model with keras.Input((height, width, channels)).",
        )
    try:
        return Input(*sizes)
    except BlueprintError as error:
        raise _misfit(leaf.name, leaf.kind, f"cannot be: {error.came}") from error


def _misfit(name: Any, kind: Any, reason: str) -> KerasError:
    return KerasError(
        f"The layer {shown(name)} ({printable(kind)}) of the Keras model {reason}.",
        "A chain was expected: one picture comes in, and layers that a network's text can name follow one "
        "another.",
        "Cut the model before this layer, or replace the layer, and save it again.",
    )


# --- the numbers ------------------------------------------------------------------------------------------


def _tensors(path: Path, blueprint: Blueprint, leaves: list[_Leaf], numbers: Numbers) -> Parameters:
    """Each layer's tensors; nothing is read that has not the shape that the layer gives it."""
    before: Shape = (blueprint.input.height, blueprint.input.width, blueprint.input.channels)
    found: Parameters = {}
    for name, layer, after, leaf in zip(
        blueprint.names, blueprint.layers, shapes(blueprint), leaves, strict=True
    ):
        expected = tensor_shapes(layer, before)
        before = after
        if not expected:
            continue
        given = numbers.tensors(leaf.place, leaf.name)
        if [tensor.shape for tensor in given] != [*expected.values()]:
            told = ", ".join(str(tensor.shape) for tensor in given) or "none"
            wanted = ", ".join(map(str, expected.values()))
            raise damaged(path, f"the layer {shown(leaf.name)} has the tensors {told} instead of {wanted}")
        for tensor, values in zip(expected, given, strict=True):
            found[f"{name}.{tensor}"] = numbers.read(values)
    return found


def _snake_case(name: str) -> str:
    """The name of a class as Keras has it in the file of numbers: DepthwiseConv2D -> depthwise_conv2d."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
