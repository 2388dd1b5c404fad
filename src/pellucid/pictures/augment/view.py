"""One view of every picture: an augmentation, the seed of its draws, and the view's number."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pellucid.pictures.augment.plan import Augment  # takes 0.4 s to import, which predictions do not need


@dataclass(frozen=True)
class View:
    """The view with this number of any picture.

    Attributes:
        augment: How views are made.
        seed: The run's.
        number: 0 and up.
    """

    augment: "Augment"
    seed: int
    number: int

    def of(self, pixels_HWC: NDArray[np.uint8], key: str) -> NDArray[np.uint8]:
        """The view of the picture known by ``key``: uint8, of the size that the augmentation ``gives``."""
        return self.augment.view(pixels_HWC, self.seed, key, self.number)

    @property
    def key(self) -> str:
        """What it shows, as a part of a folder's name."""
        return f"{self.augment.digest[:16]}-{self.seed}-{self.number}"
