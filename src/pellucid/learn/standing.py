"""How well a step does on the validation pictures, and whether it beats another outside the noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluation.comparison import OUTSIDE_NOISE, Gain, gain, pair
from pellucid.evaluation.metrics import brier_scores, log_losses
from pellucid.evaluation.proportion import Proportion
from pellucid.learn.features import Base, calibrated

_EVEN = -1e-9  # a mean that is no further below 0 is 0, but for rounding


@dataclass(frozen=True)
class Lead:
    """How far one step is ahead of another on the same pictures, each as it counts.

    Attributes:
        scores: How much lower its Brier scores are.
        answers: How many more of its answers are right, as a share of all.
    """

    scores: Gain
    answers: Gain

    @property
    def score(self) -> float:
        """In standard errors, by what says more for it."""
        return max(self.scores.score, self.answers.score)

    def beyond(self, errors: float) -> bool:
        """Whether one of the two is ahead by more than so many standard errors, and the other not behind."""
        by_scores = self.scores.score > errors and self.answers.mean >= _EVEN
        return by_scores or (self.answers.score > errors and self.scores.mean >= _EVEN)


@dataclass(frozen=True)
class Standing:
    """A step as pictures see it that it did not learn from.

    Attributes:
        name: The stage's.
        scores_N: (N,) each validation picture's Brier score, 0..2, calibrated: what is judged by.
        losses_N: (N,) its log loss in nats, for people to know.
        right_N: (N,) whether each is answered rightly.
        counted_N: (N,) what each counts, where classes are weighed against one another; else None.
        held: The same for training pictures, where each was held out once; None where none was.
    """

    name: str
    scores_N: NDArray[np.float64]
    losses_N: NDArray[np.float64]
    right_N: NDArray[np.bool_]
    counted_N: NDArray[np.float64] | None = None
    held: "Standing | None" = None

    @property
    def val(self) -> Proportion:
        """How many are right."""
        return Proportion(len(self.right_N), int(self.right_N.sum()))

    @property
    def told(self) -> str:
        """Its figures, as a person reads them."""
        return f"{self.percent:.1f} %{self._of}, Brier score {self.brier:.3f}"

    @property
    def percent(self) -> float:
        """How many in a hundred are right, as they count."""
        return 100 * self._mean(self.right_N)

    @property
    def loss(self) -> float:
        """The mean log loss, as the pictures count."""
        return self._mean(self.losses_N)

    @property
    def brier(self) -> float:
        """The mean Brier score, as the pictures count."""
        return self._mean(self.scores_N)

    def _mean(self, values_N: NDArray[Any]) -> float:
        return float(np.average(values_N, weights=self.counted_N))

    @property
    def _of(self) -> str:
        return "" if self.counted_N is None else " with classes weighed"


def standing(
    name: str,
    val_logits_NK: NDArray[np.float32],
    labels_N: NDArray[np.int64],
    weights_K: Sequence[float] | None = None,
) -> Standing:
    """How logits do on the validation pictures, after a temperature of their own.

    Args:
        name: The stage's.
        val_logits_NK: What is said of them.
        labels_N: Their classes.
        weights_K: What a picture of each class counts; None where all count 1.
    """
    return of_probabilities(name, calibrated(val_logits_NK, labels_N), labels_N, weights_K)


def of_probabilities(
    name: str,
    answers_NK: NDArray[np.float64],
    labels_N: NDArray[np.int64],
    weights_K: Sequence[float] | None = None,
) -> Standing:
    """The same of probabilities that need no temperature any more."""
    return Standing(
        name,
        brier_scores(answers_NK, labels_N),
        log_losses(answers_NK, labels_N),
        answers_NK.argmax(axis=1) == labels_N,
        counted(labels_N, weights_K),
    )


def of_validation(name: str, val_logits_NK: NDArray[np.float32], base: Base) -> Standing:
    """How logits do on the base's validation pictures, its classes counting as its head has them count."""
    return standing(name, val_logits_NK, base.material.parts["val"].labels_N, base.fitted.class_weights_K)


def counted(labels_N: NDArray[np.int64], weights_K: Sequence[float] | None) -> NDArray[np.float64] | None:
    """What each picture counts by its class."""
    return None if weights_K is None else np.array(weights_K, np.float64)[labels_N]


def judge(before: Standing, after: Standing) -> tuple[bool, str]:
    """Whether ``after`` is better outside the noise, and why, as a sentence.

    It is where the Brier score, picture by picture, is lower by more than twice the standard error of the
    difference, and no fewer pictures are right; or where so many more are right, and the score is no higher.
    A count of right answers is too coarse for small gains, and of log losses a few large ones hide them
    (docs/decisions/0010-ladder.md); McNemar's p for the counts is told beside it. Where classes are weighed
    against one another, since the head of frozen features did better so, both are means of pictures as they
    count.
    Training pictures that both held out (both must have held out the same) count as validation pictures do.
    """
    before, after = together(before), together(after)
    figures = f"{after.percent:.1f} against {before.percent:.1f} %{after._of}"
    p = pair(after.right_N, before.right_N).p
    told = f"Brier score {after.brier:.3f} against {before.brier:.3f}, McNemar's p {p:.2g}"
    if lead_of(before, after).beyond(OUTSIDE_NOISE):
        return True, f"It beats {before.name} outside the noise: {figures} ({told})."
    return False, f"It did not beat {before.name} outside the noise: {figures} ({told})."


def lead_of(before: Standing, after: Standing) -> Lead:
    """How far ``after`` is ahead of ``before``."""
    share_N = 1.0 if after.counted_N is None else after.counted_N / after.counted_N.mean()
    return Lead(
        scores=gain(before.scores_N * share_N, after.scores_N * share_N),
        answers=gain(~before.right_N * share_N, ~after.right_N * share_N),
    )


def together(val: Standing) -> Standing:
    """The validation pictures, and the training pictures that were held out, as one."""
    held, both = val.held, None
    if held is None:
        return val
    if val.counted_N is not None and held.counted_N is not None:
        both = np.concatenate([val.counted_N, held.counted_N])
    return Standing(
        val.name,
        np.concatenate([val.scores_N, held.scores_N]),
        np.concatenate([val.losses_N, held.losses_N]),
        np.concatenate([val.right_N, held.right_N]),
        both,
    )
