"""The one door to every kind of source."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pellucid.data.source import open_source
from pellucid.errors import SourceError
from pellucid.pictures.decode import decode

Fill = Callable[[Path, Mapping[str, int]], Path]
KINDS = (
    "A folder of class folders, a CSV or Parquet file with the columns path and label, an .npz file, a folder"
    " of IDX files, builtin:digits or builtin:clipart was expected."
)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def make(kind: str, root: Path, fill: Fill) -> str:
    """A source of the kind with two classes of two pictures."""
    fill(root, {"cats": 2, "dogs": 2})
    rows = [(f"{label}/{n}.png", label) for label in ("cats", "dogs") for n in range(2)]
    pictures = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
    if kind == "csv":
        lines = ["path,label", *(",".join(row) for row in rows)]
        (root / "table.CSV").write_text("\n".join(lines))
        return str(root / "table.CSV")
    if kind == "parquet":
        paths, labels = zip(*rows, strict=True)
        pq.write_table(pa.table({"path": paths, "label": labels}), root / "table.parquet")
        return str(root / "table.parquet")
    if kind == "npz":
        np.savez(root / "arrays.npz", x=pictures, y=np.array(["cats", "cats", "dogs", "dogs"]))
        return str(root / "arrays.npz")
    if kind == "idx":
        (root / "idx").mkdir()
        (root / "idx/train-images-idx3-ubyte").write_bytes(idx(pictures))
        (root / "idx/train-labels-idx1-ubyte").write_bytes(idx(np.array([0, 0, 1, 1], np.uint8)))
        return str(root / "idx")
    return str(root) if kind == "folder" else kind


@pytest.mark.parametrize(
    "kind", ["folder", "csv", "parquet", "npz", "idx", "builtin:digits", "builtin:clipart"]
)
def test_every_kind_of_source_keeps_the_contract(kind: str, tmp_path: Path, fill: Fill) -> None:
    """Whatever a source is made of: its name is as given, and each item has a path, a label and a picture."""
    spec = make(kind, tmp_path, fill)
    source = open_source(spec)
    assert source.name == spec
    assert source.skipped == ()
    assert len({item.label for item in source.items}) >= 2
    assert len({item.path for item in source.items}) == len(source.items) >= 4
    assert {item.split for item in source.items} <= {"train", "val", "test", None}
    for index in (0, len(source.items) - 1):
        pixels_HWC = decode(source.read(index))
        assert pixels_HWC.dtype == np.uint8
        assert pixels_HWC.shape[2] == 3


def test_a_path_object_opens_as_a_string_does(tmp_path: Path, fill: Fill) -> None:
    """A Path and its text open the same source."""
    fill(tmp_path, {"cats": 1, "dogs": 1})
    assert open_source(tmp_path).items == open_source(str(tmp_path)).items


def test_a_missing_path_names_the_nearest(tmp_path: Path) -> None:
    """Where nothing stands at the path, the error names the nearest sibling."""
    (tmp_path / "photos").mkdir()
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / "fotos")
    assert str(caught.value) == (
        f"There is nothing at '{tmp_path}/fotos'. {KINDS} Did you mean '{tmp_path}/photos'?"
    )


@pytest.mark.parametrize("name", ["zzz", "no/such/folder", "gone\n\x1b[2J"])
def test_a_missing_path_without_a_like_says_to_check_it(name: str, tmp_path: Path) -> None:
    """Where no sibling is like the path, the advice is plain, and control characters are escaped."""
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / name)
    escaped = name.replace("\n", "\\n").replace("\x1b", "\\x1b")
    assert str(caught.value) == f"There is nothing at '{tmp_path}/{escaped}'. {KINDS} Check the path."


def test_a_path_that_cannot_be_reached_says_why(tmp_path: Path) -> None:
    """A name that the system refuses is an error of the source with the system's reason."""
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / ("n" * 300))
    assert str(caught.value) == (
        f"'{tmp_path}/{'n' * 300}' cannot be reached (File name too long). {KINDS} Check the path and"
        " permissions."
    )


def test_a_zero_byte_in_the_path_is_an_error_of_the_source() -> None:
    """A path that no file can have is refused without a traceback."""
    with pytest.raises(SourceError, match=r"^There is nothing at 'a\\x00b'\. "):
        open_source("a\0b")


def test_a_file_that_is_no_source_says_what_is(tmp_path: Path) -> None:
    """A single picture is no source."""
    (tmp_path / "cat.jpg").write_bytes(b"")
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / "cat.jpg")
    assert str(caught.value) == (
        f"The file '{tmp_path}/cat.jpg' is not a source of pictures. {KINDS} Name one of these."
    )


def test_an_empty_name_is_refused() -> None:
    """A variable of the shell that is not set is not this folder."""
    with pytest.raises(SourceError) as caught:
        open_source("")
    assert str(caught.value).startswith("The source's name is empty. A folder of class folders, ")
    assert str(caught.value).endswith(" was expected. Write its path; a dot is this folder.")


def test_a_home_that_does_not_exist_is_refused() -> None:
    """Nobody has that name here."""
    with pytest.raises(SourceError, match=r"^'~nosuchuser/photos' cannot be reached \("):
        open_source("~nosuchuser/photos")


def test_a_link_to_itself_is_not_offered(tmp_path: Path) -> None:
    """What was asked for is no advice."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / "loop")
    assert "Did you mean" not in str(caught.value)
