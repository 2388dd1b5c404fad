"""A race: a new step against the best so far, one fold after another, until it is plain which is better.

A fold costs a training of each, so that none is run whose outcome would change nothing. What a step is, and
how it answers for pictures that it has not seen, is known to those who enter it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from math import inf, sqrt
from statistics import NormalDist
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluation.comparison import OUTSIDE_NOISE
from pellucid.learn.folds import Fold
from pellucid.learn.standing import Standing, judge, lead_of, standing, together

_PLAIN = 3.0  # standard errors, with which a race is won before its end
_HOPELESS = 0.05  # chance of winning, below which a race is lost before its end
_LEAST = 10  # pictures, of which noise can be told


@dataclass
class Candidate:
    """A step that races.

    Attributes:
        val: How it does on the validation pictures.
        answer: What it says of a fold's held-out pictures once it has learnt from the others, (M, K) float32;
            None where it is not to be asked.
        seconds: What such an answer is thought to take; once one was given, what it took.
        answers: Those that were given, from the first fold on.
    """

    val: Standing
    answer: Callable[[Fold], NDArray[np.float32]] | None = None
    seconds: float = 0.0
    answers: list[NDArray[np.float32]] = field(default_factory=list, repr=False)

    def ask(self, fold: Fold) -> None:
        """Have it answer for one more fold."""
        if self.answer is not None:
            begun = perf_counter()
            self.answers.append(self.answer(fold))
            self.seconds = perf_counter() - begun


@dataclass(frozen=True)
class Verdict:
    """Who won: whether it was the new one, why, and how each did on the pictures that were looked at."""

    better: bool
    why: str
    before: Standing
    after: Standing


@dataclass(frozen=True)
class Race:
    """What is raced over: the training pictures' folds, none where the validation pictures can tell alone.

    Attributes:
        labels_N: The classes of all training pictures.
        weights_K: What a picture of each class counts; None where all count 1.
    """

    folds: Sequence[Fold]
    labels_N: NDArray[np.int64]
    weights_K: Sequence[float] | None

    def run(self, before: Candidate, after: Candidate, seconds: float = inf) -> Verdict:
        """Compare on the validation pictures, then on one fold more at a time, while seconds are left.

        The new one is lost early where, after what was seen so far, it would win with a chance below one in
        twenty. It has won early where it leads by three standard errors, with at least one fold:
        its validation pictures chose its epoch and rate. Three are so seldom reached by chance that looking
        more than once changes next to nothing (J. L. Haybittle, British Journal of Radiology 44 (1971)
        793-797).
        """
        begun, number = perf_counter(), 0
        folds = self.folds if before.answer is not None and after.answer is not None else ()
        while True:
            one, other = self._standing(before, number), self._standing(after, number)
            settled = number == len(folds) or self._settled(one, other, folds[number:])
            late = not settled and perf_counter() - begun + self._wanted(before, after, number) > seconds
            if settled or late:
                better, why = judge(one, other)
                return Verdict(better, why + _told(number, len(folds), late=late), one, other)
            for candidate in (before, after):
                if len(candidate.answers) <= number:
                    candidate.ask(folds[number])
            number += 1

    def _standing(self, candidate: Candidate, number: int) -> Standing:
        """On the validation pictures and those that so many folds hold out."""
        if not number:
            return candidate.val
        labels_N = self.labels_N[np.concatenate([fold.held_M for fold in self.folds[:number]])]
        logits_NK = np.concatenate(candidate.answers[:number])
        held = standing(candidate.val.name, logits_NK, labels_N, self.weights_K)
        return replace(candidate.val, held=held)

    @staticmethod
    def _settled(before: Standing, after: Standing, ahead: Sequence[Fold]) -> bool:
        """Whether the folds ahead would hardly change who wins."""
        one, other = together(before), together(after)
        seen = len(one.losses_N)
        if seen < _LEAST:
            return False
        share = seen / (seen + sum(len(fold.held_M) for fold in ahead))
        lead = lead_of(one, other)
        won = after.held is not None and lead.beyond(_PLAIN)
        return won or chance_of_winning(lead.score, share) < _HOPELESS

    @staticmethod
    def _wanted(before: Candidate, after: Candidate, number: int) -> float:
        """Seconds of the next fold."""
        return sum(one.seconds for one in (before, after) if len(one.answers) <= number)


def chance_of_winning(score: float, share: float) -> float:
    """How likely a lead ends above two standard errors, after what was seen so far: 0 to 1.

    The predictive power of D. J. Spiegelhalter, L. S. Freedman and P. R. Blackburn, "Monitoring clinical
    trials: conditional or predictive power?", Controlled Clinical Trials 7 (1986) 8-17: of gains as they may
    be after a few pictures, and not as if what these show were the truth.

    Args:
        score: The lead so far, in standard errors.
        share: What share of the pictures was looked at, above 0 and below 1.
    """
    if abs(score) == inf:
        return float(score > 0)
    return 1 - NormalDist().cdf((OUTSIDE_NOISE - score / sqrt(share)) / sqrt((1 - share) / share))


def _told(number: int, folds: int, *, late: bool) -> str:
    """What is to be added where not all folds were run."""
    if late:
        return f" There was time for {number} of {folds} folds."
    if number == folds:
        return ""
    return f" That was plain after {number} of {folds} folds." if number else " That was plain without folds."
