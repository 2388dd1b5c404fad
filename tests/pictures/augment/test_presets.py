"""Augmentations by name."""

import numpy as np
import pytest

from pellucid.errors import RequestError
from pellucid.pictures.augment.geometry import RandomFlip, RandomRotation, RandomZoom
from pellucid.pictures.augment.plan import Augment
from pellucid.pictures.augment.presets import PRESETS, preset

N = 10_000


def test_the_lectures_preset_is_the_lectures() -> None:
    """RandomFlip("horizontal"), RandomRotation(0.1), RandomZoom(0.2)."""
    assert preset("lecture").transforms == (RandomFlip("horizontal"), RandomRotation(0.1), RandomZoom(0.2))


def test_none_gives_the_picture_itself() -> None:
    """To the bit, in memory of its own."""
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    found = preset("none").view(pixels_HWC, 0, "key", 5)
    assert np.array_equal(found, pixels_HWC)
    assert not np.shares_memory(found, pixels_HWC)


@pytest.mark.parametrize("name", ["light", "lecture", "strong"])
def test_no_two_of_ten_thousand_views_are_alike(name: str) -> None:
    """10,000 views of one picture, and no two of them have the same bytes."""
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    views = {PRESETS[name].view(pixels_HWC, 0, "key", view).tobytes() for view in range(N)}
    assert len(views) == N


def test_shift_has_nine_views_and_mirrors_none() -> None:
    """A digit moved by at most a pixel each way: slices of the picture continued by its edge."""
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (28, 28, 1), np.uint8)
    wide = np.pad(pixels_HWC, ((1, 1), (1, 1), (0, 0)), "edge")
    slices = {wide[y : y + 28, x : x + 28].tobytes() for y in range(3) for x in range(3)}
    views = {PRESETS["shift"].view(pixels_HWC, 0, "key", view).tobytes() for view in range(300)}
    assert views == slices


def test_an_unknown_name_is_refused() -> None:
    """The nearest name is told."""
    with pytest.raises(RequestError) as caught:
        preset("lectur")
    assert str(caught.value) == (
        "There is no augmentation 'lectur'. none, shift, light, lecture, strong are known. "
        "Did you mean lecture?"
    )


def test_presets_have_digests_of_their_own() -> None:
    """No two could share a cache."""
    assert len({one.digest for one in PRESETS.values()}) == len(PRESETS)
    assert preset("none") == Augment()
