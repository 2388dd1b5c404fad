"""Files and folders appear whole or not at all."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pellucid.errors import RequestError, StorageError
from pellucid.events import Event, Notice
from pellucid.storage import (
    cache_folder,
    partial_name,
    put_whole,
    refuse_no_place,
    safe_stem,
    storage_errors,
    whole_folder,
    writable_cache,
    write_whole,
)


def test_whole_folder_appears_at_the_end(tmp_path: Path) -> None:
    """A folder is not there until it is whole, and leaves nothing when the block fails."""
    folder = tmp_path / "run"
    with whole_folder(folder) as partial:
        (partial / "a").write_text("1")
        assert not folder.exists()
    assert (folder / "a").read_text() == "1"
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "other") as partial:
        (partial / "a").write_text("1")
        1 / 0  # noqa: B018
    assert os.listdir(tmp_path) == ["run"]


def test_whole_folder_never_overwrites_unless_asked(tmp_path: Path) -> None:
    """An existing folder is an error, or is replaced where that is asked for."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(FileExistsError), whole_folder(folder) as partial:
        (partial / "new").touch()
    assert os.listdir(folder) == ["old"]
    with whole_folder(folder, replace=True) as partial:
        (partial / "new").touch()
    assert os.listdir(folder) == ["new"]


def test_a_folder_that_cannot_be_replaced_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the last step fails the old folder is what it was, and nothing lies beside it."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "old").touch()
    rename = Path.rename

    def refuse(self: Path, target: Path) -> Path:
        if target == folder and self.name != "old":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="No space left"), whole_folder(folder, replace=True) as partial:
        (partial / "new").touch()
    assert os.listdir(folder) == ["old"]
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize("name", ["r**2", "run[1]", "?", "\N{CJK UNIFIED IDEOGRAPH-732B}" * 80])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    """Letters that mean something in patterns, and as many as a name may have; what was left is swept."""
    left = tmp_path / f"{partial_name(tmp_path / name)}999999999-x"
    left.mkdir()
    with whole_folder(tmp_path / name) as partial:
        (partial / "a").write_text("1")
    assert os.listdir(tmp_path) == [name]
    write_whole(tmp_path / name / name, b"1")
    assert sorted(os.listdir(tmp_path / name)) == sorted(["a", name])


def test_killed_writers_leave_no_folder_and_are_swept(tmp_path: Path) -> None:
    """After kill -9 within the block the folder does not exist; the next writer removes what was left."""
    script = (
        "import os, sys, pathlib; from pellucid.storage import whole_folder\n"
        "with whole_folder(pathlib.Path(sys.argv[1])) as partial:\n"
        "    (partial / 'a').write_text('half'); os.kill(os.getpid(), 9)\n"
    )
    folder = tmp_path / "run"
    killed = subprocess.run([sys.executable, "-c", script, str(folder)], check=False)
    assert killed.returncode == -9
    assert not folder.exists()
    assert len(os.listdir(tmp_path)) == 1
    with whole_folder(folder) as partial:
        (partial / "a").write_text("whole")
    assert os.listdir(tmp_path) == ["run"]


@pytest.mark.parametrize(
    ("number", "begins"),
    [
        (errno.ENOSPC, "The disk ran full while writing the run at '"),
        (errno.EACCES, "There is no permission to write the run at '"),
        (errno.EROFS, "There is no permission to write the run at '"),
        (errno.ENAMETOOLONG, "Could not write the run at '"),
    ],
)
def test_refusals_become_one_paragraph(tmp_path: Path, number: int, begins: str) -> None:
    """What the operating system refuses is told with the place and what to do."""
    with pytest.raises(StorageError) as caught, storage_errors(tmp_path / "x", "the run"):
        raise OSError(number, os.strerror(number))
    assert str(caught.value).startswith(begins)
    assert "\n" not in str(caught.value)


def test_a_cache_that_cannot_be_written_is_replaced_for_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work goes on in a temporary folder, and one notice says why."""
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("PELLUCID_CACHE", str(blocked / "cache"))
    heard: list[Event] = []
    first, second = writable_cache(heard.append), writable_cache(heard.append)
    assert first == second != cache_folder()
    assert first.is_dir()
    assert len(heard) == 1
    assert isinstance(heard[0], Notice)
    assert heard[0].text.startswith(f"The cache '{blocked / 'cache'}' cannot be written (Not a directory);")


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders on the way are made; a write that fails leaves the old file and nothing beside it."""
    path = tmp_path / "new" / "map.png"
    write_whole(path, b"first")
    write_whole(path, b"second")
    assert path.read_bytes() == b"second"
    assert [one.name for one in path.parent.iterdir()] == ["map.png"]
    mask = os.umask(0o027)
    try:
        write_whole(path, b"third")
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o640

    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"fourth")
    assert (path.read_bytes(), [one.name for one in path.parent.iterdir()]) == (b"third", ["map.png"])


def test_a_new_file_needs_a_free_name_in_a_folder(tmp_path: Path) -> None:
    """Refused before any work, with the name; what is there stays."""
    (tmp_path / "there").write_text("mine")
    with pytest.raises(
        RequestError, match=r"there' exists already\. A file that does not exist was expected"
    ):
        refuse_no_place(tmp_path / "there")
    with pytest.raises(RequestError, match=r"There is no folder '.*/no' to write 'file' to\."):
        refuse_no_place(tmp_path / "no" / "file")
    refuse_no_place(tmp_path / "free")


def test_a_file_is_put_in_its_place(tmp_path: Path) -> None:
    """Whole, under its new name alone."""
    (tmp_path / "partial").write_bytes(b"all of it")
    put_whole(tmp_path / "partial", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == b"all of it"
    assert not (tmp_path / "partial").exists()


@pytest.mark.parametrize(
    ("given", "stem"),
    [
        ("photos of bees", "photos-of-bees"),
        ("../../etc/x", "etc-x"),
        ("-rf", "rf"),
        (".hidden", "hidden"),
        ("a\n\x1b[1m b", "a-1m-b"),
        ("...", "run"),
        ("", "run"),
        ("蜂" * 200, "蜂" * 60),
        ("\U00020000" * 200, "\U00020000" * 45),
    ],
)
def test_a_name_after_whatever_was_given_is_safe(given: str, stem: str) -> None:
    """It holds letters, digits, dots, dashes and underscores, is not hidden, and leaves room for a suffix."""
    assert safe_stem(given, "run") == stem
