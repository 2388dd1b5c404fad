"""One view of every picture, and the name that a cache knows it by."""

import numpy as np

from pellucid.pictures.augment.presets import preset
from pellucid.pictures.augment.view import View


def test_it_is_the_augmentation_s_own_view() -> None:
    """Seed, key and number decide it, bit for bit as Augment.view has it."""
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    augment = preset("lecture")
    view_HWC = View(augment, 7, 2).of(pixels_HWC, "a")
    np.testing.assert_array_equal(view_HWC, augment.view(pixels_HWC, 7, "a", 2))
    assert not np.array_equal(view_HWC, View(augment, 7, 3).of(pixels_HWC, "a"))


def test_no_two_views_share_a_name() -> None:
    """Another augmentation, seed or number has another name."""
    several = [
        View(preset(name), seed, n) for name in ("light", "lecture") for seed in (0, 1) for n in (0, 1)
    ]
    assert len({one.key for one in several}) == len(several)
