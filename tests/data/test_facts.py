"""What is kept of a picture by its content."""

import io
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pellucid.data import facts
from pellucid.data.arrays import encode
from pellucid.data.facts import Facts, FactsCache, measure, thumbnails

Draw = Callable[..., bytes]
SOME = Facts(3, 4, bytes(range(256)), "")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "facts.sqlite"


@pytest.fixture
def opened(path: Path) -> Iterator[FactsCache]:
    cache = FactsCache(path)
    yield cache
    cache.close()


def keep(path: Path, new: dict[str, Facts]) -> FactsCache:
    cache = FactsCache(path)
    cache.put(new)
    cache.close()
    return cache


def kept(path: Path, *digests: str) -> dict[str, Facts]:
    cache = FactsCache(path)
    found = cache.get(digests)
    cache.close()
    assert cache.trouble == ""
    return found


def turned(data: bytes, orientation: int) -> bytes:
    """The same pixels, with an EXIF orientation."""
    image = Image.open(io.BytesIO(data))
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif, quality=95)
    return file.getvalue()


@pytest.mark.parametrize(
    ("height", "width"), [(400, 500), (1000, 1001), (1001, 1000), (999, 999), (97, 1500), (5, 9)]
)
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_the_size_is_that_of_the_upright_picture(
    draw: Draw, height: int, width: int, orientation: int
) -> None:
    """Scaled decoding, a turned camera and a nearly square picture do not change the size that is told."""
    found = measure(turned(draw(1, height, width, "JPEG"), orientation))
    assert (found.height, found.width) == ((width, height) if orientation >= 5 else (height, width))


@pytest.mark.parametrize("kind", ["PNG", "GIF", "PPM", "WEBP", "BMP"])
def test_every_format_has_its_size(draw: Draw, kind: str) -> None:
    """Formats that are decoded whole tell their own size."""
    found = measure(draw(1, 30, 50, kind))
    assert (found.height, found.width, found.reason) == (30, 50, "")


def test_the_thumbnail_is_the_picture_in_small(draw: Draw) -> None:
    """A picture of 16 x 16 grey blocks of 8 x 8 pixels has these greys, within the filter's overlap."""
    ramp_HW = np.add.outer(np.arange(16) * 8, np.arange(16) * 4).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(ramp_HW.repeat(8, 0).repeat(8, 1)).save(file, "PNG")
    thumbnail_HW = np.frombuffer(measure(file.getvalue()).thumbnail, np.uint8).reshape(16, 16)
    assert np.abs(thumbnail_HW[1:-1, 1:-1].astype(int) - ramp_HW[1:-1, 1:-1]).max() <= 1
    assert np.abs(thumbnail_HW.astype(int) - ramp_HW).max() <= 4


