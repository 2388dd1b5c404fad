"""The shipped pictures that the lab looks at when nobody gives one: some clip art, and a digit of each kind.

A picture has a name, ``clipart/animals/bee.jpg`` or ``digits/3``, that an address can hold.
"""

import io
import re
from dataclasses import dataclass
from functools import cache

from PIL import Image

from pellucid.data import builtin

_DIGITS = 10


@dataclass(frozen=True)
class Example:
    """A shipped picture: the name that a question has for it, its group, and the words that a person has."""

    name: str
    group: str
    title: str


def example_names() -> tuple[Example, ...]:
    """Every shipped picture that can be looked at: the first test digit of each kind, then the clip art."""
    digits = (Example(f"digits/{digit}", "digits", f"digit {digit}") for digit in range(_DIGITS))
    names = builtin.clipart_names()
    drawn = (Example(f"clipart/{name}", name.partition("/")[0], _title(name)) for name in names)
    return (*digits, *drawn)


def example_bytes(name: str) -> bytes | None:
    """The file of a shipped picture; None where there is none of that name."""
    group, _, rest = name.partition("/")
    if group == "clipart" and rest in builtin.clipart_names():
        return builtin.clipart_bytes(rest)
    if group == "digits" and rest in map(str, range(_DIGITS)):
        return _digits()[int(rest)]
    return None


def _title(name: str) -> str:
    """``animals/a-simple-pig-01.jpg`` as a person reads it: ``a simple pig 01``."""
    return re.sub(r"[-_]+", " ", name.partition("/")[2].rpartition(".")[0]).strip()


@cache
def _digits() -> tuple[bytes, ...]:
    """The first test picture of each digit as a PNG."""
    _, _, pixels_NHW, labels_N = builtin.digits()
    files = []
    for digit in range(_DIGITS):
        file = io.BytesIO()
        Image.fromarray(pixels_NHW[int((labels_N == digit).argmax())]).save(file, "PNG")
        files.append(file.getvalue())
    return tuple(files)
