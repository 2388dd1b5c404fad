"""A factor as Keras takes it, one number or a pair of bounds, checked where a transform is made."""

from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Literal, cast

from pellucid.errors import RequestError, shown

Factor = float | tuple[float, float]
"""One number, whose meaning is the transform's, or the bounds between which numbers are drawn."""

Span = tuple[float, float]
"""(lower, upper): what a factor comes to."""

Single = Literal["both ways", "from nought"]


@dataclass(frozen=True)
class Limits:
    """What a factor may be.

    Attributes:
        least, most: Bounds for each number of it.
        single: What one number f means: the pair (-f, f), or the pair (0, f).
        open_below: Whether ``least`` itself is refused.
    """

    least: float
    most: float
    single: Single = "both ways"
    open_below: bool = False

    def told(self) -> str:
        """The range in words."""
        if self.open_below:
            return f"above {self.least:g} and at most {self.most:g}"
        return f"from {self.least:g} to {self.most:g}"


def bounds(owner: object, name: str, factor: object, limits: Limits, advice: str) -> Span:
    """The bounds (lower, upper) between which a transform draws.

    Args:
        owner: The transform, named by its class in a refusal.
        name: Of its field.
        factor: What came.
        limits: What it may be.
        advice: What to write instead, as a sentence.

    Raises:
        RequestError: for anything but a number, or a pair of numbers, within the limits.
    """
    numbers = factor if isinstance(factor, tuple) and len(factor) == 2 else (factor,)
    if not all(_within(number, limits) for number in numbers):
        raise RequestError(
            f"{type(owner).__name__}'s {name} is {factor!r}.",
            f"A number {limits.told()}, or a pair of them (lower, upper), was expected.",
            advice,
        )
    given = [float(cast(float, number)) for number in numbers]
    if len(given) == 2:
        return min(given), max(given)
    (one,) = given
    if limits.single == "both ways":
        return -abs(one), abs(one)
    return min(0.0, one), max(0.0, one)


def _within(number: object, limits: Limits) -> bool:
    if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
        return False
    return limits.least <= number <= limits.most and not (limits.open_below and number == limits.least)


def check_number(owner: object, name: str, value: object, limits: Limits, advice: str) -> None:
    """Refuse what is not one number within the limits.

    Raises:
        RequestError: for such a value.
    """
    if not _within(value, limits):
        raise RequestError(
            f"{type(owner).__name__}'s {name} is {value!r}.",
            f"A number {limits.told()} was expected.",
            advice,
        )


def check_whole(owner: object, name: str, value: object, least: int, most: int, advice: str) -> None:
    """Refuse what is not a whole number from ``least`` to ``most``.

    Raises:
        RequestError: for such a value.
    """
    if type(value) is not int or not least <= value <= most:
        raise RequestError(
            f"{type(owner).__name__}'s {name} is {value!r}.",
            f"A whole number from {least} to {most} was expected.",
            advice,
        )


def check_word(what: str, word: object, known: tuple[str, ...]) -> None:
    """Refuse a word that is not known, and name the nearest that is.

    Raises:
        RequestError: for such a word.
    """
    if word not in known:
        (near,) = get_close_matches(str(word), known, n=1, cutoff=0.0)
        raise RequestError(
            f"There is no {what} {shown(word)}.",
            f"{', '.join(known)} are known.",
            f"Did you mean {near}?",
        )


def between(span: Span, share: float) -> float:
    """The number that lies at a share (0 <= share < 1) of the way from the lower to the upper bound."""
    lower, upper = span
    # The two products, and not lower + share * (upper - lower), keep the result within equal bounds.
    return lower if lower == upper else (1 - share) * lower + share * upper
