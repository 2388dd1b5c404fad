"""A picture file that a person names: its bytes, or why it is none."""

from pathlib import Path

import pytest

from pellucid.data.builtin import clipart_bytes, clipart_names
from pellucid.errors import SourceError
from pellucid.pictures.file import read_picture


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
        ("a\0b.png", None, None),
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
