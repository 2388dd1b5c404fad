"""How the learning rate goes over a training, and in which order pictures come."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class OneCycle:
    """Up to the peak on a cosine, then down to nearly nothing on another.

    L. N. Smith and N. Topin, "Super-convergence", 2018, with cosines for their straight lines.

    Attributes:
        peak: The largest learning rate.
        steps: How many steps there are in all.
        warm: The share of them on the way up.
        first: What the first rate is of the peak; the last is ``last`` of it.
    """

    peak: float
    steps: int
    warm: float = 0.1
    first: float = 0.04
    last: float = 1e-3

    def at(self, step: int) -> float:
        """The rate of a step, 0..steps-1; it depends on nothing but the step."""
        turn = self.warm * self.steps
        if step < turn:
            low, high, share = self.first, 1.0, step / turn
        else:
            low, high, share = 1.0, self.last, (step - turn) / max(self.steps - 1 - turn, 1)
        return self.peak * (high + (low - high) * (1 + math.cos(math.pi * min(share, 1.0))) / 2)


def order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The order of ``count`` pictures in an epoch: a permutation that seed and epoch alone decide."""
    chance = np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(epoch,))))
    return chance.permutation(count).astype(np.int64)
