"""Whether a picture is better squashed, letterboxed or cropped to the network's size: measured, not assumed.

It compares trials on the validation split; carrying them out is left to ``recipe``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from pellucid.data.scan import Picture
from pellucid.evaluation.comparison import Gain, gain
from pellucid.evaluation.proportion import Proportion
from pellucid.pictures.preprocess import Fit, Preprocess

FITS: tuple[Fit, ...] = get_args(Fit)
_SAME_ASPECT = 0.02


@dataclass(frozen=True)
class FitTrial:
    """What one fit gave on the validation split.

    Attributes:
        fit: How the pictures came to size.
        val: How many of them were answered rightly.
        losses_N: ``(N,)`` each validation picture's log loss, in nats.
    """

    fit: Fit
    val: Proportion
    losses_N: NDArray[np.float64]

    def to_json(self) -> dict[str, Any]:
        """fit, n, correct, accuracy, interval, log_loss."""
        return {"fit": self.fit, **self.val.to_json(), "log_loss": float(self.losses_N.mean())}


def fits_differ(pictures: Sequence[Picture], preprocess: Preprocess) -> bool:
    """Whether any picture has another aspect than the network's input, so that the three fits differ."""
    wanted = math.log(preprocess.width / preprocess.height)
    return any(abs(math.log(one.width / one.height) - wanted) > _SAME_ASPECT for one in pictures)


def choose_fit(trials: Sequence[FitTrial]) -> tuple[Fit, str]:
    """The first trial's fit, unless another has a lower log loss by more than twice the standard error.

    The comparison is paired, picture by picture; of one picture the noise is not known, and none is better
    outside it. Returns the fit and why it was chosen, as a sentence.
    """
    first = trials[0]
    best, most = first, Gain(0.0, 0.0)
    for trial in trials[1:]:
        found = gain(first.losses_N, trial.losses_N)
        if found.mean > most.mean and found.outside_noise:
            best, most = trial, found
    if best is first:
        return first.fit, (
            f"No other fit had a lower log loss on the {first.val.n} validation pictures by more than twice "
            f"the standard error, so the pictures are fitted by '{first.fit}'."
        )
    return best.fit, (
        f"Its log loss on the {first.val.n} validation pictures is lower than that of '{first.fit}' by "
        f"{most.mean:.3f}, with a standard error of {most.error:.3f}."
    )
