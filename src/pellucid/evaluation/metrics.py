"""All figures of one set of answers whose truth is known, and which pictures to look at.

It knows probabilities and labels only; files, thumbnails and words are the report's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluation.calibration import Calibration, calibration
from pellucid.evaluation.curves import Curves, curves
from pellucid.evaluation.proportion import Proportion, wilson

__all__ = [
    "ClassFigures",
    "Evaluation",
    "Proportion",
    "evaluate",
    "most_typical",
    "wilson",
    "worst_mistakes",
]

LEAST = 1e-12  # what a probability counts as at the least in a log loss


@dataclass(frozen=True)
class ClassFigures:
    """How one class fared. A figure that would be 0 / 0 is None: nothing is known of it.

    Precision is None where the class was never predicted, recall where it never occurs, F1 where both.
    """

    name: str
    support: int
    precision: float | None
    recall: float | None
    f1: float | None

    def to_json(self) -> dict[str, object]:
        """The keys name, support, precision, recall, f1; null where there is nothing to divide by."""
        return {
            "name": self.name,
            "support": self.support,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
        }


@dataclass(frozen=True)
class Evaluation:
    """The figures of N answers over K classes.

    Attributes:
        proportion: how many were right, with accuracy and interval.
        classes: the K names, in the run's order.
        confusion_KK: int64 counts; rows are the true classes, columns the predicted ones.
        balanced_accuracy: mean recall over the classes that occur; None where N is 0.
        log_loss: mean of -ln p(true class), in nats, p not below 2.2e-16; None where N is 0.
        curves: only of two classes that both occur.
    """

    proportion: Proportion
    classes: tuple[str, ...]
    confusion_KK: NDArray[np.int64]
    per_class: tuple[ClassFigures, ...]
    balanced_accuracy: float | None
    log_loss: float | None
    calibration: Calibration
    curves: Curves | None

    def to_json(self) -> dict[str, object]:
        """n, correct, accuracy, interval, classes, confusion, per_class and the others by their names."""
        return {
            **self.proportion.to_json(),
            "classes": list(self.classes),
            "confusion": self.confusion_KK.tolist(),
            "per_class": [one.to_json() for one in self.per_class],
            "balanced_accuracy": self.balanced_accuracy,
            "log_loss": self.log_loss,
            "calibration": self.calibration.to_json(),
            "curves": self.curves.to_json() if self.curves else None,
        }


def evaluate(
    probabilities_NK: NDArray[np.floating], labels_N: NDArray[np.integer], classes: Sequence[str]
) -> Evaluation:
    """Measure answers against the truth; the predicted class is the first of the most probable.

    Args:
        probabilities_NK: (N, K) floats, each row of which sums to 1.
        labels_N: (N,) integers in 0..K-1.
        classes: the K names.

    Raises:
        ValueError: where shapes disagree, a label is out of range, or a probability is not in [0, 1].
    """
    _check(probabilities_NK, labels_N, len(classes))
    count, k = len(labels_N), len(classes)
    predicted_N = probabilities_NK.argmax(axis=1)
    cell_N = np.asarray(labels_N, np.int64) * k + predicted_N  # a product of uint8 would wrap around
    confusion_KK = np.bincount(cell_N, minlength=k * k).reshape(k, k).astype(np.int64)
    per_class = tuple(_class_figures(name, i, confusion_KK) for i, name in enumerate(classes))
    recalls = [one.recall for one in per_class if one.recall is not None]
    return Evaluation(
        proportion=Proportion(count, int(np.trace(confusion_KK))),
        classes=tuple(classes),
        confusion_KK=confusion_KK,
        per_class=per_class,
        balanced_accuracy=float(np.mean(recalls)) if recalls else None,
        log_loss=_log_loss(probabilities_NK, labels_N) if count else None,
        calibration=calibration(probabilities_NK, labels_N),
        curves=curves(probabilities_NK[:, 1], labels_N == 1, classes[1]) if k == 2 else None,
    )


def _check(probabilities_NK: NDArray[np.floating], labels_N: NDArray[np.integer], k: int) -> None:
    expected = (len(labels_N), k)
    if k == 0 or probabilities_NK.shape != expected:
        raise ValueError(f"probabilities of shape {probabilities_NK.shape}, {expected} was expected")
    if len(labels_N) and not 0 <= labels_N.min() <= labels_N.max() < k:
        raise ValueError(f"labels from {labels_N.min()} to {labels_N.max()}, 0..{k - 1} was expected")
    if not np.all((probabilities_NK >= 0) & (probabilities_NK <= 1 + 1e-6)):
        raise ValueError("a probability outside [0, 1] or not a number")


def _class_figures(name: str, index: int, confusion_KK: NDArray[np.int64]) -> ClassFigures:
    hits = int(confusion_KK[index, index])
    support = int(confusion_KK[index].sum())
    predicted = int(confusion_KK[:, index].sum())
    return ClassFigures(
        name=name,
        support=support,
        precision=hits / predicted if predicted else None,
        recall=hits / support if support else None,
        f1=2 * hits / (support + predicted) if support + predicted else None,
    )


def _log_loss(probabilities_NK: NDArray[np.floating], labels_N: NDArray[np.integer]) -> float:
    true_N = probabilities_NK[np.arange(len(labels_N)), labels_N].astype(np.float64)
    return float(-np.log(np.clip(true_N, np.finfo(np.float64).eps, 1.0)).mean())


def log_losses(probabilities_NK: NDArray[np.floating], labels_N: NDArray[np.integer]) -> NDArray[np.float64]:
    """-ln p(true class) of each picture, (N,) in nats; p counts as ``LEAST`` at the least."""
    true_N = probabilities_NK[np.arange(len(labels_N)), labels_N]
    return np.asarray(-np.log(np.maximum(true_N, LEAST)))


def brier_scores(
    probabilities_NK: NDArray[np.floating], labels_N: NDArray[np.integer]
) -> NDArray[np.float64]:
    """The squared distance of each picture's probabilities from the truth, (N,): 0 is perfect, 2 the worst.

    G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
    (1950) 1-3. Like the log loss it is least in the mean for who says what is; a single sure mistake cannot
    carry it away.
    """
    chances_NK = np.asarray(probabilities_NK, np.float64)
    true_N = chances_NK[np.arange(len(labels_N)), labels_N]
    return np.asarray((chances_NK**2).sum(axis=1) - 2 * true_N + 1)


def worst_mistakes(
    probabilities_NK: NDArray[np.floating], labels_N: NDArray[np.integer], most: int
) -> NDArray[np.int64]:
    """Indices of at most ``most`` wrong answers, the most confident first; the lower index where equal."""
    wrong_M = np.flatnonzero(probabilities_NK.argmax(axis=1) != labels_N)
    return _first(wrong_M, probabilities_NK.max(axis=1)[wrong_M], most)


def most_typical(
    probabilities_NK: NDArray[np.floating], labels_N: NDArray[np.integer], label: int, most: int
) -> NDArray[np.int64]:
    """Indices of at most ``most`` right answers of class ``label``, the most confident first."""
    right_M = np.flatnonzero((probabilities_NK.argmax(axis=1) == labels_N) & (labels_N == label))
    return _first(right_M, probabilities_NK[right_M, label], most)


def _first(indices_M: NDArray[np.int64], scores_M: NDArray[np.floating], most: int) -> NDArray[np.int64]:
    return indices_M[np.argsort(-scores_M, kind="stable")[: max(most, 0)]]
