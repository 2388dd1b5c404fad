"""Another fit than the whole picture squashed is chosen only where it is better outside the noise."""

import numpy as np
import pytest

from pellucid.data.scan import Picture
from pellucid.evaluation.proportion import Proportion
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.fit import FITS, FitTrial, choose_fit, fits_differ


def trial(fit: str, losses: list[float]) -> FitTrial:
    return FitTrial(fit, Proportion(len(losses), len(losses)), np.array(losses))


def picture(height: int, width: int) -> Picture:
    return Picture(0, "a", "a", None, "00", height, width)


def test_squash_comes_first() -> None:
    """The first of the fits, which the others must beat, shows the whole picture."""
    assert FITS[0] == "squash"


def test_a_gain_within_the_noise_changes_nothing() -> None:
    """A mean gain of 0.05 with a standard error of 0.05 is not enough."""
    squash = trial("squash", [1.0] * 4)
    crop = trial("crop", [0.8, 1.0, 0.9, 1.1])  # differences 0.2, 0, 0.1, -0.1: mean 0.05, error 0.065
    fit, why = choose_fit([squash, crop])
    assert fit == "squash"
    assert why.startswith("No other fit had a lower log loss on the 4 validation pictures")


def test_the_best_of_those_outside_the_noise_is_chosen() -> None:
    """Of two clear gains the larger wins, and the sentence gives both figures."""
    squash = trial("squash", [1.0, 1.0, 1.0, 1.0])
    letterbox = trial("letterbox", [0.9, 0.9, 0.9, 0.9])
    crop = trial("crop", [0.6, 0.8, 0.6, 0.8])  # differences 0.4, 0.2, 0.4, 0.2: mean 0.3, error 0.0577
    fit, why = choose_fit([squash, letterbox, crop])
    assert fit == "crop"
    assert "lower than that of 'squash' by 0.300, with a standard error of 0.058" in why


@pytest.mark.parametrize(("sizes", "differ"), [([(50, 50), (9, 9)], False), ([(50, 50), (50, 60)], True)])
def test_fits_differ_only_for_other_aspects(sizes: list[tuple[int, int]], differ: bool) -> None:
    """Square pictures for a square network come out the same by every fit."""
    preprocess = Preprocess(8, 8, "squash", (0, 0, 0), (1, 1, 1))
    assert fits_differ([picture(*size) for size in sizes], preprocess) is differ


def test_one_picture_shows_no_difference() -> None:
    """Of a single validation picture the noise is not known, so no gain on it is outside the noise."""
    fit, why = choose_fit([trial("squash", [3.0]), trial("letterbox", [0.1]), trial("crop", [0.2])])
    assert fit == "squash"
    assert why == (
        "No other fit had a lower log loss on the 1 validation pictures by more than twice the standard"
        " error, so the pictures are fitted by 'squash'."
    )
