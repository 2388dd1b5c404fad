"""A warp in words: the words of each single change, and numbers that make the same map again."""

import re
from math import cos, radians, sin

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.lab.motion import told
from pellucid.pictures.augment.affine import IDENTITY, Affine, about_centre, rotation

FRAME = (101, 201)


@pytest.mark.parametrize(
    ("placed", "words"),
    [
        (IDENTITY, "as it is"),
        (rotation(FRAME, 14 / 360), "turned left by 14 degrees"),
        (rotation(FRAME, -0.25), "turned right by 90 degrees"),
        (about_centre(FRAME, -1, 0, 0, 1), "mirrored"),
        (about_centre(FRAME, 1, 0, 0, -1), "mirrored top to bottom"),
        (about_centre(FRAME, 1 / 0.9, 0, 0, 1 / 0.9), "zoomed by 0.9"),
        (about_centre(FRAME, 0.5, 0, 0, 2), "zoomed by 0.5 in height and 2 in width"),
        (Affine(c=-3, f=12), "its middle moved by pixels: 12 up and 3 right"),
        (Affine(b=0.3), "sheared by 30 %, its middle moved by pixels: 15 left"),
        (
            rotation(FRAME, 14 / 360).after(about_centre(FRAME, 1 / 0.9, 0, 0, 1 / 0.9)),
            "turned left by 14 degrees, zoomed by 0.9",
        ),
        (Affine(0, 0, 5, 0, 1, 0), "all of the view shows one line of the picture"),
    ],
)
def test_each_change_in_words(placed: Affine, words: str) -> None:
    """Literally."""
    assert told(placed, FRAME, FRAME) == words


def test_a_window_is_no_move() -> None:
    """A crop from the middle leaves the middle where it was, whatever its size."""
    assert told(Affine(c=50, f=25), FRAME, (51, 101)) == "as it is"


@given(
    st.booleans(),
    st.floats(-179, 179),
    st.floats(0.3, 3),
    st.floats(0.3, 3),
    st.floats(-0.4, 0.4),
)
def test_the_words_make_the_same_map_again(
    mirror: bool, turn: float, across: float, down: float, slant: float
) -> None:
    """P = R Z M, put together from the numbers in the words, is the inverse of the map, as far as rounded."""
    angle = radians(-turn)
    turning = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    zooming = np.array([[across, slant * down], [0, down]])
    linear = turning @ zooming @ np.diag([-1 if mirror else 1, 1])
    (a, b), (d, e) = np.linalg.inv(linear)
    words = told(about_centre(FRAME, a, b, d, e), FRAME, FRAME)
    if "top to bottom" in words:  # a mirroring and a half turn are told as one thing
        assert mirror
        assert abs(turn) > 178
        return
    assert words.startswith("mirrored") == mirror
    found = re.search(r"turned (left|right) by ([\d.]+) degrees", words)
    told_turn = (1 if found[1] == "left" else -1) * float(found[2]) if found else 0.0
    assert told_turn == pytest.approx(turn, abs=0.51)
    both = re.search(r"zoomed by ([\d.]+) in height and ([\d.]+) in width", words)
    one = re.search(r"zoomed by ([\d.]+)", words)
    high, wide = (float(both[1]), float(both[2])) if both else (float(one[1]),) * 2 if one else (1.0, 1.0)
    assert high == pytest.approx(down, rel=0.006)
    assert wide == pytest.approx(across, rel=0.006)
    sheared = re.search(r"sheared by (\d+) %", words)
    assert (int(sheared[1]) if sheared else 0) == pytest.approx(abs(100 * slant), abs=0.51)
