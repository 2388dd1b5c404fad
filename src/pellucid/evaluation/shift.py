"""How accuracy falls as pictures move: the same pictures a few pixels to the side, asked again.

A dense net has learnt each pattern at the place where it stood; what a convolution has learnt holds anywhere.
It moves pixels and counts; what answers is the caller's.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluation.proportion import Proportion

SHIFTS = tuple(range(-6, 7))
"""Pixels to the right and down; what is moved in is the picture's edge continued."""

Answer = Callable[[NDArray[np.uint8]], NDArray[np.integer]]
"""uint8 (N, H, W, C) -> (N,) predicted classes."""


@dataclass(frozen=True)
class Moved:
    """How many pictures are right when all are moved by the same number of pixels.

    Attributes:
        shift: Pixels; to the right and down where it is positive.
        sideways: The answers for pictures moved sideways.
        down: The answers for pictures moved down or up.
    """

    shift: int
    sideways: Proportion
    down: Proportion

    @property
    def accuracy(self) -> float:
        """The mean of both directions."""
        right = self.sideways.correct + self.down.correct
        return right / max(self.sideways.n + self.down.n, 1)

    def to_json(self) -> dict[str, Any]:
        """shift, accuracy, and the counts of both directions."""
        return {
            "shift": self.shift,
            "accuracy": self.accuracy,
            "sideways": self.sideways.to_json(),
            "down": self.down.to_json(),
        }


def moved(pixels_NHWC: NDArray[np.uint8], down: int, right: int) -> NDArray[np.uint8]:
    """The pictures moved by whole pixels; rows and columns that come in repeat the edge."""
    height, width = pixels_NHWC.shape[1:3]
    rows_H = np.clip(np.arange(height) - down, 0, height - 1)
    columns_W = np.clip(np.arange(width) - right, 0, width - 1)
    return pixels_NHWC[:, rows_H][:, :, columns_W]


def shift_curve(
    answer: Answer,
    pixels_NHWC: NDArray[np.uint8],
    labels_N: NDArray[np.integer],
    shifts: Sequence[int] = SHIFTS,
) -> list[Moved]:
    """Ask about the pictures at each shift, sideways and down.

    Args:
        answer: Gives the predicted class of each picture.
        pixels_NHWC: uint8 (N, H, W, C), at the network's size.
        labels_N: The true classes.
        shifts: In pixels.
    """

    def right_of(down: int, right: int) -> Proportion:
        predicted_N = answer(moved(pixels_NHWC, down, right))
        return Proportion(len(labels_N), int((predicted_N == labels_N).sum()))

    found = []
    for shift in shifts:
        sideways = right_of(0, shift)
        found.append(Moved(shift, sideways, right_of(shift, 0) if shift else sideways))
    return found
