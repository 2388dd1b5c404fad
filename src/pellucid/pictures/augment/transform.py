"""What every transform is: it draws its numbers, says where a picture's pixels go, and repaints them.

The kinds stand in ``geometry``, ``colour``, ``damage`` and ``trivial``; ``plan`` carries them out.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pellucid.pictures.augment.affine import IDENTITY, Affine, Frame
from pellucid.pictures.augment.chance import Lot

Number = bool | int | float | str
Numbers = Mapping[str, Number]
"""What was drawn for one picture, by name; JSON as it stands."""


class Transform(ABC):
    """One kind of change, with its factors; drawing is apart from carrying out."""

    @abstractmethod
    def draw(self, lot: Lot) -> Numbers:
        """The numbers for one view; they hold for a picture of any size."""

    def place(self, numbers: Numbers, frame: Frame) -> tuple[Affine, Frame]:
        """The map from the picture that this gives to the one that it takes, and the size that it gives."""
        return IDENTITY, frame

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The pixels, uint8 (H, W, 1 or 3), changed where they stand; what came is left as it is."""
        return pixels_HWC

    @abstractmethod
    def said(self, numbers: Numbers) -> str:
        """What was drawn in words, such as ``turned left by 12 degrees``; nothing where nothing changes."""


def percent(share: float) -> str:
    """A share without its sign, in whole per cent, or in tenths where it is small."""
    value = abs(100 * share)
    return f"{value:.0f} %" if value >= 1.95 else f"{value:.1f} %"


def joined(*parts: str) -> str:
    """Parts of a sentence with commas between those that say something."""
    return ", ".join(part for part in parts if part)
