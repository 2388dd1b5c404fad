"""What every threshold would give on a two-class problem: the ROC and precision-recall curves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST_POINTS = 500  # of a curve in JSON; the areas are those of all points


@dataclass(frozen=True)
class Curves:
    """Both curves for one positive class; thresholds fall along each, and equal scores share a point.

    Attributes:
        positive: the name of the positive class (the second of the two).
        thresholds: (T,) descending; a picture is called positive where its probability is >= the threshold.
        false_positive_rate, true_positive_rate: (T + 1,), from (0, 0) to (1, 1).
        precision, recall: (T,), in the order of the thresholds; recall rises to 1.
        roc_auc: area under the ROC curve by trapezoids (half a point for a tie).
        average_precision: sum of (recall_t - recall_t-1) x precision_t, which interpolates nothing.
    """

    positive: str
    thresholds: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    roc_auc: float
    average_precision: float

    def to_json(self) -> dict[str, object]:
        """The keys positive, roc_auc, average_precision, roc and precision_recall.

        Each curve is two lists of at most 500 points: false_positive_rate and true_positive_rate, recall
        and precision.
        """
        return {
            "positive": self.positive,
            "roc_auc": self.roc_auc,
            "average_precision": self.average_precision,
            "roc": {
                "false_positive_rate": _thin(self.false_positive_rate),
                "true_positive_rate": _thin(self.true_positive_rate),
            },
            "precision_recall": {"recall": _thin(self.recall), "precision": _thin(self.precision)},
        }


def _thin(values: NDArray[np.float64]) -> list[float]:
    """At most 500 of the values, evenly by rank, with the first and the last."""
    keep = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).round().astype(np.int64))
    return [float(value) for value in values[keep]]


def curves(scores_N: NDArray[np.floating], positive_N: NDArray[np.bool_], positive: str) -> Curves | None:
    """The curves of the scores of the positive class; None where only one class occurs."""
    positives = int(positive_N.sum())
    negatives = len(positive_N) - positives
    if positives == 0 or negatives == 0:
        return None
    order_N = np.argsort(-scores_N, kind="stable")
    scores_N = np.asarray(scores_N, np.float64)[order_N]
    last_T = np.append(np.flatnonzero(np.diff(scores_N)), len(scores_N) - 1)
    true_T = np.cumsum(positive_N[order_N])[last_T]
    called_T = last_T + 1
    recall_T = true_T / positives
    precision_T = true_T / called_T
    false_rate = np.append(0.0, (called_T - true_T) / negatives)
    true_rate = np.append(0.0, recall_T)
    return Curves(
        positive=positive,
        thresholds=scores_N[last_T],
        false_positive_rate=false_rate,
        true_positive_rate=true_rate,
        precision=precision_T,
        recall=recall_T,
        roc_auc=float(np.sum(np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2)),
        average_precision=float(np.sum(np.diff(true_rate) * precision_T)),
    )
