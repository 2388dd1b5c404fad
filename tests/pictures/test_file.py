"""A picture's file: its bytes, or why they cannot be had."""

import os
from pathlib import Path

import pytest

from pellucid.data.builtin import clipart_bytes, clipart_names
from pellucid.errors import PictureError, SourceError
from pellucid.pictures.file import read_file, read_picture, why_unread


def test_a_picture_comes_as_its_bytes(tmp_path: Path) -> None:
    """Nothing is taken away from them, whatever size they are wanted for."""
    data = clipart_bytes(clipart_names()[0])
    (tmp_path / "one").write_bytes(data)
    assert read_picture(tmp_path / "one") == read_picture(str(tmp_path / "one"), (8, 8)) == data


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("no.png", None, "No such file or directory"),
        ("page.png", b"<html></html>", None),
        ("empty.png", b"", None),
        ("a\0b.png", None, "no file can have this name"),
        (".", None, "it is not a file"),
    ],
)
def test_a_picture_that_cannot_be_read_is_told(
    tmp_path: Path, name: str, content: bytes | None, reason: str | None
) -> None:
    """The three sentences, whatever is wrong with the file."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_picture(tmp_path / name, (4, 4))
    said = str(caught.value)
    assert said.startswith("The picture '")
    assert "cannot be read (" in said
    assert reason is None or f"({reason})" in said
    assert said.endswith(
        "A picture file was expected, such as a JPEG or a PNG. Check the path, or choose another picture."
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


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PictureError("it is empty"), "it is empty"),
        (PermissionError(13, "Permission denied"), "no permission to read it"),
        (FileNotFoundError(2, "No such file or directory"), "there is no such file"),
        (OSError(5, "Input/output error"), "it cannot be read (Input/output error)"),
        (OSError("odd"), "it cannot be read (odd)"),
    ],
)
def test_why_a_picture_cannot_be_read_is_said_in_a_few_words(
    error: OSError | PictureError, reason: str
) -> None:
    """What the system says, in words where it is one of the usual things."""
    assert why_unread(error) == reason
