"""Kernels and patches as PNGs: each square where it belongs, in its colours."""

import io

import numpy as np
from PIL import Image

from pellucid.data.item import Skipped
from pellucid.insight.cell import Layer
from pellucid.insight.filters.kernels import Kernels
from pellucid.insight.filters.patches import Excited, Excitement, Patch
from pellucid.insight.filters.sheet import TILE, kernel_sheet, patch_sheet
from pellucid.insight.receptive import Field


def opened(png: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB")).astype(int)


def test_kernels_stand_in_rows_of_twelve() -> None:
    """Each in its colours: the weights of red, green and blue; grey where they are 0."""
    weight_OHWI = np.zeros((13, 1, 1, 3))
    weight_OHWI[12] = [1.0, -1.0, 0.0]
    paper = opened(kernel_sheet(Kernels("conv", weight_OHWI)))
    assert np.ptp(paper[40 + TILE // 2, 14 + TILE // 2]) == 0
    second_row = 40 + (TILE + 22) + TILE // 2
    assert paper[second_row, 14 + TILE // 2].tolist() == [255, 0, 128]


def test_kernels_of_grey_networks_are_purple_and_orange() -> None:
    """Purple below 0, orange above it, nearly white at 0."""
    weight_OHWI = np.array([-1.0, 0.0, 1.0]).reshape(1, 1, 3, 1)
    paper = opened(kernel_sheet(Kernels("conv", weight_OHWI)))
    row = paper[40 + TILE // 2]
    low, middle, high = (row[14 + TILE * part // 6] for part in (1, 3, 5))
    assert low[2] > low[1] + 40 and high[0] > high[2] + 100
    assert middle.min() > 240


def test_patches_stand_beside_their_channel() -> None:
    """A row for each channel, the strongest first; a channel without any says so; any name is drawn."""
    field = Field(0, 0, 1, 1, (0, 0, 0, 0), True)
    patches = [
        Patch("a.png", 0, 0, 3.0 - number, field, np.full((2, 2, 3), 60 * (number + 1), np.uint8))
        for number in range(2)
    ]
    layer = Layer("\x1b[31m蜂", "Conv2d", ("x",), (3, 4, 4))
    channels = Excited(0, ()), Excited(2, tuple(patches))
    paper = opened(patch_sheet(Excitement(layer, channels, 5, (Skipped("b.png", "it is empty"),))))
    row = paper[40 + (TILE + 22) + TILE // 2]
    assert row[14 + 96 + TILE // 2].tolist() == [60] * 3
    assert row[14 + 96 + TILE + 6 + TILE // 2].tolist() == [120] * 3
    assert (paper[40 : 40 + TILE, 14 + 96 :] == 255).all()
    assert opened(patch_sheet(Excitement(layer, (Excited(0, ()),), 1, ()))).shape[1] == 460
