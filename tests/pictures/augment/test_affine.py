"""Maps of the plane, with matrices of NumPy and hand-computed places as referees."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.pictures.augment.affine import IDENTITY, Affine, about_centre, rotation

NUMBERS = st.floats(-3, 3)
MAPS = st.builds(Affine, *[NUMBERS] * 6)


def matrix(one: Affine) -> np.ndarray:
    return np.array([one[:3], one[3:], (0, 0, 1)])


@given(MAPS, MAPS)
def test_one_map_after_another_is_the_product_of_their_matrices(first: Affine, later: Affine) -> None:
    """The later map is asked first, so it stands on the right."""
    assert matrix(first.after(later)) == pytest.approx(matrix(first) @ matrix(later), abs=1e-9)


@given(MAPS)
def test_the_identity_changes_no_map(one: Affine) -> None:
    """Before or after, to the bit."""
    assert one.after(IDENTITY) == one
    assert IDENTITY.after(one) == one


@pytest.mark.parametrize(
    ("one", "shift"),
    [
        (IDENTITY, (0, 0)),
        (Affine(c=3, f=-2), (-2, 3)),
        (Affine(c=3 + 1e-12, f=-2), (-2, 3)),
        (Affine(c=0.5), None),
        (Affine(f=1e-6), None),
        (Affine(a=-1, c=4), None),
        (Affine(b=1e-9), None),
        (Affine(a=0, b=1, d=1, e=0), None),
    ],
)
def test_a_shift_by_whole_pixels_is_recognised(one: Affine, shift: tuple[int, int] | None) -> None:
    """(rows, columns) of such a shift; anything else is none."""
    assert one.shift() == shift


def test_a_quarter_turn_is_counter_clockwise() -> None:
    """What was at the right edge of a square of 5 comes to the top: the top's middle asks for it."""
    a, b, c, d, e, f = rotation((5, 5), 0.25)
    x, y = 2, 0
    assert (a * x + b * y + c, d * x + e * y + f) == pytest.approx((4, 2))


@given(st.floats(-1, 1), st.integers(1, 300), st.integers(1, 300))
def test_a_turn_keeps_the_middle_and_all_distances(turn: float, height: int, width: int) -> None:
    """Its linear part is orthonormal and of determinant 1."""
    one = matrix(rotation((height, width), turn))
    middle = np.array([(width - 1) / 2, (height - 1) / 2, 1])
    assert one @ middle == pytest.approx(middle, abs=1e-9)
    assert one[:2, :2] @ one[:2, :2].T == pytest.approx(np.eye(2), abs=1e-12)
    assert np.linalg.det(one) == pytest.approx(1)


def test_a_mirror_about_the_middle_counts_columns_from_the_other_edge() -> None:
    """Column 0 of 7 asks for column 6."""
    assert about_centre((4, 7), -1, 0, 0, 1) == (-1, 0, 6, 0, 1, 0)
