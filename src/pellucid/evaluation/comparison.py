"""Whether one classifier is better than another on the same pictures, or whether that could be chance.

It knows which answers were right, picture by picture; runs, files and words are others' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import copysign, inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluation.proportion import wilson

SIGNIFICANCE = 0.05
OUTSIDE_NOISE = 2.0  # standard errors of a paired difference

Verdict = Literal["a", "b", "chance"]


@dataclass(frozen=True)
class Pair:
    """Two classifiers on n pictures: how many both had right, only the one, only the other, neither."""

    both: int
    only_a: int
    only_b: int
    neither: int

    @property
    def n(self) -> int:
        """The pictures."""
        return self.both + self.only_a + self.only_b + self.neither

    @property
    def difference(self) -> float:
        """Accuracy of a less that of b, -1 to 1; 0 where there is no picture."""
        return (self.only_a - self.only_b) / self.n if self.n else 0.0

    @property
    def p(self) -> float:
        """McNemar's exact test: how likely so uneven a split of the disagreements is by chance, 0 to 1.

        Q. McNemar, Psychometrika 12 (1947) 153-157; the binomial distribution itself in place of his
        approximation. Pictures on which both are right, or both wrong, say nothing.
        """
        from scipy.stats import binomtest  # a second to import, for a test that most trainings never make

        uneven = self.only_a + self.only_b
        return float(binomtest(self.only_a, uneven).pvalue) if uneven else 1.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the difference, for paired proportions.

        R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based
        on paired data", Statistics in Medicine 17 (1998) 2635-2650, method 10: Wilson's intervals of both
        accuracies, joined with their correlation.
        """
        if not self.n:
            return -1.0, 1.0
        right_a, right_b = self.both + self.only_a, self.both + self.only_b
        a, b = right_a / self.n, right_b / self.n
        (low_a, high_a), (low_b, high_b) = wilson(right_a, self.n), wilson(right_b, self.n)
        phi, difference = self._correlation(), a - b
        down = (a - low_a) ** 2 - 2 * phi * (a - low_a) * (high_b - b) + (high_b - b) ** 2
        up = (high_a - a) ** 2 - 2 * phi * (high_a - a) * (b - low_b) + (b - low_b) ** 2
        return max(-1.0, difference - sqrt(max(down, 0.0))), min(1.0, difference + sqrt(max(up, 0.0)))

    def _correlation(self) -> float:
        """Newcombe's phi: the correlation of the two, drawn towards 0 where it is positive."""
        margins = (self.both + self.only_a) * (self.only_b + self.neither)
        margins *= (self.both + self.only_b) * (self.only_a + self.neither)
        if margins == 0:
            return 0.0
        product = self.both * self.neither - self.only_a * self.only_b
        if product > self.n / 2:
            product = product - self.n / 2  # type: ignore[assignment]  # continuity, as in the paper
        elif product >= 0:
            product = 0
        return product / sqrt(margins)

    def verdict(self, p: float) -> Verdict:
        """Which is better, at this (adjusted) p."""
        if p >= SIGNIFICANCE:
            return "chance"
        return "a" if self.only_a > self.only_b else "b"


def pair(right_a_N: NDArray[np.bool_], right_b_N: NDArray[np.bool_]) -> Pair:
    """Count the agreements of two classifiers.

    Args:
        right_a_N, right_b_N: (N,) whether each answered the picture rightly.
    """
    return Pair(
        both=int((right_a_N & right_b_N).sum()),
        only_a=int((right_a_N & ~right_b_N).sum()),
        only_b=int((~right_a_N & right_b_N).sum()),
        neither=int((~right_a_N & ~right_b_N).sum()),
    )


@dataclass(frozen=True)
class Gain:
    """How much lower one classifier's losses are than another's on the same pictures.

    Attributes:
        mean: A picture's, in the losses' own unit; below 0 where they are higher.
        error: Its standard error; infinite for a single picture, of which the noise is not known.
    """

    mean: float
    error: float

    @property
    def score(self) -> float:
        """In standard errors; infinite where it has none, as that of equal gains, and 0 of no gain at all."""
        if self.mean == 0:
            return 0.0
        return self.mean / self.error if self.error else copysign(inf, self.mean)

    @property
    def outside_noise(self) -> bool:
        """Whether it is above twice its standard error."""
        return self.score > OUTSIDE_NOISE


def gain(before_N: NDArray[np.float64], after_N: NDArray[np.float64]) -> Gain:
    """The gain of the second over the first, picture by picture; both (N,), the lower the better."""
    gains_N = before_N - after_N
    count = len(gains_N)
    return Gain(
        mean=float(gains_N.mean()),
        error=float(gains_N.std(ddof=1) / sqrt(count)) if count > 1 else inf,
    )


def holm(values: Sequence[float]) -> list[float]:
    """p values of several tests, adjusted so that one false alarm among all is as rare as in one test.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979) 65-70.
    """
    order = sorted(range(len(values)), key=lambda place: values[place])
    scaled = ((len(values) - rank) * values[place] for rank, place in enumerate(order))
    adjusted = [0.0] * len(values)
    for place, value in zip(order, accumulate(scaled, max), strict=True):
        adjusted[place] = min(value, 1.0)
    return adjusted
