"""Folders of class folders, and of splits."""

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pellucid.data.folder import list_folder
from pellucid.errors import SourceError

Fill = Callable[[Path, Mapping[str, int]], Path]


def skipped(root: Path) -> dict[str, str]:
    return {one.path: one.reason for one in list_folder(root).skipped}


def labels(root: Path) -> dict[str, str]:
    return {item.path: item.label for item in list_folder(root).items}


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not a picture")


def test_class_folders_give_the_labels_and_paths_the_order(tmp_path: Path, fill: Fill) -> None:
    """Every file below a class folder, at any depth, is of that class; paths are sorted and relative."""
    fill(tmp_path, {"dogs": 1, "cats": 1, "cats/old/grey": 2})
    listing = list_folder(tmp_path)
    assert [(item.path, item.label, item.split) for item in listing.items] == [
        ("cats/0.png", "cats", None),
        ("cats/old/grey/0.png", "cats", None),
        ("cats/old/grey/1.png", "cats", None),
        ("dogs/0.png", "dogs", None),
    ]
    assert listing.skipped == ()
    assert listing.read(3) == (tmp_path / "dogs/0.png").read_bytes()


def test_hidden_files_and_what_systems_leave_are_passed_over(tmp_path: Path, fill: Fill) -> None:
    """Hidden names, Thumbs.db, desktop.ini and __MACOSX are neither items nor skipped."""
    fill(tmp_path, {"cats": 1, "dogs": 1, ".hidden": 2, "__MACOSX/cats": 1, "cats/@eaDir": 1})
    touch(*(tmp_path / "cats" / name for name in (".DS_Store", "._0.png", "Thumbs.db", "desktop.ini")))
    assert list(labels(tmp_path)) == ["cats/0.png", "dogs/0.png"]
    assert skipped(tmp_path) == {}


def test_other_kinds_of_file_are_passed_over_where_pictures_stand(tmp_path: Path, fill: Fill) -> None:
    """A sidecar beside pictures is ignored by its name; a name that says nothing is tried."""
    fill(tmp_path, {"cats": 1, "dogs": 1})
    touch(tmp_path / "cats/0.xml", tmp_path / "cats/notes.TXT", tmp_path / "cats/IMG_1", tmp_path / "a.csv")
    assert list(labels(tmp_path)) == ["cats/0.png", "cats/IMG_1", "dogs/0.png"]
    assert skipped(tmp_path) == {}


def test_a_folder_without_a_picture_is_no_class_and_is_named(tmp_path: Path, fill: Fill) -> None:
    """An empty class folder, and what it holds instead of pictures, are named with the reason."""
    fill(tmp_path, {"cats": 1, "dogs": 1, "kiwis": 0, "notes": 0})
    touch(tmp_path / "notes/deep/readme.md")
    assert set(labels(tmp_path).values()) == {"cats", "dogs"}
    assert skipped(tmp_path) == {
        "kiwis": "a folder without a picture, so it is no class",
        "notes": "a folder without a picture, so it is no class",
        "notes/deep/readme.md": "not a picture (by its name)",
    }


def test_a_picture_beside_the_class_folders_is_named(tmp_path: Path, fill: Fill) -> None:
    """A picture without a class folder is skipped with the reason; a LICENSE there is no loss."""
    fill(tmp_path, {"cats": 1, "dogs": 1})
    touch(tmp_path / "stray.JPG", tmp_path / "LICENSE")
    assert skipped(tmp_path) == {"stray.JPG": "stands beside the class folders, so it has no class"}


def test_a_placeholder_is_set_aside(tmp_path: Path, fill: Fill) -> None:
    """The file that photo sites give for a picture that is gone is no item, and is named."""
    fill(tmp_path, {"ants": 2, "bees": 1})
    touch(tmp_path / "ants/imageNotFound.gif")
    assert list(labels(tmp_path)) == ["ants/0.png", "ants/1.png", "bees/0.png"]
    assert skipped(tmp_path) == {"ants/imageNotFound.gif": "a placeholder by its name"}


@pytest.mark.parametrize(
    ("train", "val", "test"), [("train", "val", "test"), ("Training", "VALID", "Testing")]
)
def test_split_folders_give_the_splits(tmp_path: Path, fill: Fill, train: str, val: str, test: str) -> None:
    """Class folders within train, val and test folders, as they are often spelled, keep their split."""
    fill(tmp_path, {f"{split}/{label}": 1 for split in (train, val, test) for label in ("cats", "dogs")})
    found = {(item.path, item.label, item.split) for item in list_folder(tmp_path).items}
    assert found == {
        (f"{folder}/{label}/0.png", label, split)
        for folder, split in ((train, "train"), (val, "val"), (test, "test"))
        for label in ("cats", "dogs")
    }


