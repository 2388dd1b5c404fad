"""A folder of IDX files, as MNIST comes: pictures and labels of train and t10k, gzipped or not."""

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.arrays import Part, list_arrays
from pellucid.data.item import Listing, split_named
from pellucid.errors import SourceError, shown

_FILE = re.compile(
    r"(?P<part>[a-z0-9]+)[-_.](?P<what>images|labels)[-_.]idx(?P<axes>[13])[-_.]ubyte(\.gz)?", re.IGNORECASE
)
_EXPECTED = (
    "Files as MNIST comes in, such as train-images-idx3-ubyte and train-labels-idx1-ubyte, were expected."
)


def holds_idx(folder: Path) -> bool:
    """Whether a file of pictures in the IDX format stands directly in ``folder``, by the names."""
    return any(what == "images" for _, what in _files(folder))


def list_idx(folder: Path) -> Listing:
    """The pictures of an IDX folder; t10k is the test split.

    Raises:
        SourceError: where a file is damaged or missing.
    """
    files = _files(folder)
    parts: list[Part] = []
    for part in sorted({part for part, what in files if what == "images"}):
        pictures = files[part, "images"]
        if (part, "labels") not in files:
            raise SourceError(
                f"{shown(pictures)} has no file of labels beside it.", _EXPECTED, "Copy the labels there too."
            )
        split = "test" if part == "t10k" else split_named(part)
        parts.append((_read(pictures, 3), _read(files[part, "labels"], 1), split))
    return list_arrays(str(folder), parts)


def _files(folder: Path) -> dict[tuple[str, str], Path]:
    """IDX files by (part, images or labels); of a file and its gzipped copy, the file."""
    found: dict[tuple[str, str], Path] = {}
    try:
        paths = sorted(folder.iterdir(), reverse=True)
    except OSError:
        return found
    for path in paths:
        match = _FILE.fullmatch(path.name)
        if match and (match["what"].lower() == "images") == (match["axes"] == "3"):
            found[match["part"].lower(), match["what"].lower()] = path
    return found


def _read(path: Path, axes: int) -> NDArray[Any]:
    """The array of one IDX file of unsigned bytes. A file that is not gzipped is mapped, not read."""
    try:
        if path.suffix.lower() == ".gz":
            with gzip.open(path) as file:
                data: NDArray[np.uint8] = np.frombuffer(file.read(), np.uint8)
        else:
            data = np.memmap(path, np.uint8, "r")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise _damaged(path, f"it cannot be read: {error}") from error
    start = 4 + 4 * axes
    if len(data) < start or data[:4].tolist() != [0, 0, 8, axes]:
        raise _damaged(path, f"it begins with {data[:4].tobytes().hex(' ') or 'nothing'}")
    shape = tuple(int(size) for size in np.frombuffer(data[4:start].tobytes(), ">u4"))
    expected = int(np.prod(shape, dtype=object))
    if len(data) - start != expected:
        raise _damaged(path, f"its head says {expected} bytes, {len(data) - start} follow")
    return data[start:].reshape(shape)


def _damaged(path: Path, why: str) -> SourceError:
    return SourceError(
        f"The IDX file {shown(path)} is damaged ({why}).",
        "An IDX file of unsigned bytes, whole, was expected.",
        "Copy or download it again.",
    )
