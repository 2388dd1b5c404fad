"""An augmentation as a text: one transform a line or separated by ``;``; ``#`` starts a comment.

    RandomFlip horizontal; RandomRotation 0.1; RandomErasing 0.3..0.3 scale=0.02..0.2; fill nearest

A line is the transform's name, then its factors in their order or by their names. A pair of bounds is
``lower..upper``. What a factor may be, ``pictures.augment`` says.
"""

import dataclasses
import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pellucid.errors import RequestError, shown
from pellucid.pictures.augment.kinds import KINDS
from pellucid.pictures.augment.mix import CutMix, Mix, MixUp
from pellucid.pictures.augment.plan import Augment
from pellucid.pictures.augment.presets import PRESETS
from pellucid.pictures.augment.transform import Transform
from pellucid.pictures.augment.warp import FILL_MODES
from pellucid.words import Word, brief, words_of

LONGEST = 4_000
"""Letters that such a text may have."""

MOST = 24
"""Transforms that it may have."""

FILL = "fill"

MIXES: Mapping[str, type[Mix]] = {"MixUp": MixUp, "CutMix": CutMix}
NO_MIX = "none"

_Word = Word[RequestError]
_Made = TypeVar("_Made")

_TOKEN = re.compile(r"[^\s;#]+")
_NUMBER = re.compile(
    r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:e[+-]?[0-9]{1,3})?", re.IGNORECASE
)
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_EXAMPLE = "Write, for example: RandomRotation 0.1"
_PLAN = "RandomFlip horizontal; RandomRotation 0.1"


def augmentation(text: str) -> Augment:
    """A preset by its name, or what a text says.

    Raises:
        RequestError: It is neither. A single word that names no transform is taken for a preset's name.
    """
    if text in PRESETS:
        return PRESETS[text]
    word = text.strip()
    if re.fullmatch(r"[\w-]*", word) and not _named(word, KINDS):
        near = difflib.get_close_matches(word[:40], PRESETS, n=1)
        raise RequestError(
            f"There is no augmentation {brief(text)}.",
            f"One of {', '.join(PRESETS)} was expected.",
            f"Did you mean {near[0]}?" if near else f"Or write transforms, for example: {_PLAN}",
        )
    if len(text) > LONGEST:
        raise RequestError(
            f"The text of the augmentation has {len(text):,} letters.",
            f"At most {LONGEST:,} were expected.",
            "Leave transforms out.",
        )
    found = parse(text)
    if not found.transforms:
        raise RequestError(
            f"The augmentation {brief(text)} has no transform.",
            f"A preset's name was expected ({', '.join(PRESETS)}), or transforms with ';' between them.",
            _EXAMPLE,
        )
    return found


def parse(text: str) -> Augment:
    """Read the text of an augmentation; a text without a transform is the one that changes nothing.

    Raises:
        RequestError: It is none; the message says the line and the column, what was expected, and the
            nearest right word.
    """
    transforms: list[Transform] = []
    fill: dict[str, Any] = {}
    for words in words_of(text, _TOKEN, RequestError):
        if words[0].text.lower() == FILL:
            if fill:
                raise words[0].error("the fill is given twice.", "It is given once.", "Take one of them out.")
            fill = _fill(words)
            continue
        transforms.append(_made(words, KINDS, (FILL,)))
        if len(transforms) > MOST:
            raise words[0].error(
                f"this is transform {MOST + 1}.", f"At most {MOST} were expected.", "Take some out."
            )
    return Augment(tuple(transforms), **fill)


def mixing(text: str) -> Mix | None:
    """How the pictures of a batch are mixed: ``none``, ``MixUp``, ``MixUp 0.4`` or ``CutMix 0.5..1``.

    Raises:
        RequestError: It is none of these.
    """
    if text.strip() == NO_MIX:
        return None
    statements = list(words_of(text, _TOKEN, RequestError))
    if len(statements) != 1:
        raise RequestError(
            f"The mixing {brief(text)} is {len(statements)} statements.",
            f"{NO_MIX}, or one of {', '.join(MIXES)} with its factor, was expected.",
            "Write, for example: MixUp 0.2",
        )
    return _made(statements[0], MIXES, (NO_MIX,))


def written(augment: Augment, separator: str = "\n") -> str:
    """The text of an augmentation, such that ``parse`` reads the same augmentation from it."""
    lines = [_line(transform) for transform in augment.transforms]
    if (augment.fill_mode, augment.fill_value) != ("reflect", 0.0):
        value = f" {_value(augment.fill_value)}" if augment.fill_value else ""
        lines.append(f"{FILL} {augment.fill_mode}{value}")
    return separator.join(lines)


