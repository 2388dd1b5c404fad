"""Wilson's interval against published figures, exact arithmetic and SciPy; counts in, JSON out."""

import json
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pellucid.evaluation.proportion import Proportion, wilson

counts = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("correct", "n", "interval"),
    [
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_the_published_intervals_come_out(correct: int, n: int, interval: tuple[float, float]) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, the score method (3)."""
    assert tuple(round(end, 4) for end in wilson(correct, n)) == interval


@pytest.mark.parametrize(("correct", "n"), [(145, 153), (1, 2), (36, 37), (999, 1000)])
def test_both_ends_solve_wilsons_equation(correct: int, n: int) -> None:
    """Each end is a p with (share - p)^2 = z^2 p (1 - p) / n: the quadratic is solved in 40 digits here."""
    with localcontext() as context:
        context.prec = 40
        z2 = Decimal("1.959963984540054235524594430520551953") ** 2
        share, count = Decimal(correct) / n, Decimal(n)
        a, b, c = 1 + z2 / count, -(2 * share + z2 / count), share**2
        root = (b * b - 4 * a * c).sqrt()
        ends = float((-b - root) / (2 * a)), float((-b + root) / (2 * a))
    assert wilson(correct, n) == pytest.approx(ends, rel=1e-13)


def test_145_of_153() -> None:
    """The validation folder of ants and bees: 145 of 153 is 94.8 %, and surely more than 90 %."""
    low, high = wilson(145, 153)
    # The middle: (145 + 1.92073) / (153 + 3.84146) = 0.93675.
    # Half of the width: 1.95996 sqrt(145 x 8 / 153 + 0.96036) / (153 + 3.84146) = 0.03652.
    assert (low, high) == pytest.approx((0.93675 - 0.03652, 0.93675 + 0.03652), abs=2e-5)


@given(counts)
def test_scipy_gives_the_same_interval(pair: tuple[int, int]) -> None:
    """SciPy's score interval without continuity correction agrees to 12 digits."""
    correct, n = pair
    other = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    assert wilson(correct, n) == pytest.approx((other.low, other.high), abs=1e-12)


@given(counts)
def test_the_interval_holds_the_share_within_0_and_1(pair: tuple[int, int]) -> None:
    """0 <= low <= correct / n <= high <= 1, and the ends touch 0 and 1 at none and at all correct alone."""
    correct, n = pair
    low, high = wilson(correct, n)
    assert 0 <= low <= correct / n <= high <= 1
    assert low < high
    assert (low == 0) is (correct == 0)
    assert (high == 1) is (correct == n)


@given(counts)
def test_wrong_answers_have_the_mirrored_interval(pair: tuple[int, int]) -> None:
    """The interval of the mistakes is 1 minus that of the right answers."""
    correct, n = pair
    low, high = wilson(correct, n)
    assert wilson(n - correct, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(counts, st.integers(2, 50))
def test_more_pictures_narrow_the_interval(pair: tuple[int, int], times: int) -> None:
    """The same share of more answers has a narrower interval."""
    correct, n = pair
    low, high = wilson(correct, n)
    narrow_low, narrow_high = wilson(correct * times, n * times)
    assert narrow_high - narrow_low < high - low


@given(counts)
def test_one_more_right_answer_moves_both_ends_up(pair: tuple[int, int]) -> None:
    """Both ends rise with the number of right answers."""
    correct, n = pair
    if correct < n:
        low, high = wilson(correct, n)
        next_low, next_high = wilson(correct + 1, n)
        assert low < next_low
        assert high < next_high


@pytest.mark.parametrize(("correct", "n"), [(-1, 3), (4, 3), (1, 0), (0, -1)])
def test_impossible_counts_are_refused(correct: int, n: int) -> None:
    """More right answers than answers, or fewer than none, are a ValueError with both numbers."""
    with pytest.raises(ValueError, match=rf"^{correct} correct of {n}: 0 <= correct <= n was expected$"):
        wilson(correct, n)


def test_nothing_counted_is_nothing_known() -> None:
    """Of no answers the accuracy is None and the interval all of [0, 1]."""
    none = Proportion(0, 0)
    assert none.accuracy is None
    assert none.interval == (0.0, 1.0)
    assert none.to_json() == {"n": 0, "correct": 0, "accuracy": None, "interval": [0.0, 1.0]}


def test_the_json_is_the_contracts() -> None:
    """n, correct, accuracy and interval, in that order, as plain numbers."""
    told = Proportion(4, 3).to_json()
    assert list(told) == ["n", "correct", "accuracy", "interval"]
    assert told["accuracy"] == 0.75
    assert json.loads(json.dumps(told))["interval"] == list(wilson(3, 4))
