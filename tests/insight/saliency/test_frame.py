"""Which part of a picture the network sees: the same geometry as the preprocessing's own pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.insight.saliency.frame import Box, Frame, frame_of
from pellucid.pictures.preprocess import Preprocess

_side = st.integers(8, 60)
_fit = st.sampled_from(["squash", "letterbox", "crop"])


def preprocess(height: int, width: int, fit: str) -> Preprocess:
    return Preprocess(height, width, fit, (0.0,) * 3, (255.0,) * 3)


@given(_side, _side, _side, _side, _fit)
def test_a_ramp_lands_where_the_frame_says(rows: int, columns: int, tall: int, wide: int, fit: str) -> None:
    """Each pixel that the network sees has the value that the ramp has at the place that the frame gives."""
    made = preprocess(rows, columns, fit)
    frame = frame_of(made, tall, wide)
    for axis, length in ((0, tall), (1, wide)):
        ramp = np.linspace(0, 240, length)
        pixels_HWC = np.repeat((ramp[:, None] if axis == 0 else ramp[None])[:, :, None], 3, 2)
        pixels_HWC = np.broadcast_to(pixels_HWC, (tall, wide, 3)).round().astype(np.uint8)
        view_HWC = made.view(pixels_HWC)
        line = view_HWC[:, columns // 2, 0] if axis == 0 else view_HWC[rows // 2, :, 0]
        where = frame.row if axis == 0 else frame.column
        part = where(1) - where(0)
        for place in range(len(line)):
            middle = where(place + 0.5)
            if max(part, 1) <= middle <= length - max(part, 1):  # away from the edges, where it is smoothed
                assert line[place] == pytest.approx(np.interp(middle - 0.5, np.arange(length), ramp), abs=2.5)


def test_each_fit_by_hand() -> None:
    """A picture of 100 x 200 in an input of 50 x 50."""
    squash = frame_of(preprocess(50, 50, "squash"), 100, 200)
    assert squash == Frame(100, 200, 50, 50, 0, 0, 100, 200)
    assert squash.box(0, 0, 25, 50) == Box(0, 0, 49, 199)
    crop = frame_of(preprocess(50, 50, "crop"), 100, 200)
    assert crop == Frame(100, 200, 50, 50, 0, 50, 100, 150)
    assert crop.box(10, 10, 20, 20) == Box(20, 70, 39, 89)
    letterbox = frame_of(preprocess(50, 50, "letterbox"), 100, 200)
    assert letterbox == Frame(100, 200, 50, 50, -48, 0, 152, 200)
    assert letterbox.box(0, 0, 50, 50) == Box(0, 0, 99, 199)
    assert (squash.cut, crop.cut, letterbox.cut) == (False, True, False)
    assert (letterbox.row(12), letterbox.column(25)) == (0, 100)


def test_a_box_is_never_empty_and_never_outside() -> None:
    """Not on a picture of one pixel, and not where the part lies in a letterbox's margin."""
    one = frame_of(preprocess(224, 224, "squash"), 1, 1)
    assert one.box(100, 100, 101, 101) == Box(0, 0, 0, 0)
    assert one.box(0, 0, 224, 224).to_json() == {"top": 0, "left": 0, "bottom": 0, "right": 0}
    assert frame_of(preprocess(50, 50, "letterbox"), 100, 200).box(0, 0, 3, 3) == Box(0, 0, 0, 11)
