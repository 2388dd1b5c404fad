"""A backbone with a head of one's own under timm's names, and what such tensors answer in PyTorch.

Like ``network.backbone`` this room imports torch and timm.
"""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import nn

from pellucid.errors import BackboneError, shown
from pellucid.network.backbone import Backbone
from pellucid.network.weights import SHIPPED


def headed(
    backbone: Backbone, weight_DK: NDArray[np.float32], bias_K: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    """All tensors of the backbone with this head as its classifier, by timm's names.

    Raises:
        BackboneError: its classifier is no dense layer on the pooled features.
    """
    classifier = cast(Any, backbone.module).get_classifier()
    name = next((name for name, one in backbone.module.named_modules() if one is classifier), "")
    if not name or not isinstance(classifier, nn.Linear) or classifier.in_features != len(weight_DK):
        raise BackboneError(
            f"The backbone {shown(backbone.name)} does not end in one dense layer on its pooled features.",
            "One whose classifier can be replaced by the head that learnt was expected.",
            "Export it with --format onnx.",
        )
    found = {key: value.detach().numpy() for key, value in backbone.module.state_dict().items()}
    return {**found, f"{name}.weight": np.ascontiguousarray(weight_DK.T), f"{name}.bias": bias_K}


def architecture(name: str) -> str:
    """What timm calls the network behind a backbone's name."""
    return (SHIPPED[name].timm_name if name in SHIPPED else name).split(".")[0]


def answer(
    timm_name: str, tensors: Mapping[str, NDArray[Any]], classes: int, x_NCHW: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Probabilities (N, K) of the network that timm builds for so many classes, with just these tensors."""
    network = timm.create_model(timm_name, num_classes=classes).eval()
    state = {name: torch.from_numpy(np.array(values)) for name, values in tensors.items()}
    network.load_state_dict(state, strict=True)
    with torch.inference_mode():
        logits_NK = network(torch.from_numpy(x_NCHW))
    return cast(NDArray[np.float32], logits_NK.softmax(dim=1).numpy())
