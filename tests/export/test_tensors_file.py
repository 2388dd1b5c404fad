"""Tensors under their framework's names: PyTorch answers with the file alone as the run does."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from pellucid.classifier import Classifier
from pellucid.errors import RunError
from pellucid.export.onnx_file import load_onnx, onnx_classifier
from pellucid.export.tensors_file import answers_of, tensors_file
from pellucid.run import Run


def test_a_network_of_its_own_has_keras_names_and_its_text(scratched: Run, tmp_path: Path) -> None:
    """All that builds it again stands in the file."""
    path = tmp_path / "strokes.safetensors"
    path.write_bytes(tensors_file(scratched.classifier))
    with safe_open(path, framework="numpy") as file:
        told, names = file.metadata(), sorted(file.keys())
    assert names == ["conv2d.bias", "conv2d.kernel", "dense.bias", "dense.kernel"]
    assert told["network"].startswith("input 12x12x1; rescale ")
    assert told["network"].endswith("; conv 8 3x3 relu; maxpool 2x2; flatten; dense 3 softmax")
    assert json.loads(told["classes"]) == ["lying", "slanted", "standing"]
    assert json.loads(told["preprocess"]) == scratched.record["preprocess"]


def test_pytorch_answers_with_it_as_the_classifier_does(
    make: Callable[..., Classifier], tmp_path: Path
) -> None:
    """From pixels; calibration is in the numbers."""
    classifier = make("input 8x8x1; conv 4 3x3 relu; flatten; dense 3 softmax", temperature=3.0)
    path = tmp_path / "some.safetensors"
    path.write_bytes(tensors_file(classifier))
    pixels_NHWC = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8)
    x_NCHW = np.stack([classifier.preprocess.normalise(one) for one in pixels_NHWC])
    (features_ND,) = classifier.layers.session().run(None, {"pictures": x_NCHW})
    assert classifier.head is not None
    expected = classifier.head.probabilities(features_ND.reshape(4, -1))
    np.testing.assert_allclose(answers_of(path, pixels_NHWC, x_NCHW), expected, atol=2e-6)


def test_what_came_from_an_exported_file_has_no_names(run: Run, tmp_path: Path) -> None:
    """Its layers are a graph and nothing more."""
    path = tmp_path / "colours.onnx"
    path.write_bytes(onnx_classifier(run.classifier).SerializeToString())
    with pytest.raises(RunError, match=r"keeps their graph alone\. A run folder"):
        tensors_file(load_onnx(path))
