"""Factors as Keras takes them, and what is said where one is out of range."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import RequestError
from pellucid.pictures.augment.factor import (
    Limits,
    between,
    bounds,
    check_number,
    check_whole,
    check_word,
)

BOTH = Limits(-1, 1)
UP = Limits(0, 1, "from nought")


class RandomThing:
    """Whose factor it is."""


@pytest.mark.parametrize(
    ("factor", "limits", "expected"),
    [
        (0.2, BOTH, (-0.2, 0.2)),
        (-0.2, BOTH, (-0.2, 0.2)),
        (1, BOTH, (-1, 1)),
        ((0.1, 0.3), BOTH, (0.1, 0.3)),
        ((0.3, -0.1), BOTH, (-0.1, 0.3)),
        (0.2, UP, (0, 0.2)),
        ((0.2, 0.2), UP, (0.2, 0.2)),
    ],
)
def test_a_number_or_a_pair_becomes_two_bounds(
    factor: Any, limits: Limits, expected: tuple[float, float]
) -> None:
    """One number means both ways or from nought, as the transform has it; a pair is sorted."""
    assert bounds(RandomThing(), "factor", factor, limits, "") == expected


@pytest.mark.parametrize(
    "factor",
    [1.5, -1.01, (0.1, 1.5), (0.1,), (0.1, 0.2, 0.3), [0.1, 0.2], "0.1", None, True, math.nan, math.inf],
)
def test_a_factor_out_of_range_is_refused(factor: Any) -> None:
    """The message names the transform, the factor, the range and what would do."""
    with pytest.raises(RequestError) as caught:
        bounds(RandomThing(), "factor", factor, BOTH, "0.1 is usual.")
    assert str(caught.value) == (
        f"RandomThing's factor is {factor!r}. A number from -1 to 1, or a pair of them (lower, upper), was "
        "expected. 0.1 is usual."
    )


def test_a_bound_can_be_open() -> None:
    """Where the least value itself is no factor, the message says above."""
    limits = Limits(-1, 1, open_below=True)
    assert bounds(RandomThing(), "factor", -0.99, limits, "") == (-0.99, 0.99)
    with pytest.raises(RequestError, match=r"A number above -1 and at most 1, or a pair"):
        bounds(RandomThing(), "factor", -1, limits, "")


def test_single_numbers_are_checked() -> None:
    """A number, or a whole number, within its range."""
    check_number(RandomThing(), "alpha", 0.5, UP, "")
    check_whole(RandomThing(), "padding", 4, 0, 9, "")
    with pytest.raises(RequestError) as caught:
        check_number(RandomThing(), "alpha", 2, UP, "Take 0.2.")
    assert str(caught.value) == "RandomThing's alpha is 2. A number from 0 to 1 was expected. Take 0.2."
    for wrong in (-1, 10, 4.0, True, "4"):
        with pytest.raises(RequestError) as caught:
            check_whole(RandomThing(), "padding", wrong, 0, 9, "Take 4.")
        assert str(caught.value) == (
            f"RandomThing's padding is {wrong!r}. A whole number from 0 to 9 was expected. Take 4."
        )


def test_an_unknown_word_names_the_nearest() -> None:
    """Whatever came, even an escape of a terminal."""
    with pytest.raises(RequestError) as caught:
        check_word("fill mode", "refl\x1bect", ("reflect", "wrap"))
    assert str(caught.value) == (
        "There is no fill mode 'refl\\x1bect'. reflect, wrap are known. Did you mean reflect?"
    )


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1, exclude_max=True))
def test_what_is_drawn_lies_between_its_bounds(one: float, other: float, share: float) -> None:
    """Both bounds included; equal bounds give that number to the bit."""
    lower, upper = sorted((one, other))
    assert lower - 1e-15 <= between((lower, upper), share) <= upper + 1e-15
    assert between((lower, lower), share) == lower
    assert between((lower, upper), 0.0) == lower
