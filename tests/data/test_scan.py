"""Every picture of a source looked at once."""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from pellucid.data import scan as room
from pellucid.data.arrays import list_arrays
from pellucid.data.item import Item, Skipped
from pellucid.data.scan import scan
from pellucid.data.source import Source, open_source
from pellucid.errors import PictureError
from pellucid.events import Advanced, Event, Notice, PhaseEnded, PhaseStarted

Draw = Callable[..., bytes]
Fill = Callable[[Path, Mapping[str, int]], Path]


def source_of(pictures: list[bytes | Exception], labels: str = "") -> Source:
    """A source in memory; item n has label ``labels[n]``, or a."""

    def read(index: int) -> bytes:
        picture = pictures[index]
        if isinstance(picture, Exception):
            raise picture
        return picture

    items = tuple(Item(f"{n}.png", labels[n] if labels else "a", None) for n in range(len(pictures)))
    return Source("memory", items, read, (Skipped("listed", "set aside before"),))


def test_every_picture_is_told_in_the_order_of_items(tmp_path: Path, fill: Fill, own_cache: Path) -> None:
    """Path, label, split, digest and size of each picture, and the classes, sorted."""
    fill(tmp_path / "p", {"test/dogs": 1, "train/dogs": 1, "train/cats": 2})
    source = open_source(tmp_path / "p")
    found = scan(source)
    assert found.source is source
    assert found.classes == ("cats", "dogs")
    assert found.skipped == ()
    assert [(p.index, p.path, p.label, p.split) for p in found.pictures] == [
        (n, item.path, item.label, item.split) for n, item in enumerate(source.items)
    ]
    for picture in found.pictures:
        data = (tmp_path / "p" / picture.path).read_bytes()
        assert picture.digest == hashlib.blake2b(data, digest_size=16).hexdigest()
        assert (picture.height, picture.width) == (24, 32)
    assert found.thumbnails.shape == (4, 16, 16)
    assert found.thumbnails.dtype == np.uint8


def test_thumbnails_stand_in_the_order_of_pictures(draw: Draw, own_cache: Path) -> None:
    """The thumbnail of picture n is that of its own bytes, also after an unreadable one."""
    data = [draw(n) for n in range(100)]
    data[7] = b"broken"
    found = scan(source_of(list(data)))
    assert [picture.index for picture in found.pictures] == [*range(7), *range(8, 100)]
    for picture, thumbnail_HW in zip(found.pictures, found.thumbnails, strict=True):
        one = scan(source_of([data[picture.index]]))
        np.testing.assert_array_equal(one.thumbnails[0], thumbnail_HW)


def test_what_cannot_be_read_is_named_and_set_aside(draw: Draw, own_cache: Path) -> None:
    """Each way to fail has its reason; what listing set aside comes first; classes stay."""
    pictures: list[bytes | Exception] = [
        draw(1), b"", b"just text", draw(2)[:100], PermissionError(13, "Permission denied"),
        FileNotFoundError(2, "No such file"), OSError(5, "Input/output error"), OSError("odd"),
        PictureError("the archive is damaged"),
    ]  # fmt: skip
    found = scan(source_of(pictures, "abcdefghi"))
    assert [picture.path for picture in found.pictures] == ["0.png"]
    assert found.classes == tuple("abcdefghi")
    assert [(one.path, one.reason) for one in found.skipped] == [
        ("listed", "set aside before"),
        ("1.png", "it is empty"),
        ("2.png", "it is not a picture that can be read (it begins with 'just text')"),
        ("3.png", "it is cut short"),
        ("4.png", "no permission to read it"),
        ("5.png", "there is no such file"),
        ("6.png", "it cannot be read (Input/output error)"),
        ("7.png", "it cannot be read (odd)"),
        ("8.png", "the archive is damaged"),
    ]


def test_a_source_of_which_nothing_can_be_read_is_still_scanned(own_cache: Path) -> None:
    """Where every picture is broken, the scan says so instead of failing."""
    found = scan(source_of([b"", b""]))
    assert found.pictures == ()
    assert found.thumbnails.shape == (0, 16, 16)
    assert len(found.skipped) == 3


