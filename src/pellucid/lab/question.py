"""What a question may hold: each field is read once, checked, and refused in words where it is wrong.

What the fields mean is the business of the room that asked for them.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import PellucidError, shown

Question = Mapping[str, Any]
"""What a page asks: ``kind`` says which room answers, the other fields are that room's."""

LARGEST_NUMBER = 1e6
"""No number of a picture or a filter is further from zero."""

_SHOWN = 60


class QuestionError(PellucidError):
    """A question that cannot be answered as it was asked."""


def whole(question: Question, name: str, low: int, high: int, default: int | None = None) -> int:
    """The field as a whole number from ``low`` to ``high``."""
    value = question.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise _refuse(name, value, f"A whole number from {low:,} to {high:,} was expected.")
    return value


def choice(question: Question, name: str, choices: Sequence[str], default: str | None = None) -> str:
    """The field as one of these words."""
    value = question.get(name, default)
    if not isinstance(value, str) or value not in choices:
        raise _refuse(name, value, f"One of {', '.join(choices)} was expected.")
    return value


def text(question: Question, name: str, longest: int) -> str:
    """The field as a text of at most ``longest`` letters."""
    value = question.get(name)
    if not isinstance(value, str) or len(value) > longest:
        raise _refuse(name, value, f"A text of at most {longest:,} letters was expected.")
    return value


def place(question: Question, name: str, height: int, width: int) -> tuple[int, int]:
    """The field as [row, column] of a map of that size, counted from 0."""
    value = question.get(name)
    if isinstance(value, list) and len(value) == 2:
        row, column = value
        if _is_index(row, height) and _is_index(column, width):
            return row, column
    expected = f"A row from 0 to {height - 1} and a column from 0 to {width - 1} were expected."
    raise _refuse(name, value, expected)


def maps(question: Question, name: str, largest: int) -> NDArray[np.float64]:
    """The field as channels of rows of numbers, each side at most ``largest`` and at most 3 channels.

    Returns:
        float64 (C, H, W), finite, no number further from zero than ``LARGEST_NUMBER``.
    """
    value = question.get(name)
    try:
        numbers = np.asarray(value) if isinstance(value, list) and _is_maps(value, largest) else np.empty(0)
    except ValueError:  # rows of unequal length
        numbers = np.empty(0)
    sides = numbers.shape
    if (
        numbers.dtype.kind not in "iuf"
        or numbers.ndim != 3
        or not 1 <= sides[0] <= 3
        or not all(1 <= side <= largest for side in sides[1:])
        or not bool(np.all(np.abs(numbers.astype(np.float64)) <= LARGEST_NUMBER))
    ):
        expected = (
            f"1 to 3 channels of 1 to {largest} rows of 1 to {largest} numbers were expected, "
            f"none further from zero than {LARGEST_NUMBER:,.0f}."
        )
        raise _refuse(name, value, expected)
    return numbers.astype(np.float64)


def _is_maps(value: object, largest: int) -> bool:
    """Whether these are lists of few numbers; of one long text NumPy would make all others as long."""

    def listed(value: object, most: int) -> TypeGuard[Sequence[object]]:
        return isinstance(value, list | tuple) and len(value) <= most

    return listed(value, 3) and all(
        listed(rows, largest)
        and all(listed(row, largest) and all(type(one) in (int, float) for one in row) for row in rows)
        for rows in value
    )


def _is_index(value: object, size: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < size


def _refuse(name: str, value: object, expected: str) -> QuestionError:
    if value is None:
        came = f"The question has no '{name}'."
    else:
        came = f"The question's '{name}' is {brief(value)}."
    return QuestionError(came, expected, "Ask again with such a value.")


def brief(value: object) -> str:
    """A value of a question for a message: as JSON writes it, cut where it is long, nothing in it active."""
    if isinstance(value, str):
        return shown(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value):,}"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    written = json.dumps(value)
    return written if len(written) <= _SHOWN else written[:_SHOWN] + "..."
