"""What a field of a layer may hold, and the error that says so.

Which field holds what is the layer's business (``network.blueprint``).
"""

import math
from collections.abc import Sequence
from typing import Any

from pellucid.errors import PellucidError, shown

LARGEST = 10**9
"""No size, count or stride is larger: a slip of the finger, or an attack."""


class BlueprintError(PellucidError):
    """A description of a network that cannot be meant so.

    Args:
        field: The field of the layer that is wrong, where one is.
    """

    def __init__(self, came: str, expected: str, advice: str, field: str | None = None) -> None:
        super().__init__(came, expected, advice)
        self.field = field


def _refuse(layer: object, field: str, value: object, expected: str, advice: str) -> BlueprintError:
    written = "x".join(map(str, value)) if isinstance(value, tuple) else value
    written = shown(value) if isinstance(value, str) else written
    word = type(layer).__name__.lower()
    article = "an" if word[0] in "aeiou" else "a"
    came = f"The {field} of {article} {word} cannot be {written}."
    return BlueprintError(came, expected, advice, field)


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST


def whole(layer: Any, *fields: str, least: int = 1) -> None:
    """Each field is a whole number from ``least`` to LARGEST, or BlueprintError."""
    for field in fields:
        value = getattr(layer, field)
        if not _is_whole(value, least):
            expected = f"A whole number from {least} to {LARGEST:,} was expected."
            raise _refuse(layer, field, value, expected, "Write such a number.")


def pairs(layer: Any, *fields: str) -> None:
    """Each field is (height, width), two whole numbers from 1 to LARGEST, or BlueprintError."""
    for field in fields:
        value = getattr(layer, field)
        if not (isinstance(value, tuple) and len(value) == 2 and all(_is_whole(one, 1) for one in value)):
            expected = f"A height and a width from 1 to {LARGEST:,} were expected."
            raise _refuse(layer, field, value, expected, "Write such a size, for example 2 or 3x3.")


def one_of(layer: Any, field: str, choices: Sequence[object]) -> None:
    """The field is one of these, or BlueprintError."""
    value = getattr(layer, field)
    if value not in choices or (isinstance(value, int) and not isinstance(value, bool)):
        named = ", ".join(str(choice) for choice in choices if choice is not None)
        raise _refuse(layer, field, value, f"One of {named} was expected.", "Write one of these.")


def number(layer: Any, field: str, low: float, high: float, below: bool = False) -> None:
    """The field is a finite number from low to high (below high, where ``below``), or BlueprintError."""
    value = getattr(layer, field)
    is_number = (isinstance(value, float) and math.isfinite(value)) or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53  # exact as a float
    )
    if not (is_number and low <= value <= high and not (below and value == high)):
        span = f"of at least {low:g} and below {high:g}" if below else f"from {low:g} to {high:g}"
        expected = (
            f"A number {span} was expected." if math.isfinite(high) else "A finite number was expected."
        )
        raise _refuse(layer, field, value, expected, "Write such a number.")