def test_a_second_scan_decodes_nothing(
    tmp_path: Path, fill: Fill, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts come from the cache by content, wherever the file stands; ten new pictures cost ten."""
    measured = []
    measure = room.measure
    monkeypatch.setattr(room, "measure", lambda data: measured.append(1) or measure(data))
    fill(tmp_path / "p", {"cats": 20, "dogs": 20})
    (tmp_path / "p/dogs/broken.png").write_bytes(b"broken")
    first = scan(open_source(tmp_path / "p"))
    assert len(measured) == 41
    (tmp_path / "p").rename(tmp_path / "moved")
    second = scan(open_source(tmp_path / "moved"))
    assert len(measured) == 41
    assert second.pictures == first.pictures
    assert second.skipped == first.skipped
    np.testing.assert_array_equal(second.thumbnails, first.thumbnails)
    fill(tmp_path / "moved", {"birds": 10})
    scan(open_source(tmp_path / "moved"))
    assert len(measured) == 51


def test_a_cache_that_fails_is_told_once(draw: Draw, own_cache: Path) -> None:
    """With a damaged cache the scan gives the same answer and one notice."""
    data: list[bytes | Exception] = [draw(n) for n in range(50)]
    whole = scan(source_of(data))
    for path in own_cache.iterdir():
        path.write_bytes(b"damaged" * 1000)
    events: list[Event] = []
    again = scan(source_of(data), events.append)
    assert again.pictures == whole.pictures
    assert [event for event in events if isinstance(event, Notice)] == [
        Notice("What is known of pictures is not kept between runs: file is not a database.")
    ]


def test_progress_adds_up(draw: Draw, own_cache: Path) -> None:
    """The phase announces all items, and the advances sum to them, unreadable ones counted."""
    events: list[Event] = []
    scan(source_of([draw(1), b"", draw(2)] * 30), events.append)
    assert events[0] == PhaseStarted("Looking at the pictures", 90, "pictures")
    assert sum(event.count for event in events if isinstance(event, Advanced)) == 90
    assert isinstance(events[-1], PhaseEnded)
    assert not any(isinstance(event, Notice) for event in events)


def test_the_digest_of_a_source_is_of_its_content_in_any_order(draw: Draw, own_cache: Path) -> None:
    """Order and names do not count; a picture, a label or a split more or less does."""

    def digest(*entries: tuple[int, str, str | None]) -> str:
        items = tuple(Item(str(n), label, split) for n, (_, label, split) in enumerate(entries))  # type: ignore[arg-type]
        return scan(Source("memory", items, lambda index: draw(entries[index][0]))).digest

    rest = (2, "b", None), (2, "b", None)
    one = digest((1, "a", None), *rest)
    assert one == digest(rest[0], (1, "a", None), rest[1])
    others = {
        digest((1, "a", None), rest[0]),
        digest((1, "b", None), *rest),
        digest((1, "a", "train"), *rest),
        digest((3, "a", None), *rest),
    }
    assert len({one, *others}) == 5


def test_a_label_with_any_bytes_is_digested(draw: Draw, own_cache: Path) -> None:
    """A name that is not UTF-8 does not stop the scan."""
    label = os.fsdecode(b"caf\xe9")
    items = (Item("a", label, None),)
    assert scan(Source("memory", items, lambda index: draw(1))).classes == (label,)


def test_few_pictures_are_in_flight(own_cache: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the consumer, only a bounded number of items is read ahead of it."""
    monkeypatch.setattr("pellucid.workers.cores", lambda: 2)
    read, lock = [0], threading.Lock()
    data = draw(1, 200, 200, "BMP")

    def count(index: int) -> bytes:
        with lock:
            read[0] += 1
        return data

    items = tuple(Item(str(n), "a", None) for n in range(2000))
    ahead = []

    def listen(event: Event) -> None:
        if isinstance(event, Advanced):
            done.append(event.count)
            ahead.append(read[0] - sum(done))

    done: list[int] = []
    scan(Source("memory", items, count), listen)
    assert sum(done) == 2000
    assert max(ahead) <= 32 * 7 + 6  # chunks waiting, under way and just done, and the look at the sizes


def test_an_unexpected_error_of_a_source_is_not_swallowed(own_cache: Path) -> None:
    """A bug in a source is not a skipped picture."""
    with pytest.raises(ZeroDivisionError):
        scan(Source("memory", (Item("a", "a", None),), lambda index: b"" * (1 // index)))


def test_the_cache_is_closed_after_a_scan(own_cache: Path, draw: Draw) -> None:
    """After a scan the database holds every row and no journal is left open."""
    scan(source_of([draw(1), draw(2)]))
    database = sqlite3.connect(own_cache / "facts.sqlite")
    assert database.execute("SELECT count(*) FROM facts").fetchone() == (2,)
    database.close()
    assert sorted(path.name for path in own_cache.iterdir()) == ["facts.sqlite"]


def test_pixels_decide_not_the_name(tmp_path: Path, fill: Fill, own_cache: Path) -> None:
    """A PNG named .jpg is a picture like any other."""
    fill(tmp_path / "p", {"a": 1, "b": 1})
    (tmp_path / "p/a/0.png").rename(tmp_path / "p/a/0.jpg")
    assert len(scan(open_source(tmp_path / "p")).pictures) == 2


def test_arrays_are_looked_at_as_if_each_picture_were_a_file(own_cache: Path) -> None:
    """Many at once, in chunks and parts: the same pictures, digests and thumbnails, and no cache."""
    rng = np.random.default_rng(4)
    listing = list_arrays(
        "memory",
        [
            (rng.integers(0, 256, (70, 20, 30, 3), np.uint8), np.arange(70) % 3, "train"),
            (rng.integers(0, 256, (40, 28, 28), np.uint8), np.arange(40) % 4, "test"),
        ],
    )
    quick = Source("memory", listing.items, listing.read, stacks=listing.stacks)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(room, "_HELD_BYTES", 20_000)  # 11 and 25 pictures
        seen: list[Event] = []
        found = scan(quick, seen.append)
    assert not own_cache.exists()
    one_by_one = scan(Source("memory", listing.items, listing.read))
    assert found.pictures == one_by_one.pictures
    assert (found.digest, found.classes, found.skipped) == (one_by_one.digest, ("0", "1", "2", "3"), ())
    np.testing.assert_array_equal(found.thumbnails, one_by_one.thumbnails)
    assert sum(event.count for event in seen if isinstance(event, Advanced)) == 110
