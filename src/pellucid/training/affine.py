"""The head as it is kept and used: an affine map from raw features to logits, and its temperature.

It needs NumPy alone, so that a prediction loads nothing that only fitting needs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Head:
    """A linear classifier of raw features.

    Attributes:
        weight_DK: (D, K) float32.
        bias_K: (K,) float32.
        temperature: what logits are divided by before the softmax; 1 until calibrated, always > 0.
    """

    weight_DK: NDArray[np.float32]
    bias_K: NDArray[np.float32]
    temperature: float = 1.0

    def logits(self, features_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """Uncalibrated logits, (N, K) float32, of features (N, D)."""
        return np.asarray(features_ND, np.float32) @ self.weight_DK + self.bias_K

    def probabilities(self, features_ND: NDArray[np.float32]) -> NDArray[np.float64]:
        """softmax(logits / temperature), (N, K) float64; each row sums to 1."""
        return softmax(self.logits(features_ND), self.temperature)


def softmax(logits_NK: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """exp(z / T) / sum exp(z / T) of each row, (N, K) float64, safe for logits of any finite size."""
    scaled_NK = np.asarray(logits_NK, np.float64) / temperature
    scaled_NK -= scaled_NK.max(axis=1, keepdims=True)
    np.exp(scaled_NK, out=scaled_NK)
    scaled_NK /= scaled_NK.sum(axis=1, keepdims=True)
    return scaled_NK
