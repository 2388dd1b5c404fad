"""CSV and Parquet files as sources."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pellucid.data.scan import scan
from pellucid.data.source import open_source
from pellucid.data.table import list_table
from pellucid.errors import SourceError

Fill = Callable[[Path, Mapping[str, int]], Path]
EXPECTED = "A table with the columns path and label, and perhaps split, was expected."


@pytest.fixture
def pictures(tmp_path: Path, fill: Fill) -> Path:
    return fill(tmp_path, {"cats": 2, "dogs": 1})


def write(root: Path, text: str | bytes) -> Path:
    table = root / "table.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    return table


def rows(table: Path) -> list[tuple[str, str, str | None]]:
    return [(item.path, item.label, item.split) for item in list_table(table).items]


WHOLE = [("cats/0.png", "cats", "train"), ("cats/1.png", "cats", None), ("dogs/0.png", "dogs", "test")]


@pytest.mark.parametrize(
    "text",
    [
        "path,label,split\ncats/0.png,cats,train\ncats/1.png,cats,\ndogs/0.png,dogs,test\n",
        "\ufeffpath,label,split\r\ncats/0.png,cats,train\r\ncats/1.png,cats\r\ndogs/0.png,dogs,Testing",
        'Label; "Split" ; PATH\ncats;train;"cats/0.png"\ncats;;cats/1.png\n\n;;\ndogs;test; dogs/0.png \n',
        "id\tpath\tlabel\tsplit\n1\tcats/0.png\tcats\ttrain\n2\tcats/1.png\tcats\n3\tdogs/0.png\tdogs\ttest\n",
        "path|label|split\ncats/0.png|cats|TRAIN\ncats/1.png|cats|\ndogs/0.png|dogs|test\n",
    ],
    ids=["plain", "byte-order mark", "semicolons", "tabs", "bars"],
)
def test_every_dialect_of_csv_gives_the_same_items(pictures: Path, text: str) -> None:
    """Byte-order marks, quotes, other delimiters, other orders, short and blank rows change nothing."""
    assert rows(write(pictures, text)) == WHOLE


def test_a_table_that_a_spreadsheet_wrote_as_utf_16_is_read(pictures: Path) -> None:
    """ "Unicode text" of a spreadsheet, tabs in UTF-16 with its mark, gives the same items."""
    text = "path\tlabel\tsplit\ncats/0.png\tcats\ttrain\ncats/1.png\tcats\t\ndogs/0.png\tdogs\ttest\n"
    assert rows(write(pictures, text.encode("utf-16"))) == WHOLE


def test_commas_quotes_and_newlines_in_a_name_come_through(tmp_path: Path, fill: Fill) -> None:
    """A quoted field may hold the delimiter, a quote and a line's end."""
    name = 'a,"b"\nc'
    fill(tmp_path, {name: 1})
    quoted = name.replace('"', '""')
    listing = list_table(write(tmp_path, f'path,label\n"{quoted}/0.png","{quoted}"\n'))
    assert [(item.path, item.label) for item in listing.items] == [(f"{name}/0.png", name)]
    assert listing.read(0) == (tmp_path / name / "0.png").read_bytes()


def test_bytes_that_are_not_utf_8_find_their_file(tmp_path: Path, fill: Fill) -> None:
    """A path in another encoding is the file of the same bytes."""
    name = os.fsdecode(b"caf\xe9")
    fill(tmp_path, {name: 1})
    listing = list_table(write(tmp_path, b"path,label\ncaf\xe9/0.png,x\n"))
    assert listing.read(0) == (tmp_path / name / "0.png").read_bytes()


def test_rows_without_path_or_label_and_placeholders_are_named(pictures: Path) -> None:
    """A row that lacks a field, and one that names a site's placeholder, are skipped with the reason."""
    table = write(
        pictures, "path,label\n,cats\ncats/0.png,\ncats/1.png,cats\nno_image.gif,cats\ndogs/0.png\n"
    )
    listing = list_table(table)
    assert [item.path for item in listing.items] == ["cats/1.png"]
    assert [(one.path, one.reason) for one in listing.skipped] == [
        ("row 2", "it has no path in the table"),
        ("cats/0.png", "it has no label in the table"),
        ("no_image.gif", "a placeholder by its name"),
        ("dogs/0.png", "it has no label in the table"),
    ]


