"""A message is one paragraph of three sentences, whatever stands in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import PellucidError, SourceError, printable, shown


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


@given(st.text(st.characters(codec=None, categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "L", "N", "P"))))
def test_printable_text_can_be_written_and_holds_no_control(name: str) -> None:
    """Any name, stray bytes included, becomes text that UTF-8 holds and that moves no cursor."""
    text = printable(name)
    text.encode("utf-8")
    assert all(letter.isprintable() or letter in "\xa0\u3000\u200c\u200d" for letter in text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a\nb\t\x00", r"a\nb\t\x00"),
        ("caf\udce9", r"caf\udce9"),
        ("gnp\u202egpj.", r"gnp\u202egpj."),
        ("naïve 日本\u3000語 👩\u200d🔬", "naïve 日本\u3000語 👩\u200d🔬"),
        ("<b> & 'q'", "<b> & 'q'"),
    ],
)
def test_printable_text_escapes_what_harms_and_nothing_else(name: str, text: str) -> None:
    """Control characters, overrides and stray bytes show as escapes; every script and HTML's letters stay."""
    assert printable(name) == text
