"""Rows survive kills, damage and other writers; what is not whole is not there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import StorageError
from pellucid.training.activations import ActivationCache, SegmentWriter, trim

WIDTH = 7


def key(number: int) -> str:
    return f"{number:032x}"


def row(number: int) -> np.ndarray:
    return np.arange(WIDTH, dtype=np.float32) + 100 * number


def write(folder: Path, *numbers: int) -> None:
    with SegmentWriter(folder) as segment:
        for number in numbers:
            segment.append(key(number), row(number))


def opened(folder: Path) -> ActivationCache:
    cache = ActivationCache(WIDTH)
    cache.add(folder)
    return cache


def test_rows_come_back_from_several_segments_in_any_order(tmp_path: Path) -> None:
    """Rows of two writers are found by key, in the order that is asked for."""
    write(tmp_path, 1, 2, 3)
    write(tmp_path, 4, 5)
    cache = opened(tmp_path)
    assert len(cache) == 5
    wanted = [5, 1, 4, 2, 1]
    rows = cache.rows([key(number) for number in wanted])
    assert rows.shape == (5, WIDTH)
    np.testing.assert_array_equal(rows.array(), [row(number) for number in wanted])
    np.testing.assert_array_equal(rows.take(np.array([1, 3])).array(), [row(1), row(2)])


@given(size=st.integers(1, 9))
def test_blocks_are_the_rows(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    """Blocks of any size hold every row once, in order."""
    folder = tmp_path_factory.mktemp("cache")
    write(folder, *range(7))
    rows = opened(folder).rows([key(number) for number in range(7)])
    blocks = list(rows.blocks(size))
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), rows.array())
    assert [n for part, _ in blocks for n in range(part.start, part.stop)] == list(range(7))


def test_a_missing_key_is_an_error(tmp_path: Path) -> None:
    """Asking for a row that was never computed is not answered with another."""
    write(tmp_path, 1)
    assert key(2) not in opened(tmp_path)
    with pytest.raises(KeyError):
        opened(tmp_path).rows([key(2)])


def test_rows_of_a_killed_writer_are_kept(tmp_path: Path) -> None:
    """All that was appended before a kill -9 is there afterwards."""
    script = (
        "import os, sys, pathlib, numpy; from pellucid.training.activations import SegmentWriter\n"
        "with SegmentWriter(pathlib.Path(sys.argv[1])) as segment:\n"
        "    for n in range(5): segment.append(f'{n:032x}', numpy.full(7, n, 'f4'))\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    cache = opened(tmp_path)
    assert cache.intact([key(n) for n in range(6)]) == {key(n) for n in range(5)}
    np.testing.assert_array_equal(cache.rows([key(4)]).array(), [[4] * 7])


@pytest.mark.parametrize(("suffix", "cut", "left"), [(".rows", 5, 2), (".index", 3, 2), (".rows", 28 * 3, 0)])
def test_a_torn_end_is_passed_over(tmp_path: Path, suffix: str, cut: int, left: int) -> None:
    """A row or an index entry that was only half written is not there; those before it are."""
    write(tmp_path, 1, 2, 3)
    (path,) = tmp_path.glob(f"*{suffix}")
    os.truncate(path, path.stat().st_size - cut)
    assert len(opened(tmp_path)) == left


def test_a_row_that_was_changed_on_disk_is_not_intact(tmp_path: Path) -> None:
    """A flipped bit is noticed by the checksum."""
    write(tmp_path, 1, 2)
    (path,) = tmp_path.glob("*.rows")
    data = bytearray(path.read_bytes())
    data[WIDTH * 4 + 3] ^= 1
    path.write_bytes(data)
    assert opened(tmp_path).intact([key(1), key(2)]) == {key(1)}


def test_a_writer_that_wrote_nothing_leaves_nothing(tmp_path: Path) -> None:
    """No empty segment is left behind."""
    write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_earlier_rows_stay(tmp_path: Path) -> None:
    """When the disk is full a StorageError says so; what was written before can still be read."""
    script = (
        "import sys, pathlib, resource, signal, numpy\n"
        "from pellucid.training.activations import SegmentWriter\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "with SegmentWriter(pathlib.Path(sys.argv[1])) as segment:\n"
        "    for n in range(5): segment.append(f'{n:032x}', numpy.full(7, n, 'f4'))\n"
    )
    failed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert "StorageError: The disk ran full while writing the cached features at" in failed.stderr
    cache = opened(tmp_path)
    assert len(cache) == 3
    np.testing.assert_array_equal(cache.rows([key(2)]).array(), [[2] * 7])


def test_writing_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    """A folder that cannot be made is one clear error."""
    (tmp_path / "file").touch()
    with (
        pytest.raises(StorageError, match="Could not write the cached features at"),
        SegmentWriter(tmp_path / "file" / "cache"),
    ):
        pass


def test_trim_deletes_what_was_not_used_for_longest(tmp_path: Path) -> None:
    """Segments go oldest first until the limit is met, index and rows together."""
    for number, name in enumerate(["a", "b", "c"]):
        write(tmp_path / name, number)
        (rows,) = (tmp_path / name).glob("*.rows")
        os.utime(rows, (1000 + number, 1000 + number))
    assert trim(tmp_path, 2 * 4 * WIDTH) == 4 * WIDTH
    assert [len(opened(tmp_path / name)) for name in ["a", "b", "c"]] == [0, 1, 1]
    assert list((tmp_path / "a").iterdir()) == []
    assert trim(tmp_path, 2 * 4 * WIDTH) == 0


def test_more_segments_than_may_be_open_are_mapped_or_told(tmp_path: Path) -> None:
    """The limit is raised as far as this process may; where that is not enough the paragraph says so."""
    script = (
        "import sys, pathlib, resource, secrets, numpy\n"
        "from pellucid.training.activations import ActivationCache, SegmentWriter\n"
        "folder, keys = pathlib.Path(sys.argv[1]), [secrets.token_hex(16) for _ in range(300)]\n"
        "for key in keys:\n"
        "    with SegmentWriter(folder) as segment: segment.append(key, numpy.zeros(7, 'f4'))\n"
        "for hard in (1000, 200):\n"
        "    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))\n"
        "    cache = ActivationCache(7)\n"
        "    cache.add(folder)\n"
        "    print(cache.rows(keys).shape, flush=True)\n"
        "    del cache\n"
    )
    said = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True)
    assert said.stdout == "(300, 7)\n"
    *_, told = said.stderr.splitlines()
    assert re.fullmatch(
        r"pellucid\.errors\.StorageError: The cached features in '.*' lie in more files than may be open at "
        r"once: 1\d\d of them are\. One file for each training that computed some was expected, and fewer "
        r"than the limit\. Raise it \('ulimit -n 65536'\), or empty the cache \('pellucid cache --clear'\)\.",
        told,
    )
