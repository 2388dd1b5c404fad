"""What a person may look into: runs of both kinds, backbones, named networks; their own preprocessing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.classifier import Classifier
from pellucid.errors import BackboneError, RequestError, RunError
from pellucid.insight.subject import of_backbone, of_classifier, of_run, open_subject
from pellucid.network.backbone import load_backbone
from pellucid.run import Run, load_run
from pellucid.training.affine import Head
from pellucid.training.trunk import Trunk


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A grey picture of 12 x 12."""
    pixels_HW = np.random.default_rng(0).integers(0, 256, (12, 12), np.uint8)
    Image.fromarray(pixels_HW).save(tmp_path / "picture.png")
    return tmp_path / "picture.png"


def test_a_run_of_a_network_of_ours_opens_with_keras_names(scratched: Run, picture: Path, within) -> None:
    """The input is what the run's preprocessing gives; the answer is the run's, but for its calibration."""
    subject = open_subject(str(scratched.folder))
    inside = subject.look_at(picture)
    assert [layer.name for layer in inside.layers] == ["conv2d", "max_pooling2d", "flatten", "dense"]
    x_CHW = scratched.classifier.preprocess.read(picture.read_bytes())
    np.testing.assert_array_equal(inside.trace.value("input"), x_CHW)
    for layer in inside.layers:
        assert within(inside.cell(layer.name, *(size // 2 for size in layer.shape)))
    head = scratched.classifier.head
    logits = np.array([inside.cell("dense", unit).worked.sum for unit in range(3)])
    exponentials = np.exp((logits - logits.max()) / head.temperature)
    answer = [*scratched.predict(picture)[0].probabilities.values()]
    np.testing.assert_allclose(exponentials / exponentials.sum(), answer, atol=1e-5)
    (note,) = of_run(replace_temperature(scratched, 1.25)).notes
    assert note == (
        "Its answers are calibrated: 'predict' divides the logits by 1.25 before the softmax, the network "
        "itself does not."
    )
    assert of_run(replace_temperature(scratched, 1.0)).notes == ()
    assert subject.classes == scratched.classes
    assert (subject.temperature, of_run(replace_temperature(scratched, 1.25)).temperature) == (
        head.temperature,
        1.25,
    )


def replace_temperature(run: Run, temperature: float) -> Run:
    head = replace(run.classifier.head, temperature=temperature)
    return replace(run, classifier=replace(run.classifier, head=head))


@pytest.mark.slow
@pytest.mark.parametrize("boundary", ["pool", "blocks.0"])
def test_a_run_on_a_backbone_opens_down_to_its_head(boundary: str, picture: Path, within) -> None:
    """Names are the backbone's own paths, then the head with its calibrated softmax: the run's answer."""
    backbone = load_backbone("efficientnet_lite0")
    shape = (1280,) if boundary == "pool" else (16, 112, 112)
    trunk = Trunk(
        *("efficientnet_lite0", boundary, backbone.weights, False, backbone.preprocess),
        *(shape, (), 0.0, Path("trunk.onnx")),
    )
    draw = np.random.default_rng(1)
    size = int(np.prod(shape))
    head = Head(draw.normal(0, 0.02, (size, 3)).astype(np.float32), np.ones(3, np.float32), 2.0)
    subject = of_classifier(Classifier(("a", "b", "c"), trunk, backbone.preprocess, head), "run")
    inside = subject.look_at(picture)
    names = [layer.name for layer in inside.layers]
    assert names[:3] == ["conv_stem", "bn1", "blocks.0.0.conv_dw"]
    assert names[-1] == "head"
    for name in ("conv_stem", "blocks.0.0.bn1", names[-2]):
        assert within(inside.cell(name, *(one // 2 for one in inside.layer(name).shape)))
    features_D = inside.value(names[-2]).ravel()
    cell = inside.cell("head", 1)
    assert cell.value == pytest.approx(head.probabilities(features_D[None])[0, 1], abs=1e-5)
    assert (cell.activation.name, cell.activation.details["temperature"]) == ("softmax", 2.0)
    assert within(cell)
    assert (subject.classes, subject.temperature) == (("a", "b", "c"), 1.0)  # it stands inside the network


@pytest.mark.slow
def test_efficientnet_lite0_cell_by_cell(picture: Path, within) -> None:
    """Cells at the corners and in the middle of every one of its 110 layers keep the bound."""
    inside = of_backbone("efficientnet_lite0").look_at(picture)
    assert len(inside.layers) == 110
    for layer in inside.layers:
        for place in (lambda size: 0, lambda size: size // 2, lambda size: size - 1):
            assert within(inside.cell(layer.name, *map(place, layer.shape))), layer
    stem = inside.cell("conv_stem", 3, 111, 111)
    assert [(one.row, one.column) for one in stem.worked.terms[:9] if not one.padding] == [
        *((222, 222), (222, 223), (223, 222), (223, 223))
    ]
    assert stem.pixels.beyond == (0, 0, 1, 1)


def test_a_named_network_and_a_text_are_drawn_by_chance(picture: Path, within) -> None:
    """As before training, and it is said; a picture of another size is brought to the network's."""
    subject = open_subject("Class-Test")
    assert subject.notes == (
        "It has learnt nothing: its numbers are drawn by chance (seed 0), as before training.",
    )
    inside = subject.look_at(picture)
    assert inside.trace.value("input").shape == (1, 8, 8)
    assert inside.trace.value("input").max() <= 1
    assert [(layer.name, layer.output_shape) for layer in inside.layers] == [
        ("conv2d", (4, 4, 1)),
        ("conv2d_1", (4, 4, 2)),
        ("max_pooling2d", (2, 2, 2)),
        ("flatten", (8,)),
        ("dense", (10,)),
        ("dense_1", (10,)),
        ("dense_2", (3,)),
    ]
    for layer in inside.layers:
        for flat in range(int(np.prod(layer.shape))):
            index = map(int, np.unravel_index(flat, layer.shape))
            assert within(inside.cell(layer.name, *index))


def test_augmentation_layers_stand_in_their_places(picture: Path) -> None:
    """They pass the picture on, and say why; a network that rescales itself gets numbers up to 255."""
    subject = open_subject("input 12x12x1; randomflip horizontal; rescale 1/255; conv 2 3x3")
    inside = subject.look_at(picture)
    assert [(layer.name, layer.kind) for layer in inside.layers] == [
        ("random_flip", "RandomFlip"),
        ("rescaling", "Rescaling"),
        ("conv2d", "Conv2D"),
    ]
    cell = inside.cell("random_flip", 0, 3, 4)
    assert cell.worked.formula == "it acts in training only"
    assert cell.value == np.asarray(Image.open(picture))[3, 4]


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ("dense-full-hd", RequestError, "The network 'dense-full-hd' has 24,883,"),
        ("input 4x4x2; conv 1 1x1", RequestError, "The network's input has 2 channels."),
        ("./nothing", RunError, "There is no run at 'nothing'."),
        (
            "no_such_net",
            RunError,
            "There is neither a run folder nor a network nor a backbone 'no_such_net'.",
        ),
        ("mobilenetv3_small_050", BackboneError, "The weights of 'mobilenetv3_small_050' are not on this"),
    ],
)
def test_what_cannot_be_opened_is_told(given: str, kind: type[Exception], said: str) -> None:
    """Too large, of strange channels, not there."""
    with pytest.raises(kind) as caught:
        open_subject(given)
    assert str(caught.value).startswith(said)


def test_a_run_that_is_loaded_is_the_same(scratched: Run, picture: Path) -> None:
    """From its folder or as an object: equal numbers."""
    one = of_run(load_run(scratched.folder)).look_at(picture).value("dense")
    np.testing.assert_array_equal(one, open_subject(str(scratched.folder)).look_at(picture).value("dense"))
