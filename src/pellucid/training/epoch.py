"""The figures of a training: sums over some pictures, and one line for each pass over all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """Sums over some pictures: their losses in nats, and how many were right."""

    loss: float
    right: int
    count: int

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.loss + other.loss, self.right + other.right, self.count + other.count)


@dataclass(frozen=True)
class Epoch:
    """The figures of one pass over the training pictures.

    Attributes:
        epoch: Counted from 1.
        loss, accuracy: On the training pictures, while they were learnt from.
        val_loss, val_accuracy: On the validation pictures after it.
        weights: Whose validation figures these are: the ``last`` weights or their running average.
        rate: The learning rate at its end.
        seconds: Its time, validation included, in the process that finished it.
        pictures_per_second: Of learning alone.
        val_objective: The validation loss with labels smoothed as in training, which the best epoch has least
            of. By the plain loss, whoever learns to be less sure seems to get worse.
    """

    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    weights: str
    rate: float
    seconds: float
    pictures_per_second: float
    val_objective: float

    def to_json(self) -> dict[str, Any]:
        """The line of ``metrics.jsonl``."""
        return {"event": "epoch", **asdict(self)}


def best_line(lines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The best of the epochs of one training, as lines of ``metrics.jsonl``; at least one is there.

    Lines of before ``val_objective`` was told go by ``val_loss``.
    """
    return min(lines, key=lambda line: float(line.get("val_objective", line["val_loss"])))
