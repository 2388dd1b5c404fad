"""What a scan must know of a picture (true size, small grey thumbnail), and the cache of it by content.

The cache is a convenience: where it cannot be read or written, facts are computed again and `trouble`
says why.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from pellucid.errors import PictureError
from pellucid.pictures.decode import decode
from pellucid.storage import cache_folder

SIDE = 16
# Smaller, and the blocks that a scaled JPEG is decoded to show in the thumbnail: at 16 pixels a PNG of the
# same picture differs by 3.4 grey levels (root mean square), at 96 by 0.7.
_AT_LEAST = 96
# Raise the number when `decode` or `measure` changes its answers.
DECODER = f"1 pillow {PIL.__version__} simplejpeg {simplejpeg.__version__}"
_LIMIT_BYTES = 400_000_000  # about a million pictures
_PENDING = 2000
_PATIENCE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one picture: the upright height and width in pixels and 16 x 16 grey levels, row by row.

    Where it is unreadable, `reason` says why and the rest is empty; `lasting` is False where it may be read
    another time.
    """

    height: int = 0
    width: int = 0
    thumbnail: bytes = b""
    reason: str = ""
    lasting: bool = True


def measure(data: bytes) -> Facts:
    """The facts of an encoded picture; never raises for what stands in ``data``."""
    try:
        pixels_HWC = decode(data, at_least=(_AT_LEAST, _AT_LEAST))
    except PictureError as error:
        return Facts(reason=str(error), lasting=not isinstance(error.__cause__, MemoryError))
    small_SS = _squashed(_grey(pixels_HWC), SIDE)
    height, width = pixels_HWC.shape[:2]
    if data[:2] == b"\xff\xd8":  # only a JPEG is decoded at a reduced scale
        height, width = _size_of_jpeg(data, (height, width))
    return Facts(height, width, small_SS.tobytes())


def thumbnails(pixels_NHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The thumbnails that ``measure`` takes of pictures (N, H, W, 1) or (N, H, W, 3), uint8 (N, 16, 16).

    Of pictures that are at least as wide as high Pillow squashes rows first and columns then, each by itself
    and rounded. So all rows of all pictures make one tall picture, and after that all columns, and every bit
    is that of one picture at a time. Of higher ones some releases begin with the columns.
    """
    count, height, width, channels = pixels_NHWC.shape
    if height > width:
        return np.array([_squashed(_grey(one_HWC), SIDE) for one_HWC in pixels_NHWC]).reshape(-1, SIDE, SIDE)
    tall = _grey(pixels_NHWC.reshape(count * height, width, channels))
    rows_NHS = _squashed(tall, count * height).reshape(count, height, SIDE)
    columns = np.ascontiguousarray(rows_NHS.transpose(0, 2, 1)).reshape(count * SIDE, height)
    return _squashed(Image.fromarray(columns), count * SIDE).reshape(count, SIDE, SIDE).transpose(0, 2, 1)


def _grey(pixels_HWC: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC).convert("L")


def _squashed(image: Image.Image, height: int) -> NDArray[np.uint8]:
    return np.asarray(image.resize((SIDE, height), Image.Resampling.BILINEAR))


def _size_of_jpeg(data: bytes, small: tuple[int, int]) -> tuple[int, int]:
    """The upright (height, width) of a JPEG that decodes to the size ``small`` at some scale."""
    try:
        height, width = simplejpeg.decode_jpeg_header(data)[:2]
    except ValueError:  # not for this decoder, so it was not scaled
        return small
    for scale in (1, 2, 4, 8):
        lying, standing = (
            (-(-rows // scale), -(-columns // scale)) for rows, columns in ((height, width), (width, height))
        )
        if lying == standing == small and height != width:
            break
        if lying == small:
            return height, width
        if standing == small:
            return width, height
    full_HWC = decode(data)  # nearly square: only the whole picture tells whether it is turned
    return full_HWC.shape[0], full_HWC.shape[1]


class FactsCache:
    """Facts by digest, in one SQLite file that several processes may share; used from any thread.

    Attributes:
        trouble: Empty, or one sentence on why the cache is not used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or cache_folder() / "facts.sqlite"
        self.trouble = ""
        self._lock = threading.Lock()
        self._today = int(time.time() // 86_400)
        self._new: list[tuple[str, str, int, int, bytes, str, int]] = []
        self._used: list[tuple[int, str, str]] = []
        self._database: sqlite3.Connection | None = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._database = _open(self.path)
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def get(self, digests: Collection[str]) -> dict[str, Facts]:
        """The facts that are kept of the pictures whose bytes have these digests."""
        with self._lock:
            if self._database is None:
                return {}
            try:
                rows = self._database.execute(
                    "SELECT digest, used, height, width, thumbnail, reason FROM facts"
                    " WHERE decoder = ? AND digest IN (SELECT value FROM json_each(?))",
                    (DECODER, json.dumps(list(digests))),
                ).fetchall()
            except sqlite3.Error as error:
                self._give_up(error)
                return {}
            rows = [row for row in rows if _sound(row)]
            self._used += [(self._today, row[0], DECODER) for row in rows if row[1] < self._today]
            return {row[0]: Facts(*row[2:]) for row in rows}

    def put(self, new: Mapping[str, Facts]) -> None:
        """Keep these facts by digest; they are written in batches, and for certain by `close`."""
        with self._lock:
            self._new += [
                (digest, DECODER, facts.height, facts.width, facts.thumbnail, facts.reason, self._today)
                for digest, facts in new.items()
                if facts.lasting
            ]
            if len(self._new) >= _PENDING:
                self._write()

    def close(self) -> None:
        """Write what waits, keep the file within its bound, and close it."""
        with self._lock:
            self._write()
            if self._database is not None:
                try:
                    _trim(self._database)
                    self._database.close()
                except sqlite3.Error as error:
                    self._give_up(error)
                self._database = None

    def _write(self) -> None:
        new, used = self._new, self._used
        self._new, self._used = [], []
        if self._database is None or not (new or used):
            return
        try:
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?, ?, ?, ?, ?, ?)", new)
                self._database.executemany("UPDATE facts SET used = ? WHERE digest = ? AND decoder = ?", used)
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.close()
        self.trouble = f"What is known of pictures is not kept between runs: {error}."


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=_PATIENCE_SECONDS, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS facts (digest TEXT, decoder TEXT, height INTEGER, width INTEGER,"
            " thumbnail BLOB, reason TEXT, used INTEGER, PRIMARY KEY (digest, decoder)) WITHOUT ROWID"
        )
    except sqlite3.Error:
        database.close()
        raise
    return database


def _sound(row: tuple[object, ...]) -> bool:
    _, used, height, width, thumbnail, reason = row
    if not (isinstance(reason, str) and isinstance(used, int) and isinstance(thumbnail, bytes)):
        return False
    return bool(reason) or (
        isinstance(height, int)
        and isinstance(width, int)
        and height > 0
        and width > 0
        and len(thumbnail) == SIDE * SIDE
    )


def _trim(database: sqlite3.Connection) -> None:
    pages, free, size = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    if (pages - free) * size <= _LIMIT_BYTES:
        return
    with database:
        rows = database.execute("SELECT count(*) FROM facts").fetchone()[0]
        database.execute(
            "DELETE FROM facts WHERE (digest, decoder) IN"
            " (SELECT digest, decoder FROM facts ORDER BY used LIMIT ?)",
            (rows // 5,),
        )
