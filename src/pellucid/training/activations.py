"""What frozen layers put out, kept in the user's cache by the content of the picture.

One folder holds the rows of one trunk and one preprocessing. Each writer appends to a segment of its own:
a file of rows and an index with a key and a checksum for each, the row always before its index entry. A
killed writer therefore leaves at most one row that no index names, and writers never wait for each other.
"""

import errno
import mmap
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import StorageError, shown
from pellucid.storage import storage_errors

_ROWS = ".rows"
_INDEX = ".index"
_ENTRY = np.dtype([("key", "V16"), ("check", "<u4")])
_WHAT = "the cached features"
_MANY = 256  # segments, below which any limit of open files will do

DEFAULT_LIMIT = 10 * 2**30
Kind = type[np.float32] | type[np.float16]


@dataclass(frozen=True)
class _Segment:
    """One writer's rows, mapped read-only: ``rows (N, D)`` with a checksum for each."""

    map: mmap.mmap
    rows: NDArray[np.floating]
    checks: NDArray[np.uint32]


class ActivationCache:
    """The rows of one trunk and one preprocessing, found by the digest of a picture.

    Args:
        width: The length D of a row of numbers.
        kind: What a number is stored as, float32 or float16.
    """

    def __init__(self, width: int, kind: Kind = np.float32) -> None:
        self.width = width
        self.kind = np.dtype(kind)
        self._opened: set[Path] = set()
        self._segments: list[_Segment] = []
        self._places: dict[bytes, tuple[int, int]] = {}

    def add(self, folder: Path) -> None:
        """Map the segments in ``folder`` (which need not exist) that are not mapped yet.

        Raises:
            StorageError: there are more than this process may have files open.
        """
        fresh = sorted(set(folder.glob(f"*{_INDEX}")) - self._opened)
        if len(fresh) > _MANY:
            _allow_open(len(fresh))
        for index in fresh:
            self._opened.add(index)
            self._map(index)

    def __contains__(self, digest: str) -> bool:
        return bytes.fromhex(digest) in self._places

    def __len__(self) -> int:
        return len(self._places)

    def rows(self, digests: Sequence[str]) -> "CachedRows":
        """The rows of these pictures, in this order; every digest must be in the cache.

        Raises:
            KeyError: a digest is not in the cache.
        """
        places = [self._places[bytes.fromhex(digest)] for digest in digests]
        return CachedRows(self._segments, np.array(places, np.int64).reshape(-1, 2), self.width)

    def intact(self, digests: Iterable[str]) -> set[str]:
        """Those of the digests whose rows are here, with the checksum that they were written with."""
        return {digest for digest in digests if digest in self and self._intact(bytes.fromhex(digest))}

    def _intact(self, key: bytes) -> bool:
        segment_index, row = self._places[key]
        segment = self._segments[segment_index]
        return zlib.crc32(segment.rows[row].data) == int(segment.checks[row])

    def _map(self, index: Path) -> None:
        """Map a segment; what a killed or full-disk writer left half-written at its end is passed over."""
        rows_path = index.with_suffix(_ROWS)
        try:
            entries = np.fromfile(index, _ENTRY, count=index.stat().st_size // _ENTRY.itemsize)
            row_bytes = self.kind.itemsize * self.width
            whole = min(len(entries), rows_path.stat().st_size // row_bytes)
            if whole == 0:
                return
            with rows_path.open("rb") as file:
                mapped = mmap.mmap(file.fileno(), whole * row_bytes, access=mmap.ACCESS_READ)
            os.utime(rows_path)  # eviction deletes what has not been used for longest
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                raise _too_many(index.parent, len(self._segments)) from error
            return  # evicted by another process meanwhile, or read-only: it is a cache
        rows = np.frombuffer(mapped, self.kind).reshape(whole, self.width)
        self._segments.append(_Segment(mapped, rows, entries["check"][:whole].copy()))
        number = len(self._segments) - 1
        self._places.update(
            (entry.tobytes(), (number, row)) for row, entry in enumerate(entries["key"][:whole])
        )


def _allow_open(number: int) -> None:
    """Let this process have so many files more open, as far as it may: a map keeps its file's descriptor."""
    try:
        import resource  # which Windows does not have, nor such a limit
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return
    wanted = soft + number if hard == resource.RLIM_INFINITY else min(soft + number, hard)
    with suppress(OSError, ValueError):  # macOS refuses what its kernel does not have
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _too_many(folder: Path, mapped: int) -> StorageError:
    return StorageError(
        f"The cached features in {shown(folder)} lie in more files than may be open at once: {mapped:,} of "
        "them are.",
        "One file for each training that computed some was expected, and fewer than the limit.",
        "Raise it ('ulimit -n 65536'), or empty the cache ('pellucid cache --clear').",
    )


class CachedRows:
    """Rows of numbers ``(N, D)`` on disk; blocks of them are copied out as float32 when asked for."""

    def __init__(self, segments: Sequence[_Segment], places_N2: NDArray[np.int64], width: int) -> None:
        self._segments = segments
        self._places_N2 = places_N2
        self.shape = (len(places_N2), width)

    def take(self, chosen_N: NDArray[np.int64]) -> "CachedRows":
        """The rows at these positions, in this order."""
        return CachedRows(self._segments, self._places_N2[chosen_N], self.shape[1])

    def blocks(self, size: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """All rows in order, at most ``size`` at a time, each block an array of its own."""
        for start in range(0, self.shape[0], size):
            part = slice(start, min(start + size, self.shape[0]))
            yield part, self._gather(self._places_N2[part])

    def array(self) -> NDArray[np.float32]:
        """All rows at once, ``(N, D)``."""
        return self._gather(self._places_N2)

    def _gather(self, places_N2: NDArray[np.int64]) -> NDArray[np.float32]:
        block_ND = np.empty((len(places_N2), self.shape[1]), np.float32)
        for number in np.unique(places_N2[:, 0]):
            here = places_N2[:, 0] == number
            segment = self._segments[number]
            block_ND[here] = segment.rows[places_N2[here, 1]]
            # Pages that were read count as this process's memory until they are given back.
            segment.map.madvise(mmap.MADV_DONTNEED)
        return block_ND


class SegmentWriter:
    """Appends rows to a new segment; use as a context manager, from one thread at a time.

    Raises:
        StorageError: the folder cannot be written, or the disk is full.
    """

    def __init__(self, folder: Path, kind: Kind = np.float32) -> None:
        self._folder = folder
        self._kind = kind
        self._stem = folder / f"{secrets.token_hex(8)}"

    def __enter__(self) -> Self:
        with storage_errors(self._folder, _WHAT):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._rows = self._stem.with_suffix(_ROWS).open("xb", buffering=0)
            self._index = self._stem.with_suffix(_INDEX).open("xb", buffering=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()
        empty = self._index.tell() == 0
        self._index.close()
        if empty:
            self._stem.with_suffix(_INDEX).unlink(missing_ok=True)
            self._stem.with_suffix(_ROWS).unlink(missing_ok=True)

    def append(self, digest: str, row_D: NDArray[np.float32]) -> None:
        """Store the row of the picture with this digest; it survives a kill from here on."""
        data = np.ascontiguousarray(row_D, self._kind).tobytes()
        entry = np.array([(bytes.fromhex(digest), zlib.crc32(data))], _ENTRY).tobytes()
        with storage_errors(self._folder, _WHAT):
            _write_all(self._rows.fileno(), data)
            _write_all(self._index.fileno(), entry)


def _write_all(file: int, data: bytes) -> None:
    """Write all of ``data``: a disk that fills up takes a part first and refuses only the next write."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def trim(root: Path, limit: int) -> int:
    """Delete the segments below ``root`` that have not been used for longest, until at most ``limit`` bytes
    remain; the number of bytes freed."""
    segments = []
    for path in root.rglob(f"*{_ROWS}"):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        segments.append((status.st_mtime_ns, status.st_size, path))
    excess = sum(size for _, size, _ in segments) - limit
    freed = 0
    for _, size, path in sorted(segments):
        if freed >= excess:
            break
        path.with_suffix(_INDEX).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        freed += size
    return freed
