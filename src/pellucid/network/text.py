"""A network's text: one layer a line, or separated by ``;``; ``#`` starts a comment.

    input 28x28x1; conv 32 3x3 relu; maxpool 2x2; flatten; dense 10 softmax

A layer is a word, then its numbers, then its activation, then options such as ``stride=2``. Upper and lower
case are alike, and Keras' names are understood too. What a value may be, ``network.blueprint`` says;
whether the layers fit one another, ``network.shapes``.
"""

import re
from collections.abc import Sequence
from dataclasses import MISSING, fields
from fractions import Fraction
from typing import Any, get_args

from pellucid.errors import shown
from pellucid.network.blueprint import (
    ACTIVATIONS,
    Activation,
    Blueprint,
    FitName,
    FlipMode,
    Input,
    Layer,
    Padding,
    TableName,
    ZeroPad,
)
from pellucid.network.values import LARGEST, BlueprintError
from pellucid.network.vocabulary import KINDS, LAYERS, SYNONYMS, WORDS, known, near
from pellucid.words import Word, brief, words_of

_Word = Word[BlueprintError]

LONGEST = 100_000
"""Characters that a network's text may have."""


def parse(text: str) -> Blueprint:
    """Read a network's text.

    Raises:
        BlueprintError: The text is no network's; the message says the line and the column, what was
            expected, and the nearest right word.
    """
    if len(text) > LONGEST:
        came = f"The text of the network has {len(text):,} characters."
        raise BlueprintError(came, f"It has at most {LONGEST:,}.", "Describe a smaller network.")
    statements = list(words_of(text, _TOKEN, BlueprintError))
    if not statements:
        came = "the text holds no layer."
        raise _Word("", 1, 1, BlueprintError).error(
            came, "It begins with what comes in.", "Write, for example: input 28x28x1"
        )
    first, *others = statements
    if known(first[0].text, ("input", *LAYERS)) != "input":
        if known(first[0].text, LAYERS) is None:
            raise _no_layer(first[0], ("input", *LAYERS))
        expected = "The first line says what comes in: height, width and channels."
        came = f"the text begins with {first[0].shown}."
        raise first[0].error(came, expected, "Begin with, for example: input 28x28x1")
    layers = tuple(_layer(words) for words in others)
    if not layers:
        expected = "At least one layer follows the input."
        raise first[0].error("there is an input and nothing else.", expected, "Add one, for example: flatten")
    return Blueprint(_made("input", first), layers)


def format_blueprint(blueprint: Blueprint, separator: str = "; ") -> str:
    """The text of a blueprint, such that ``parse`` reads the same blueprint from it.

    Args:
        blueprint: What is written.
        separator: What stands between the layers: ``"; "``, or ``"\\n"`` for one layer a line.
    """
    source = blueprint.input
    fit = f" fit={source.fit}" if source.fit else ""
    first = f"input {source.height}x{source.width}x{source.channels}{fit}"
    return separator.join([first, *map(format_layer, blueprint.layers)])


def format_layer(layer: Layer) -> str:
    """The text of one layer: ``conv 32 3x3 relu padding=same``."""
    if isinstance(layer, Activation):
        return layer.name
    if isinstance(layer, ZeroPad):
        sides = (layer.top, layer.bottom, layer.left, layer.right)
        return f"zeropad {sides[0] if len(set(sides)) == 1 else ','.join(map(str, sides))}"
    word = WORDS[type(layer)]
    kind = KINDS[word]
    defaults = {field.name: field.default for field in fields(layer)}
    words = [word]
    for name in (*kind.needed, *kind.extra):
        value = getattr(layer, name)
        if value is not None:
            words.append("x".join(map(str, value)) if isinstance(value, tuple) else _written(value))
    for name in kind.options:
        value = getattr(layer, name)
        if value != defaults[name] and value is not MISSING:
            words.append(f"{name}={_written(value)}")
    return " ".join(words)


def _written(value: object) -> str:
    """A value as it stands in the text; a number such as 1/255 as a fraction where that is exact."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return str(value[0]) if value[0] == value[1] else "x".join(map(str, value))
    written = str(value).removesuffix(".0")
    if isinstance(value, float) and len(written) > 8:
        near = Fraction(value).limit_denominator(100_000)
        fraction = f"{near.numerator}/{near.denominator}"
        if near.numerator / near.denominator == value and len(fraction) < len(written):
            return fraction
    return written


_TOKEN = re.compile(r"[^\s;#=]+[ \t]*=[ \t]*[^\s;#]*|=[^\s;#]*|[^\s;#]+")


def _no_layer(word: _Word, choices: Sequence[str]) -> BlueprintError:
    advice = near(word.text, choices, "") or near(word.text, tuple(SYNONYMS), "Write one of these.")
    return word.error(f"there is no layer {word.shown}.", f"A layer is one of: {', '.join(choices)}.", advice)


def _layer(words: list[_Word]) -> Layer:
    name = known(words[0].text, tuple(KINDS))
    if name == "input":
        raise words[0].error(
            "there is a second input.", "A network has one, in its first line.", "Take one out."
        )
    if name is None:
        name = known(words[0].text, ACTIVATIONS)
        if name is None:
            raise _no_layer(words[0], LAYERS)
        if len(words) > 1:
            expected = "An activation as a layer stands alone."
            raise words[1].error(
                f"{name} takes no {words[1].shown}.", expected, "Put ';' or a new line before it."
            )
        words, name = [words[0], words[0]], "activation"
    layer: Layer = _made(name, words)
    return layer


def _made(name: str, words: list[_Word]) -> Any:
    """The layer that these words describe, the first of them being its kind's."""
    kind = KINDS[name]
    given: dict[str, _Word] = {}
    values: dict[str, Any] = {}
    for word in words[1:]:
        field, text = _field_of(name, word, given)
        if field in given:
            came = f"the {field} of {_a(name)} is given twice."
            raise word.error(came, "Each value is given once.", "Take one of them out.")
        given[field] = word
        values[field] = _value(name, field, word, text)
    missing = [field for field in kind.needed if field not in given]
    if missing:
        last = words[-1]
        end = last.end
        expected = f"It needs {' and '.join(kind.needed)}" + (", in this order." if kind.needed[1:] else ".")
        raise end.error(f"{name} lacks its {missing[0]}.", expected, f"Write, for example: {kind.example}")
    try:
        if name == "input":
            return Input(*values.pop("shape"), **values)
        return ZeroPad(*values["padding"]) if name == "zeropad" else kind.make(**values)
    except BlueprintError as error:
        # Height, width and channels stand in one word, as the four sides of a padding do.
        word = given[error.field if error.field in given else kind.needed[0]]
        field = next(key for key, one in given.items() if one is word)
        raise word.error(
            _cannot(name, field, word), error.expected, f"Write, for example: {kind.example}"
        ) from None


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _cannot(name: str, field: str, word: _Word) -> str:
    _, equals, value = word.text.partition("=")
    value = value.strip() if equals else word.text
    return f"the {field} of {_a(name)} cannot be {brief(value)}."


