"""Whether confidence can be believed: the temperature that mends it, and how far it is from accuracy.

C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural networks", ICML 2017.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluation.proportion import Proportion

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
FEWEST_FOR_TEMPERATURE = 10
BINS = 15
_HALVINGS = 40  # of a range of 6 in the logarithm


@dataclass(frozen=True)
class Temperature:
    """The number that logits are divided by before the softmax, and how it was come by."""

    value: float
    reason: str


def fit_temperature(logits_NK: NDArray[np.floating], labels_N: NDArray[np.integer]) -> Temperature:
    """The temperature with the least log loss on a validation split, within [0.05, 20].

    It is 1, and the reason says so, where there are fewer than 10 pictures, where every answer is right
    (the loss falls for ever as the temperature does), and where the best lies outside the range.

    Args:
        logits_NK: uncalibrated outputs, (N, K) floats.
        labels_N: true classes, (N,) integers in 0..K-1.
    """
    count = len(labels_N)
    if count < FEWEST_FOR_TEMPERATURE:
        return Temperature(1.0, f"{count} validation pictures are too few to fit a temperature; it stays 1.")
    logits_NK = np.asarray(logits_NK, np.float64)
    logits_NK = logits_NK - logits_NK.max(axis=1, keepdims=True)
    rows_N = np.arange(count)
    if not logits_NK[rows_N, labels_N].any():
        return Temperature(
            1.0, "The validation split has no mistake to learn a temperature from; it stays 1."
        )

    true_logit = float(logits_NK[rows_N, labels_N].mean())

    def too_cold(log_temperature: float) -> bool:
        """Whether the loss falls with a higher temperature: the loss is convex in 1 / T, so it has one least.

        d loss / d (1 / T) is the mean of what the answers expect of their logits, less the true class's.
        """
        weights_NK = np.exp(logits_NK / np.exp(log_temperature))
        expected_N = (weights_NK * logits_NK).sum(axis=1) / weights_NK.sum(axis=1)
        return float(expected_N.mean()) > true_logit

    low, high = float(np.log(LOWEST_TEMPERATURE)), float(np.log(HIGHEST_TEMPERATURE))
    for outside, where in (
        (not too_cold(low), f"below {LOWEST_TEMPERATURE:g}"),
        (too_cold(high), f"above {HIGHEST_TEMPERATURE:g}"),
    ):
        if outside:
            return Temperature(1.0, f"The temperature with the least log loss lies {where}; it stays 1.")
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if too_cold(middle) else (low, middle)
    return Temperature(float(np.exp((low + high) / 2)), f"Least log loss on {count} validation pictures.")


@dataclass(frozen=True)
class Bin:
    """The answers whose confidence lies in (low, high]; ``confidence`` is their mean, None where none do."""

    low: float
    high: float
    confidence: float | None
    proportion: Proportion

    def to_json(self) -> dict[str, object]:
        """The keys low, high, confidence, n, correct, accuracy, interval."""
        return {
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            **self.proportion.to_json(),
        }


@dataclass(frozen=True)
class Calibration:
    """The reliability diagram's 15 bins and the expected calibration error (None where N is 0)."""

    error: float | None
    bins: tuple[Bin, ...]

    def to_json(self) -> dict[str, object]:
        """The keys expected_calibration_error and bins."""
        return {"expected_calibration_error": self.error, "bins": [one.to_json() for one in self.bins]}


def calibration(probabilities_NK: NDArray[np.floating], labels_N: NDArray[np.integer]) -> Calibration:
    """Compare the confidence of the predicted class with how often it is right (Guo et al., section 2).

    ECE = sum over bins of n_bin / N x |accuracy - mean confidence|, over 15 bins of equal width.
    """
    confidence_N = probabilities_NK.max(axis=1).astype(np.float64) if len(labels_N) else np.zeros(0)
    correct_N = probabilities_NK.argmax(axis=1) == labels_N if len(labels_N) else np.zeros(0, bool)
    edges = np.arange(BINS + 1) / BINS
    bin_N = np.searchsorted(edges[1:-1], confidence_N, side="left")
    n = np.bincount(bin_N, minlength=BINS)
    correct = np.bincount(bin_N, weights=correct_N, minlength=BINS).astype(np.int64)
    total = np.bincount(bin_N, weights=confidence_N, minlength=BINS)
    bins = tuple(
        Bin(
            float(edges[i]),
            float(edges[i + 1]),
            float(total[i] / n[i]) if n[i] else None,
            Proportion(int(n[i]), int(correct[i])),
        )
        for i in range(BINS)
    )
    error = float(np.abs(correct - total).sum() / len(labels_N)) if len(labels_N) else None
    return Calibration(error, bins)