def test_a_missing_file_is_a_named_skip_of_the_scan(pictures: Path) -> None:
    """One path that leads nowhere, or that no file can have, does not spoil the others."""
    text = "path,label\ncats/0.png,cats\ncats/9.png,cats\ncats,cats\na\0b,cats\ndogs/0.png,dogs\n"
    found = scan(open_source(write(pictures, text)))
    assert [picture.path for picture in found.pictures] == ["cats/0.png", "dogs/0.png"]
    assert [(one.path, one.reason) for one in found.skipped] == [
        ("cats/9.png", "there is no such file"),
        ("cats", "it is not a file"),
        ("a\0b", "no file can have this name"),
    ]


def test_an_absolute_path_is_taken_as_it_is(pictures: Path) -> None:
    """A path that begins at the root needs no folder."""
    elsewhere = pictures / "elsewhere"
    elsewhere.mkdir()
    listing = list_table(write(elsewhere, f"path,label\n{pictures}/cats/0.png,cats\n"))
    assert listing.read(0) == (pictures / "cats/0.png").read_bytes()


@pytest.mark.parametrize(
    ("head", "what"),
    [
        ("file;class", "lacks the columns 'path' and 'label'; it has 'file', 'class'."),
        ("path,class,x", "lacks a column 'label'; it has 'path', 'class', 'x'."),
        ("label", "lacks a column 'path'; it has 'label'."),
        ("", "lacks the columns 'path' and 'label'; it has no column."),
    ],
)
def test_missing_columns_are_named_with_what_was_found(tmp_path: Path, head: str, what: str) -> None:
    """A table without the columns is refused, with the columns that it has."""
    table = write(tmp_path, f"{head}\n1;2\n" if head else "")
    with pytest.raises(SourceError) as caught:
        list_table(table)
    assert str(caught.value) == (
        f"The table '{table}' {what} {EXPECTED} Name the columns so in the first row."
    )


def test_an_unknown_split_is_an_error(pictures: Path) -> None:
    """A split that is none of the three is refused with its row, not silently learnt from."""
    table = write(pictures, "path,label,split\ncats/0.png,cats,train\ncats/1.png,cats,holdout\n")
    with pytest.raises(SourceError) as caught:
        list_table(table)
    assert str(caught.value) == (
        f"Row 3 of '{table}' has the split 'holdout'. The splits train, val and test were expected, or an"
        " empty field. Correct this row."
    )


def test_a_table_without_rows_is_an_error(tmp_path: Path) -> None:
    """A table that names no picture is refused."""
    table = write(tmp_path, "path,label\n")
    with pytest.raises(SourceError) as caught:
        list_table(table)
    assert str(caught.value) == (
        f"The table '{table}' names no picture. {EXPECTED} Add rows with a path and a label."
    )


def test_a_table_of_files_that_are_all_gone_is_an_error(tmp_path: Path) -> None:
    """A table whose paths begin at another folder is refused at once, with the folder it was read from."""
    table = write(tmp_path, "path,label\nphotos/1.jpg,cats\nphotos/2.jpg,dogs\n")
    with pytest.raises(SourceError) as caught:
        list_table(table)
    assert str(caught.value) == (
        f"None of the files that '{table}' names is there (the first is 'photos/1.jpg'). Paths relative to"
        f" the table's folder, '{tmp_path}', were expected. Move the table, or correct its paths."
    )


