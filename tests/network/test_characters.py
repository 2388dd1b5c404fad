"""The ten drawn digits."""

import numpy as np

from pellucid.network.characters import HEIGHT, WIDTH, drawn_digits


def test_each_digit_is_a_picture_of_its_own() -> None:
    """There are ten of 7x12 pixels, ink and paper only, none like another, each with a margin of paper."""
    digits = drawn_digits()
    assert digits.shape == (HEIGHT * WIDTH, 10) == (84, 10)
    assert set(np.unique(digits)) == {-1, 1}
    assert np.unique(digits, axis=1).shape == (84, 10)
    assert (digits.T.reshape(10, HEIGHT, WIDTH)[:, [0, -1]] == -1).all()


def test_the_pixels_lie_row_by_row() -> None:
    """Unfolded by rows, the one is a one: an upright in the middle, a flag to its left and a foot."""
    one = drawn_digits()[:, 1].reshape(HEIGHT, WIDTH)
    assert one[:, 3].tolist() == [-1] + [1] * 10 + [-1]
    assert one[10].tolist() == [-1, 1, 1, 1, 1, 1, -1]
    assert one[3].tolist() == [-1, 1, 1, 1, -1, -1, -1]
