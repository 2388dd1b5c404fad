"""What a listing says of one picture."""

import os
from pathlib import Path

import pytest

from pellucid.data.item import is_placeholder, make_item, read_file, split_named
from pellucid.errors import PictureError


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("Training", "train"), ("VAL", "val"), ("valid", "val"), ("Validation", "val"),
        ("dev", "val"), (" test ", "test"), ("testing", "test"), ("tests", None), ("trains", None),
        ("", None),
    ],
)  # fmt: skip
def test_splits_are_known_by_their_usual_spellings(name: str, split: str | None) -> None:
    """Each usual spelling of train, val and test is understood, whatever its case, and nothing else is."""
    assert split_named(name) == split


@pytest.mark.parametrize(
    "path",
    ["ants/imageNotFound.gif", "a/image_not-found.png", "a/No Image.JPG", "a/PLACEHOLDER.png", "missing.jpg"],
)
def test_a_placeholder_is_known_by_its_whole_name(path: str) -> None:
    """What photo sites leave where a picture is gone is recognised in any spelling."""
    assert is_placeholder(path, "ants")


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("a/placeholder_test_12.jpg", "a"), ("a/missing1.jpg", "a"), ("a/not found here.jpg", "a"),
        ("missing/missing.jpg", "missing"), ("placeholder/placeholder.png", "Place-Holder"),
        ("a/404.jpg", "a"), ("noimage/7.jpg", "noimage"),
    ],
)  # fmt: skip
def test_a_picture_whose_name_only_holds_such_a_word_stays(path: str, label: str) -> None:
    """A longer name, or the name of the class itself, is no placeholder."""
    assert not is_placeholder(path, label)


def test_labels_of_one_class_are_one_object() -> None:
    """A list of 100,000 items holds each class name once."""
    assert (
        make_item("a", "".join(["ca", "ts"]), None).label is make_item("b", "".join(["c", "ats"]), None).label
    )


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    """The bytes of a file come as they are."""
    (tmp_path / "a").write_bytes(b"\0picture")
    assert read_file(tmp_path / "a") == b"\0picture"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A pipe, which would never end, and a folder are refused without being opened."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(PictureError, match=r"^it is not a file$"):
            read_file(path)


def test_a_file_of_a_gigabyte_is_refused(tmp_path: Path) -> None:
    """A file that is larger than any picture is not read into memory."""
    with (tmp_path / "film").open("wb") as file:
        file.truncate(2**30 + 1)
    with pytest.raises(PictureError, match=r"^it is too large for a picture \(1,073,741,825 bytes\)$"):
        read_file(tmp_path / "film")


def test_a_name_that_no_file_can_have_is_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    """A zero byte in a table's path skips this picture instead of ending the scan."""
    with pytest.raises(PictureError, match=r"^no file can have this name$"):
        read_file(tmp_path / "a\0b")
