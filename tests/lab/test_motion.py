"""A warp in words: the words of each single change, and numbers that make the same map again."""

import re
from math import cos, radians, sin

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pellucid.lab.motion import told
from pellucid.pictures.augment.affine import IDENTITY, Affine, about_centre, rotation
from pellucid.pictures.augment.geometry import RandomZoom

FRAME = (101, 201)


@pytest.mark.parametrize(
    ("placed", "words"),
    [
        (IDENTITY, "as it is"),
        (rotation(FRAME, 14 / 360), "turned left by 14 degrees"),
        (rotation(FRAME, -0.25), "turned right by 90 degrees"),
        (about_centre(FRAME, -1, 0, 0, 1), "mirrored"),
        (about_centre(FRAME, 1, 0, 0, -1), "mirrored top to bottom"),
        (about_centre(FRAME, 0.87, 0, 0, 0.87), "zoomed in by 13 %"),
        (about_centre(FRAME, 0.5, 0, 0, 2), "zoomed out by 100 % in height, zoomed in by 50 % in width"),
        (Affine(c=-3, f=12), "its middle moved by pixels: 12 up and 3 right"),
        (Affine(b=0.3), "sheared by 30 %, its middle moved by pixels: 15 left"),
        (
            rotation(FRAME, 14 / 360).after(about_centre(FRAME, 1.1, 0, 0, 1.1)),
            "turned left by 14 degrees, zoomed out by 10 %",
        ),
        (Affine(0, 0, 5, 0, 1, 0), "all of the view shows one line of the picture"),
    ],
)
def test_each_change_in_words(placed: Affine, words: str) -> None:
    """Literally."""
    assert told(placed, FRAME, FRAME) == words


@given(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9))
def test_a_zoom_is_told_in_the_transform_s_own_measure(height: float, width: float) -> None:
    """What was drawn and what the map does are one number on the page."""
    transform = RandomZoom(0.9, 0.9)
    numbers = {"height": np.float64(height), "width": np.float64(width)}
    placed, _ = transform.place(numbers, FRAME)
    assume(abs(height) >= 0.003 and abs(width) >= 0.003 and abs((1 + height) / (1 + width) - 1) > 0.003)
    # Half a per cent is rounded either way, by the last bit of what it was computed from.
    assume(all(abs(100 * abs(part) % 1 - 0.5) > 1e-6 for part in (height, width)))
    assert told(placed, FRAME, FRAME) == transform.said(numbers)


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
    zooms = re.findall(r"zoomed (in|out) by ([\d.]+) %( in height| in width|)", words)
    more = {which: (1 if way == "out" else -1) * float(value) / 100 for way, value, which in zooms}
    both = more.get("", 0.0)
    assert more.get(" in height", both) == pytest.approx(1 / down - 1, abs=0.0125)
    assert more.get(" in width", both) == pytest.approx(1 / across - 1, abs=0.0125)
    sheared = re.search(r"sheared by (\d+) %", words)
    assert (int(sheared[1]) if sheared else 0) == pytest.approx(abs(100 * slant), abs=0.51)
