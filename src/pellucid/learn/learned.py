"""What every recipe gives back: a classifier, its answers, and the record of how it was come by.

How a recipe learns is its own room's business; what becomes of this is ``recipe``'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.classifier import Classifier
from pellucid.data.item import Skipped
from pellucid.data.scan import Picture, Scan
from pellucid.errors import SourceError, shown
from pellucid.evaluation.proportion import Proportion

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Part:
    """The pictures of one split that could be read, and their true classes ``(N,)``."""

    pictures: tuple[Picture, ...]
    labels_N: NDArray[np.int64]


@dataclass(frozen=True)
class Stage:
    """One thing that was learnt: its figure on the validation split, and how long it took."""

    name: str
    val: Proportion
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """name, val, seconds."""
        return {"name": self.name, "val": self.val.to_json(), "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class Learned:
    """The outcome of a recipe.

    Attributes:
        chosen: The recipe that was carried out.
        classifier: What answers.
        parts: train, val and test as they were used.
        answers: ``(N, K)`` probabilities for val and test; those for val are of a classifier that had not
            seen these pictures.
        skipped: Pictures that could not be used, and why.
        stages: What was learnt, in order.
        record: What the recipe adds to ``run.json``.
        metrics: The lines of ``metrics.jsonl``.
        notes: What a person should know of how it was done.
    """

    chosen: str
    classifier: Classifier
    parts: Mapping[str, Part]
    answers: Mapping[str, NDArray[np.float64]]
    skipped: tuple[Skipped, ...]
    stages: Sequence[Stage]
    record: Mapping[str, Any]
    metrics: Sequence[Mapping[str, Any]] = field(default=())
    notes: tuple[str, ...] = ()


class Clock:
    """Wall-clock seconds of each step, in order."""

    def __init__(self) -> None:
        self._started = perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        begun = perf_counter()
        yield
        self._seconds[step] = perf_counter() - begun

    def spent(self, *steps: str) -> float:
        """Seconds that these steps took together."""
        return sum(self._seconds[step] for step in steps)

    def to_json(self) -> dict[str, float]:
        """total first, then each step; what no step accounts for is in the total alone."""
        total = perf_counter() - self._started
        return {name: round(seconds, 3) for name, seconds in {"total": total, **self._seconds}.items()}


def parts_of(
    looked: Scan, chosen: Mapping[str, NDArray[np.int64]], readable_N: NDArray[np.int64]
) -> dict[str, tuple[Part, NDArray[np.int64]]]:
    """Each split's part, and where its pictures stand in ``readable_N``.

    Args:
        looked: The source as it was read.
        chosen: Split -> indices into ``looked.pictures``.
        readable_N: Those of all of these indices whose pictures could be used, ascending.

    Raises:
        SourceError: a split has no picture that can be used.
    """
    index = {name: number for number, name in enumerate(looked.classes)}
    parts = {}
    for name, places in chosen.items():
        here_N = np.flatnonzero(np.isin(readable_N, places))
        if len(here_N) == 0:
            raise SourceError(
                f"The {name} split of {shown(looked.source.name)} has no picture that can be read.",
                "At least one picture in each of train, val and test was expected.",
                "'pellucid check' names the files that cannot be read; or change the shares with --split.",
            )
        there = tuple(looked.pictures[place] for place in readable_N[here_N])
        labels_N = np.array([index[picture.label] for picture in there], np.int64)
        parts[name] = (Part(there, labels_N), here_N)
    return parts


def refuse_gone(skipped: Sequence[Skipped]) -> None:
    """Say of pictures that were read before whether one cannot be read any more.

    Raises:
        SourceError: one cannot.
    """
    if skipped:
        raise SourceError(
            f"The picture {shown(skipped[0].path)} cannot be read any more.",
            "Pictures that stay as they are while they are learnt from were expected.",
            "Bring it back, or take it away and train again.",
        )
