"""A CSV or Parquet file with the columns path, label and perhaps split, as a listing.

Paths are relative to the table's own folder. Whether the files exist is found when they are read.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from pellucid.data.item import (
    PLACEHOLDER,
    Item,
    Listing,
    Skipped,
    is_placeholder,
    label_text,
    make_item,
    split_named,
)
from pellucid.errors import SourceError, printable, shown
from pellucid.pictures.file import read_file

_EXPECTED = "A table with the columns path and label, and perhaps split, was expected."
_DELIMITERS = ",;\t|"

_Row = tuple[int, str, str, str]  # line or row number, path, label, split


def list_table(path: Path) -> Listing:
    """The pictures that a table names, in its order. A row without path or label is named as skipped.

    Raises:
        SourceError: where the table is damaged, lacks a column, names an unknown split, or none of its
            files is there.
    """
    items: list[Item] = []
    skipped: list[Skipped] = []
    rows = _parquet_rows(path) if path.suffix.lower() == ".parquet" else _csv_rows(path)
    for number, file, label, split in rows:
        if not file:
            skipped.append(Skipped(f"row {number}", "it has no path in the table"))
        elif not label:
            skipped.append(Skipped(file, "it has no label in the table"))
        elif is_placeholder(file, label):
            skipped.append(Skipped(file, PLACEHOLDER))
        elif split and split_named(split) is None:
            raise SourceError(
                f"Row {number} of {shown(path)} has the split {shown(split)}.",
                "The splits train, val and test were expected, or an empty field.",
                "Correct this row.",
            )
        else:
            items.append(make_item(file, label, split_named(split)))
    _refuse_nothing(path, items)

    def read(index: int) -> bytes:
        return read_file(path.parent / items[index].path)

    return Listing(tuple(items), read, tuple(skipped))


def _refuse_nothing(path: Path, items: list[Item]) -> None:
    if not items:
        raise SourceError(
            f"The table {shown(path)} names no picture.", _EXPECTED, "Add rows with a path and a label."
        )
    if not any(_exists(path.parent / item.path) for item in items):
        raise SourceError(
            f"None of the files that {shown(path)} names is there (the first is {shown(items[0].path)}).",
            f"Paths relative to the table's folder, {shown(path.parent)}, were expected.",
            "Move the table, or correct its paths.",
        )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that no file can have
        return False


# --- CSV -----------------------------------------------------------------------------------------------


def _csv_rows(path: Path) -> Iterator[_Row]:
    try:
        with path.open(newline="", encoding=_encoding(path), errors="surrogateescape") as file:
            first = file.readline()
            delimiter = _delimiter(first)
            file.seek(0)
            yield from _columns(path, csv.reader(file, delimiter=delimiter, skipinitialspace=True))
    except (OSError, csv.Error, UnicodeError) as error:
        raise _damaged(path, error) from error


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _delimiter(line: str) -> str:
    """The delimiter under which the first line holds the columns, else the one that it holds most of."""
    for delimiter in _DELIMITERS:
        names = [_plain(name) for name in next(csv.reader([line], delimiter=delimiter), [])]
        if "path" in names and "label" in names:
            return delimiter
    return max(_DELIMITERS, key=line.count)


def _columns(path: Path, rows: Iterator[list[str]]) -> Iterator[_Row]:
    """The three fields of each row that is not blank, numbered as a spreadsheet does."""
    found = next(rows, [])
    names = [_plain(name) for name in found]
    _refuse_missing(path, names, found)
    places = [names.index(name) if name in names else None for name in ("path", "label", "split")]
    for number, row in enumerate(rows, 2):
        if any(row):
            file, label, split = (
                row[place].strip() if place is not None and place < len(row) else "" for place in places
            )
            yield number, file, label, split


def _plain(name: str) -> str:
    return name.strip().lower()


def _refuse_missing(path: Path, names: list[str], found: list[str]) -> None:
    missing = [shown(name) for name in ("path", "label") if name not in names]
    if missing:
        columns = ", ".join(shown(name) for name in found[:20]) or "no column"
        what = "the columns " if len(missing) > 1 else "a column "
        raise SourceError(
            f"The table {shown(path)} lacks {what}{' and '.join(missing)}; it has {columns}.",
            _EXPECTED,
            "Name the columns so in the first row.",
        )


# --- Parquet -------------------------------------------------------------------------------------------


def _parquet_rows(path: Path) -> Iterator[_Row]:
    import pyarrow  # a third of a second that only this kind of source pays
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            found = list(file.schema_arrow.names)
            names = [_plain(name) for name in found]
            _refuse_missing(path, names, found)
            wanted = [name for name in ("path", "label", "split") if name in names]
            columns = [found[names.index(name)] for name in wanted]
            number = 0
            for batch in file.iter_batches(columns=columns):
                fields = [batch.column(column).to_pylist() for column in columns]
                for values in zip(*fields, strict=True):
                    number += 1
                    file_name, label, *split = (label_text(value) for value in values)
                    yield number, file_name, label, split[0] if split else ""
    except (OSError, ValueError, KeyError, pyarrow.ArrowException) as error:  # also text that is no UTF-8
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> SourceError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error).strip()
    return SourceError(
        f"The table {shown(path)} cannot be read ({printable(reason)}).",
        _EXPECTED,
        "Check the file and its permissions, or write it again.",
    )
