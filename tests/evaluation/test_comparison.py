"""Paired comparison: McNemar's exact test, Newcombe's interval, Holm's adjustment."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, sem

from pellucid.evaluation.comparison import Gain, Pair, gain, holm, pair
from pellucid.evaluation.proportion import wilson

counts = st.integers(0, 200)
pairs = st.builds(Pair, counts, counts, counts, counts)


def test_agrestis_approval_ratings() -> None:
    """944 and 880 of 1,600 approve, 150 and 86 change their minds: z^2 = 17.36 (Agresti 2002, 10.1)."""
    one = Pair(both=794, only_a=150, only_b=86, neither=570)
    assert one.n == 1600
    assert one.difference == pytest.approx((944 - 880) / 1600)
    assert pytest.approx(17.36, abs=0.01) == (150 - 86) ** 2 / (150 + 86)
    assert one.p == pytest.approx(3.7e-5, rel=0.02)
    assert one.verdict(one.p) == "a"


def test_newcombes_published_interval() -> None:
    """36, 12, 2, 0: 0.0569 to 0.3404 (Newcombe 1998, table II, method 10)."""
    assert Pair(36, 12, 2, 0).interval == pytest.approx((0.0569, 0.3404), abs=5e-5)


def test_a_positive_correlation_is_drawn_towards_zero() -> None:
    """20, 12, 2, 16 by hand: 20 * 16 - 12 * 2 = 296, less half of 50; a product below that counts as 0."""
    phi = (296 - 25) / sqrt(32 * 18 * 22 * 28)
    a, b = 32 / 50, 22 / 50
    # Wilson's intervals of 32 and of 22 of 50.
    (low_a, high_a), (low_b, high_b) = (0.50141, 0.75861), (0.31162, 0.57694)
    below = sqrt((a - low_a) ** 2 - 2 * phi * (a - low_a) * (high_b - b) + (high_b - b) ** 2)
    above = sqrt((high_a - a) ** 2 - 2 * phi * (high_a - a) * (b - low_b) + (b - low_b) ** 2)
    assert Pair(20, 12, 2, 16).interval == pytest.approx((a - b - below, a - b + above), abs=1e-5)
    small = Pair(5, 3, 3, 3)  # 5 * 3 - 3 * 3 = 6, below 14 / 2
    (low, high) = wilson(8, 14)
    reach = sqrt((8 / 14 - low) ** 2 + (high - 8 / 14) ** 2)
    assert small.interval == pytest.approx((-reach, reach))


def test_no_disagreement_says_nothing() -> None:
    """p is 1 and the verdict chance where both have the same right, or no picture was asked."""
    assert Pair(10, 0, 0, 5).p == 1.0
    assert Pair(10, 0, 0, 5).verdict(1.0) == "chance"
    nothing = Pair(0, 0, 0, 0)
    assert (nothing.p, nothing.difference, nothing.interval) == (1.0, 0.0, (-1.0, 1.0))


@given(pairs)
def test_swapping_the_two_swaps_the_answer(one: Pair) -> None:
    """Difference and interval change sign, p stays."""
    other = Pair(one.both, one.only_b, one.only_a, one.neither)
    assert other.p == pytest.approx(one.p)
    assert other.difference == pytest.approx(-one.difference)
    low, high = one.interval
    assert other.interval == pytest.approx((-high, -low), abs=1e-9)


@given(pairs)
def test_the_interval_holds_the_difference_and_p_is_scipys(one: Pair) -> None:
    """The difference lies in its interval, which lies in -1..1; p is the binomial test's."""
    if one.n == 0:
        return
    low, high = one.interval
    assert -1 <= low <= one.difference + 1e-9
    assert one.difference - 1e-9 <= high <= 1
    if one.only_a + one.only_b:
        assert one.p == binomtest(one.only_b, one.only_a + one.only_b, 0.5).pvalue


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=50))
def test_pairs_are_counted(answers: list[tuple[bool, bool]]) -> None:
    """Each picture is in one of the four cells."""
    right_a, right_b = (np.array([one[side] for one in answers], bool) for side in (0, 1))
    one = pair(right_a, right_b)
    assert one.n == len(answers)
    assert one.both + one.only_a == right_a.sum()
    assert one.both + one.only_b == right_b.sum()


def test_holm_by_hand() -> None:
    """0.01, 0.04, 0.03 of three tests become 0.03, 0.06, 0.06 (Holm 1979)."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.2]) == [0.2]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_gain_is_the_mean_of_the_differences_and_their_standard_error() -> None:
    """By hand: gains of 1, 2 and 3 have mean 2, deviation 1, error 1 / sqrt 3; SciPy's sem says the same."""
    before_N, after_N = np.array([2.0, 3.0, 4.0]), np.ones(3)
    found = gain(before_N, after_N)
    assert (found.mean, found.error) == (2.0, pytest.approx(1 / sqrt(3)))
    assert found.error == pytest.approx(sem(before_N - after_N))
    assert found.outside_noise
    assert not gain(after_N, before_N).outside_noise


@pytest.mark.parametrize(("mean", "outside"), [(2.0, False), (2.0 + 1e-9, True)])
def test_a_gain_of_just_two_standard_errors_is_noise(mean: float, outside: bool) -> None:
    """It has to be more; and of a single picture nothing is known."""
    assert Gain(mean, 1.0).outside_noise is outside
    assert not gain(np.array([5.0]), np.array([0.0])).outside_noise


def test_gains_that_are_all_equal_have_no_noise() -> None:
    """Any of them is outside it, in its own direction; none at all is none."""
    level_N = np.ones(4)
    assert gain(2 * level_N, level_N).score == float("inf")
    assert gain(level_N, 2 * level_N).score == float("-inf")
    assert gain(level_N, level_N).score == 0.0
