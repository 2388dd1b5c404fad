"""The one warp, with bilinear interpolation written out in NumPy as referee."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pellucid.pictures.augment.affine import Affine, Frame, about_centre, rotation
from pellucid.pictures.augment.warp import FILL_MODES, FillMode, warp


def noisy(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def bilinear(
    pixels_HWC: NDArray[np.uint8], placed: Affine, given: Frame, mode: FillMode, value: float
) -> NDArray[np.float64]:
    """The definition: four neighbours, weighed by nearness, with Keras' meaning of what lies beyond."""
    height, width = pixels_HWC.shape[:2]
    y, x = np.mgrid[: given[0], : given[1]].astype(float)
    a, b, c, d, e, f = placed
    at_x, at_y = a * x + b * y + c, d * x + e * y + f

    def index(i: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        if mode == "wrap":
            return i % length
        if mode == "reflect":
            i = i % (2 * length)
            return np.where(i < length, i, 2 * length - 1 - i)
        return i.clip(0, length - 1)

    found = np.zeros((*given, pixels_HWC.shape[2]))
    left, top = np.floor(at_x).astype(int), np.floor(at_y).astype(int)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        i, j = top + row, left + column
        near = (1 - np.abs(at_y - i)) * (1 - np.abs(at_x - j))
        there = pixels_HWC[index(i, height), index(j, width)].astype(float)
        if mode == "constant":
            there[(i < 0) | (i >= height) | (j < 0) | (j >= width)] = value
        found += near[:, :, None] * there
    return found


@settings(deadline=None, max_examples=150)
@given(
    mode=st.sampled_from(FILL_MODES),
    channels=st.sampled_from((1, 3)),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    given_height=st.integers(1, 40),
    given_width=st.integers(1, 40),
    linear=st.tuples(*[st.floats(-2, 2)] * 4),
    moved=st.tuples(*[st.floats(-60, 60)] * 2),
    value=st.sampled_from((0.0, 7.0, 255.0)),
)
def test_the_warp_is_bilinear_interpolation_rounded(
    mode: FillMode,
    channels: int,
    height: int,
    width: int,
    given_height: int,
    given_width: int,
    linear: tuple[float, float, float, float],
    moved: tuple[float, float],
    value: float,
) -> None:
    """Any map, size and fill mode: no value is more than rounding (and 0.05) from the definition."""
    pixels_HWC = noisy(height, width, channels)
    a, b, d, e = linear
    placed, given = Affine(a, b, moved[0], d, e, moved[1]), (given_height, given_width)
    found = warp(pixels_HWC, placed, given, mode, value)
    assert found.shape == (*given, channels)
    assert found.dtype == np.uint8
    assert np.abs(found - bilinear(pixels_HWC, placed, given, mode, value)).max() <= 0.55


@settings(deadline=None, max_examples=80)
@given(
    mode=st.sampled_from(FILL_MODES),
    channels=st.sampled_from((1, 3)),
    rows=st.integers(-30, 30),
    columns=st.integers(-30, 30),
    given_height=st.integers(1, 30),
    given_width=st.integers(1, 30),
)
def test_a_whole_shift_is_a_copy(
    mode: FillMode, channels: int, rows: int, columns: int, given_height: int, given_width: int
) -> None:
    """Shifts are copied, and give to the bit what interpolation at whole places would."""
    pixels_HWC, given = noisy(12, 9, channels), (given_height, given_width)
    placed = Affine(c=columns, f=rows)
    found = warp(pixels_HWC, placed, given, mode, 9)
    assert np.array_equal(found, bilinear(pixels_HWC, placed, given, mode, 9))
    assert found.flags.c_contiguous
    assert not np.shares_memory(found, pixels_HWC)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", FILL_MODES)
def test_mirrors_and_full_turns_change_no_value(mode: FillMode, channels: int) -> None:
    """What falls on whole places comes out to the bit, though it goes through the interpolation."""
    pixels_HWC = noisy(21, 34, channels)
    mirrored = warp(pixels_HWC, about_centre((21, 34), -1, 0, 0, 1), (21, 34), mode)
    assert np.array_equal(mirrored, pixels_HWC[:, ::-1])
    turned = warp(pixels_HWC, rotation((21, 34), 1.0), (21, 34), mode)
    assert np.array_equal(turned, pixels_HWC)


def test_pixels_in_any_memory_are_taken() -> None:
    """Read-only, reversed and strided pictures give the same view as plain ones."""
    pixels_HWC, turned = noisy(20, 20), rotation((20, 20), 0.1)
    expected = warp(pixels_HWC[::-1, ::2].copy(), turned, (20, 20))
    assert np.array_equal(warp(pixels_HWC[::-1, ::2], turned, (20, 20)), expected)
    pixels_HWC.setflags(write=False)
    assert np.array_equal(warp(pixels_HWC, turned, (20, 20)), warp(pixels_HWC.copy(), turned, (20, 20)))
