"""A source of labelled pictures, whatever it is made of, and the one door that opens every kind.

It knows which kind a path is; `folder`, `table`, `arrays`, `idx` and `shipped` know how each is read.
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pellucid.data.arrays import list_npz
from pellucid.data.folder import list_folder
from pellucid.data.idx import holds_idx, list_idx
from pellucid.data.item import Item as Item
from pellucid.data.item import Listing, Stack
from pellucid.data.item import Skipped as Skipped
from pellucid.data.shipped import list_builtin
from pellucid.data.table import list_table
from pellucid.errors import SourceError, shown

_BUILTIN = "builtin:"
_KINDS = (
    "A folder of class folders, a CSV or Parquet file with the columns path and label, an .npz file, a folder"
    " of IDX files, builtin:digits or builtin:clipart was expected."
)


@dataclass(frozen=True)
class Source:
    """Labelled pictures that can be read one by one.

    Attributes:
        name: As the person gave it.
        items: What it holds, in a fixed order.
        skipped: What listing set aside.
        stacks: All pictures as arrays, where that is how they lie; else nothing.
    """

    name: str
    items: tuple[Item, ...]
    _read: Callable[[int], bytes]
    skipped: tuple[Skipped, ...] = field(default=())
    stacks: tuple[Stack, ...] = field(default=())

    def read(self, index: int) -> bytes:
        """The encoded picture of ``items[index]`` (arrays come as binary PGM or PPM), from any thread.

        Raises:
            OSError: where the file cannot be read.
            PictureError: where what holds the pictures is damaged.
        """
        return self._read(index)


def open_source(spec: str | Path) -> Source:
    """Open a folder, split folders, ``.csv``, ``.parquet``, ``.npz``, an IDX folder or a built-in set.

    Raises:
        SourceError: where there is no such source, it cannot be read, or it holds no picture.
    """
    listing = _listing(str(spec))
    return Source(str(spec), listing.items, listing.read, listing.skipped, listing.stacks)


def _listing(spec: str) -> Listing:
    if spec.startswith(_BUILTIN):
        return list_builtin(spec.removeprefix(_BUILTIN))
    if not spec:
        raise SourceError("The source's name is empty.", _KINDS, "Write its path; a dot is this folder.")
    try:
        path = Path(spec).expanduser()
        found = path.exists()
    except (OSError, ValueError, RuntimeError) as error:  # the last for the home of a user who has none
        raise _unreachable(spec, error) from error
    if not found:
        raise _missing(spec, path)
    if path.is_dir():
        return list_idx(path) if holds_idx(path) else list_folder(path)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".parquet"):
        return list_table(path)
    if suffix == ".npz":
        return list_npz(path)
    raise SourceError(f"The file {shown(spec)} is not a source of pictures.", _KINDS, "Name one of these.")


def _unreachable(spec: str, error: Exception) -> SourceError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return SourceError(
        f"{shown(spec)} cannot be reached ({reason}).", _KINDS, "Check the path and permissions."
    )


def _missing(spec: str, path: Path) -> SourceError:
    try:
        siblings = [one.name for one in path.parent.iterdir() if one.name != path.name]
    except OSError:
        siblings = []
    close = difflib.get_close_matches(path.name, siblings, n=1)
    hint = f"Did you mean {shown(path.parent / close[0])}?" if close else "Check the path."
    return SourceError(f"There is nothing at {shown(spec)}.", _KINDS, hint)
