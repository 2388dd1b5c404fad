"""A backbone with a head of one's own: timm builds it, and answers as features and head do."""

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch

from pellucid.errors import BackboneError
from pellucid.network.backbone import Backbone, load_backbone
from pellucid.network.headed import answer, architecture, headed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("efficientnet_lite0")


def test_timm_takes_the_tensors_as_they_are(backbone: Backbone) -> None:
    """Strictly, for as many classes as the head has; softmax of pooled features times the head, by hand."""
    draw = np.random.default_rng(0)
    weight_DK = draw.normal(0, 0.1, (1280, 3)).astype(np.float32)
    bias_K = draw.normal(0, 1, 3).astype(np.float32)
    x_NCHW = draw.normal(0, 0.5, (2, 3, 224, 224)).astype(np.float32)
    found = answer(architecture(backbone.name), headed(backbone, weight_DK, bias_K), 3, x_NCHW)
    with torch.inference_mode():
        features_ND = backbone.cut("pool")(torch.from_numpy(x_NCHW))
        expected = (features_ND @ torch.from_numpy(weight_DK) + torch.from_numpy(bias_K)).softmax(dim=1)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-6)


def test_a_network_without_a_dense_end_is_refused(backbone: Backbone) -> None:
    """There is nothing whose place the head could take."""
    bare = replace(backbone, name="bare", module=timm.create_model("resnet18", num_classes=0))
    with pytest.raises(BackboneError) as caught:
        headed(bare, np.zeros((512, 2), np.float32), np.zeros(2, np.float32))
    assert str(caught.value) == (
        "The backbone 'bare' does not end in one dense layer on its pooled features. One whose classifier "
        "can be replaced by the head that learnt was expected. Export it with --format onnx."
    )


def test_timm_s_name_of_a_shipped_backbone() -> None:
    """And of one with a pretrained tag."""
    assert architecture("efficientnet_lite0") == "tf_efficientnet_lite0"
    assert architecture("resnet18.a1_in1k") == "resnet18"
