"""One picture of a source as its listing names it, one that was set aside, and what a listing gives.

It knows nothing of files, tables or arrays: `folder`, `table`, `arrays` and `idx` make listings.
"""

import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # the command line names what was skipped, and its help shall come at once
    import numpy as np
    from numpy.typing import NDArray

SplitName = Literal["train", "val", "test"]

_SPELLINGS: dict[str, SplitName] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validate": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}

PLACEHOLDER = "a placeholder by its name"

_PLACEHOLDERS = frozenset(
    """imagenotfound imagenotavailable imageunavailable imagemissing imageplaceholder missingimage noimage
    noimageavailable noimagefound noimg nophoto nophotoavailable nopicture nopictureavailable notfound
    photonotavailable photonotfound photounavailable picturenotfound placeholder placeholderimage missing
    404notfound error404 unavailable""".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Item:
    """A picture before it is read.

    Attributes:
        path: As a person would find it: relative to the source's root for folders and tables.
        label: The name of its class.
        split: The split that the source itself gives it, or None.
    """

    path: str
    label: str
    split: SplitName | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was set aside, and why, in a few words."""

    path: str
    reason: str


@dataclass(frozen=True)
class Stack:
    """Pictures of one size that lie in one array, so that many are looked at as quickly as one file.

    Attributes:
        places: Where they stand among the items.
        shape: (height, width, channels): 1 channel of grey, or 3 of colour.
        take: The pictures at some of these places, uint8 (n, height, width, channels); from any thread.
            They are what decoding each picture's encoded bytes gives.
    """

    places: range
    shape: tuple[int, int, int]
    take: "Callable[[NDArray[np.integer]], NDArray[np.uint8]]"


@dataclass(frozen=True)
class Listing:
    """What a source holds. `read` gives the encoded bytes of item ``index``, from any thread.

    `read` raises OSError or PictureError where it fails. Where the pictures lie in arrays, `stacks` has all
    of them, in the order of the items; else it is empty.
    """

    items: tuple[Item, ...]
    read: Callable[[int], bytes]
    skipped: tuple[Skipped, ...] = field(default=())
    stacks: tuple[Stack, ...] = field(default=())


def split_named(name: str) -> SplitName | None:
    """The split that a folder or a table means by ``name`` ("Valid", "TEST", ...), or None."""
    return _SPELLINGS.get(name.strip().lower())


def make_item(path: str, label: str, split: SplitName | None) -> Item:
    """An item whose label is one string object for all pictures of the class, to keep a long list small."""
    return Item(path, sys.intern(label), split)


def label_text(value: object) -> str:
    """A class's name from what stands in an array or a table: text, bytes or a number; "" where none does.

    Whole numbers are written without a point, however they were stored, so that the same labels have the
    same names in every kind of source.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if value is None or value != value:  # NaN, which no number is equal to
        return ""
    text = str(value).strip()
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a letter, which no file can be written with
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


def is_placeholder(path: str, label: str) -> bool:
    """Whether a file is what a photo site leaves where a picture is gone ("imageNotFound.gif").

    Only a whole name counts, so that "placeholder_test_12.jpg" stays, and none that is its class' own
    name ("missing/missing.jpg").
    """
    stem = _plain(PurePosixPath(path).stem)
    return stem in _PLACEHOLDERS and stem != _plain(label)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()
