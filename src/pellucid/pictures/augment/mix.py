"""MixUp and CutMix: pictures of a batch mixed with one another, and their targets with them.

They work on whole batches, after the views were made; one by one a picture has nothing to be mixed with.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.pictures.augment.chance import Chance, generator
from pellucid.pictures.augment.factor import Factor, Limits, Span, between, bounds, check_number

_ALPHAS = Limits(0.0, 1.0, open_below=True)
_SHARES = Limits(0.0, 1.0, "from nought")


@dataclass(frozen=True)
class Mixture:
    """What was drawn for a batch of N pictures.

    Attributes:
        partners: int64 (N,): the picture with which each is mixed.
        weights: float64 (N,): the share that each keeps of itself, 0..1.
        boxes: float64 (N, 4): top, left, height and width of what is taken from the partner, as shares of
            the picture; None where whole pictures are blended.
    """

    partners: NDArray[np.int64]
    weights: NDArray[np.float64]
    boxes: NDArray[np.float64] | None = None

    def pixels(self, pixels_NHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The mixed pictures, uint8 as they came."""
        mixed_NHWC = self.numbers(pixels_NHWC)
        return mixed_NHWC if self.boxes is not None else np.rint(mixed_NHWC).astype(np.uint8)

    def numbers(self, x_NHWC: NDArray[Any]) -> NDArray[Any]:
        """The mixed pictures; where whole ones are blended, float32 and not rounded."""
        if self.boxes is None:
            own = self.weights.astype(np.float32)[:, None, None, None]
            blended: NDArray[Any] = own * x_NHWC + (1 - own) * x_NHWC[self.partners]
            return blended
        mixed_NHWC = x_NHWC.copy()
        for index, partner in enumerate(self.partners):
            rows, columns = self._window(index, x_NHWC.shape[1], x_NHWC.shape[2])
            mixed_NHWC[index, rows, columns] = x_NHWC[partner, rows, columns]
        return mixed_NHWC

    def targets(self, targets_NK: NDArray[np.floating]) -> NDArray[np.float32]:
        """The targets in the same proportions, float32 (N, K); one-hot rows, or any that sum to 1."""
        own_N1 = self.weights[:, None]
        mixed_NK = own_N1 * targets_NK + (1 - own_N1) * targets_NK[self.partners]
        return mixed_NK.astype(np.float32)

    def _window(self, index: int, height: int, width: int) -> tuple[slice, slice]:
        top, left, tall, broad = self.boxes[index] if self.boxes is not None else (0, 0, 0, 0)
        return (
            slice(ceil(top * height), ceil((top + tall) * height)),
            slice(ceil(left * width), ceil((left + broad) * width)),
        )


class Mix(ABC):
    """A way of mixing; what it draws belongs to (seed, batch number)."""

    @abstractmethod
    def draw(self, number: int, seed: int, batch: int) -> Mixture:
        """How a batch of ``number`` pictures is mixed; ``batch`` counts batches over the whole run."""


@dataclass(frozen=True)
class MixUp(Mix):
    """Two pictures laid over each other (H. Zhang et al., "mixup", ICLR 2018).

    Attributes:
        alpha: The weight is drawn from Beta(alpha, alpha); above 0, at most 1.
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        check_number(self, "alpha", self.alpha, _ALPHAS, "0.2 is Keras' own.")

    def draw(self, number: int, seed: int, batch: int) -> Mixture:
        """A partner and a weight for each picture."""
        random = _random("MixUp", seed, batch)
        return Mixture(random.permutation(number), random.beta(self.alpha, self.alpha, number))


@dataclass(frozen=True)
class CutMix(Mix):
    """A rectangle of one picture put upon another (S. Yun et al., "CutMix", ICCV 2019).

    Attributes:
        factor: The weight is drawn from Beta(a, a), where a is drawn for the batch, as Keras does: from
            (lower, upper), or from 0 to one number; 0..1.
    """

    factor: Factor = 1.0
    _range: Span = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "(1, 1) makes every size of rectangle as likely as another."
        object.__setattr__(self, "_range", bounds(self, "factor", self.factor, _SHARES, advice))

    def draw(self, number: int, seed: int, batch: int) -> Mixture:
        """A partner and a rectangle for each; the weight is what the rectangle leaves of the area."""
        random = _random("CutMix", seed, batch)
        alpha = between(self._range, random.random()) + 1e-6
        partners = random.permutation(number)
        sides_N = np.sqrt(1 - random.beta(alpha, alpha, number))
        corners_N2 = random.random((number, 2)) * (1 - sides_N[:, None])
        boxes_N4 = np.column_stack((corners_N2, sides_N, sides_N))
        return Mixture(partners, 1 - sides_N**2, boxes_N4)


def _random(kind: str, seed: int, batch: int) -> np.random.Generator:
    return generator(Chance(kind, seed).lot(b"", batch).noise)
