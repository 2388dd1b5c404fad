"""A run's folder as somebody reads it who only looks: what it holds, and each damage in words."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pellucid.errors import RunError
from pellucid.lab.runfolder import read_answers, read_epochs
from pellucid.run import Run

EPOCH = {
    "event": "epoch",
    "epoch": 1,
    "loss": 1.5,
    "accuracy": 0.5,
    "val_loss": 1.25,
    "val_accuracy": 0.75,
    "weights": "last",
    "rate": 0.1,
    "seconds": 2.0,
    "pictures_per_second": 10.0,
}


def test_the_epochs_are_those_of_the_record(scratched: Run) -> None:
    """The line for the stage is passed over."""
    told = read_epochs(scratched.folder)
    names = ("epoch", "loss", "val_loss", "accuracy", "val_accuracy", "seconds", "val_objective")
    assert told == [{name: one[name] for name in names} for one in scratched.record["training"]["epochs"]]


def test_a_run_on_frozen_layers_and_a_training_that_begins_have_no_epochs(run: Run, tmp_path: Path) -> None:
    """Its metrics are of another kind, or there are none yet."""
    assert read_epochs(run.folder) == []
    assert read_epochs(tmp_path) == []


def test_the_answers_are_the_table_with_digests(scratched: Run) -> None:
    """Row by row as predictions.csv has them, with the digest that splits.csv has of each."""
    with (scratched.folder / "predictions.csv").open(newline="") as file:
        wanted = list(csv.DictReader(file))
    with (scratched.folder / "splits.csv").open(newline="") as file:
        digests = {row["path"]: row["digest"] for row in csv.DictReader(file)}
    found = read_answers(scratched.folder, scratched.record)
    assert [one.row for one in found] == list(range(len(wanted)))
    for one, row in zip(found, wanted, strict=True):
        assert (one.path, one.split, one.label, one.predicted) == (
            row["path"],
            row["split"],
            row["label"],
            row["predicted"],
        )
        assert one.confidence == float(row["confidence"])
        assert one.digest == digests[one.path]


def test_only_the_last_stage_of_several_is_told(tmp_path: Path) -> None:
    """Where epochs are counted anew, another stage has begun."""
    lines = [EPOCH, EPOCH | {"epoch": 2}, EPOCH | {"epoch": 1, "loss": 9.0}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [(one["epoch"], one["loss"]) for one in read_epochs(tmp_path)] == [(1, 9.0)]


@pytest.mark.parametrize(
    "line", ["{", "[]", "{}", json.dumps(EPOCH | {"loss": "x"}), json.dumps(EPOCH | {"loss": float("nan")})]
)
def test_a_damaged_line_of_the_metrics_is_named(tmp_path: Path, line: str) -> None:
    """With its number."""
    (tmp_path / "metrics.jsonl").write_text(f"{json.dumps(EPOCH)}\n{line}\n")
    with pytest.raises(RunError, match=r"damaged: line 2 of metrics\.jsonl tells no epoch\."):
        read_epochs(tmp_path)


def sealed(folder: Path, record: dict[str, Any], name: str, text: str) -> dict[str, Any]:
    """The record as if training had written this text."""
    import hashlib

    (folder / name).write_text(text)
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return record | {"files": record["files"] | {name: digest}}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("path,split\n", "holds no such table"),
        ("path,split,label,predicted,confidence\nx\n", "holds no such table"),
        ("path,split,label,predicted,confidence\nx,test,a,a,0.5\n", r"splits\.csv has no picture 'x'"),
        ("path,split,label,predicted,confidence\nlying/00.png,{split},a,a,2\n", "a confidence of 2.0"),
    ],
)
def test_a_damaged_table_is_named(scratched: Run, text: str, what: str) -> None:
    """Its columns, its rows, its pictures, its numbers."""
    with (scratched.folder / "splits.csv").open(newline="") as file:
        split = next(row["split"] for row in csv.DictReader(file) if row["path"] == "lying/00.png")
    record = sealed(scratched.folder, dict(scratched.record), "predictions.csv", text.format(split=split))
    with pytest.raises(RunError, match=what):
        read_answers(scratched.folder, record)


def test_a_table_that_training_did_not_write_is_not_read(scratched: Run) -> None:
    """Its digest tells; so does one that is gone or too large."""
    table = scratched.folder / "predictions.csv"
    table.write_text(table.read_text() + "x,test,a,a,0.5\n")
    with pytest.raises(RunError, match=r"predictions\.csv is not the file that training wrote"):
        read_answers(scratched.folder, scratched.record)
    table.unlink()
    with pytest.raises(RunError, match=r"predictions\.csv is missing"):
        read_answers(scratched.folder, scratched.record)


def test_a_file_that_is_too_large_is_not_read(scratched: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is told."""
    monkeypatch.setattr("pellucid.run._LARGEST", 10)
    with pytest.raises(RunError, match=r"metrics\.jsonl has [\d,]+ bytes"):
        read_epochs(scratched.folder)


def test_a_folder_in_the_place_of_a_file(scratched: Run) -> None:
    """It cannot be read, and that is said."""
    (scratched.folder / "metrics.jsonl").unlink()
    (scratched.folder / "metrics.jsonl").mkdir()
    with pytest.raises(RunError, match=r"metrics\.jsonl cannot be read"):
        read_epochs(scratched.folder)
    shutil.rmtree(scratched.folder)
