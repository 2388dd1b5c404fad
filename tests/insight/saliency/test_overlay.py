"""A saliency map as a PNG: the picture, colours where the map is high, a legend; any name and any size."""

import io

import numpy as np
import pytest
from PIL import Image

from pellucid.insight.saliency.cam import grad_cam
from pellucid.insight.saliency.frame import Frame, frame_of
from pellucid.insight.saliency.grid import Axis
from pellucid.insight.saliency.map import Saliency, scaled
from pellucid.insight.saliency.overlay import Words, overlay
from pellucid.pictures.preprocess import Preprocess

WORDS = Words("bee  97.1 %", "Grad-CAM at bn2")


def of(
    signed_HW: np.ndarray, method: str = "grad-cam", layer: str | None = "bn2", side: int = 64
) -> Saliency:
    axes = Axis.stretched(signed_HW.shape[0], side), Axis.stretched(signed_HW.shape[1], side)
    map_HW, scale = scaled(signed_HW)
    evidence = grad_cam(signed_HW[None], np.ones((1, *signed_HW.shape)))
    return Saliency(method, layer, 0, "bee", 1.0, 0.97, "bee", 0.97, map_HW, scale, axes, evidence)


def whole(height: int, width: int, side: int = 64) -> Frame:
    return frame_of(Preprocess(side, side, "squash", (0.0,) * 3, (1.0,) * 3), height, width)


def opened(png: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB")).astype(int)


def test_the_picture_stands_beside_itself_in_grey_with_colours_where_the_map_is_high() -> None:
    """Left the very colours; right grey where the map is 0, coloured where it is high; the box on both."""
    pixels_HWC = np.full((200, 200, 3), (40, 120, 200), np.uint8)
    signed_HW = np.zeros((8, 8))
    signed_HW[1:3, 1:3] = 5.0
    paper = opened(overlay(pixels_HWC, whole(200, 200), of(signed_HW), WORDS))
    height, width, _ = paper.shape
    assert (height, width) == (536, 1076)
    left, right = paper[60:520, 16:476], paper[60:520, 490:950]
    np.testing.assert_allclose(left[300, 300], (40, 120, 200), atol=1)
    cold, hot = right[300, 300], right[115, 115]
    assert np.ptp(cold) <= 1
    assert np.ptp(hot) > 60
    for panel in (left, right):  # the box: half of the height lies half a cell beyond the cells
        assert (panel[55:60, 110] > 240).all(axis=1).any() or (panel[30:34, 110] > 240).all(axis=1).any()
    legend = paper[100:480, 964:978]
    assert legend.mean(axis=(1, 2))[20:40].mean() > legend.mean(axis=(1, 2))[-40:-20].mean()


def test_for_and_against_have_colours_of_their_own() -> None:
    """Orange speaks for the class and purple against it; 0 is grey."""
    signed_HW = np.zeros((6, 6))
    signed_HW[:, :2], signed_HW[:, 4:] = 1.0, -1.0
    grey_HWC = np.full((60, 60, 3), 128, np.uint8)
    paper = opened(overlay(grey_HWC, whole(60, 60), of(signed_HW, "occlusion", None), WORDS))
    row = paper[60 + 400, 490:950]
    assert row[10][0] > row[10][2] + 60  # more red than blue
    assert row[450][2] > row[450][1] + 40  # more blue than green
    assert np.ptp(row[230]) <= 2


@pytest.mark.parametrize(
    "name", ["$10^{", "a\nb", "\x1b[31m", "蜜蜂 🐝", "<img src=x onerror=1>", "x" * 500, ""]
)
def test_any_name_is_drawn(name: str) -> None:
    """No markup is obeyed, no letter that the font lacks complained of, and nothing runs over the edge."""
    picture_HWC = np.zeros((10, 10, 3), np.uint8)
    paper = opened(overlay(picture_HWC, whole(10, 10), of(np.eye(4)), Words(name, name)))
    assert (paper[:60, -8:] == 255).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (3000, 40)])
def test_any_size_is_drawn(size: tuple[int, int]) -> None:
    """One pixel, one row, one column, one that is long."""
    paper = opened(overlay(np.zeros((*size, 3), np.uint8), whole(*size), of(np.eye(7)), WORDS))
    assert max(paper.shape[:2]) < 1200


@pytest.mark.parametrize("signed_HW", [np.zeros((4, 4)), -np.ones((4, 4)), np.ones((1, 1)), np.eye(64)])
@pytest.mark.parametrize(("method", "layer"), [("grad-cam", "bn2"), ("integrated-gradients", None)])
def test_maps_of_nothing_of_one_cell_and_of_every_pixel(
    signed_HW: np.ndarray, method: str, layer: str | None
) -> None:
    """All are drawn, and drawn the same again."""
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    found = of(signed_HW, method, layer)
    assert overlay(pixels_HWC, whole(50, 70), found, WORDS) == overlay(
        pixels_HWC, whole(50, 70), found, WORDS
    )


def test_what_the_network_does_not_see_is_not_coloured() -> None:
    """Cut to a square, the sides of a wide picture stay grey."""
    frame = frame_of(Preprocess(64, 64, "crop", (0.0,) * 3, (1.0,) * 3), 100, 300)
    picture_HWC = np.full((100, 300, 3), 100, np.uint8)
    paper = opened(overlay(picture_HWC, frame, of(np.ones((4, 4))), WORDS))
    row = paper[60 + 75, 490:950]
    assert np.ptp(row[60]) <= 1 and np.ptp(row[400]) <= 1
    assert np.ptp(row[230]) > 60
