"""All maps of a layer as one picture: where each thumbnail lies, and which colour each number has."""

import io
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pellucid.lab
from pellucid.lab.sprite import PALETTE, SIDE, Sprite, make_sprite


def pixels(sprite: Sprite) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(sprite.png)).convert("RGB"))


def tile(sprite: Sprite, channel: int) -> np.ndarray:
    row, column = divmod(channel, sprite.columns)
    top, left = row * sprite.height, column * sprite.width
    return pixels(sprite)[top : top + sprite.height, left : left + sprite.width]


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 3, 4), (7, 48, 2), (3, 100, 30), (17, 1, 1), (2, 2, 500)])
def test_each_channel_has_its_own_thumbnail(shape: tuple[int, int, int]) -> None:
    """A map that is full of one number is a thumbnail of one colour, at its place."""
    maps_CHW = np.broadcast_to(np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None, None], shape)
    sprite = make_sprite(maps_CHW, 1.0)
    assert max(sprite.height, sprite.width) == min(SIDE, max(shape[1:]))
    for channel in range(shape[0]):
        place = round(float(maps_CHW[channel, 0, 0]) * 127) + 127
        assert np.all(tile(sprite, channel) == PALETTE[place])


def test_small_maps_keep_every_cell_and_large_ones_are_averaged() -> None:
    """2x2 of 1 2 / 3 4 as it is; 96x96 in squares of two by two."""
    small = make_sprite(np.array([[[-4, 0], [2, 4]]], np.float32), 4.0)
    assert tile(small, 0).tolist() == [
        [[33, 102, 172], [255, 255, 255]],
        [PALETTE[191].tolist(), [230, 97, 1]],
    ]
    checked_HW = np.indices((96, 96)).sum(0) % 2
    large = make_sprite(checked_HW[None].astype(np.float32), 1.0)
    assert np.all(tile(large, 0) == PALETTE[127 + 64])


def test_what_is_no_number_is_grey_and_no_scale_is_white() -> None:
    """NaN and infinities end nothing."""
    maps_CHW = np.array([[[np.nan, np.inf, -np.inf]]], np.float32)
    grey, orange, blue = tile(make_sprite(maps_CHW, 1.0), 0)[0].tolist()
    assert (grey, orange, blue) == ([128] * 3, [230, 97, 1], [33, 102, 172])
    assert np.all(tile(make_sprite(np.zeros((1, 2, 2), np.float32), 0.0), 0) == 255)


def test_its_palette_is_the_pages_palette() -> None:
    """Every colour of it is what palette.js gives; where there is no Node, this is skipped."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("There is no Node on this machine.")
    palette = Path(pellucid.lab.__file__).parent / "page" / "palette.js"
    code = (
        f"import {{ colour }} from {palette.as_uri()!r};\n"
        "for (let at = -127; at <= 127; at++) console.log(...colour(at, 127));"
    )
    done = subprocess.run(
        [node, "--input-type=module", "-e", code], capture_output=True, text=True, check=True
    )
    theirs = [[int(part) for part in line.split()] for line in done.stdout.splitlines()]
    assert theirs == PALETTE[:255].tolist()
