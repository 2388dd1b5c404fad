"""Several pictures on one PNG, side by side, so that a page fetches and decodes one file.

The page cuts it up again; which pictures they are is its rooms' business.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ACROSS = 8


@dataclass(frozen=True)
class Tiles:
    """The PNG and where each picture stands on it.

    Attributes:
        png: The file; of no picture it is empty.
        columns: How many places stand side by side.
        height, width: Of a place; a picture stands in its upper left corner.
        sizes: (height, width) of each picture.
    """

    png: bytes
    columns: int
    height: int
    width: int
    sizes: tuple[tuple[int, int], ...]

    def to_json(self) -> dict[str, Any]:
        """columns, height, width and sizes, for the page."""
        return {
            "columns": self.columns,
            "height": self.height,
            "width": self.width,
            "sizes": [list(size) for size in self.sizes],
        }


def make_tiles(pictures: Sequence[NDArray[np.uint8]], across: int = ACROSS) -> Tiles:
    """Put pictures, uint8 (H, W, 1 or 3), in rows of ``across``; their pixels are kept exactly."""
    if not pictures:
        return Tiles(b"", across, 0, 0, ())
    sizes = tuple((one.shape[0], one.shape[1]) for one in pictures)
    height, width = max(size[0] for size in sizes), max(size[1] for size in sizes)
    columns = min(across, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet_HWC = np.zeros((rows * height, columns * width, 3), np.uint8)
    for place, (one, (tall, broad)) in enumerate(zip(pictures, sizes, strict=True)):
        top, left = place // columns * height, place % columns * width
        sheet_HWC[top : top + tall, left : left + broad] = one
    file = io.BytesIO()
    Image.fromarray(sheet_HWC).save(file, "PNG", compress_level=1)
    return Tiles(file.getvalue(), columns, height, width, sizes)
