"""A race: folds one after another, no more than it takes to tell which step is better."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import norm

from pellucid.learn.folds import Fold
from pellucid.learn.race import Candidate, Race, chance_of_winning
from pellucid.learn.standing import standing

LABELS_N = np.arange(100) % 2
FOLDS = [
    Fold(number, np.setdiff1d(np.arange(100), held_M), held_M)
    for number, held_M in enumerate(np.array_split(np.arange(100), 5))
]
RACE = Race(FOLDS, LABELS_N, None)


def logits(labels_N: NDArray[np.int64], sure: float, seed: int) -> NDArray[np.float32]:
    """Two classes' logits that are right by ``sure`` on average, give or take 1."""
    margin_N = np.random.default_rng(seed).normal(sure, 1.0, len(labels_N))
    signed_N = np.where(labels_N == 1, margin_N, -margin_N)
    return np.stack([-signed_N, signed_N], axis=1).astype(np.float32)


class Runner:
    """A candidate that is so sure of its pictures, and how often it was asked."""

    def __init__(self, sure: float, seed: int, val: float | None = None) -> None:
        self.asked: list[int] = []
        labels_N = np.arange(40) % 2
        reached = standing("last", logits(labels_N, sure if val is None else val, seed), labels_N)

        def answer(fold: Fold) -> NDArray[np.float32]:
            self.asked.append(int(fold.held_M[0]))
            return logits(LABELS_N[fold.held_M], sure, seed + int(fold.held_M[0]))

        self.candidate = Candidate(reached, answer)


def test_a_clear_winner_needs_one_fold_and_no_fewer() -> None:
    """Its validation pictures chose its epoch, so that they alone do not win it anything."""
    before, after = Runner(0.3, 1), Runner(3.0, 2)
    found = RACE.run(before.candidate, after.candidate)
    assert found.better
    assert found.why.endswith("). That was plain after 1 of 5 folds.")
    assert before.asked == after.asked == [0]
    assert found.after.held is not None
    assert found.after.held.val.n == 20


def test_a_clear_loser_is_not_asked_at_all() -> None:
    """What is worse on the pictures that chose it will not be better on others."""
    before, after = Runner(3.0, 1), Runner(0.3, 2)
    found = RACE.run(before.candidate, after.candidate)
    assert not found.better
    assert found.why.startswith("It did not beat last outside the noise")
    assert found.why.endswith("). That was plain without folds.")
    assert before.asked == after.asked == []
    assert found.after.held is None


def test_what_is_not_plain_is_run_to_the_end_and_judged_as_ever() -> None:
    """A gain that is neither hopeless nor certain: all folds, each asked once and in order."""
    before, after = Runner(1.0, 1), Runner(1.3, 2)
    found = RACE.run(before.candidate, after.candidate)
    assert before.asked == after.asked == [0, 20, 40, 60, 80]
    assert found.why.endswith(").")
    held = standing("last", np.concatenate(after.candidate.answers), LABELS_N)
    assert found.after.held is not None
    np.testing.assert_array_equal(found.after.held.losses_N, held.losses_N)


def test_what_was_answered_is_not_asked_again() -> None:
    """The next race of the same step starts from its answers, and both are judged on the same pictures."""
    before, first, second = Runner(1.0, 1), Runner(1.3, 2), Runner(3.0, 4)
    RACE.run(before.candidate, first.candidate)
    asked = list(before.asked)
    found = RACE.run(before.candidate, second.candidate)
    assert before.asked == asked
    assert second.asked == [0]
    assert found.before.held is not None
    assert found.after.held is not None
    assert len(found.before.held.losses_N) == len(found.after.held.losses_N) == 20


def test_without_time_for_a_fold_it_is_judged_by_what_there_is() -> None:
    """And that is told; a step that cannot be asked is judged by the validation pictures alone."""
    before, after = Runner(1.0, 1), Runner(1.3, 2)
    slow = replace(after.candidate, seconds=60.0)
    found = RACE.run(before.candidate, slow, seconds=30.0)
    assert found.why.endswith(" There was time for 0 of 5 folds.")
    mute = replace(after.candidate, answer=None)
    assert RACE.run(before.candidate, mute).why.endswith(").")
    assert before.asked == after.asked == []


def test_more_right_answers_on_the_way_are_needed_for_an_early_end() -> None:
    """A step that is surer and less often right goes to the end, and is refused there."""
    before, after = Runner(0.5, 1), Runner(0.5, 2)
    val = before.candidate.val
    before.candidate.val = replace(val, scores_N=val.scores_N + 5, right_N=np.ones(40, np.bool_))
    after.candidate.val = replace(after.candidate.val, right_N=np.zeros(40, np.bool_))
    found = RACE.run(before.candidate, after.candidate)
    assert not found.better
    assert len(after.asked) == 5


@given(st.floats(-5, 5), st.floats(0.05, 0.95))
def test_the_chance_is_that_of_a_sum_of_normal_gains(score: float, share: float) -> None:
    """Another way: SciPy's normal distribution of the sum over 1,000 pictures, given that of the first, whose
    mean gain is known but for its standard error."""
    seen, ahead = 1000 * share, 1000 * (1 - share)
    drift, error = score / np.sqrt(seen), 1 / np.sqrt(seen)
    total = norm(loc=drift * seen + drift * ahead, scale=np.hypot(np.sqrt(ahead), error * ahead))
    wanted = total.sf(2.0 * np.sqrt(1000))
    assert chance_of_winning(score, share) == pytest.approx(wanted, abs=1e-9)


def test_a_lead_without_noise_is_certain() -> None:
    """Equal gains on all pictures have no standard error."""
    assert chance_of_winning(inf, 0.5) == 1.0
    assert chance_of_winning(-inf, 0.5) == 0.0
