"""A classifier's numbers as one safetensors file, under the names that its framework gives them.

A network of its own has Keras' names and layouts, and its text in the metadata; a backbone has timm's names,
so that ``timm.create_model(..., num_classes=K)`` takes the file as it is. Neither needs Pellucid.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save

from pellucid.classifier import Classifier
from pellucid.errors import RunError
from pellucid.export.network import whole_network
from pellucid.network.text import format_blueprint, parse
from pellucid.training.own import OwnLayers
from pellucid.training.trunk import POOL, Trunk
from pellucid.training.tuned import Tuned


def tensors_file(classifier: Classifier) -> bytes:
    """The file's bytes; calibration is in the head's numbers, so that a softmax gives the probabilities.

    Raises:
        BackboneError: the backbone does not end in a dense layer, or its weights are not here.
        RunError: the classifier came from an exported file, which keeps no names.
    """
    told = {
        "classes": json.dumps(classifier.classes),
        "preprocess": json.dumps(classifier.preprocess.to_json()),
    }
    if isinstance(classifier.layers, OwnLayers):
        blueprint, parameters = whole_network(classifier)
        return bytes(save(dict(parameters), {**told, "network": format_blueprint(blueprint)}))
    name, tensors = _of_backbone(classifier)
    return bytes(save(tensors, {**told, "architecture": name}))


def answers_of(path: Path, pixels_NHWC: NDArray[np.uint8], x_NCHW: NDArray[np.float32]) -> NDArray[Any]:
    """What PyTorch answers with such a file alone: probabilities (N, K).

    Args:
        path: The file.
        pixels_NHWC: Pictures at the network's size, as a network of its own takes them.
        x_NCHW: The same, normalised, as a backbone takes them.
    """
    with safe_open(path, framework="numpy") as file:
        told = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping
    if "architecture" in told:
        from pellucid.network import headed

        return headed.answer(told["architecture"], tensors, len(json.loads(told["classes"])), x_NCHW)
    from pellucid.network import build

    return build.answer(parse(told["network"]), tensors, pixels_NHWC.astype(np.float32))


def _of_backbone(classifier: Classifier) -> tuple[str, dict[str, NDArray[Any]]]:
    # PyTorch and timm take seconds to import; the tensors' own names are theirs.
    from pellucid.network.headed import architecture, headed

    layers, head = classifier.layers, classifier.head
    trunk = layers.trunk if isinstance(layers, Tuned) else layers
    if head is None or not isinstance(trunk, Trunk) or trunk.boundary != POOL:
        raise RunError(
            "The layers of this classifier came from an exported file, which keeps their graph alone.",
            "A run folder was expected.",
            "Export from the run itself.",
        )
    backbone = trunk.loaded(layers.tensors())
    scale = np.float32(1 / head.temperature)
    return architecture(trunk.backbone), headed(backbone, head.weight_DK * scale, head.bias_K * scale)
