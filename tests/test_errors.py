"""A message is one paragraph of three sentences, whatever stands in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import PellucidError, SourceError, shown


def test_a_message_says_what_came_what_was_expected_and_what_to_do() -> None:
    """The three sentences are one paragraph; an empty one leaves no gap."""
    assert str(SourceError("A came.", "B was expected.", "Do C.")) == "A came. B was expected. Do C."
    assert str(SourceError("A came.", "B was expected.", "")) == "A came. B was expected."
    assert issubclass(SourceError, PellucidError)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cats", "'cats'"),
        ("two\nlines", r"'two\nlines'"),
        ("\x1b[31mred", r"'\x1b[31mred'"),
        ("caf\udce9", r"'caf\udce9'"),
        ("Žluťoučký 猫", "'Žluťoučký 猫'"),
        ("right\u202eleft", r"'right\u202eleft'"),
    ],
)
def test_names_are_shown_without_control_characters(name: str, expected: str) -> None:
    """Newlines, terminal escapes, direction marks and stray bytes are escaped; letters are not."""
    assert shown(name) == expected


@given(st.text())
def test_any_name_is_one_line_that_can_be_encoded(name: str) -> None:
    """Whatever a file is called, its message is one printable line of UTF-8."""
    text = shown(name)
    assert text.isprintable()
    text.encode("utf-8")
