"""The PNG of views: what stands where."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pellucid.pictures.augment.plan import Drawn
from pellucid.report.sheet import ACROSS, GAP, TILE, sheet
from pellucid.report.views import Row, View


def flat(*colour: int, height: int = 40, width: int = 40) -> NDArray[np.uint8]:
    return np.full((height, width, 3), colour, np.uint8)


def made(
    views: int, height: int = 40, width: int = 40, said: str = "unchanged", path: str = "a/1.png"
) -> Row:
    shown = tuple(
        View(n, flat(0, 0, 100 + n, height=height, width=width), Drawn(()), said) for n in range(views)
    )
    return Row(path, "a", flat(200, 0, 0, height=height, width=width), shown)


def opened(data: bytes) -> NDArray[np.uint8]:
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    return np.array(image)


def middle(pixels: NDArray[np.uint8], column: int, top: int) -> list[int]:
    return pixels[top + TILE // 2, GAP + column * (TILE + GAP) + TILE // 2].tolist()


def test_a_picture_stands_first_and_its_views_beside_it() -> None:
    """On white paper, at the same size each, in order."""
    pixels = opened(sheet([made(3)]))
    top = int(np.flatnonzero((pixels == (200, 0, 0)).all(2).any(1))[0])
    assert pixels.shape[1] == GAP + 4 * (TILE + GAP)
    assert [middle(pixels, column, top) for column in range(4)] == [
        [200, 0, 0],
        [0, 0, 100],
        [0, 0, 101],
        [0, 0, 102],
    ]
    assert pixels[0, 0].tolist() == pixels[-1, -1].tolist() == [255, 255, 255]
    caption = pixels[top + TILE : top + TILE + 20, GAP : GAP + TILE]
    assert (caption < 128).any()


def test_many_views_go_on_below() -> None:
    """Eight beside the picture, nine in the lines under it."""
    pixels = opened(sheet([made(ACROSS + 2)]))
    assert pixels.shape[1] == GAP + (ACROSS + 1) * (TILE + GAP)
    for number in range(ACROSS + 2):
        area = (pixels == (0, 0, 100 + number)).all(2)
        assert area.sum() == TILE * TILE
        below, before = (int(np.flatnonzero(area.any(axis))[0]) for axis in (1, 0))
        assert (below > TILE) == (number >= ACROSS)
        assert (before - GAP) // (TILE + GAP) == (number + 1 if number < ACROSS else number - ACROSS)


@pytest.mark.parametrize(("height", "width"), [(20, 40), (400, 100), (224, 224), (1, 300)])
def test_a_tile_keeps_the_aspect(height: int, width: int) -> None:
    """Its longest side is the tile's."""
    pixels = opened(sheet([made(1, height, width)]))
    area = (pixels == (200, 0, 0)).all(2)
    tall, broad = int(area.any(1).sum()), int(area.any(0).sum())
    assert max(tall, broad) == TILE
    assert tall == max(round(TILE * height / max(height, width)), 1)
    assert broad == max(round(TILE * width / max(height, width)), 1)


def test_long_words_and_hostile_names_stay_on_the_sheet() -> None:
    """A caption ends after nine lines, a title at the paper's edge, and stray bytes are escaped."""
    rows = [made(2, said="turned left by 12 degrees, " * 30, path="\udcff\n" + "long " * 200)]
    pixels = opened(sheet(rows))
    assert pixels.shape[1] == GAP + 3 * (TILE + GAP)
    assert pixels.shape[0] < 2 * TILE + 200
    assert (pixels[:, -GAP:] == 255).all()


def test_nothing_to_show_is_an_empty_sheet() -> None:
    """Paper and no more."""
    assert (opened(sheet([])) == 255).all()
