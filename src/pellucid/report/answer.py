"""What the figures are worth: how far they can be trusted, and what would make them surer.

It works out what is to be said; the template says it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, lgamma, log, log1p, sqrt
from typing import Any, Literal

WISHED = 0.025  # half the width of an interval that a person can decide by
_Z = 1.959963984540054  # of a 95 % interval


@dataclass(frozen=True)
class Answer:
    """What stands behind an accuracy; shares are 0..1.

    Attributes:
        step: by how much one mistake more or fewer moves the accuracy.
        enough: how many test pictures would bring the interval down to +- 2.5 points at this accuracy,
            to two significant digits; None where it is that narrow already.
        commonest: the most frequent class of the test split.
        guess: the accuracy of always answering it.
        beyond_guess: whether the whole interval lies above that.
    """

    step: float
    enough: int | None
    commonest: str
    guess: float
    beyond_guess: bool


def answer(
    test: Mapping[str, Any], confusion: Sequence[Sequence[int]], classes: Sequence[str]
) -> Answer | None:
    """Weigh an accuracy against its test split and against guessing; None where there was no test picture."""
    count = test["n"]
    if not count:
        return None
    supports = [sum(row) for row in confusion]
    commonest = supports.index(max(supports))
    guess = supports[commonest] / count
    low, high = test["interval"]
    narrow = (high - low) / 2 <= WISHED
    return Answer(
        step=1 / count,
        enough=None if narrow else pictures_needed(test["accuracy"]),
        commonest=classes[commonest],
        guess=guess,
        beyond_guess=low > guess,
    )


def pictures_needed(accuracy: float) -> int:
    """How many pictures bring Wilson's 95 % interval at this accuracy (0..1) down to +- 2.5 points.

    His half width h, solved for n: n = z^2 / (2 h^2) (v - 2 h^2 + sqrt(v^2 - 4 h^2 v + h^2)) with
    v = p (1 - p). Rounded up to two significant digits, because the accuracy is itself a guess.
    """
    variance, square = accuracy * (1 - accuracy), WISHED**2
    root = sqrt(variance**2 - 4 * square * variance + square)
    count = ceil(_Z**2 / (2 * square) * (variance - 2 * square + root))
    unit = int(10 ** max(0, len(str(count)) - 2))
    return -(-count // unit) * unit


@dataclass(frozen=True)
class Certainty:
    """How stated confidence compares with what was right; shares are 0..1.

    Attributes:
        confidence: its mean over all answers.
        verdict: "over" or "under" where that lies above or below the accuracy's interval, else "noise".
        chance: the expected calibration error that perfect confidence would show on so many answers,
            by chance alone.
    """

    confidence: float
    verdict: Literal["over", "under", "noise"]
    chance: float


def certainty(bins: Sequence[Mapping[str, Any]], test: Mapping[str, Any]) -> Certainty | None:
    """Weigh the bins of a reliability diagram; None where all are empty."""
    full = [one for one in bins if one["n"]]
    if not full:
        return None
    count = sum(one["n"] for one in full)
    confidence = sum(one["n"] * one["confidence"] for one in full) / count
    low, high = test["interval"]
    return Certainty(
        confidence,
        "over" if confidence > high else "under" if confidence < low else "noise",
        sum(mean_deviation(one["n"], one["confidence"]) for one in full) / count,
    )


def mean_deviation(count: int, share: float) -> float:
    """E|S - n p| of S ~ Binomial(n, p): by how many right answers chance misses the expected number.

    De Moivre's closed form, 2 (m + 1) C(n, m + 1) p^(m + 1) (1 - p)^(n - m) with m = floor(n p); see
    P. Diaconis and S. Zabell, "Closed form summation for classical distributions", Statistical Science 6
    (1991) 284-302.
    """
    below = floor(count * share)
    if share <= 0 or below >= count:
        return 0.0
    ways = lgamma(count + 1) - lgamma(below + 1) - lgamma(count - below)
    return 2 * exp(ways + (below + 1) * log(share) + (count - below) * log1p(-share))
