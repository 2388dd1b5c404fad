"""The shares of train, val and test."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.data.fractions import Fractions
from pellucid.errors import RequestError


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("70,15,15", (0.7, 0.15, 0.15)),
        ("0.7,0.15,0.15", (0.7, 0.15, 0.15)),
        (" 80 , 20 , 0 ", (0.8, 0.2, 0.0)),
        ("100,0,0", (1.0, 0.0, 0.0)),
        ("33.3,33.3,33.4", (0.333, 0.333, 0.334)),
        ("1,0,0", (1.0, 0.0, 0.0)),
    ],
)
def test_shares_are_read_as_percent_or_fractions(text: str, shares: tuple[float, float, float]) -> None:
    """Three numbers that sum to 100 or to 1."""
    found = Fractions.parse(text)
    assert (found.train, found.val, found.test) == pytest.approx(shares)


@pytest.mark.parametrize(
    "text",
    ["", "70", "70,30", "70,15,15,0", "70,15,16", "0,50,50", "120,-10,-10", "a,b,c", "70;15;15", "nan,0,0",
     "inf,0,0", "1e400,0,0", "-100,100,100"],
)  # fmt: skip
def test_other_shares_are_refused(text: str) -> None:
    """Anything else is an error with the text that came."""
    with pytest.raises(RequestError) as caught:
        Fractions.parse(text)
    assert str(caught.value) == (
        f"The split '{text}' cannot be used. Three numbers, for train, val and test, that sum to 100 were"
        " expected; train above 0, none below. Write for example 70,15,15."
    )


@pytest.mark.parametrize(
    "shares", [(0.0, 0.5, 0.5), (0.7, 0.7, -0.4), (0.5, 0.2, 0.2), (float("nan"), 0.0, 0.0)]
)
def test_fractions_are_checked_where_they_are_made(shares: tuple[float, float, float]) -> None:
    """No Fractions exist that do not sum to 1, or with a share below 0, or with no train."""
    with pytest.raises(RequestError, match=r"^The split '.*' cannot be used\. "):
        Fractions(*shares)


@given(st.integers(1, 100).flatmap(lambda train: st.tuples(st.just(train), st.integers(0, 100 - train))))
def test_every_split_of_a_hundred_is_read(shares: tuple[int, int]) -> None:
    """All whole percentages come back as they were written."""
    train, val = shares
    found = Fractions.parse(f"{train},{val},{100 - train - val}")
    assert round(100 * found.train) == train
    assert round(100 * found.val) == val
