"""A saliency map: its numbers in 0..1, its peak, and its strongest region."""

import numpy as np
import pytest

from pellucid.insight.saliency.grid import Axis
from pellucid.insight.saliency.map import Saliency, scaled


def of(map_HW: np.ndarray, side: int) -> Saliency:
    axes = Axis.stretched(map_HW.shape[0], side), Axis.stretched(map_HW.shape[1], side)
    values_HW, scale = scaled(map_HW.astype(np.float64))
    return Saliency("grad-cam", "0", 1, "b", 2.0, 0.9, "b", 0.9, values_HW, scale, axes, None)


def test_the_negative_is_left_out_and_the_largest_is_one() -> None:
    """The scale is the largest number; a map without a positive one is all zeros."""
    map_HW, scale = scaled(np.array([[-2.0, 4.0], [1.0, 0.0]]))
    np.testing.assert_array_equal(map_HW, [[0, 1], [0.25, 0]])
    assert (scale, map_HW.dtype) == (4.0, np.float32)
    for nothing in ([[-1.0, 0.0]], [[np.nan, 1.0]]):
        map_HW, scale = scaled(np.array(nothing))
        assert (map_HW.tolist(), scale) == ([[0, 0]], 0.0)


def test_the_peak_and_the_region_around_it() -> None:
    """What hangs together with the peak at half of its height; the share is of all of the map."""
    map_HW = np.zeros((8, 8))
    map_HW[1:3, 5:7] = 4
    map_HW[6, 0] = 3.9
    found = of(map_HW, 8)
    assert found.peak == (1, 5)
    region = found.region()
    assert (region.top, region.left, region.bottom, region.right) == (1, 5, 3, 7)
    assert region.share == pytest.approx(16 / 19.9)


def test_a_map_of_nothing_has_no_region() -> None:
    """Where nothing speaks for the class there is no box."""
    assert of(-np.ones((4, 4)), 16).region() is None


def test_a_map_of_single_pixels_is_blurred_before_its_region_is_sought() -> None:
    """One bright pixel alone does not win over a patch of many."""
    map_HW = np.zeros((112, 112))
    map_HW[80:90, 20:30:2] = 1
    map_HW[5, 100] = 1.2
    region = of(map_HW, 112).region()
    assert 75 <= region.top <= 80 and 15 <= region.left <= 20
    assert 85 <= region.bottom <= 95 and 25 <= region.right <= 35


def test_drawn_out_over_the_whole_input() -> None:
    """float32 of the size asked for; the same size gives the map itself."""
    found = of(np.arange(16.0).reshape(4, 4), 4)
    np.testing.assert_allclose(found.upsampled(4, 4), found.map_HW)
    assert found.upsampled(7, 9).shape == (7, 9)
    assert found.upsampled(7, 9).dtype == np.float32