def test_a_single_split_folder_is_one(tmp_path: Path, fill: Fill) -> None:
    """A folder that holds nothing but train/ with class folders is a train split."""
    fill(tmp_path, {"train/cats": 1, "train/dogs": 1})
    assert {item.split for item in list_folder(tmp_path).items} == {"train"}


def test_a_class_may_be_called_train(tmp_path: Path, fill: Fill) -> None:
    """Vehicles in train, car and bus are three classes, also where the trains stand in subfolders."""
    fill(tmp_path, {"train": 2, "car": 1, "bus": 1})
    assert set(labels(tmp_path).values()) == {"train", "car", "bus"}
    fill(tmp_path, {"train/steam": 9})
    assert set(labels(tmp_path).values()) == {"train", "car", "bus"}
    assert {item.split for item in list_folder(tmp_path).items} == {None}


def test_what_stands_beside_split_folders_is_named(tmp_path: Path, fill: Fill) -> None:
    """Beside splits, another folder, a stray picture and an unlabelled test folder are named as skipped."""
    fill(tmp_path, {"train/cats": 1, "train/dogs": 1, "val/cats": 1, "test": 3, "extra": 1, "empty": 0})
    touch(tmp_path / "stray.png", tmp_path / "train/stray.png")
    assert skipped(tmp_path) == {
        "stray.png": "stands beside the class folders, so it has no class",
        "train/stray.png": "stands beside the class folders, so it has no class",
        "extra": "stands beside the train, val and test folders, so it is no split",
        "test": "3 pictures outside class folders have no label",
    }
    assert list(labels(tmp_path)) == ["train/cats/0.png", "train/dogs/0.png", "val/cats/0.png"]


def test_links_are_followed_once_and_loops_end(tmp_path: Path, fill: Fill) -> None:
    """A linked class folder is read, a link to what is listed already is named, and a loop ends."""
    fill(tmp_path / "elsewhere", {"birds": 2})
    root = fill(tmp_path / "root", {"cats": 1, "dogs": 1})
    (root / "birds").symlink_to(tmp_path / "elsewhere/birds")
    (root / "dogs/again").symlink_to(root)
    (root / "aaa").symlink_to(root / "dogs", target_is_directory=True)
    (root / "self").symlink_to(root / "self")
    (root / "cats/gone.png").symlink_to(root / "nowhere.png")
    assert list(labels(root)) == ["birds/0.png", "birds/1.png", "cats/0.png", "dogs/0.png"]
    assert skipped(root) == {
        "aaa": "a link to a folder that is listed already",
        "dogs/again": "a link to a folder that is listed already",
        "self": "a link to nothing",
        "cats/gone.png": "a link to nothing",
    }


def test_a_pipe_is_no_picture(tmp_path: Path, fill: Fill) -> None:
    """What is neither file nor folder is named and never opened."""
    fill(tmp_path, {"cats": 1, "dogs": 1})
    os.mkfifo(tmp_path / "cats/pipe.png")
    assert skipped(tmp_path) == {"cats/pipe.png": "it is not a file"}


def test_hostile_names_come_through(tmp_path: Path, fill: Fill) -> None:
    """Newlines, quotes, HTML, 250 bytes and bytes that are not UTF-8 are labels like any other."""
    names = ["a\nb", 'it\'s "x"', "<script>alert(1)<", "n" * 250, os.fsdecode(b"caf\xe9"), "-rf", "x,y;z"]
    fill(tmp_path, dict.fromkeys(names, 1))
    listing = list_folder(tmp_path)
    assert sorted(item.label for item in listing.items) == sorted(names)
    assert all(listing.read(index) for index in range(len(names)))


