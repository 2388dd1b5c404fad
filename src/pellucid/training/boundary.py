"""What the frozen layers put out at a boundary, as batches to learn from: one cached view after another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.training.activations import CachedRows


@dataclass(frozen=True)
class BoundaryFeed:
    """N pictures as maps at a boundary.

    Attributes:
        views: The rows ``(N, C*H*W)`` of each view; epoch e, from 0 on, shows view e modulo their number.
        shape: (C, H, W) of one picture's maps.
        labels_N: The classes, int64.
    """

    views: Sequence[CachedRows]
    shape: tuple[int, int, int]
    labels_N: NDArray[np.int64]
    slow: bool = False

    def __len__(self) -> int:
        return len(self.labels_N)

    def batch(self, rows_B: NDArray[np.integer], epoch: int) -> NDArray[np.float32]:
        """The maps of these pictures, float32 (B, H, W, C)."""
        rows = self.views[epoch % len(self.views)].take(np.asarray(rows_B, np.int64)).array()
        return np.ascontiguousarray(rows.reshape(-1, *self.shape).transpose(0, 2, 3, 1))

    def take(self, rows_M: NDArray[np.integer]) -> "BoundaryFeed":
        """Some of the pictures, in this order."""
        chosen_M = np.asarray(rows_M, np.int64)
        return BoundaryFeed(
            [view.take(chosen_M) for view in self.views], self.shape, self.labels_N[chosen_M], self.slow
        )
