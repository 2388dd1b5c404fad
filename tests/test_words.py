"""A text as words that know where they stand."""

import re

from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import RequestError
from pellucid.words import Word, brief, words_of

TOKEN = re.compile(r"[^\s;#]+")


def test_statements_are_lines_or_parts_of_them() -> None:
    """Comments, empty lines and empty parts are left out; lines may end as Windows ends them."""
    found = [list(words) for words in words_of("a 1;; b\r\n# c\n  d;e # f", TOKEN, RequestError)]
    assert [[(one.text, one.line, one.column) for one in words] for words in found] == [
        [("a", 1, 1), ("1", 1, 3)],
        [("b", 1, 7)],
        [("d", 3, 3)],
        [("e", 3, 5)],
    ]


@given(st.text(alphabet="ab1 ;#\n", max_size=40))
def test_a_word_stands_where_it_says(text: str) -> None:
    """Whatever the text, the line has the word at its column."""
    lines = text.split("\n")
    for words in words_of(text, TOKEN, RequestError):
        for one in words:
            assert lines[one.line - 1][one.column - 1 :].startswith(one.text)


def test_an_error_names_the_place_and_is_of_the_reader_s_kind() -> None:
    """And what is missing is missing behind the last word."""
    word = Word("conv", 2, 5, RequestError)
    error = word.end.error("something lacks.", "More was expected.", "Write it.")
    assert type(error) is RequestError
    assert str(error) == "Line 2, column 9: something lacks. More was expected. Write it."


def test_a_long_word_is_shown_by_its_beginning() -> None:
    """Forty letters, and that there are more."""
    assert brief("a" * 41) == "'" + "a" * 40 + "...'"
    assert Word("a\nb", 1, 1, RequestError).shown == brief("a\nb")
