"""The one warp, with bilinear interpolation written out in NumPy, and `Preprocess`, as referees."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pellucid.pictures.augment.affine import IDENTITY, Affine, Frame, about_centre, rotation
from pellucid.pictures.augment.warp import FILL_MODES, FillMode, warp
from pellucid.pictures.preprocess import Preprocess

HALF = (127.5, 127.5, 127.5)


def noisy(height: int, width: int, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    blocks = Image.fromarray(noisy(6, 8))
    return np.array(blocks.resize((width, height), Image.Resampling.BICUBIC))


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
    found = warp(pixels_HWC, (height, width), placed, given, mode, value)
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
    found = warp(pixels_HWC, (12, 9), placed, given, mode, 9)
    assert np.array_equal(found, bilinear(pixels_HWC, placed, given, mode, 9))
    assert found.flags.c_contiguous
    assert not np.shares_memory(found, pixels_HWC)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", FILL_MODES)
def test_mirrors_and_full_turns_change_no_value(mode: FillMode, channels: int) -> None:
    """What falls on whole places comes out to the bit, though it goes through the interpolation."""
    pixels_HWC = noisy(21, 34, channels)
    mirrored = warp(pixels_HWC, (21, 34), about_centre((21, 34), -1, 0, 0, 1), (21, 34), mode)
    assert np.array_equal(mirrored, pixels_HWC[:, ::-1])
    turned = warp(pixels_HWC, (21, 34), rotation((21, 34), 1.0), (21, 34), mode)
    assert np.array_equal(turned, pixels_HWC)


@pytest.mark.parametrize("size", [(300, 411), (90, 70), (16, 16), (1, 1), (60, 3000)])
def test_without_a_map_a_picture_is_brought_to_size_as_preprocess_does_it(size: Frame) -> None:
    """Larger or smaller, to the bit: an unchanged view is what the network is tested with."""
    pixels_HWC = smooth(*size)
    expected = Preprocess(64, 48, "squash", HALF, HALF).view(pixels_HWC)
    found = warp(pixels_HWC, (64, 48), IDENTITY, (64, 48))
    assert np.array_equal(found, expected)
    assert not np.shares_memory(found, pixels_HWC)


def test_a_zoom_into_a_large_picture_shows_its_own_detail() -> None:
    """The middle quarter of 256 x 256, at 64 x 64, is that quarter, not blown up from a shrunk one."""
    pixels_HWC = smooth(256, 256)
    pixels_HWC[::2] //= 2  # stripes of one pixel, which are gone once it is shrunk to 64
    middle = about_centre((64, 64), 0.25, 0, 0, 0.25)
    found = warp(pixels_HWC, (64, 64), middle, (64, 64)).astype(int)
    assert np.abs(found - pixels_HWC[96:160, 96:160]).max() <= 1
    shrunk = warp(warp(pixels_HWC, (64, 64), IDENTITY, (64, 64)), (64, 64), middle, (64, 64)).astype(int)
    assert np.abs(shrunk - pixels_HWC[96:160, 96:160]).mean() > 20


def test_a_large_picture_is_shown_without_false_patterns() -> None:
    """Stripes of one pixel, turned and shown at a quarter of their size, become even grey."""
    pixels_HWC = np.zeros((400, 400, 1), np.uint8)
    pixels_HWC[::2] = 255
    found = warp(pixels_HWC, (100, 100), rotation((100, 100), 0.03), (100, 100))
    assert np.abs(found[10:-10, 10:-10].astype(int) - 127).max() <= 3


def test_a_turn_of_a_large_picture_is_that_of_the_shrunk_one() -> None:
    """Where nothing is zoomed in, shrinking first and warping both at once give the same to the bit."""
    pixels_HWC = smooth(300, 200)
    for turned in (rotation((90, 80), 0.0), rotation((90, 80), 0.25), about_centre((90, 80), 1.5, 0, 0, 1.2)):
        at_once = warp(pixels_HWC, (90, 80), turned, (90, 80))
        one_by_one = warp(warp(pixels_HWC, (90, 80), IDENTITY, (90, 80)), (90, 80), turned, (90, 80))
        assert np.array_equal(at_once, one_by_one)


def test_a_picture_longer_than_opencv_can_count_is_shrunk_first() -> None:
    """40,000 columns are more than 16 bits hold; the view comes out all the same."""
    pixels_HWC = np.repeat(np.arange(40, dtype=np.uint8) * 6, 1000)[None, :, None].repeat(2, 0)
    found = warp(pixels_HWC, (2, 40_000), Affine(a=0.9), (2, 30_000))
    assert found.shape == (2, 30_000, 1)
    assert np.abs(found[0, ::100, 0].astype(int) - pixels_HWC[0, :27_000:90, 0]).mean() < 1


def test_pixels_in_any_memory_are_taken() -> None:
    """Read-only, reversed and strided pictures give the same view as plain ones."""
    pixels_HWC, turned = noisy(20, 20), rotation((20, 20), 0.1)
    expected = warp(pixels_HWC[::-1, ::2].copy(), (20, 10), turned, (20, 20))
    assert np.array_equal(warp(pixels_HWC[::-1, ::2], (20, 10), turned, (20, 20)), expected)
    pixels_HWC.setflags(write=False)
    assert np.array_equal(
        warp(pixels_HWC, (20, 20), turned, (20, 20)), warp(pixels_HWC.copy(), (20, 20), turned, (20, 20))
    )
