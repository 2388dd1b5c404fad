"""The augmentation layers of a network as views, as Keras would carry them out."""

import pytest

from pellucid.errors import RequestError
from pellucid.learn.views import refuse_other_size, views_of
from pellucid.network.text import parse
from pellucid.pictures.augment.geometry import RandomFlip, RandomRotation, RandomTranslation, RandomZoom
from pellucid.pictures.augment.kinds import KINDS
from pellucid.pictures.augment.presets import preset
from pellucid.pictures.augment.text import augmentation
from pellucid.pictures.preprocess import Preprocess

LECTURE = "input 12x12x1; randomflip horizontal; randomrotation 0.1; randomzoom 0.2; flatten; dense 2"


def test_the_lectures_layers_are_the_lectures_preset() -> None:
    """Flip, rotation and zoom in a network's text make the views that the preset makes."""
    assert views_of(parse(LECTURE), preset("none")).transforms == preset("lecture").transforms


def test_a_networks_own_layers_come_first() -> None:
    """What was asked for besides follows them, with its own way to fill the edges."""
    both = views_of(parse(LECTURE), preset("shift"))
    assert both.transforms == preset("lecture").transforms + preset("shift").transforms
    assert both.fill_mode == preset("shift").fill_mode
    plain = parse("input 12x12x1; rescale 1/255; conv 2 3x3 relu; flatten; dense 2")
    assert views_of(plain, preset("none")) == preset("none")


def test_every_augmentation_layer_has_its_view() -> None:
    """Each word of the network's text becomes the transform of the same name with the same factors."""
    text = (
        "input 12x12x1; randomflip; randomrotation 0.25; randomzoom 0.1 0.3; randomtranslation 0.1 0.2; "
        "randomcontrast 0.4; randombrightness 0.5; flatten; dense 2"
    )
    views = views_of(parse(text), preset("none")).transforms
    assert views == (
        RandomFlip("horizontal_and_vertical"),
        RandomRotation(0.25),
        RandomZoom(0.1, 0.3),
        RandomTranslation(0.1, 0.2),
        KINDS["RandomContrast"](0.4),
        KINDS["RandomBrightness"](0.5),
    )


@pytest.mark.parametrize("text", ["RandomCrop 20 20", "RandomCrop 20", "RandomFlip; RandomCrop 30 28"])
def test_views_of_another_size_are_refused(text: str) -> None:
    """A window that the network does not take is told before any view is made."""
    with pytest.raises(RequestError) as caught:
        refuse_other_size(augmentation(text), Preprocess(28, 28, "squash", (0,), (1,)))
    height, width = {"RandomCrop 20 20": (20, 20), "RandomCrop 20": (20, 28)}.get(text, (30, 28))
    assert str(caught.value) == (
        f"The augmentation gives views of {height} x {width} pixels. Views of 28 x 28 were expected, as the "
        "network takes them. RandomResizedCrop brings its window back to size, and RandomCrop with a padding "
        "and no size of its own moves the picture."
    )


@pytest.mark.parametrize(
    "text", ["none", "strong", "RandomCrop padding=4", "RandomCrop 28 28", "TrivialAugment"]
)
def test_views_of_the_same_size_are_learnt_from(text: str) -> None:
    """Presets, shifts, and a window of the network's own size."""
    refuse_other_size(augmentation(text), Preprocess(28, 28, "squash", (0,), (1,)))
