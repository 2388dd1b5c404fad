"""How a network is trained: how long, in which steps, and when to stop. Validated once, where it is made."""

from dataclasses import asdict, dataclass
from typing import Any

from pellucid.errors import RequestError

_SEEN = 60_000  # pictures that a training of the default length looks at
_FEWEST, _MOST = 3, 60  # epochs by default
BATCH = 64
TUNING_BATCH = 32  # of fine-tuning, whose pictures are few
RATE = 4e-3


@dataclass(frozen=True)
class Plan:
    """The settings of one training.

    Attributes:
        epochs: Passes over the training pictures, 1..10,000.
        batch: Pictures a step, 1..65,536.
        rate: The learning rate at its peak, above 0 and at most 10.
        decay: AdamW's weight decay of kernels, 0..1.
        smoothing: Label smoothing, from 0 and below 1.
        average: What the running average of the weights keeps of itself at each step, from 0 and below 1.
        patience: Epochs without a lower validation loss after which it stops.
        seed: Decides the first weights, the order of pictures, dropout and views.
        class_weights: What a picture of each class counts, in training and where the best epoch is chosen;
            None where all count 1.
        mix: How the pictures of a batch are mixed (``pictures.augment.text.mixing``).

    Raises:
        RequestError: a value is out of range.
    """

    epochs: int
    batch: int = BATCH
    rate: float = RATE
    decay: float = 0.01
    smoothing: float = 0.05
    average: float = 0.99
    patience: int = 10
    seed: int = 0
    class_weights: tuple[float, ...] | None = None
    mix: str = "none"

    def __post_init__(self) -> None:
        _check("number of epochs", self.epochs, 1, 10_000, "--epochs 10")
        _check("batch size", self.batch, 1, 65_536, "--batch 128")
        if not 0 < self.rate <= 10:
            raise RequestError(
                f"The learning rate is {self.rate:g}.",
                "A number above 0 and at most 10 was expected.",
                "Write for example --learning-rate 0.001.",
            )
        if self.mix != "none":
            from pellucid.pictures.augment.text import mixing  # OpenCV takes 0.4 s to import

            mixing(self.mix)

    def to_json(self) -> dict[str, Any]:
        """The fields as they stand in ``run.json``."""
        return asdict(self)


def default_epochs(pictures: int) -> int:
    """About 60,000 looks at pictures, in 3 to 60 epochs."""
    return min(max(round(_SEEN / max(pictures, 1)), _FEWEST), _MOST)


def _check(what: str, value: int, low: int, high: int, example: str) -> None:
    if not low <= value <= high:
        raise RequestError(
            f"The {what} is {value:,}.",
            f"A whole number from {low:,} to {high:,} was expected.",
            f"Write for example {example}.",
        )
