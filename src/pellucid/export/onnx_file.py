"""A classifier as one ONNX file: uint8 pixels in, probabilities out, and all that it takes in its metadata.

The graph normalises the pixels itself, so that whoever runs it can only bring pictures to size. Pellucid
reads such a file back as the classifier that it came from.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.utils
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from pellucid.classifier import Classifier
from pellucid.errors import RunError, shown
from pellucid.pictures.preprocess import Preprocess
from pellucid.provenance import pellucid_version
from pellucid.training.affine import Head
from pellucid.training.session import open_session

INPUT, OUTPUT = "pixels", "probabilities"
FORMAT = 1
_PICTURES, _FEATURES = "pictures", "features"  # the ends of the layers' own graph
_WEIGHT, _BIAS, _TEMPERATURE = "head.weight", "head.bias", "head.temperature"
_KEY = "pellucid"
_SAID = (
    "pixels: uint8 (N, {height}, {width}, {channels}), {colour}, 0 to 255, the picture brought to size by "
    "'{fit}' with an antialiased bilinear filter. probabilities: float32 (N, {classes}), in the order of "
    "'classes' in the metadata."
)


def onnx_classifier(classifier: Classifier) -> onnx.ModelProto:
    """The classifier as a graph: ``pixels`` uint8 (N, H, W, C) in, ``probabilities`` float32 (N, K) out.

    Args:
        classifier: One with a head, as a run has.

    Raises:
        BackboneError: the layers' own graph in the cache is damaged.
    """
    head, preprocess = classifier.head, classifier.preprocess
    if head is None:
        raise ValueError("a classifier without a head has learnt nothing")
    model = onnx.load_from_string(classifier.layers.graph())
    graph = model.graph
    height, width, channels = preprocess.height, preprocess.width, preprocess.channels
    before = _normalising(preprocess, graph)
    after = _answering(head, graph)
    inside, ends = list(graph.node), [graph.input[0], graph.output[0]]
    _forget(model)
    graph.value_info.extend(ends)  # so that the layers can be cut out again
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend([*before, *inside, *after])
    pixels, answers = ("batch", height, width, channels), ("batch", len(classifier.classes))
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, pixels))
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, answers))
    model.doc_string = _SAID.format(
        height=height,
        width=width,
        channels=channels,
        colour="red, green, blue" if channels == 3 else "grey",
        fit=preprocess.fit,
        classes=len(classifier.classes),
    )
    model.producer_name, model.producer_version = "pellucid", pellucid_version()
    helper.set_model_props(
        model,
        {
            _KEY: str(FORMAT),
            "classes": json.dumps(classifier.classes),
            "preprocess": json.dumps(preprocess.to_json()),
        },
    )
    onnx.checker.check_model(model)
    return model


def is_onnx(name: str | Path) -> bool:
    """Whether this is the name of an ONNX file."""
    return Path(name).suffix.lower() == ".onnx"


def load_onnx(path: Path) -> Classifier:
    """The classifier in a file that ``onnx_classifier`` made.

    Raises:
        RunError: there is no such file, it is damaged, or another program wrote it.
    """
    model, told = _read(path)
    try:
        if int(told[_KEY]) > FORMAT:
            raise RunError(
                f"The model {shown(path)} has format {told[_KEY]}, by Pellucid {model.producer_version}.",
                f"This version reads formats up to {FORMAT}.",
                "Update Pellucid: pip install --upgrade pellucid",
            )
        classes = tuple(str(name) for name in json.loads(told["classes"]))
        preprocess = Preprocess.from_json(json.loads(told["preprocess"]))  # says itself what is wrong
        tensors = {
            one.name: numpy_helper.to_array(one)
            for one in model.graph.initializer
            if one.name in (_WEIGHT, _BIAS, _TEMPERATURE)
        }
        head = Head(tensors[_WEIGHT], tensors[_BIAS], float(tensors[_TEMPERATURE]))
        _refuse_odd(head, classes)
        layers = OnnxLayers(_between(model), (int(head.weight_DK.shape[0]),), path)
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise _damaged(path, f"it lacks or mistakes {error}") from error
    return Classifier(classes, layers, preprocess, head)


def _refuse_odd(head: Head, classes: tuple[str, ...]) -> None:
    """Refuse a head that gives no probability to each class.

    Raises:
        ValueError: what is wrong, after "it lacks or mistakes".
    """
    if head.weight_DK.ndim != 2 or head.bias_K.shape != head.weight_DK.shape[1:]:
        raise ValueError("the shapes of its head")
    if len(classes) != len(head.bias_K):
        raise ValueError("other classes than its head has")
    if len(set(classes)) != len(classes):
        raise ValueError("the names of its classes, of which two are alike")
    numbers = (head.weight_DK, head.bias_K, head.temperature)
    if not all(np.isfinite(one).all() for one in numbers) or head.temperature <= 0:
        raise ValueError("the numbers of its head")


@dataclass(frozen=True)
class OnnxLayers:
    """The layers below the head, as they stand in an exported file.

    Attributes:
        data: Their graph, from the normalised pictures to the features.
        output_shape: ``(D,)``.
        path: The file.
    """

    data: bytes = field(repr=False)
    output_shape: tuple[int, ...]
    path: Path

    @cached_property
    def key(self) -> str:
        """What these layers compute, as the name of a folder."""
        return f"onnx-{hashlib.blake2b(self.data, digest_size=16).hexdigest()}"

    def graph(self) -> bytes:
        """The ONNX file's bytes."""
        return self.data

    def session(self, threads: int = 1) -> onnxruntime.InferenceSession:
        """A session on ``threads`` threads; several Python threads may run one session at the same time.

        Raises:
            RunError: the file's graph cannot be run, or does not end in what its head takes.
        """
        try:
            session = open_session(self.data, threads)
        except Exception as error:  # of many kinds, by what is wrong with the graph
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise _damaged(self.path, f"ONNX Runtime refuses it ({reason[:200]})") from error
        found = session.get_outputs()[0].shape[1:]
        if not all(isinstance(size, int) for size in found) or prod(found) != prod(self.output_shape):
            raise _damaged(self.path, "its layers do not end in what its head takes")
        return session

    def tensors(self) -> Mapping[str, NDArray[np.float32]]:
        """Nothing: they are no run's."""
        return {}


