"""The room Run: a run's figures as its folder has them, a training's as they come, and their pictures.

These answers say what is on the disk now; all others of the lab are the same whenever they are asked. Which
runs there are ``runlist`` knows, what a folder holds ``runfolder``, where a picture lies ``runpicture``.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pellucid.errors import PellucidError, PictureError, RunError, printable, shown
from pellucid.lab import runpicture
from pellucid.lab.place import HERE
from pellucid.lab.question import Question, QuestionError, text, whole
from pellucid.lab.runfigures import (
    calibration,
    classes_of,
    curves,
    drawn,
    figure,
    head,
    ladder,
    matrix,
    stages,
    tried,
)
from pellucid.lab.runfolder import Answered, read_answers, read_epochs
from pellucid.lab.runlist import folder_of, is_training, listed
from pellucid.lab.tiles import make_tiles
from pellucid.learn.unfinished import Unfinished, request_to_resume, run_of
from pellucid.report.wording import counted, duration, percent
from pellucid.run import METRICS, RECORD, damaged, read_record
from pellucid.training.epoch import best_line

WORST = 18
"""The worst mistakes that are shown."""

PAGE = 24
"""Pictures that are shown at a time."""

_LONGEST_NAME = 1_000
_SILENT = 60.0  # seconds, and at least so many epochs' time, without a word from a training
_SILENT_EPOCHS = 5


def start(question: Question) -> dict[str, Any]:
    """The runs to choose from, the one to begin with first, and what to type where there is none."""
    return {
        "folder": str(HERE.folder.resolve()),
        "runs": [
            {"name": one.name, "title": printable(one.name), "under_way": one.under_way} for one in listed()
        ],
        "command": "pellucid train builtin:digits --network digits-convnet --epochs 5",
    }


def show(question: Question) -> dict[str, Any]:
    """All that is to be seen of a run; what is damaged is told in ``damage``, and the rest is there.

    The question's field: run. Of a training under way there are its curves only.
    """
    name = text(question, "run", _LONGEST_NAME)
    folder = folder_of(name)
    if is_training(folder):
        return {"run": name, "under_way": True, **_under_way(name, folder)}
    record = read_record(folder)
    damage: list[str] = []

    def part(what: str, make: Callable[[], Any]) -> Any:
        """A part of the reply, or None where what it stands on is damaged."""
        try:
            return make()
        except RunError as error:
            damage.append(str(error))
        except (KeyError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
            damage.append(
                str(damaged(folder, f"{RECORD} lacks or mistakes its {what} ({printable(error)[:80]})"))
            )
        return None

    return {
        "run": name,
        "under_way": False,
        "network": f"run/{name}",
        "head": part("making", lambda: head(record)),
        "test": part("test", lambda: figure(record["test"])),
        "stages": part("stages", lambda: stages(record)),
        "curves": part("training", lambda: curves(record)),
        "ladder": part("ladder", lambda: ladder(record)),
        "tried": part("regularisation", lambda: tried(record)),
        "confusion": part("confusion", lambda: matrix(record)),
        "calibration": part("calibration", lambda: calibration(record)),
        "worst": part("predictions", lambda: _worst(folder, record)),
        "damage": list(dict.fromkeys(damage)),
    }


def watch(question: Question) -> dict[str, Any]:
    """How far a training is; ``run`` is another name once the run is there, and ``gone`` where neither is."""
    name = text(question, "run", _LONGEST_NAME)
    try:
        folder = folder_of(name)
    except QuestionError:
        try:
            finished = str(run_of(Path(name)))
            folder_of(finished)
        except (QuestionError, ValueError):  # ValueError: nothing is left of the name without its ending
            return {"run": name, "under_way": False, "gone": True}
        return {"run": finished, "under_way": False, "gone": False}
    if not is_training(folder):
        return {"run": name, "under_way": False, "gone": False}
    return {"run": name, "under_way": True, "gone": False, **_under_way(name, folder)}


def cell(question: Question) -> dict[str, Any]:
    """The test pictures of one class that were taken for another, the surest first, ``PAGE`` at a time.

    The question's fields: run, truth and said (places of the classes), start.
    """
    folder = folder_of(text(question, "run", _LONGEST_NAME))
    record = read_record(folder)
    classes = classes_of(record)
    truth = classes[whole(question, "truth", 0, len(classes) - 1)]
    said = classes[whole(question, "said", 0, len(classes) - 1)]
    begin = whole(question, "start", 0, 10**9, 0)
    rows = [
        one
        for one in read_answers(folder, record)
        if (one.split, one.label, one.predicted) == ("test", truth, said)
    ]
    rows.sort(key=lambda one: -one.confidence)
    some = rows[begin : begin + PAGE]
    return {
        "total": len(rows),
        "start": begin,
        "truth": printable(truth),
        "said": printable(said),
        **_hung(question, folder, record, some),
    }


def pictures(question: Question) -> dict[str, Any]:
    """Pictures that a run answered, by their rows in its table of predictions.

    The question's fields: run, rows (at most ``PAGE`` of them).
    """
    folder = folder_of(text(question, "run", _LONGEST_NAME))
    record = read_record(folder)
    answers = read_answers(folder, record)
    rows = question.get("rows")
    if (
        not isinstance(rows, list)
        or len(rows) > PAGE
        or not all(type(row) is int and 0 <= row < len(answers) for row in rows)
    ):
        raise QuestionError(
            "The question's 'rows' are no rows of the run's table.",
            f"At most {PAGE} whole numbers from 0 to {len(answers) - 1:,} were expected.",
            "Ask again with such rows.",
        )
    return _hung(question, folder, record, [answers[row] for row in rows])


def _hung(
    question: Question, folder: Path, record: Mapping[str, Any], rows: Sequence[Answered]
) -> dict[str, Any]:
    """Pictures with what they are and what was said; those that are there on one PNG."""
    name = text(question, "run", _LONGEST_NAME)
    thumbnails, told = [], []
    for one in rows:
        gone = ""
        try:
            thumbnails.append(runpicture.thumbnail(runpicture.picture_bytes(folder, record, one)))
        except PictureError as error:
            gone = str(error)
        told.append(
            {
                "row": one.row,
                "path": printable(one.path),
                "truth": printable(one.label),
                "said": printable(one.predicted),
                "right": one.label == one.predicted,
                "confidence": percent(one.confidence),
                "picture": runpicture.name_of(name, one.row),
                "place": None if gone else len(thumbnails) - 1,
                "gone": gone,
            }
        )
    tiles = make_tiles(thumbnails)
    return {"pictures": told, "tiles": tiles.png, "sheet": tiles.to_json()}


def picture(name: str) -> bytes | None:
    """The file of a picture by the name that ``pictures`` gave it; None where it has no such name.

    Raises:
        PellucidError: There is no such run or row, or the picture is gone.
    """
    found = runpicture.parted(name)
    if found is None:
        return None
    folder = folder_of(found[0])
    record = read_record(folder)
    answers = read_answers(folder, record)
    if found[1] >= len(answers):
        raise QuestionError(
            f"The run {shown(found[0])} has no picture {found[1]:,}.",
            f"A row from 0 to {len(answers) - 1:,} was expected.",
            "Choose one of the room Run.",
        )
    try:
        return runpicture.picture_bytes(folder, record, answers[found[1]])
    except PictureError as error:
        raise QuestionError(
            f"That picture of the run cannot be shown: {error}.",
            "The very picture that the run answered was expected.",
            "Bring it back, or choose another one.",
        ) from error


def _under_way(name: str, folder: Path) -> dict[str, Any]:
    epochs = read_epochs(folder)
    try:
        planned = request_to_resume(run_of(folder)).epochs
    except PellucidError:
        planned = None
    best = best_line(epochs)["epoch"] if epochs else None
    return {
        "curves": drawn(epochs, best, None),
        "planned": planned,
        "told": _told(name, folder, epochs, planned),
    }


def _told(name: str, folder: Path, epochs: Sequence[Mapping[str, float]], planned: int | None) -> list[str]:
    """How far a training is, in sentences."""
    of = f" of {planned}" if planned else ""
    if not epochs:
        told = [f"Epoch 1{of} is under way: the first figures come at its end."]
    else:
        last = epochs[-1]
        best = best_line(epochs)
        told = [
            f"{counted(len(epochs), 'epoch')}{of} done, the last in {duration(last['seconds'])}: "
            f"{percent(last['val_accuracy'])} of the validation pictures are right.",
            f"The best epoch so far is {int(best['epoch'])}: its validation loss is {best['val_loss']:.4g}.",
        ]
    file = folder / METRICS if epochs else folder
    try:
        silent = time.time() - file.stat().st_mtime
    except OSError:  # it has just become a run
        return told
    usual = max((one["seconds"] for one in epochs), default=0.0)
    if silent > max(_SILENT, _SILENT_EPOCHS * usual):
        command = Unfinished(run_of(Path(name))).command
        told.append(
            f"It has told nothing for {duration(silent)}. If it was interrupted, go on with: {command}"
        )
    return told


def _worst(folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """The wrong answers, the surest first: how many, and the rows of the first."""
    wrong = [
        one for one in read_answers(folder, record) if one.split == "test" and one.label != one.predicted
    ]
    wrong.sort(key=lambda one: -one.confidence)
    return {"total": len(wrong), "rows": [one.row for one in wrong[:WORST]]}