def _field_of(name: str, word: _Word, given: dict[str, _Word]) -> tuple[str, str]:
    """Which field a word gives, and the text of its value."""
    kind = KINDS[name]
    every = (*kind.needed, *kind.extra, *kind.options)
    key, equals, text = (part.strip() for part in word.text.partition("="))
    if equals:
        field = known(key, every)
        if field is None:
            advice = near(key, every, f"Write, for example: {kind.example}")
            options = f"It takes: {', '.join(every)}." if every else "It takes none."
            raise word.error(f"{name} has no option {shown(key[:40])}.", options, advice)
        return field, text
    if (
        all(field in given for field in kind.needed)
        and "activation" in kind.extra
        and known(key, ACTIVATIONS)
    ):
        return "activation", key
    free = [field for field in (*kind.needed, *kind.extra) if field not in given]
    if free and not (free == ["activation"] and key.lower() in get_args(Padding)):
        return free[0], key
    named = next((option for option in kind.options if key.lower() in _CHOICES.get(option, ())), None)
    if named is not None:
        raise word.error(
            f"{name} takes no bare {word.shown}.", f"The {named} has a name.", f"Write {named}={key.lower()}"
        )
    takes = ", ".join((*kind.needed, *kind.extra, *(f"{option}=" for option in kind.options)))
    expected = f"It takes: {takes}." if takes else "It stands alone."
    raise word.error(f"{name} takes no {word.shown} here.", expected, f"Write, for example: {kind.example}")


_WHOLE = r"[+-]?[0-9]{1,18}"
_DECIMAL = r"[+-]?(?:[0-9]{1,300}(?:\.[0-9]{0,300})?|\.[0-9]{1,300})(?:e[+-]?[0-9]{1,3})?"
_CHOICES: dict[str, tuple[str, ...]] = {
    "activation": ACTIVATIONS,
    "name": ACTIVATIONS,
    "padding": get_args(Padding),
    "fit": get_args(FitName),
    "table": get_args(TableName),
    "mode": get_args(FlipMode),
    "bias": ("yes", "no", "true", "false"),
}
_SIZES = ("kernel", "stride", "dilation", "window")
_COUNTS = ("filters", "units", "groups", "multiplier")


def _value(name: str, field: str, word: _Word, text: str) -> Any:
    """The value of a field, read from its text."""
    lower = text.lower().replace("\u00d7", "x")
    expected, advice = "", f"Write, for example: {KINDS[name].example}"
    if name == "zeropad":
        if re.fullmatch(_WHOLE, lower):
            return (int(lower),) * 4
        if re.fullmatch(rf"{_WHOLE}(?:,{_WHOLE}){{3}}", lower):
            return tuple(map(int, lower.split(",")))
        expected = "One whole number, or four (top, bottom, left, right), were expected."
    elif field in _CHOICES:
        choice = known(lower, _CHOICES[field])
        if choice is not None:
            return choice in ("yes", "true") if field == "bias" else choice
        expected = f"One of {', '.join(_CHOICES[field])} was expected."
        advice = near(lower, _CHOICES[field], "Write one of these.")
    elif field == "shape":
        if re.fullmatch(rf"{_WHOLE}x{_WHOLE}x{_WHOLE}", lower):
            return tuple(map(int, lower.split("x")))
        expected = "Height x width x channels was expected (1 channel for grey, 3 for colour)."
    elif field in _SIZES:
        if re.fullmatch(rf"{_WHOLE}(?:x{_WHOLE})?", lower):
            height, _, width = lower.partition("x")
            return int(height), int(width or height)
        expected = f"A height and a width from 1 to {LARGEST:,} were expected."
    elif field in _COUNTS:
        if re.fullmatch(_WHOLE, lower):
            return int(lower)
        expected = f"A whole number from 1 to {LARGEST:,} was expected."
    else:
        found = re.fullmatch(rf"({_DECIMAL})(?:/({_DECIMAL}))?", lower)
        if found and not (found[2] and float(found[2]) == 0):
            return _quotient(found[1], found[2] or "1")
        expected = "A number, or a fraction such as 1/255, was expected."
    raise word.error(_cannot(name, field, word), expected, advice)


def _quotient(numerator: str, denominator: str) -> float:
    """The number nearest to the fraction, as Python's own division gives it."""
    whole = re.fullmatch(_WHOLE, numerator) and re.fullmatch(_WHOLE, denominator)
    return int(numerator) / int(denominator) if whole else float(numerator) / float(denominator)
