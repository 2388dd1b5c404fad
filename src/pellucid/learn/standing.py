"""How well a step does on the validation pictures, and whether it beats another outside the noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.evaluation.comparison import gain, pair
from pellucid.evaluation.proportion import Proportion
from pellucid.learn.features import calibrated_losses


@dataclass(frozen=True)
class Standing:
    """A step as pictures see it that it did not learn from.

    Attributes:
        name: The stage's.
        losses_N: (N,) each validation picture's log loss in nats, calibrated.
        right_N: (N,) whether each is answered rightly.
        held: The same for training pictures, where each was held out once; None where none was.
    """

    name: str
    losses_N: NDArray[np.float64]
    right_N: NDArray[np.bool_]
    held: "Standing | None" = None

    @property
    def val(self) -> Proportion:
        """How many are right."""
        return Proportion(len(self.right_N), int(self.right_N.sum()))

    @property
    def told(self) -> str:
        """Its figures, as a person reads them."""
        return f"{100 * self.right_N.mean():.1f} %, log loss {self.losses_N.mean():.3f}"


def standing(name: str, val_logits_NK: NDArray[np.float32], labels_N: NDArray[np.int64]) -> Standing:
    """How logits do on the validation pictures, after a temperature of their own."""
    return Standing(
        name, calibrated_losses(val_logits_NK, labels_N), val_logits_NK.argmax(axis=1) == labels_N
    )


def judge(before: Standing, after: Standing) -> tuple[bool, str]:
    """Whether ``after`` is better outside the noise, and why, as a sentence.

    It is where the log loss, picture by picture, is lower by more than twice the standard error of the
    difference, and no fewer pictures are right. Losses see a gain that a count of right answers is too
    coarse for; McNemar's p for these counts is told beside it. Training pictures that both held out count
    as validation pictures do.
    """
    if before.held is not None and after.held is not None:
        before, after = _together(before, before.held), _together(after, after.held)
    figures = f"{100 * after.right_N.mean():.1f} against {100 * before.right_N.mean():.1f} %"
    p = pair(after.right_N, before.right_N).p
    told = f"log loss {after.losses_N.mean():.3f} against {before.losses_N.mean():.3f}, McNemar's p {p:.2g}"
    if gain(before.losses_N, after.losses_N).outside_noise and after.val.correct >= before.val.correct:
        return True, f"It beats {before.name} outside the noise: {figures} ({told})."
    return False, f"It did not beat {before.name} outside the noise: {figures} ({told})."


def _together(val: Standing, held: Standing) -> Standing:
    return Standing(
        val.name,
        np.concatenate([val.losses_N, held.losses_N]),
        np.concatenate([val.right_N, held.right_N]),
    )
