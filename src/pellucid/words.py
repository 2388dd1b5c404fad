"""A text of statements, one a line or separated by ``;``, as words that know where they stand.

``#`` starts a comment. What the words mean, and which refusal a wrong one gets, is the reader's business.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pellucid.errors import PellucidError, shown

_Refusal = TypeVar("_Refusal", bound=PellucidError)

_SHOWN = 40


@dataclass(frozen=True)
class Word(Generic[_Refusal]):
    """A word of the text and where it stands, line and column counted from 1.

    Attributes:
        refusal: The kind of the errors about it.
    """

    text: str
    line: int
    column: int
    refusal: type[_Refusal]

    def error(self, came: str, expected: str, advice: str) -> _Refusal:
        """What is wrong with it, and where."""
        return self.refusal(f"Line {self.line}, column {self.column}: {came}", expected, advice)

    @property
    def shown(self) -> str:
        """As it stands in an error."""
        return brief(self.text)

    @property
    def end(self) -> "Word[_Refusal]":
        """The place behind it, where something is missing."""
        return replace(self, text="", column=self.column + len(self.text))


def brief(text: str) -> str:
    """The beginning of a text, as it stands in an error."""
    return shown(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def words_of(text: str, token: re.Pattern[str], refusal: type[_Refusal]) -> Iterator[list[Word[_Refusal]]]:
    """The words of each statement, in order; empty ones and comments are left out.

    Args:
        text: The whole text.
        token: What a word is.
        refusal: The kind of the errors about it.
    """
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        start = 0
        for part in line.partition("#")[0].split(";"):
            words = [
                Word(found[0], number, start + found.start() + 1, refusal) for found in token.finditer(part)
            ]
            if words:
                yield words
            start += len(part) + 1
