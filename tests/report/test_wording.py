"""Numbers and names as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.report.wording import counted, duration, moment, number, percent, points, short, span

DASH = "\N{EN DASH}"


def spaced(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (35 / 36, "97.2 %"),
        (0.0, "0.0 %"),
        (1.0, "100.0 %"),
        (0.9996, "99.96 %"),
        (0.9999999, "> 99.99 %"),
        (0.0004, "0.04 %"),
        (1e-9, "< 0.01 %"),
        (None, DASH),
        (float("nan"), DASH),
    ],
)
def test_a_share_is_said_in_percent(share: float | None, text: str) -> None:
    """One decimal, more where it would otherwise read as all or nothing, and a dash where it is undefined."""
    assert spaced(percent(share)) == text


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_only_all_is_called_all_and_only_none_none(share: float) -> None:
    """No share strictly between 0 and 1 is printed as 0 or 100 %."""
    assert spaced(percent(share)) not in ("0.0 %", "100.0 %", "0.00 %", "100.00 %")


def test_an_interval_names_both_ends() -> None:
    """The unit stands once, at the end."""
    assert spaced(span([0.8583, 0.9951])) == "85.8 to 99.5 %"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.314, "0.31 s"), (5.1, "5.10 s"), (42.04, "42.0 s"), (59.96, "1 min 00 s"), (125.2, "2 min 05 s")],
)
def test_a_time_is_said_in_seconds_or_minutes(seconds: float, text: str) -> None:
    """Two decimals under ten seconds, one under a minute, then minutes."""
    assert spaced(duration(seconds)) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0001, "0.0001"), (1e4, "10000"), (0.123456, "0.1235"), (1e-7, "1e-07"), (1.0, "1")]
)
def test_a_setting_has_four_digits(value: float, text: str) -> None:
    """Strengths from 0.0001 to 10000 read without an exponent."""
    assert short(value) == text


def test_the_other_figures() -> None:
    """Counts have their noun, differences their points, losses their decimals, moments their month."""
    assert spaced(counted(1, "class", "classes")) == "1 class"
    assert spaced(counted(1280, "number")) == "1,280 numbers"
    assert spaced(points(0.0278)) == "2.8 points"
    assert (number(0.05249), number(0.1, 4), number(None)) == ("0.052", "0.1000", DASH)
    assert moment("2026-11-02T13:05:59+01:00") == "2 November 2026, 12:05 UTC"
    assert moment("yesterday") == "yesterday"
