"""A classifier that trained its own network, as one blueprint from pixels to probabilities.

What the run does before and after the network becomes layers of it, or goes into the last one's numbers:
normalisation, calibration, softmax. Layers that only act in training are left out.
"""

from dataclasses import replace
from typing import get_args

import numpy as np

from pellucid.classifier import Classifier
from pellucid.network.blueprint import (
    Activation,
    Augmentation,
    Blueprint,
    Dense,
    DepthwiseConv,
    Dropout,
    Layer,
    Rescale,
)
from pellucid.network.parameters import Parameters, parameter_shapes
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.own import OwnLayers


def whole_network(classifier: Classifier) -> tuple[Blueprint, Parameters]:
    """The network and its tensors in Keras' layouts: pixels 0 to 255 in, probabilities out.

    Args:
        classifier: One that stands on a network of its own.
    """
    layers, head = classifier.layers, classifier.head
    if not isinstance(layers, OwnLayers) or head is None:
        raise TypeError("the classifier stands on no network of its own")
    old, scale = layers.blueprint, 1 / head.temperature
    kept: list[tuple[Layer, dict[str, np.ndarray]]] = [_normalising(classifier.preprocess)]
    for name, layer in zip(old.names[: layers.until], old.layers, strict=False):
        if not isinstance(layer, (Dropout, *get_args(Augmentation))):
            kept.append((layer, _tensors(name, layers.parameters)))
    last = old.layers[layers.until] if layers.until < len(old.layers) else None
    if isinstance(last, Dense):
        numbers = {"kernel": head.weight_DK * np.float32(scale), "bias": head.bias_K * np.float32(scale)}
        kept.append((replace(last, bias=True, activation="softmax"), numbers))
    else:  # the logits are what the layers put out, or minus it: the sign is in the head
        kept.append((Rescale(float(head.weight_DK[0, 0]) * scale, 0.0), {}))
        kept.append((Activation("softmax"), {}))
    blueprint = Blueprint(old.input, tuple(layer for layer, _ in kept))
    found = {
        f"{name}.{tensor}": np.asarray(values, np.float32)
        for name, (_, numbers) in zip(blueprint.names, kept, strict=True)
        for tensor, values in numbers.items()
    }
    return blueprint, {name: found[name] for name in parameter_shapes(blueprint)}


def _normalising(preprocess: Preprocess) -> tuple[Layer, dict[str, np.ndarray]]:
    """(x - mean) / std as a layer: a rescaling where all channels are alike, else a 1 x 1 window on each."""
    mean_C, std_C = (np.array(values, np.float64) for values in (preprocess.mean, preprocess.std))
    if len(set(preprocess.mean)) == len(set(preprocess.std)) == 1:
        return Rescale(float(1 / std_C[0]), float(-mean_C[0] / std_C[0])), {}
    kernel = (1 / std_C).reshape(1, 1, -1, 1)
    return DepthwiseConv((1, 1)), {"kernel": kernel, "bias": -mean_C / std_C}


def _tensors(name: str, parameters: Parameters) -> dict[str, np.ndarray]:
    """A layer's tensors by their own names."""
    return {
        one.removeprefix(f"{name}."): values
        for one, values in parameters.items()
        if one.startswith(f"{name}.")
    }
