"""The folder of a run, whole, damaged or under way, as somebody reads it who only looks.

Each part is read by itself, so that one that is damaged leaves the others to be seen. Opening the network
of a run is ``run``'s business.
"""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pellucid.errors import shown
from pellucid.run import METRICS, PREDICTIONS, SPLITS, damaged, parsed, read_file

_NUMBERS = ("loss", "val_loss", "accuracy", "val_accuracy", "seconds")


@dataclass(frozen=True)
class Answered:
    """A row of ``predictions.csv``: what was said of one picture.

    Attributes:
        row: Its place in the table, from 0.
        confidence: 0..1.
        digest: Of the picture's file, as ``splits.csv`` has it.
    """

    row: int
    path: str
    split: str
    label: str
    predicted: str
    confidence: float
    digest: str


def read_epochs(folder: Path) -> list[dict[str, float]]:
    """The epochs of the last stage that ``metrics.jsonl`` tells; none where there is no such file yet.

    Raises:
        RunError: A line of it is damaged.
    """
    if not (folder / METRICS).exists():
        return []
    epochs: list[dict[str, float]] = []
    for number, line in enumerate(_bytes(folder, METRICS).splitlines(), 1):
        try:
            told = parsed(line)
            if told["event"] == "epoch":
                if epochs and told["epoch"] <= epochs[-1]["epoch"]:
                    epochs = []  # another stage has begun
                numbers = {name: float(told[name]) for name in _NUMBERS}
                if "val_objective" in told:
                    numbers["val_objective"] = float(told["val_objective"])
                epochs.append({"epoch": int(told["epoch"]), **numbers})
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise damaged(folder, f"line {number} of {METRICS} tells no epoch") from error
    return epochs


def read_answers(folder: Path, record: Mapping[str, Any]) -> tuple[Answered, ...]:
    """What was said of each picture that was not learnt from, in the table's order.

    Raises:
        RunError: A table is not there, or not the one that training wrote.
    """
    files = record.get("files")
    told = files if isinstance(files, dict) else {}
    return _answers(folder, *((stamp(folder, name), str(told.get(name))) for name in (SPLITS, PREDICTIONS)))


def stamp(folder: Path, name: str) -> tuple[int, int]:
    """What changes when a file of the run does: its time and its size; zeros where there is none."""
    try:
        status = (folder / name).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


@lru_cache(4)
def _answers(
    folder: Path, splits: tuple[tuple[int, int], str], predictions: tuple[tuple[int, int], str]
) -> tuple[Answered, ...]:
    """The tables of these times, sizes and digests; the last few are kept: every click asks for them."""
    digests = {
        (path, split): digest
        for path, split, digest in _rows(folder, SPLITS, splits[1], "path", "split", "digest")
    }
    columns = ("path", "split", "label", "predicted", "confidence")
    try:
        return tuple(
            Answered(row, path, split, label, said, _share(confidence), digests[path, split])
            for row, (path, split, label, said, confidence) in enumerate(
                _rows(folder, PREDICTIONS, predictions[1], *columns)
            )
        )
    except KeyError as error:
        raise damaged(folder, f"{SPLITS} has no picture {shown(error.args[0][0])}") from error
    except ValueError as error:
        raise damaged(folder, f"{PREDICTIONS} holds no such table ({error})") from error


def _rows(folder: Path, name: str, told: str, *columns: str) -> list[tuple[str, ...]]:
    data = _bytes(folder, name)
    if hashlib.blake2b(data, digest_size=16).hexdigest() != told:
        raise damaged(folder, f"{name} is not the file that training wrote")
    try:
        table = csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""))
        header = next(table, [])
        places = [header.index(column) for column in columns]
        return [tuple(row[place] for place in places) for row in table]
    except (csv.Error, IndexError, ValueError) as error:
        raise damaged(folder, f"{name} holds no such table ({error})") from error


def _bytes(folder: Path, name: str) -> bytes:
    try:
        return read_file(folder, name)
    except FileNotFoundError as error:
        raise damaged(folder, f"{name} is missing") from error
    except OSError as error:
        raise damaged(folder, f"{name} cannot be read ({error.strerror})") from error


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(f"a confidence of {value}")
    return value
