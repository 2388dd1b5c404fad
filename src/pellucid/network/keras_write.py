"""A blueprint and its numbers become a Keras model, or a ``.keras`` file that Keras opens.

Keras is imported when it is needed, on the backend that the person chose, else on PyTorch, which is here.
"""

import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from pellucid.errors import shown
from pellucid.network.blueprint import Blueprint, RandomBrightness, RandomContrast, Rescale
from pellucid.network.keras_file import KerasError, needs, save_model
from pellucid.network.keras_layers import MisfitError, write_layer
from pellucid.network.parameters import Parameters, check_parameters, parameter_shapes
from pellucid.storage import partial_name, put_whole, storage_errors


def to_keras(blueprint: Blueprint, parameters: Parameters) -> Any:
    """The network as a ``keras.Model`` (Functional) with these numbers: (N, H, W, C) float32 -> outputs.

    Layers have Keras' own names. Colour augmentations are told the range of pixels that a Rescaling before
    them leaves of 0 to 255.

    Raises:
        KerasError: Keras cannot be imported, or has no such layer; the first one is named.
        ParameterError: the tensors are not those of the network.
        ShapeError: a layer cannot follow the one before it.
    """
    check_parameters(blueprint, parameters)
    written = [_written(name, layer) for name, layer in zip(blueprint.names, blueprint.layers, strict=True)]
    keras = import_keras()
    of = blueprint.input
    pictures = keras.Input((of.height, of.width, of.channels), dtype="float32", name="input_layer")
    out, made, low, high = pictures, {}, 0.0, 255.0
    for name, layer, (kind, settings) in zip(blueprint.names, blueprint.layers, written, strict=True):
        if isinstance(layer, Rescale):
            low, high = sorted(end * layer.scale + layer.offset for end in (low, high))
        if isinstance(layer, RandomContrast | RandomBrightness):
            settings = {**settings, "value_range": (low, high)}
        try:
            made[name] = getattr(keras.layers, kind)(**settings, name=name, dtype="float32")
            out = made[name](out)
        except ValueError as error:
            raise _refused(name, f"is refused by Keras ({' '.join(str(error).split())[:200]})") from error
    model = keras.Model(pictures, out, name="network")
    tensors: dict[str, list[Any]] = {}
    for name in parameter_shapes(blueprint):
        tensors.setdefault(name.partition(".")[0], []).append(parameters[name])
    for name, values in tensors.items():
        made[name].set_weights(values)
    return model


def save_keras(blueprint: Blueprint, parameters: Parameters, path: Path) -> None:
    """Write the network to a ``.keras`` file, which appears whole or not at all.

    Raises:
        KerasError: the path does not end in ``.keras``; else as ``to_keras``.
        ParameterError: as ``to_keras``.
        ShapeError: as ``to_keras``.
        StorageError: the file cannot be written.
    """
    if path.suffix != ".keras":
        raise KerasError(
            f"The path {shown(path)} does not end in .keras.",
            "Keras knows its files by that ending.",
            f"Write, for example: {shown(path.with_suffix('.keras').name)}",
        )
    model = to_keras(blueprint, parameters)
    with storage_errors(path, "the Keras file"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=partial_name(path), dir=path.parent) as folder:
            partial = Path(folder) / "model.keras"
            save_model(model, partial)
            put_whole(partial, path)


def _written(name: str, layer: Any) -> tuple[str, dict[str, Any]]:
    try:
        return write_layer(layer)
    except MisfitError as error:
        raise _refused(name, str(error)) from error


def _refused(name: str, reason: str) -> KerasError:
    return KerasError(
        f"The layer {shown(name)} {reason}.",
        "Layers that Keras has were expected.",
        "Export the network in another format, or replace the layer.",
    )


def import_keras() -> Any:
    """Keras 3, on the backend of KERAS_BACKEND or keras.json where that is installed, else on PyTorch.

    Raises:
        KerasError: it cannot be imported, or is older.
    """
    if "keras" not in sys.modules and not os.environ.get("KERAS_BACKEND") and not _has_backend():
        os.environ["KERAS_BACKEND"] = "torch"
    try:
        import keras
    except ImportError as error:
        raise needs("keras", str(error)) from error
    if keras.__version__.startswith("2."):
        raise needs("keras", f"version {keras.__version__} is installed, 3.5 or newer is needed")
    return keras


def _has_backend() -> bool:
    """Whether Keras' settings file names a backend that is installed; Keras itself writes one there."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        backend = json.loads((home / "keras.json").read_text("utf-8"))["backend"]
        return importlib.util.find_spec(backend) is not None
    except (OSError, ValueError, KeyError, TypeError, ImportError):
        return False
