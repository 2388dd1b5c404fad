"""The augmentation layers of a network as views, as Keras would carry them out."""

from pellucid.learn.views import views_of
from pellucid.network.text import parse
from pellucid.pictures.augment.geometry import RandomFlip, RandomRotation, RandomTranslation, RandomZoom
from pellucid.pictures.augment.kinds import KINDS
from pellucid.pictures.augment.presets import preset

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
