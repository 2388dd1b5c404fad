"""Integrated gradients (Sundararajan et al. 2017): what each pixel adds to a class's score, from nothing on.

The parts of all pixels add up to the score less the score of the baseline; how nearly they do is reported.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import RequestError

Gradients = Callable[[NDArray[np.float32]], tuple[float, NDArray[np.float64]]]
"""A picture (C, H, W) -> the class's score, and its gradient with respect to the picture."""

WORK = ("Following the gradient", "steps")
"""What is done part by part, and what it is counted in."""

STEPS = 32


@dataclass(frozen=True, eq=False)
class IntegratedGradients:
    """What each pixel adds.

    Attributes:
        attributions_CHW: Of each channel of each pixel, float64; negative where it speaks against the class.
        signed_HW: The sum of these over the channels.
        baseline_CHW: The picture of nothing, from which the path goes straight to the picture itself.
        steps: At how many places of the path the gradient is taken.
        score: The class's score for the picture.
        baseline_score: Its score for the baseline.
        done: At how many places it was taken, from the baseline on.
    """

    attributions_CHW: NDArray[np.float64]
    signed_HW: NDArray[np.float64]
    baseline_CHW: NDArray[np.float64]
    steps: int
    score: float
    baseline_score: float
    done: int

    @property
    def total(self) -> int:
        """At how many places the gradient is taken."""
        return self.steps

    @property
    def residue(self) -> float:
        """The sum of all attributions, less ``score - baseline_score``: 0 for an exact integral."""
        return float(self.attributions_CHW.sum()) - (self.score - self.baseline_score)


def along(
    gradients: Gradients,
    x_CHW: NDArray[Any],
    *,
    baseline_CHW: NDArray[Any] | None = None,
    steps: int = STEPS,
) -> Iterator[IntegratedGradients]:
    """What has been added up on the straight path from the baseline to the picture (equations 1 and 3).

    The integral is a mean over the middles of ``steps`` equal parts of the path; the first that is yielded
    is of nothing yet, and one more follows for each part.

    Args:
        gradients: The network's score of one class, and its gradient.
        x_CHW: The picture as the network sees it.
        baseline_CHW: None for zeros: the mean colour of most networks' preprocessing, black in the others.
        steps: How many parts, from 1.

    Raises:
        RequestError: There are no steps.
    """
    if steps < 1:
        raise RequestError(
            f"The path has {steps} steps.",
            "A whole number from 1 was expected.",
            f"{STEPS} is usual; more make the residue smaller.",
        )
    picture_CHW = np.asarray(x_CHW, np.float64)
    start_CHW = np.zeros_like(picture_CHW)
    start_CHW += 0 if baseline_CHW is None else baseline_CHW
    path_CHW = picture_CHW - start_CHW
    total_CHW = np.zeros_like(picture_CHW)
    score, baseline_score = (gradients(one.astype(np.float32))[0] for one in (picture_CHW, start_CHW))
    for done in range(steps + 1):
        if done:
            here_CHW = start_CHW + (done - 0.5) / steps * path_CHW
            total_CHW += gradients(here_CHW.astype(np.float32))[1]
        attributions_CHW = path_CHW * total_CHW / steps
        signed_HW = attributions_CHW.sum(axis=0)
        yield IntegratedGradients(attributions_CHW, signed_HW, start_CHW, steps, score, baseline_score, done)
