"""A share of correct answers and how sure it is: counts in, accuracy and its 95 % interval out."""

from dataclasses import dataclass
from math import sqrt

_Z = 1.959963984540054  # the normal distribution holds 95 % within +-_Z standard deviations


def wilson(correct: int, n: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion, each end in [0, 1]; (0, 1) where nothing was counted.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (1927) 209-212; without continuity correction. Unlike the normal
    approximation it never leaves [0, 1] and does not shrink to a point at 0 or n correct.

    Raises:
        ValueError: unless 0 <= correct <= n.
    """
    if not 0 <= correct <= n:
        raise ValueError(f"{correct} correct of {n}: 0 <= correct <= n was expected")
    if n == 0:
        return 0.0, 1.0
    share = correct / n
    scale = 1 + _Z**2 / n
    centre = (share + _Z**2 / (2 * n)) / scale
    half = _Z / scale * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    low = 0.0 if correct == 0 else max(0.0, centre - half)
    high = 1.0 if correct == n else min(1.0, centre + half)
    return low, high


@dataclass(frozen=True)
class Proportion:
    """``correct`` of ``n`` answers were right."""

    n: int
    correct: int

    @property
    def accuracy(self) -> float | None:
        """correct / n; None where nothing was counted."""
        return self.correct / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson(self.correct, self.n)

    def to_json(self) -> dict[str, object]:
        """The keys n, correct, accuracy (null where n is 0) and interval [low, high]."""
        return {
            "n": self.n,
            "correct": self.correct,
            "accuracy": self.accuracy,
            "interval": list(self.interval),
        }