def test_a_parquet_file_is_read_as_a_csv_file_is(pictures: Path) -> None:
    """Parquet with dictionary columns, numbers as labels and nulls gives items and named skips."""
    table = pa.table(
        {
            "id": [1, 2, 3, 4],
            "Path": pa.array(["cats/0.png", "cats/1.png", "dogs/0.png", None]).dictionary_encode(),
            "label": [0, None, 1, 2],
            "split": ["train", None, "test", None],
        }
    )
    pq.write_table(table, pictures / "table.parquet")
    listing = list_table(pictures / "table.parquet")
    assert [(item.path, item.label, item.split) for item in listing.items] == [
        ("cats/0.png", "0", "train"),
        ("dogs/0.png", "1", "test"),
    ]
    assert [(one.path, one.reason) for one in listing.skipped] == [
        ("cats/1.png", "it has no label in the table"),
        ("row 4", "it has no path in the table"),
    ]


def test_a_parquet_file_without_the_columns_names_what_it_has(tmp_path: Path) -> None:
    """A Parquet file of another shape is refused with its columns."""
    pq.write_table(pa.table({"image": [b"x"], "label": [1]}), tmp_path / "t.parquet")
    with pytest.raises(SourceError) as caught:
        list_table(tmp_path / "t.parquet")
    assert caught.value.came == (
        f"The table '{tmp_path}/t.parquet' lacks a column 'path'; it has 'image', 'label'."
    )


def test_a_damaged_parquet_file_is_an_error(tmp_path: Path) -> None:
    """What is no Parquet file is refused in one paragraph."""
    (tmp_path / "t.parquet").write_bytes(b"path,label\n")
    with pytest.raises(SourceError) as caught:
        list_table(tmp_path / "t.parquet")
    assert caught.value.came.startswith(f"The table '{tmp_path}/t.parquet' cannot be read (")
    assert "\n" not in str(caught.value)
    assert caught.value.advice == "Check the file and its permissions, or write it again."


def test_a_csv_file_that_cannot_be_read_is_an_error(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Want of permission for the table is one clear paragraph."""
    table = write(pictures, "path,label\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError) as caught:
        list_table(table)
    assert str(caught.value) == (
        f"The table '{table}' cannot be read (Permission denied). {EXPECTED} Check the file and"
        " its permissions, or write it again."
    )


def test_a_field_without_end_is_an_error(tmp_path: Path) -> None:
    """A CSV file whose quote is never closed is refused, not read into memory as one name."""
    table = write(tmp_path, 'path,label\n"' + "x" * 200_000)
    with pytest.raises(SourceError, match=r"cannot be read \(field larger than field limit \(131072\)\)"):
        list_table(table)


def test_pyarrow_is_not_imported_for_a_csv_file(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a Parquet file pays for pyarrow's import."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert len(rows(write(pictures, "path,label\ncats/0.png,cats\n"))) == 1


def test_a_parquet_files_labels_are_named_as_an_archives_are(pictures: Path) -> None:
    """Bytes are text, whole numbers have no point, and what is missing is skipped by name."""
    names = sorted(str(path.relative_to(pictures)) for path in pictures.rglob("*.png"))[:3]
    table = pa.table({"path": [name.encode() for name in names], "label": [b"cat", b"dog", None]})
    pq.write_table(table, pictures / "bytes.parquet")
    listing = list_table(pictures / "bytes.parquet")
    assert [(item.path, item.label) for item in listing.items] == [(names[0], "cat"), (names[1], "dog")]
    assert [(one.path, one.reason) for one in listing.skipped] == [(names[2], "it has no label in the table")]
    pq.write_table(pa.table({"path": names, "label": [1.0, 2.5, float("nan")]}), pictures / "floats.parquet")
    assert [item.label for item in list_table(pictures / "floats.parquet").items] == ["1", "2.5"]


def test_a_parquet_file_with_a_column_twice_is_an_error(tmp_path: Path) -> None:
    """One paragraph instead of the library's own error."""
    columns = [pa.array(["1.png"]), pa.array(["2.png"]), pa.array(["cat"])]
    pq.write_table(pa.Table.from_arrays(columns, ["path", "path", "label"]), tmp_path / "t.parquet")
    with pytest.raises(SourceError, match=r"t\.parquet' cannot be read \("):
        list_table(tmp_path / "t.parquet")
