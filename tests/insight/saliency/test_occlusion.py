"""Occlusion sensitivity: covering, by hand and one square after the other."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import RequestError
from pellucid.events import Advanced, Listener, PhaseEnded, PhaseStarted, silent
from pellucid.insight.saliency.growing import finished
from pellucid.insight.saliency.occlusion import WORK, Occlusion, coverings


def occlusion(*given: Any, listen: Listener = silent, **named: Any) -> Occlusion:
    """All squares covered."""
    return finished(coverings(*given, **named), listen, *WORK)


def total(x_NCHW: np.ndarray) -> np.ndarray:
    """A linear network of two classes: the sum of all pixels, and minus it."""
    sums_N = x_NCHW.sum(axis=(1, 2, 3), dtype=np.float64)
    return np.stack([sums_N, -sums_N], axis=1)


def test_a_linear_network_loses_what_is_covered() -> None:
    """Squares that do not overlap: each cell loses the sum of its own pixels, and all cells the whole."""
    x_CHW = np.arange(16.0).reshape(1, 4, 4)
    found = occlusion(total, x_CHW, 0, window=2, stride=2)
    np.testing.assert_array_equal(found.signed_HW, [[0 + 1 + 4 + 5, 2 + 3 + 6 + 7], [42, 50]])
    np.testing.assert_array_equal(found.covered_HW, 120 - found.signed_HW)
    assert (found.whole, found.signed_HW.sum()) == (120, 120)
    np.testing.assert_array_equal(occlusion(total, x_CHW, 1, window=2, stride=2).signed_HW, -found.signed_HW)
    assert [found.grid[0].middle(row) for row in (0, 1)] == [1, 3]


@given(st.data())
def test_each_cell_is_one_picture_with_one_square_covered(data: st.DataObject) -> None:
    """Any size, window, stride and filling, against a loop that covers pixels one by one."""
    height, width = (data.draw(st.integers(1, 9)) for _ in range(2))
    window, stride = (data.draw(st.integers(1, 5)) for _ in range(2))
    fill = data.draw(st.sampled_from([0.0, -1.5]))
    x_CHW = np.random.default_rng(height * 10 + width).random((2, height, width), np.float32)
    found = occlusion(total, x_CHW, 0, window=window, stride=stride, fill=fill)
    assert found.signed_HW.shape == (-(-height // stride), -(-width // stride))
    for row, column in np.ndindex(found.signed_HW.shape):
        copy_CHW = x_CHW.copy()
        top, left = ((place + 0.5) * stride - window / 2 for place in (row, column))
        for y, x in np.ndindex(height, width):
            if np.floor(top) <= y < np.floor(top) + window and np.floor(left) <= x < np.floor(left) + window:
                copy_CHW[:, y, x] = fill
        assert found.covered_HW[row, column] == pytest.approx(copy_CHW.sum(dtype=np.float64), abs=1e-4)


@pytest.mark.parametrize(("side", "stride", "window"), [(224, 18, 36), (28, 2, 4), (8, 1, 3), (1, 1, 3)])
def test_a_twelfth_of_the_side_unless_told_otherwise(side: int, stride: int, window: int) -> None:
    """The square is twice as wide, and in the middle of its cell; a picture of one pixel is covered whole."""
    found = occlusion(total, np.ones((1, side, side)), 0)
    assert (found.stride, found.window) == (stride, window)
    assert found.signed_HW[0, 0] == min((stride + window) // 2, side) ** 2


def test_it_works_in_batches_and_tells_of_them() -> None:
    """No more than sixteen pictures at a time, and as many as there are squares in all."""
    sizes, heard = [], []

    def watched(x_NCHW: np.ndarray) -> np.ndarray:
        sizes.append(len(x_NCHW))
        return total(x_NCHW)

    occlusion(watched, np.ones((1, 6, 7)), 0, window=1, stride=1, listen=heard.append)
    assert sizes == [1, 16, 16, 10]
    assert heard[0] == PhaseStarted("Covering parts of the picture", 42, "squares")
    assert [one.count for one in heard if isinstance(one, Advanced)] == [16, 16, 10]
    assert isinstance(heard[-1], PhaseEnded)


def test_a_square_of_no_size() -> None:
    """It is refused."""
    with pytest.raises(RequestError) as caught:
        occlusion(total, np.ones((1, 4, 4)), 0, window=0, stride=2)
    assert str(caught.value) == (
        "The window is 0 and the stride 2. Whole numbers of pixels from 1 were expected. Leave them out for "
        "a twelfth of the picture."
    )
