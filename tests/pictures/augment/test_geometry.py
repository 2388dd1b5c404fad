"""Transforms that move pixels: what they draw, where it leads, and in which words."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pellucid.errors import RequestError
from pellucid.pictures.augment.affine import Affine
from pellucid.pictures.augment.chance import Chance, Lot
from pellucid.pictures.augment.geometry import (
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from pellucid.pictures.augment.transform import Transform

N = 10_000
SHARES = st.tuples(*[st.floats(0, 1, exclude_max=True)] * 6)


def drawn(transform: Transform) -> dict[str, np.ndarray]:
    chance = Chance(type(transform).__name__, 0)
    rows = [transform.draw(chance.lot(b"", view)) for view in range(N)]
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def is_uniform(values: np.ndarray, lower: float, upper: float) -> bool:
    inside = lower <= values.min() and values.max() <= upper
    return inside and stats.kstest(values, "uniform", (lower, upper - lower)).pvalue > 0.001


@pytest.mark.parametrize(
    ("transform", "ranges"),
    [
        (RandomRotation(0.1), {"turn": (-0.1, 0.1)}),
        (RandomRotation((0.05, 0.3)), {"turn": (0.05, 0.3)}),
        (RandomZoom(0.2), {"height": (-0.2, 0.2), "width": (-0.2, 0.2)}),
        (RandomZoom((-0.3, -0.2), 0.1), {"height": (-0.3, -0.2), "width": (-0.1, 0.1)}),
        (RandomTranslation(0.2, (0, 0.5)), {"height": (-0.2, 0.2), "width": (0, 0.5)}),
        (RandomShear(0.3, 0.1), {"x": (-0.3, 0.3), "y": (-0.1, 0.1)}),
        (RandomCrop(8, 8), {"top": (0, 1), "left": (0, 1)}),
        (RandomResizedCrop((0.2, 1), (1, 1)), {"top": (0, 1), "left": (0, 1)}),
    ],
    ids=lambda value: repr(value) if isinstance(value, Transform) else "",
)
def test_ten_thousand_draws_are_uniform_over_the_stated_range(
    transform: Transform, ranges: dict[str, tuple[float, float]]
) -> None:
    """Kolmogorov and Smirnov find nothing, and no draw is outside."""
    found = drawn(transform)
    for name, (lower, upper) in ranges.items():
        assert is_uniform(found[name], lower, upper), name


def test_the_aspect_is_kept_unless_a_width_factor_is_given() -> None:
    """One number for both, or two that are independent."""
    kept, free = drawn(RandomZoom(0.2)), drawn(RandomZoom(0.2, 0.2))
    assert np.array_equal(kept["height"], kept["width"])
    assert abs(np.corrcoef(free["height"], free["width"])[0, 1]) < 0.05


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_half_of_the_pictures_are_mirrored(mode: Any) -> None:
    """Each direction that the mode names has a fair coin of its own, and the other never falls."""
    found = drawn(RandomFlip(mode))
    for direction in ("horizontal", "vertical"):
        times = int(found[direction].sum())
        if direction in mode.split("_and_"):
            assert stats.binomtest(times, N, 0.5).pvalue > 0.001
        else:
            assert times == 0
    if mode == "horizontal_and_vertical":
        both = int((found["horizontal"] & found["vertical"]).sum())
        assert stats.binomtest(both, N, 0.25).pvalue > 0.001


def test_a_pair_of_shears_has_one_random_sign() -> None:
    """As in Keras: (0.1, 0.3) draws from there, then both factors take one sign."""
    found = drawn(RandomShear((0.1, 0.3), (0.2, 0.2)))
    assert is_uniform(np.abs(found["x"]), 0.1, 0.3)
    assert set(found["y"].tolist()) == {-0.2, 0.2}
    assert np.array_equal(np.sign(found["x"]), np.sign(found["y"]))


def test_windows_have_the_area_and_aspect_that_were_asked_for() -> None:
    """Areas are uniform; aspects are uniform in the logarithm; a window never exceeds the picture."""
    found = drawn(RandomResizedCrop((0.1, 0.5), (3 / 4, 4 / 3)))
    area, ratio = found["height"] * found["width"], found["width"] / found["height"]
    assert is_uniform(area, 0.1 - 1e-12, 0.5 + 1e-12)
    assert is_uniform(np.log(ratio), -math.log(4 / 3) - 1e-9, math.log(4 / 3) + 1e-9)
    wide = drawn(RandomResizedCrop((1.0, 1.0), (0.5, 2)))
    assert max(wide["height"].max(), wide["width"].max()) == 1


@pytest.mark.parametrize(
    ("transform", "numbers", "expected"),
    [
        (RandomFlip(), {"horizontal": True, "vertical": True}, Affine(-1, 0, 29, 0, -1, 9)),
        (RandomZoom(0.5), {"height": 0.5, "width": -0.5}, Affine(0.5, 0, 7.25, 0, 1.5, -2.25)),
        (RandomTranslation(1, 1), {"height": 0.2, "width": -0.5}, Affine(c=15, f=-2)),
        (RandomShear(1, 1), {"x": 0.3, "y": -0.1}, Affine(b=0.3, d=-0.1)),
        (RandomCrop(padding=2), {"top": 0.0, "left": 0.99}, Affine(c=2, f=-2)),
        (RandomCrop(10, 20), {"top": 0.5, "left": 0.5}, Affine(c=5)),
        (
            RandomResizedCrop(),
            {"height": 0.5, "width": 0.1, "top": 1.0, "left": 0.0},
            Affine(0.1, 0, -0.45, 0, 0.5, 4.75),
        ),
    ],
    ids=lambda value: repr(value) if isinstance(value, Transform) else "",
)
def test_places_by_hand(transform: Transform, numbers: dict[str, Any], expected: Affine) -> None:
    """On a picture of 10 x 30."""
    placed, _ = transform.place(numbers, (10, 30))
    assert placed == pytest.approx(expected)


def test_every_window_is_as_likely_as_another() -> None:
    """A padding of one pixel gives nine shifts, each a ninth of the time; a chi-squared test."""
    transform, chance = RandomCrop(padding=1), Chance("RandomCrop", 0)
    shifts = [
        transform.place(transform.draw(chance.lot(b"", view)), (28, 28))[0].shift() for view in range(N)
    ]
    counts = [shifts.count((row, column)) for row in (-1, 0, 1) for column in (-1, 0, 1)]
    assert sum(counts) == N
    assert stats.chisquare(counts).pvalue > 0.001


@given(
    SHARES, st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(0, 9)
)
def test_a_window_that_fits_lies_inside_the_padded_picture(
    shares: tuple[float, ...], rows: int, columns: int, height: int, width: int, padding: int
) -> None:
    """It has its own size; one that does not fit is the largest of its aspect, about the middle."""
    transform = RandomCrop(height, width, padding)
    placed, given = transform.place(transform.draw(Lot(shares, 0)), (rows, columns))  # type: ignore[arg-type]
    assert given == (height, width)
    if rows + 2 * padding >= height and columns + 2 * padding >= width:
        assert placed.shift() is not None
        top, left = placed.shift() or (0, 0)
        assert -padding <= top <= rows + padding - height
        assert -padding <= left <= columns + padding - width
    else:
        step = placed.a
        assert placed.e == step == min(rows / height, columns / width)
        edges = [placed.c - step / 2, placed.f - step / 2]
        assert edges == pytest.approx([(columns - step * width - 1) / 2, (rows - step * height - 1) / 2])
        assert min(edges) >= -0.5 - 1e-9


@pytest.mark.parametrize(
    ("transform", "numbers", "text"),
    [
        (RandomFlip(), {"horizontal": True, "vertical": False}, "mirrored"),
        (RandomFlip(), {"horizontal": True, "vertical": True}, "mirrored, mirrored top to bottom"),
        (RandomFlip(), {"horizontal": False, "vertical": False}, ""),
        (RandomRotation(1), {"turn": 12 / 360}, "turned left by 12 degrees"),
        (RandomRotation(1), {"turn": -0.3 / 360}, "turned right by 0.3 degrees"),
        (RandomRotation(1), {"turn": 0.0}, ""),
        (RandomZoom(0.2), {"height": -0.08, "width": -0.08}, "zoomed in by 8 %"),
        (
            RandomZoom(0.2),
            {"height": 0.2, "width": -0.1},
            "zoomed out by 20 % in height, zoomed in by 10 % in width",
        ),
        (RandomTranslation(1, 1), {"height": 0.05, "width": -0.08}, "moved 5 % down, 8 % left"),
        (RandomTranslation(1, 1), {"height": 0.0, "width": 0.0}, ""),
        (RandomShear(1, 1), {"x": 0.05, "y": 0.0}, "sheared by 5 % along rows"),
        (RandomCrop(padding=2), {"top": 0.1, "left": 0.5}, "moved 2 pixels down"),
        (RandomCrop(padding=1), {"top": 0.5, "left": 0.9}, "moved 1 pixel left"),
        (
            RandomCrop(8, 9),
            {"top": 0.1, "left": 0.5},
            "8 x 9 window at 10 % from the top, 50 % from the left, where it fits",
        ),
        (
            RandomResizedCrop(),
            {"height": 0.7, "width": 0.8, "top": 0.0, "left": 0.0},
            "a window of 70 % of the height and 80 % of the width",
        ),
    ],
)
def test_what_was_drawn_in_words(transform: Transform, numbers: dict[str, Any], text: str) -> None:
    """As a person would say it; nothing where nothing changes."""
    assert transform.said(numbers) == text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: RandomRotation(1.2),
            "RandomRotation's factor is 1.2. A number from -1 to 1, or a pair of them (lower, upper), was "
            "expected. 0.1 turns by at most 36 degrees either way.",
        ),
        (
            lambda: RandomZoom((-1.0, 0.2)),
            "RandomZoom's height_factor is (-1.0, 0.2). A number above -1 and at most 1, or a pair of them "
            "(lower, upper), was expected. 0.2 zooms in or out by at most 20 %.",
        ),
        (
            lambda: RandomTranslation(0.1, 2),
            "RandomTranslation's width_factor is 2. A number from -1 to 1, or a pair of them (lower, upper), "
            "was expected. 0.1 moves by at most a tenth of the picture.",
        ),
        (
            lambda: RandomShear(-0.1),
            "RandomShear's x_factor is -0.1. A number from 0 to 1, or a pair of them (lower, upper), was "
            "expected. 0.1 slides each row by at most a tenth of a pixel against the one above it.",
        ),
        (
            lambda: RandomFlip("horizontl"),  # type: ignore[arg-type]
            "There is no mode of RandomFlip 'horizontl'. horizontal, vertical, horizontal_and_vertical are "
            "known. Did you mean horizontal?",
        ),
        (
            lambda: RandomCrop(0, 8),
            "RandomCrop's height is 0. A whole number from 1 to 4096 was expected. None keeps the picture's "
            "own.",
        ),
        (
            lambda: RandomCrop(padding=-1),
            "RandomCrop's padding is -1. A whole number from 0 to 4096 was expected. 4 is usual for pictures "
            "of 32 pixels.",
        ),
        (
            lambda: RandomResizedCrop((0.0, 1.0)),
            "RandomResizedCrop's crop_area_factor is (0.0, 1.0). A number above 0 and at most 1, or a pair "
            "of them (lower, upper), was expected. (0.5, 1) shows at least half of the picture.",
        ),
    ],
)
def test_a_factor_out_of_range_is_refused(make: Any, message: str) -> None:
    """The message says what came, what was expected and what would do."""
    with pytest.raises(RequestError) as caught:
        make()
    assert str(caught.value) == message
