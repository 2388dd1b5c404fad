"""What the figures are worth."""

from math import comb, pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.evaluation.calibration import calibration
from pellucid.evaluation.proportion import Proportion, wilson
from pellucid.report.answer import WISHED, answer, certainty, mean_deviation, pictures_needed


def figures(correct: int, n: int) -> dict[str, Any]:
    return Proportion(n, correct).to_json()


def test_an_accuracy_is_weighed_against_its_test_split() -> None:
    """35 of 36: each mistake is a 36th, and the commonest class, 20 of 36, is what guessing reaches."""
    found = answer(figures(35, 36), [[15, 1], [0, 20]], ["ants", "bees"])
    assert found is not None
    assert (found.commonest, found.beyond_guess) == ("bees", True)
    assert found.step == pytest.approx(1 / 36)
    assert found.guess == pytest.approx(20 / 36)
    assert found.enough == 190


def test_what_is_no_better_than_guessing_is_called_so() -> None:
    """7 of 10 where 6 of 10 are of one class: the interval reaches below the guess."""
    found = answer(figures(7, 10), [[5, 1], [2, 2]], ["ants", "bees"])
    assert found is not None
    assert not found.beyond_guess


def test_a_narrow_interval_needs_no_more_pictures() -> None:
    """9,000 of 10,000 are known to half a point already."""
    found = answer(figures(9000, 10000), [[4500, 500], [500, 4500]], ["ants", "bees"])
    assert found is not None
    assert found.enough is None


def test_without_a_test_picture_there_is_no_answer() -> None:
    """Nothing was tested, so nothing is weighed."""
    assert answer(figures(0, 0), [[0, 0], [0, 0]], ["ants", "bees"]) is None
    assert certainty(calibration(np.zeros((0, 2)), np.zeros(0, int)).to_json()["bins"], figures(0, 0)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("accuracy", "count"),
    # At 1: z^2 / (2 (n + z^2)) = 0.025 gives n = 72.99. At 1/2: z^2 / (4 * 0.025^2) - z^2 = 1532.7.
    [(1.0, 73), (0.0, 73), (0.5, 1600), (35 / 36, 190)],
)
def test_the_pictures_needed_are_those_worked_out_by_hand(accuracy: float, count: int) -> None:
    """Rounded up to two significant digits."""
    assert pictures_needed(accuracy) == count


@given(st.integers(0, 20))
def test_the_pictures_needed_are_enough_and_not_many_more(twentieths: int) -> None:
    """With so many the interval is as narrow as was wished, and with four fifths of them it is not."""
    count = pictures_needed(twentieths / 20)

    def half(n: int) -> float:
        low, high = wilson(round(twentieths / 20 * n), n)
        return (high - low) / 2

    # A whole number of right answers is up to half a picture off the share.
    assert half(count) <= WISHED * 1.02
    assert half(count * 4 // 5) > WISHED


@pytest.mark.parametrize(("stated", "verdict"), [(0.99, "over"), (0.55, "under"), (0.82, "noise")])
def test_confidence_is_compared_with_the_interval_of_the_accuracy(stated: float, verdict: str) -> None:
    """80 of 100 right: 99 % sure claims too much, 55 % too little, and 82 % is within the noise."""
    probabilities_NK = np.tile([stated, 1 - stated], (100, 1))
    labels_N = (np.arange(100) >= 80).astype(int)
    found = certainty(calibration(probabilities_NK, labels_N).to_json()["bins"], figures(80, 100))  # type: ignore[arg-type]
    assert found is not None
    assert found.verdict == verdict
    assert found.confidence == pytest.approx(stated)
    assert found.chance == pytest.approx(mean_deviation(100, stated) / 100)


@given(st.integers(1, 60), st.floats(0, 1))
def test_the_mean_deviation_is_that_of_the_binomial_distribution(count: int, share: float) -> None:
    """The closed form equals the sum over all outcomes."""
    chances = [
        comb(count, right) * share**right * (1 - share) ** (count - right) for right in range(count + 1)
    ]
    summed = sum(chance * abs(right - count * share) for right, chance in enumerate(chances))
    assert mean_deviation(count, share) == pytest.approx(summed, abs=1e-9)


def test_the_mean_deviation_of_many_answers_is_that_of_the_normal_distribution() -> None:
    """A million answers at 0.9: sqrt(2 n p (1 - p) / pi), without overflow."""
    assert mean_deviation(1_000_000, 0.9) == pytest.approx((2 * 1_000_000 * 0.09 / pi) ** 0.5, rel=1e-4)
