"""What learns in a fine-tuning and what stays as it is: said beforehand, counted, and proved afterwards."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import PellucidError, shown
from pellucid.training.trunk import PIXELS

Tensors = Mapping[str, NDArray[Any]]
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_NAMED = 3


class FreezeError(PellucidError):
    """A tensor that was to stay as it was has changed, or one that was to learn has not."""


@dataclass(frozen=True)
class Freeze:
    """The plan of what learns.

    Attributes:
        boundary: Above it the layers learn, up to it they are frozen.
        learning: The names of the backbone's tensors that learn.
        parameters: How many numbers these hold.
        head: How many numbers the new head holds; it learns too.
        frozen: How many of the backbone's parameters stay as they are.
        statistics: How many tensors of batch statistics stay as they are.
        updated: The names of those that follow the pictures; none unless it was asked for.
    """

    boundary: str
    learning: frozenset[str]
    parameters: int
    head: int
    frozen: int
    statistics: int
    updated: frozenset[str] = frozenset()

    def told(self) -> str:
        """The plan as a sentence, or two."""
        where = "In all layers" if self.boundary == PIXELS else f"Above {self.boundary}"
        return (
            f"{where}, {self.parameters:,} parameters of the backbone learn, and {self.head:,} "
            f"of the new head; {self.frozen:,} stay as they are, and so do {self.statistics} tensors of "
            "batch statistics."
            + (f" {len(self.updated)} more follow the pictures, as was asked." if self.updated else "")
        )

    def to_json(self) -> dict[str, Any]:
        """The numbers as they stand in ``run.json``."""
        fields = asdict(self)
        del fields["learning"]
        return {**fields, "updated": len(self.updated)}


def is_statistic(name: str) -> bool:
    """Whether a tensor of this name is one of a batch normalisation's statistics."""
    return name.endswith(_STATISTICS)


def plan_freeze(
    boundary: str,
    backbone: Tensors,
    learning: frozenset[str],
    head: int,
    updated: frozenset[str] = frozenset(),
) -> Freeze:
    """Count what learns and what does not.

    Args:
        boundary: Where the backbone is cut.
        backbone: All of its tensors: parameters and batch statistics.
        learning: The names of those that learn.
        head: Numbers in the new head.
        updated: The names of the batch statistics that follow the pictures.
    """
    statistics = [name for name in backbone if is_statistic(name)]
    parameters = sum(int(backbone[name].size) for name in learning)
    whole = sum(int(values.size) for name, values in backbone.items() if name not in statistics)
    return Freeze(
        boundary, learning, parameters, head, whole - parameters, len(statistics) - len(updated), updated
    )


def prove(freeze: Freeze, before: Tensors, after: Tensors) -> dict[str, Any]:
    """Compare a backbone bit for bit with what it was before the training.

    Args:
        freeze: What was to learn.
        before: All tensors of the backbone as they were.
        after: The same tensors now.

    Returns:
        How many tensors were found equal and how many changed, for ``run.json``.

    Raises:
        FreezeError: a frozen tensor or a kept batch statistic has changed, or what was to change has not.
    """
    moved = {name for name in before if not _equal(before[name], after[name])}
    free = freeze.learning | freeze.updated
    strayed, stuck = sorted(moved - free), sorted(free - moved)
    if strayed:
        raise FreezeError(
            f"{len(strayed)} tensors that were frozen have changed in training: {_listed(strayed)}.",
            "They were expected to be equal, bit for bit, to what they were before.",
            "Nothing was written. This is a fault of Pellucid's: report the backbone.",
        )
    if stuck:
        raise FreezeError(
            f"{len(stuck)} tensors that were to learn have not changed: {_listed(stuck)}.",
            "Each of them was expected to move with the first step.",
            "Train again with a higher --learning-rate; if that changes nothing, report the backbone.",
        )
    return {"equal": len(before) - len(moved), "changed": len(moved), "bit_for_bit": True}


def _equal(first: NDArray[Any], second: NDArray[Any]) -> bool:
    return first.shape == second.shape and first.dtype == second.dtype and first.tobytes() == second.tobytes()


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(shown(name) for name in names[:_NAMED]) + more


def tensors_of(state: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Copies of a PyTorch state's tensors as arrays."""
    return {name: np.array(value.detach().cpu().numpy()) for name, value in state.items()}