def _line(transform: Transform) -> str:
    words = [type(transform).__name__]
    for place, field in enumerate(_fields(type(transform))):
        value = getattr(transform, field.name)
        if (place == 0 and value is not None) or field.default is dataclasses.MISSING:
            words.append(_value(value))
        elif value != field.default:
            words.append(f"{field.name}={_value(value)}")
    return " ".join(words)


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return "..".join(map(_value, value))
    return "none" if value is None else str(value).removesuffix(".0")


def _made(words: list[_Word], kinds: Mapping[str, type[_Made]], also: Sequence[str] = ()) -> _Made:
    """What one statement says: the value of a kind, with its factors."""
    kind = _kind(words[0], kinds, also)
    values: dict[str, Any] = {}
    given: dict[str, _Word] = {}
    for word in words[1:]:
        name, text = _field_of(kind, word, given)
        if name in given:
            came = f"the {name} of {kind.__name__} is given twice."
            raise word.error(came, "Each factor is given once.", "Take one of them out.")
        given[name], values[name] = word, _read(text)
    missing = [
        field.name
        for field in _fields(kind)
        if field.default is dataclasses.MISSING and field.name not in values
    ]
    if missing:
        last = words[-1]
        end = last.end
        needed = "It needs a number, or a pair of them such as 0.1..0.2."
        raise end.error(f"{kind.__name__} lacks its {missing[0]}.", needed, f"Write {kind.__name__} 0.1")
    try:
        return kind(**values)
    except RequestError as error:
        about = re.match(r"\w+'s (\w+) is ", error.came)
        word = given.get(about[1] if about else "", words[min(len(words) - 1, 1)])
        raise word.error(error.came, error.expected, error.advice) from error


def _named(word: str, kinds: Mapping[str, type[_Made]]) -> type[_Made] | None:
    """The kind of that name, whatever its case and underscores."""
    bare = word.lower().replace("_", "")
    return next((kind for name, kind in kinds.items() if name.lower() == bare), None)


def _kind(word: _Word, kinds: Mapping[str, type[_Made]], also: Sequence[str]) -> type[_Made]:
    found = _named(word.text, kinds)
    if found is not None:
        return found
    names = {name.lower(): name for name in (*kinds, *also)}
    near = difflib.get_close_matches(word.text.lower().replace("_", "")[:40], names, n=1, cutoff=0.5)
    raise word.error(
        f"there is no augmentation {word.shown}.",
        f"One of {', '.join(kinds)} was expected{''.join(f', or {one}' for one in also)}.",
        f"Did you mean '{names[near[0]]}'?" if near else _EXAMPLE,
    )


def _field_of(kind: type[Any], word: _Word, given: dict[str, _Word]) -> tuple[str, str]:
    """Which factor a word gives, and the text of its value."""
    names = [field.name for field in _fields(kind)]
    takes = f"Its factors are {', '.join(names)}." if names else "It has no factors."
    name, equals, text = word.text.partition("=")
    if equals:
        if name.lower() in names:
            return name.lower(), text
        near = difflib.get_close_matches(name.lower()[:40], names, n=1, cutoff=0.4)
        advice = f"Did you mean '{near[0]}'?" if near else "Leave it out."
        raise word.error(f"{kind.__name__} has no factor {shown(name[:40])}.", takes, advice)
    free = [one for one in names if one not in given]
    if not free:
        raise word.error(f"{kind.__name__} takes no {word.shown} here.", takes, "Leave it out.")
    return free[0], word.text


def _read(text: str) -> object:
    """A number, a pair of numbers, None, or the word as it stands."""
    if text.lower() == "none":
        return None
    ends = text.split("..")
    if len(ends) <= 2 and all(_NUMBER.fullmatch(end) for end in ends):
        numbers = tuple(int(end) if _WHOLE.fullmatch(end) else float(end) for end in ends)
        return numbers if len(numbers) == 2 else numbers[0]
    return text


def _fill(words: list[_Word]) -> dict[str, Any]:
    if len(words) == 1 or words[1].text.lower() not in FILL_MODES:
        word = words[min(len(words) - 1, 1)]
        came = f"there is no fill {word.shown}." if len(words) > 1 else "the fill lacks its mode."
        raise word.error(
            came, f"One of {', '.join(FILL_MODES)} was expected.", "Write, for example: fill nearest"
        )
    fill: dict[str, Any] = {"fill_mode": words[1].text.lower()}
    if len(words) > 2:
        fill["fill_value"] = _read(words[2].text)
        try:
            Augment((), **fill)
        except RequestError as error:
            raise words[2].error(error.came, error.expected, error.advice) from error
    if len(words) > 3:
        came = f"a fill takes no {words[3].shown} here."
        raise words[3].error(came, "A mode and perhaps a value were expected.", "Leave it out.")
    return fill


def _fields(kind: type[Any]) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(kind) if field.init]