def forbid(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let listing ``folder`` fail as it does for want of permission; tests may run as root."""
    scandir = os.scandir

    def refuse(path: Path) -> "os.ScandirIterator[str]":
        if Path(path) == folder:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)


def test_a_folder_without_permission_is_named(
    tmp_path: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One folder that cannot be listed is skipped by name and the others are used."""
    fill(tmp_path, {"cats": 1, "dogs": 1, "dogs/private": 1})
    forbid(monkeypatch, tmp_path / "dogs/private")
    assert list(labels(tmp_path)) == ["cats/0.png", "dogs/0.png"]
    assert skipped(tmp_path) == {"dogs/private": "a folder that cannot be listed (Permission denied)"}


def test_a_root_without_permission_is_an_error(
    tmp_path: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that cannot be listed at all is refused in one paragraph."""
    fill(tmp_path, {"cats": 1})
    forbid(monkeypatch, tmp_path)
    with pytest.raises(SourceError) as caught:
        list_folder(tmp_path)
    assert str(caught.value) == (
        f"The folder '{tmp_path}' cannot be listed (Permission denied). A folder that this user may read was"
        " expected. Change its permissions, or copy the pictures to a place of your own."
    )


def test_classes_without_permission_are_an_error_that_says_so(
    tmp_path: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every class folder is barred, the error names one and the reason."""
    fill(tmp_path, {"cats": 1})
    forbid(monkeypatch, tmp_path / "cats")
    with pytest.raises(SourceError) as caught:
        list_folder(tmp_path)
    assert str(caught.value) == (
        f"The folder '{tmp_path}' holds no picture that can be used: 'cats' was set aside (a folder that"
        " cannot be listed (Permission denied)). A folder with one folder of pictures for each class was"
        " expected. Check the permissions and the links, or name another folder."
    )


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """A folder without a picture is refused in one paragraph."""
    (tmp_path / "cats").mkdir()
    with pytest.raises(SourceError) as caught:
        list_folder(tmp_path)
    assert str(caught.value) == (
        f"The folder '{tmp_path}' holds no picture. A folder with one folder of pictures for each class was"
        " expected. Check the path."
    )


def test_a_folder_with_a_table_suggests_the_table(tmp_path: Path) -> None:
    """Where the folder holds a CSV file and no picture, the advice names the file."""
    touch(tmp_path / "labels.csv")
    with pytest.raises(SourceError) as caught:
        list_folder(tmp_path)
    assert caught.value.advice == f"Did you mean '{tmp_path}/labels.csv'?"


def test_pictures_without_class_folders_are_an_error(tmp_path: Path, fill: Fill) -> None:
    """Pictures that stand directly in the folder are refused, with what to do about it."""
    fill(tmp_path, {".": 2, "empty": 0})
    with pytest.raises(SourceError) as caught:
        list_folder(tmp_path)
    assert str(caught.value) == (
        f"The folder '{tmp_path}' holds 2 files and no class folders (the first file is '0.png'). A folder"
        " with one folder of pictures for each class was expected. Sort the pictures into folders named after"
        " their classes, or list them in a CSV file with the columns path and label."
    )


def test_nothing_but_placeholders_is_an_error(tmp_path: Path) -> None:
    """A source whose only picture is set aside is refused, with the reason."""
    touch(tmp_path / "ants/imageNotFound.gif")
    with pytest.raises(SourceError) as caught:
        list_folder(tmp_path)
    assert caught.value.came == (
        f"The folder '{tmp_path}' holds no picture that can be used: 'ants/imageNotFound.gif' was set aside"
        " (a placeholder by its name)."
    )


def test_a_class_that_cannot_be_listed_is_named_once(
    tmp_path: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not said to be without a picture, which nobody knows."""
    fill(tmp_path, {"cats": 1, "dogs": 1})
    forbid(monkeypatch, tmp_path / "dogs")
    assert [(one.path, one.reason) for one in list_folder(tmp_path).skipped] == [
        ("dogs", "a folder that cannot be listed (Permission denied)")
    ]


def test_a_link_to_a_device_is_no_link_to_nothing(tmp_path: Path, fill: Fill) -> None:
    """It leads somewhere, and that is no file."""
    fill(tmp_path, {"cats": 1})
    (tmp_path / "cats" / "endless.png").symlink_to("/dev/zero")
    assert skipped(tmp_path) == {"cats/endless.png": "it is not a file"}


def test_folders_may_stand_in_one_another_without_end(tmp_path: Path) -> None:
    """As deep as a path may be, and deeper than Python calls itself."""
    (tmp_path / "a").mkdir()
    touch(tmp_path / "a" / "0.png")
    (tmp_path / ("b/" * 500)).mkdir(parents=True)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 200)
    try:
        assert len(list_folder(tmp_path).items) == 1
    finally:
        sys.setrecursionlimit(limit)
