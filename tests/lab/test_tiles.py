"""Pictures on one PNG: every pixel where the sheet says, whatever their sizes."""

import io

import numpy as np
import pytest
from PIL import Image

from pellucid.lab.tiles import make_tiles


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 17])
def test_every_picture_stands_where_the_sheet_says(count: int) -> None:
    """Grey and colour, of different sizes, exactly."""
    random = np.random.default_rng(count)
    pictures = [
        random.integers(0, 256, (3 + place % 4, 2 + place % 5, 1 if place % 3 else 3), np.uint8)
        for place in range(count)
    ]
    tiles = make_tiles(pictures)
    sheet_HWC = np.asarray(Image.open(io.BytesIO(tiles.png)))
    told = tiles.to_json()
    assert told["columns"] == min(count, 8)
    for place, one in enumerate(pictures):
        tall, broad = told["sizes"][place]
        top, left = place // told["columns"] * told["height"], place % told["columns"] * told["width"]
        cut_HWC = sheet_HWC[top : top + tall, left : left + broad]
        assert np.array_equal(cut_HWC, np.broadcast_to(one, cut_HWC.shape))


def test_no_picture_is_no_file() -> None:
    """Nothing to show is told as such."""
    tiles = make_tiles([])
    assert tiles.png == b""
    assert tiles.to_json() == {"columns": 8, "height": 0, "width": 0, "sizes": []}
