"""Augmentations that are ready to use, by name; whether one helps is for a validation split to say."""

from collections.abc import Mapping
from types import MappingProxyType

from pellucid.pictures.augment.colour import RandomBrightness, RandomContrast, RandomHue, RandomSaturation
from pellucid.pictures.augment.damage import RandomErasing
from pellucid.pictures.augment.factor import check_word
from pellucid.pictures.augment.geometry import (
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomZoom,
)
from pellucid.pictures.augment.plan import Augment

PRESETS: Mapping[str, Augment] = MappingProxyType(
    {
        "none": Augment(),
        # One of nine places, a pixel apart: for digits and letters, which mirrored are no digits.
        "shift": Augment((RandomCrop(padding=1),), fill_mode="nearest"),
        "light": Augment(
            (RandomFlip("horizontal"), RandomRotation(0.02), RandomZoom(0.1), RandomBrightness(0.1))
        ),
        # The lecture's own: half mirrored, -36 to 36 degrees, -20 to 20 %.
        "lecture": Augment((RandomFlip("horizontal"), RandomRotation(0.1), RandomZoom(0.2))),
        "strong": Augment(
            (
                RandomFlip("horizontal"),
                RandomRotation(0.06),
                RandomResizedCrop((0.4, 1.0)),
                RandomBrightness(0.2),
                RandomContrast(0.3),
                RandomSaturation((0.3, 0.7)),
                RandomHue(0.06),
                RandomErasing((0.3, 0.3), (0.02, 0.2)),
            )
        ),
    }
)


def preset(name: str) -> Augment:
    """The augmentation of that name.

    Raises:
        RequestError: where there is none; the nearest name is told.
    """
    check_word("augmentation", name, tuple(PRESETS))
    return PRESETS[name]
