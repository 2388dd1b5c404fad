"""TrivialAugment, with torchvision's functions as the referee."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage, stats

from pellucid.pictures.augment.chance import Chance
from pellucid.pictures.augment.plan import Augment, Drawn
from pellucid.pictures.augment.trivial import CHANGES, TrivialAugment

PLAN = Augment((TrivialAugment(),), fill_mode="constant")


def smooth(channels: int = 3) -> NDArray[np.uint8]:
    noise = np.random.default_rng(3).normal(size=(40, 52, channels))
    soft = ndimage.gaussian_filter(noise, (3, 3, 0))
    return ((soft - soft.min()) / np.ptp(soft) * 230 + 10).astype(np.uint8)


def torchvisions(change: str, strength: float, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What torchvision's TrivialAugmentWide does for a change and its strength."""
    import torch
    from torchvision.transforms.v2 import InterpolationMode, TrivialAugmentWide

    names = {
        "identity": "Identity",
        "shear along rows": "ShearX",
        "shear along columns": "ShearY",
        "move across": "TranslateX",
        "move down": "TranslateY",
        "turn": "Rotate",
        "brightness": "Brightness",
        "colour": "Color",
        "contrast": "Contrast",
        "sharpness": "Sharpness",
        "posterize": "Posterize",
        "solarize": "Solarize",
        "autocontrast": "AutoContrast",
        "equalize": "Equalize",
    }
    strength = {"posterize": round(8 - 6 * strength), "solarize": 1 - strength}.get(change, strength)
    done = TrivialAugmentWide()._apply_image_or_video_transform(
        torch.from_numpy(pixels_HWC.transpose(2, 0, 1).copy()),
        names[change],
        strength,
        InterpolationMode.BILINEAR,
        {torch.Tensor: 0},
    )
    return done.numpy().transpose(1, 2, 0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("change", "strength"),
    [
        ("identity", 0.0),
        ("shear along rows", 0.33),
        ("shear along rows", -0.66),
        ("shear along columns", 0.5),
        ("move across", 17.06),
        ("move across", -4.3),
        ("move down", 9.6),
        ("turn", 40.5),
        ("turn", -135.0),
        ("brightness", 0.5),
        ("brightness", -0.99),
        ("colour", 0.7),
        ("colour", -0.5),
        ("contrast", 0.6),
        ("contrast", -0.4),
        ("sharpness", 0.9),
        ("sharpness", -0.9),
        ("posterize", 0.5),
        ("solarize", 0.3),
        ("autocontrast", 0.0),
        ("equalize", 0.0),
    ],
)
def test_each_change_is_torchvisions(change: str, strength: float, channels: int) -> None:
    """Values to two levels of rounding; where pixels move, away from the edges and a few of them apart."""
    pixels_HWC = smooth(channels)
    drawn = Drawn(({"change": change, "strength": strength},))
    found = PLAN.apply(pixels_HWC, drawn).astype(int)
    expected = torchvisions(change, strength, pixels_HWC)
    away = np.abs(found - expected)
    if change.startswith(("shear", "turn")):
        # torchvision counts places from the pixels' edges, half a pixel from Keras' centres.
        assert np.median(away) <= 2
        assert (away > 40).mean() < 0.03  # the rim, which constant filling cuts off sharply
    else:
        assert away.max() <= 2


def test_changes_strengths_and_signs_are_equally_likely() -> None:
    """14 changes, 31 strengths, two signs; chi-squared tests over 10,000 views."""
    chance = Chance("TrivialAugment", 0)
    drawn = [TrivialAugment().draw(chance.lot(b"", view)) for view in range(10_000)]
    changes = Counter(one["change"] for one in drawn)
    assert set(changes) == set(CHANGES)
    assert len(CHANGES) == 14
    assert stats.chisquare(list(changes.values())).pvalue > 0.001
    turns = np.array([one["strength"] for one in drawn if one["change"] == "turn"], float)
    assert np.isclose(turns / 4.5, np.rint(turns / 4.5)).all()
    assert turns.min() == -135
    assert turns.max() == 135
    assert stats.binomtest(int((turns > 0).sum()), int((turns != 0).sum())).pvalue > 0.001
    brighter = np.array([one["strength"] for one in drawn if one["change"] == "brightness"], float)
    assert (brighter.min(), brighter.max()) == (-0.99, 0.99)
    solar = {round(float(one["strength"]) * 30, 6) for one in drawn if one["change"] == "solarize"}
    assert solar == set(range(31))


@pytest.mark.parametrize(
    ("change", "strength", "text"),
    [
        ("identity", 0.0, ""),
        ("turn", 0.0, ""),
        ("turn", -45.0, "turned right by 45 degrees"),
        ("move down", 3.2, "moved 3 pixels down"),
        ("shear along rows", 0.33, "sheared by 33 % along rows"),
        ("sharpness", -0.3, "sharpness down by 30 %"),
        ("posterize", 0.5, "5 bits a value"),
        ("solarize", 0.5, "inverted from 128 up"),
        ("equalize", 0.0, "histogram equalised"),
    ],
)
def test_what_was_drawn_in_words(change: str, strength: float, text: str) -> None:
    """As a person would say it."""
    numbers: dict[str, Any] = {"change": change, "strength": strength}
    assert TrivialAugment().said(numbers) == text