def _normalising(preprocess: Preprocess, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """From uint8 pixels to what the layers take, as ``Preprocess.normalise`` has it."""
    for name, values in (("mean", preprocess.mean), ("std", preprocess.std)):
        _constant(graph, f"{INPUT}.{name}", np.array(values, np.float32))
    return [
        helper.make_node("Cast", [INPUT], [f"{INPUT}.float"], to=TensorProto.FLOAT),
        helper.make_node("Sub", [f"{INPUT}.float", f"{INPUT}.mean"], [f"{INPUT}.centred"]),
        helper.make_node("Div", [f"{INPUT}.centred", f"{INPUT}.std"], [f"{INPUT}.scaled"]),
        helper.make_node("Transpose", [f"{INPUT}.scaled"], [_PICTURES], perm=[0, 3, 1, 2]),
    ]


def _answering(head: Head, graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """From features to softmax(logits / temperature)."""
    _constant(graph, _WEIGHT, np.asarray(head.weight_DK, np.float32))
    _constant(graph, _BIAS, np.asarray(head.bias_K, np.float32))
    _constant(graph, _TEMPERATURE, np.array(head.temperature, np.float32))
    return [
        helper.make_node("Flatten", [_FEATURES], ["head.features"]),
        helper.make_node("MatMul", ["head.features", _WEIGHT], ["head.products"]),
        helper.make_node("Add", ["head.products", _BIAS], ["head.logits"]),
        helper.make_node("Div", ["head.logits", _TEMPERATURE], ["head.softened"]),
        helper.make_node("Softmax", ["head.softened"], [OUTPUT], axis=1),
    ]


def _forget(model: onnx.ModelProto) -> None:
    """Drop what PyTorch's exporter notes of each node: paths of this machine stand in it."""
    graph = model.graph
    for one in (model, graph, *graph.node, *graph.initializer, *graph.value_info):
        del one.metadata_props[:]
        one.doc_string = ""
    del graph.value_info[:]


def _constant(graph: onnx.GraphProto, name: str, values: NDArray[Any]) -> None:
    graph.initializer.append(numpy_helper.from_array(np.array(values, order="C"), name))


def _read(path: Path) -> tuple[onnx.ModelProto, dict[str, str]]:
    """The file, and its metadata; nothing beside it is read."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise RunError(
            f"There is no file {shown(path)}.",
            "An ONNX file that 'pellucid export' wrote was expected.",
            "Check the path.",
        ) from error
    except OSError as error:
        raise _damaged(path, f"it cannot be read ({error.strerror})") from error
    try:
        model = onnx.load_from_string(data)
        outside = any(one.data_location == TensorProto.EXTERNAL for one in model.graph.initializer)
    except Exception as error:  # of protobuf, which is onnx's business
        raise _damaged(path, "it is no ONNX file") from error
    told = {one.key: one.value for one in model.metadata_props}
    if _KEY not in told or outside:
        raise RunError(
            f"The ONNX file {shown(path)} does not say what its outputs stand for.",
            "A file that 'pellucid export' wrote was expected, with the classes and the preprocessing in it.",
            "Export a run: pellucid export RUN --format onnx",
        )
    return model, told


def _between(model: onnx.ModelProto) -> bytes:
    """The part of the graph that the layers put into it."""
    part = onnx.utils.Extractor(model).extract_model([_PICTURES], [_FEATURES])
    return bytes(part.SerializeToString())


def _damaged(path: Path, what: str) -> RunError:
    return RunError(
        f"The model {shown(path)} cannot be opened: {what}.",
        "A whole file that 'pellucid export' wrote was expected.",
        "Export the run again.",
    )
