"""The learning rate over a training, and the order of pictures."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.training.schedule import OneCycle, order


def test_one_cycle_rises_to_its_peak_and_falls_to_nearly_nothing() -> None:
    """It begins at 4 % of the peak, is at the peak after a tenth of the steps, and ends at 0.1 %."""
    rates = [OneCycle(0.01, 101).at(step) for step in range(101)]
    turn = int(np.argmax(rates))
    assert rates[0] == pytest.approx(0.0004)
    assert turn in (10, 11)
    assert rates[turn] == pytest.approx(0.01, rel=1e-3)
    assert rates[-1] == pytest.approx(1e-5)
    assert all(a < b for a, b in pairwise(rates[: turn + 1]))
    assert all(a > b for a, b in pairwise(rates[turn:]))


@given(st.integers(1, 500), st.floats(1e-5, 1))
def test_every_rate_is_positive_and_no_more_than_the_peak(steps: int, peak: float) -> None:
    """Whatever the number of steps, even one."""
    rates = OneCycle(peak, steps)
    assert all(0 < rates.at(step) <= peak * (1 + 1e-12) for step in range(steps))


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    """It is a permutation; another epoch or seed gives another."""
    first = order(3, 1, 50)
    assert sorted(first.tolist()) == list(range(50))
    np.testing.assert_array_equal(first, order(3, 1, 50))
    assert (first != order(3, 2, 50)).any()
    assert (first != order(4, 1, 50)).any()