@pytest.mark.parametrize("quality", [50, 90])
@pytest.mark.parametrize("scale", [1, 2])
def test_reencoding_and_resizing_hardly_change_the_thumbnail(draw: Draw, quality: int, scale: int) -> None:
    """JPEG at quality 50, and half the size, stay within two grey levels of the PNG."""
    data = draw(3, 400, 500)
    image = Image.open(io.BytesIO(data)).resize((500 // scale, 400 // scale))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    one, other = (
        np.frombuffer(measure(picture).thumbnail, np.uint8).astype(float)
        for picture in (data, file.getvalue())
    )
    assert np.sqrt(((one - other) ** 2).mean()) <= 1
    assert np.abs(one - other).max() <= 4


def test_an_unreadable_picture_has_a_reason() -> None:
    """What cannot be decoded has no size and no thumbnail, but a reason that lasts."""
    assert measure(b"") == Facts(0, 0, b"", "it is empty", True)


def test_want_of_memory_does_not_last(monkeypatch: pytest.MonkeyPatch, draw: Draw, path: Path) -> None:
    """A picture that was too large for the memory of the moment is tried again next time."""

    def starve(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("pellucid.pictures.decode._decode", starve)
        found = measure(draw(1))
    assert (found.reason, found.lasting) == ("there is not enough memory to decode it", False)
    keep(path, {"a": found})
    assert kept(path, "a") == {}


def test_facts_are_kept(path: Path) -> None:
    """What was put is there in another process's eyes, and nothing else is."""
    keep(path, {"a": SOME, "b": Facts(reason="it is cut short")})
    assert kept(path, "a", "b", "c") == {"a": SOME, "b": Facts(reason="it is cut short")}
    assert kept(path) == {}


def test_many_facts_are_written_before_the_end(opened: FactsCache, path: Path) -> None:
    """A scan that is killed has lost at most the last batch."""
    opened.put({str(n): SOME for n in range(2000)})
    assert len(kept(path, *map(str, range(3000)))) == 2000


def test_facts_of_another_decoder_are_not_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer decoder may read what an older one could not, so its answers are its own."""
    keep(path, {"a": SOME})
    monkeypatch.setattr(facts, "DECODER", "another")
    assert kept(path, "a") == {}


@pytest.mark.parametrize(
    "change",
    [
        "thumbnail = x'00'",
        "thumbnail = 'text'",
        "height = 0",
        "height = 'tall'",
        "reason = NULL",
        "used = NULL",
    ],
)
def test_a_damaged_row_is_not_used(path: Path, change: str) -> None:
    """A row that does not hold what it should is computed again."""
    keep(path, {"a": SOME, "b": SOME})
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE facts SET {change} WHERE digest = 'a'")  # noqa: S608
    database.close()
    assert kept(path, "a", "b") == {"b": SOME}


def test_a_file_that_is_no_database_is_no_failure(path: Path) -> None:
    """A damaged cache keeps nothing and says so once."""
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)
    cache = keep(path, {"a": SOME})
    assert cache.get(["a"]) == {}
    assert cache.trouble == "What is known of pictures is not kept between runs: file is not a database."


def test_a_database_of_another_shape_is_no_failure(path: Path) -> None:
    """A table that has other columns keeps nothing and says so."""
    path.parent.mkdir()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE facts (name TEXT)")
    database.close()
    cache = FactsCache(path)
    assert cache.get(["a"]) == {}
    cache.put({"a": SOME})
    cache.close()
    assert cache.trouble == "What is known of pictures is not kept between runs: no such column: digest."


def test_a_place_that_cannot_be_made_is_no_failure(tmp_path: Path) -> None:
    """Where a file stands in the folder's place, nothing is kept."""
    (tmp_path / "cache").write_text("")
    cache = keep(tmp_path / "cache/facts.sqlite", {"a": SOME})
    assert cache.trouble.startswith("What is known of pictures is not kept between runs: [Errno ")


def test_a_read_only_cache_still_answers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that may be read and not written gives what it has, and says what it could not keep."""
    keep(path, {"a": SOME})
    connect = sqlite3.connect

    def read_only(path: Path, **options: object) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr("sqlite3.connect", read_only)
    cache = FactsCache(path)
    assert cache.get(["a"]) == {"a": SOME}
    cache.put({"b": SOME})
    cache.close()
    assert cache.trouble == (
        "What is known of pictures is not kept between runs: attempt to write a readonly database."
    )


def test_a_locked_cache_is_no_failure(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another process holds the database for long, the facts are not kept and it is said."""
    monkeypatch.setattr(facts, "_PATIENCE_SECONDS", 0.1)
    keep(path, {"a": SOME})
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    cache = FactsCache(path)
    assert cache.get(["a"]) == {"a": SOME}
    cache.put({"b": SOME})
    cache.close()
    other.close()
    assert cache.trouble == "What is known of pictures is not kept between runs: database is locked."


def test_the_oldest_facts_make_room(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its bound the file loses a fifth of its rows: those that were used longest ago."""
    days = iter(range(100, 110))
    monkeypatch.setattr("time.time", lambda: 86_400.0 * next(days))
    for day in range(4):
        keep(path, {f"{day} {n}": SOME for n in range(50)})
    assert len(kept(path, *(f"0 {n}" for n in range(50)))) == 50  # used on a later day
    monkeypatch.setattr(facts, "_LIMIT_BYTES", 10_000)
    keep(path, {})
    database = sqlite3.connect(path)
    left = database.execute("SELECT substr(digest, 1, 1), count(*) FROM facts GROUP BY 1").fetchall()
    database.close()
    assert left == [("0", 50), ("1", 10), ("2", 50), ("3", 50)]


@given(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3]), st.integers(0, 99))
def test_thumbnails_of_arrays_are_those_of_one_picture_at_a_time(
    count: int, height: int, width: int, channels: int, seed: int
) -> None:
    """Every bit of many pictures' thumbnails is that of measuring each picture's file by itself."""
    pixels_NHWC = np.random.default_rng(seed).integers(0, 256, (count, height, width, channels), np.uint8)
    small_NSS = thumbnails(pixels_NHWC)
    assert small_NSS.shape == (count, 16, 16)
    for pixels_HWC, small_SS in zip(pixels_NHWC, small_NSS, strict=True):
        assert measure(encode(pixels_HWC)).thumbnail == small_SS.tobytes()
