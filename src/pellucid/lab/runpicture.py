"""A picture that a run answered, found again where the run says it lies, by the run's name and its row.

No path can be asked for: a picture is shown only where the run's own tables name it and its content is the
one that the run had, by its digest.
"""

import re
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid.data import builtin
from pellucid.data.idx import holds_idx
from pellucid.data.source import Source, open_source
from pellucid.errors import PellucidError, PictureError, shown
from pellucid.lab.runfolder import Answered
from pellucid.pictures.decode import decode
from pellucid.pictures.digest import picture_digest
from pellucid.pictures.file import read_file

SIDE = 112
"""The longer side of a thumbnail, in pixels, at most."""

_CLIPART, _ARRAYS = "builtin:clipart", ("builtin:", ".npz")
_NAME = re.compile(r"run/(?P<run>.+)#(?P<row>[0-9]{1,9})", re.DOTALL)

# A few kilobytes can hold a hundred million pixels: one picture is decoded at a time, however many are asked.
_one_at_a_time = threading.Lock()


def name_of(run: str, row: int) -> str:
    """The name that the room Inside asks for the picture by."""
    return f"run/{run}#{row}"


def parted(name: str) -> tuple[str, int] | None:
    """The run and the row of such a name; None where it is none."""
    found = _NAME.fullmatch(name)
    return (found["run"], int(found["row"])) if found else None


def picture_bytes(folder: Path, record: Any, answered: Answered) -> bytes:
    """The file of a picture that a run answered.

    A source of a relative name was found from where training was started, which is not told: it is looked
    for from here, from the run's folder and from those above it, and the digest says which is the one.

    Args:
        folder: The run's.
        record: The run's.
        answered: The picture's row.

    Raises:
        PictureError: It is gone, or another has its place; the text says so in a few words.
    """
    gone = "the picture is no longer where the run found it"
    try:
        source = str(record["source"]["name"])
    except (KeyError, TypeError) as error:
        raise PictureError(gone) from error
    relative = not source.startswith(_ARRAYS[0]) and not Path(source).expanduser().is_absolute()
    above = [str(one / source) for one in (folder, *folder.parents)] if relative else []
    is_other = False
    for place in (source, *above):
        try:
            data = _read(place, answered.path)
        except (OSError, KeyError, TypeError, ValueError, PellucidError):
            continue
        if picture_digest(data) == answered.digest:
            return data
        is_other = True
    if is_other:
        raise PictureError("another file has its place now")
    if relative:
        gone += f": {shown(source)} was looked for in {shown(Path.cwd())}, in the run's folder and above it"
    raise PictureError(gone)


def thumbnail(data: bytes) -> NDArray[np.uint8]:
    """The picture made small, uint8 (H, W, 3); a smaller one keeps its size.

    Raises:
        PictureError: It cannot be read.
    """
    with _one_at_a_time:
        small = Image.fromarray(decode(data, at_least=(SIDE, SIDE)))
        small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small)


def _read(source: str, path: str) -> bytes:
    if source == _CLIPART:
        return builtin.clipart_bytes(path)
    folder = Path(source).expanduser()
    if source.startswith(_ARRAYS[0]) or source.lower().endswith(_ARRAYS[1]):
        return _of_arrays(source, path)
    if folder.is_dir() and holds_idx(folder):
        return _of_arrays(source, path)
    # A listing of 200,000 files would take seconds, and tells no more than that this one is there.
    return read_file((folder if folder.is_dir() else folder.parent) / path)


def _of_arrays(source: str, path: str) -> bytes:
    opened, places = _opened(source)
    return opened.read(places[path])


@lru_cache(2)
def _opened(source: str) -> tuple[Source, dict[str, int]]:
    opened = open_source(source)
    return opened, {item.path: place for place, item in enumerate(opened.items)}
