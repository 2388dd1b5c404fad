"""A network from pixels to probabilities: all that a run does around it has become layers or numbers."""

from collections.abc import Callable

import numpy as np
import pytest

from pellucid.classifier import Classifier
from pellucid.export.network import whole_network
from pellucid.network.build import answer
from pellucid.network.text import format_blueprint
from pellucid.run import Run
from pellucid.training.features import Engine

COLOUR = {"mean": (120.0, 110.0, 90.0), "std": (60.0, 50.0, 70.0)}
CASES = [
    ("input 8x8x1; conv 4 3x3 relu; maxpool; flatten; dense 3 softmax", {}),
    ("input 8x8x1; conv 4 3x3 relu; flatten; dense 3 bias=no; softmax", {}),
    ("input 8x8x3; conv 4 3x3 padding=same relu; batchnorm; flatten; dropout 0.5; dense 3", COLOUR),
    ("input 8x8x3; randomflip; rescale 0.5; depthwiseconv 3x3; conv 5 1x1; globalavgpool; softmax", COLOUR),
    ("input 8x8x1; flatten; dense 6 tanh; rbf 4", {}),
]


@pytest.mark.parametrize(("text", "settings"), CASES)
def test_it_answers_pixels_as_the_classifier_does(
    make: Callable[..., Classifier], text: str, settings: dict[str, tuple[float, ...]]
) -> None:
    """The layers built plainly, against ONNX Runtime, the head and its temperature."""
    classifier = make(text, **settings)
    preprocess = classifier.preprocess
    size = (preprocess.height, preprocess.width, preprocess.channels)
    pixels_NHWC = np.random.default_rng(0).integers(0, 256, (6, *size), np.uint8)
    x_NCHW = np.stack([preprocess.normalise(one) for one in pixels_NHWC])
    assert classifier.head is not None
    expected = classifier.head.probabilities(Engine(classifier.layers, preprocess).rows(x_NCHW))
    blueprint, parameters = whole_network(classifier)
    found = answer(blueprint, parameters, pixels_NHWC.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_what_acts_in_training_alone_is_left_out(make: Callable[..., Classifier]) -> None:
    """Augmentation and dropout; normalisation stands in front, and the calibrated head at the end."""
    text = "input 8x8x1; randomflip; conv 4 3x3 relu; flatten; dropout 0.5; dense 3 softmax"
    blueprint, _ = whole_network(make(text, mean=(51.0,), std=(102.0,)))
    assert format_blueprint(blueprint) == (
        "input 8x8x1; rescale 1/102 offset=-0.5; conv 4 3x3 relu; flatten; dense 3 softmax"
    )


def test_a_backbone_is_no_network_of_its_own(run: Run) -> None:
    """Whoever asks has to look first."""
    with pytest.raises(TypeError, match="stands on no network of its own"):
        whole_network(run.classifier)
