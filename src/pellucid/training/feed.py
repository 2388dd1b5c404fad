"""A batch as a network takes it: pixels by place, a view of each where asked, normalised, with its labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.pictures.augment.plan import Augment
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.pixels import Pixels, StreamedPixels


class Batches(Protocol):
    """N examples to learn from or to choose by, in batches that anybody may ask for, from any thread."""

    @property
    def labels_N(self) -> NDArray[np.int64]:  # noqa: N802 - a legend of shapes, as everywhere
        """Their classes."""
        ...

    @property
    def slow(self) -> bool:
        """Whether making a batch takes long, so that several threads are worth their while."""
        ...

    def __len__(self) -> int: ...

    def batch(self, rows_B: NDArray[np.integer], epoch: int) -> NDArray[np.float32]:
        """The examples at these places as an epoch shows them: float32 (B, H, W, C)."""
        ...


@dataclass(frozen=True)
class Feed:
    """N pictures to learn from or to choose by.

    Attributes:
        pixels: At the network's size.
        labels_N: Their classes, int64.
        preprocess: What is subtracted and divided by.
        augment: How views are made; None shows each picture as it is.
        keys_N: How each picture is known, so that its views are its own; needed with ``augment``.
        seed: Of the views.
        views: How many views there are of each picture, shown in turn; None shows another one each epoch.
    """

    pixels: Pixels
    labels_N: NDArray[np.int64]
    preprocess: Preprocess
    augment: Augment | None = None
    keys_N: Sequence[str] = ()
    seed: int = 0
    views: int | None = None

    @property
    def slow(self) -> bool:
        """Whether making a batch takes long, so that several threads are worth their while."""
        return bool(self.augment and self.augment.transforms) or isinstance(self.pixels, StreamedPixels)

    def __len__(self) -> int:
        return len(self.labels_N)

    def batch(self, rows_B: NDArray[np.integer], epoch: int) -> NDArray[np.float32]:
        """The pictures at these places as an epoch shows them: float32 (B, H, W, C)."""
        pixels_BHWC = self.pixels.take(rows_B)
        if self.augment is not None and self.augment.transforms:
            keys_B = [self.keys_N[row] for row in rows_B]
            number = epoch if self.views is None else epoch % self.views
            pixels_BHWC = self.augment.view_batch(pixels_BHWC, self.seed, keys_B, number)
        x_BHWC = pixels_BHWC.astype(np.float32)
        if any(self.preprocess.mean):
            x_BHWC -= np.array(self.preprocess.mean, np.float32)
        x_BHWC /= np.array(self.preprocess.std, np.float32)
        return x_BHWC

    def take(self, rows_M: NDArray[np.integer]) -> "Feed":
        """Some of the pictures, in this order."""
        keys_M = [self.keys_N[row] for row in rows_M] if self.keys_N else ()
        return replace(self, pixels=self.pixels.part(rows_M), labels_N=self.labels_N[rows_M], keys_N=keys_M)
