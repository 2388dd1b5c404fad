"""The figures of a run as a page shows them: numbers to draw, and the same in words for whoever reads.

They are worked out of ``run.json``, any value of which may be wrong: what is then raised ``runs`` tells.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pellucid.errors import RunError, printable
from pellucid.evaluation.proportion import wilson
from pellucid.report.answer import certainty
from pellucid.report.confusion import confusion
from pellucid.report.course import course
from pellucid.report.wording import duration, moment, percent, points, short, span

LARGEST_MATRIX = 40
"""Classes up to which the whole matrix is drawn; of more, the pairs that are most confused."""


def drawn(epochs: Sequence[Mapping[str, float]], best: float | None, guess: float | None) -> dict[str, Any]:
    """Curves as the page draws them: their numbers, and the same in words for its table."""
    return {
        "epochs": [
            {
                **one,
                "told": [
                    f"{one['loss']:.4g}",
                    f"{one['val_loss']:.4g}",
                    percent(one["accuracy"]),
                    percent(one["val_accuracy"]),
                    duration(one["seconds"]),
                ],
            }
            for one in epochs
        ],
        "best": best,
        "guess": guess,
    }


def curves(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The curves of a training and what they say; None of a run that stands on frozen layers."""
    training = record.get("training") or record.get("finetune")
    if training is None:
        return None
    names = ("epoch", "loss", "val_loss", "accuracy", "val_accuracy", "seconds")
    epochs = [{name: _number(one[name]) for name in names} for one in training["epochs"]]
    best, classes = int(training["best"]), len(classes_of(record))
    if not 1 <= best <= len(epochs):
        raise ValueError(f"the best epoch is {best} of {len(epochs)}")
    return {
        **drawn(epochs, best, math.log(classes)),
        "course": course(epochs, best, classes),
        "stopped": printable(training["stopped"]),
    }


def tried(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The strengths of regularisation that were tried, and why one was chosen; None where none was."""
    steps = record["head"].get("tried")
    if not steps:
        return None
    chosen = record["head"]["regularisation"]
    return {
        "why": printable(record["head"]["why"]),
        "steps": [
            {
                "strength": short(_number(one["regularisation"])),
                "log_loss": _number(one["log_loss"]),
                "told": f"{_number(one['log_loss']):.4f}",
                "right": f"{int(one['correct']):,} of {int(one['n']):,}",
                "chosen": one["regularisation"] == chosen,
            }
            for one in steps
        ],
    }


def head(record: Mapping[str, Any]) -> list[list[str]]:
    """What the run is, as rows of a table: a word and what stands beside it."""
    samples = {name: int(record["samples"][name]) for name in ("train", "val", "test", "skipped")}
    backbone = record.get("backbone")
    if backbone is None:
        made = str(record["network"])
    else:
        tuned = "its last layers tuned" if backbone.get("tuned") else "frozen"
        made = f"{backbone['name']}, {tuned}, and a new head"
    rows = [
        ["trained", f"{moment(str(record['created']))}, in {duration(_number(record['seconds']['total']))}"],
        ["recipe", str(record["chosen"])],
        ["network", made],
        [
            "pictures",
            f"{record['source']['name']}: {samples['train']:,} to learn from, {samples['val']:,} to "
            f"choose by, {samples['test']:,} to test; {samples['skipped']:,} skipped",
        ],
        ["classes", ", ".join(classes_of(record)[:30]) + (", ..." if len(classes_of(record)) > 30 else "")],
    ]
    return [[word, printable(told)] for word, told in rows]


def figure(told: Mapping[str, Any]) -> dict[str, Any]:
    """Counts as an accuracy with its interval, in numbers and in words."""
    count, right = int(told["n"]), int(told["correct"])
    low, high = wilson(right, count)
    return {
        "n": count,
        "correct": right,
        "accuracy": right / count if count else None,
        "interval": [low, high],
        "told": percent(right / count if count else None),
        "span": span((low, high)),
        "right": f"{right:,} of {count:,}",
    }


def stages(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The ladder: what each stage reached on the validation split, and the whole on the test split."""
    rungs = [
        {
            "name": printable(one["name"]),
            "on": "validation",
            **figure(one["val"]),
            "time": duration(_number(one["seconds"])),
        }
        for one in record["stages"]
    ]
    return [*rungs, {"name": "the run", "on": "test", **figure(record["test"]), "time": ""}]


def ladder(record: Mapping[str, Any]) -> list[list[str]] | None:
    """The steps of fine-tuning that were tried: name, outcome and why; None of a run that tried none."""
    if "ladder" not in record:
        return None
    return [[printable(one[name]) for name in ("name", "outcome", "why")] for one in record["ladder"]]


def matrix(record: Mapping[str, Any]) -> dict[str, Any]:
    """The confusion matrix: rows of true classes; of many classes the pairs that are most confused only."""
    classes = classes_of(record)
    counts = record["evaluation"]["confusion"]
    if len(counts) != len(classes) or any(
        len(row) != len(classes) or any(type(one) is not int or one < 0 for one in row) for row in counts
    ):
        raise ValueError(f"{len(classes)} rows of {len(classes)} counts were expected")
    laid = confusion(classes, counts)
    is_drawn = len(classes) <= LARGEST_MATRIX
    return {
        "classes": [printable(name) for name in classes],
        "counts": counts if is_drawn else [],
        "shares": [[one.share for one in row.cells] for row in laid.rows] if is_drawn else [],
        "told": [[percent(one.share) for one in row.cells] for row in laid.rows] if is_drawn else [],
        "totals": [sum(row) for row in counts],
        "pairs": [
            {
                "truth": classes.index(one.truth),
                "said": classes.index(one.said),
                "told": printable(f"{one.truth} taken for {one.said}: {one.count:,} of {one.total:,}"),
            }
            for one in laid.pairs
        ],
    }


def calibration(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """How far stated confidence can be believed: the sentence, and the bins behind it."""
    test = figure(record["test"])
    told = record["evaluation"]["calibration"]
    bins = [one for one in told["bins"] if _number(one["n"])]
    found = certainty(bins, test)
    if found is None:
        return None
    verdict = {
        "over": "it claims more than it delivers",
        "under": "it is more often right than it claims",
        "noise": "no difference that these pictures could show",
    }[found.verdict]
    error = points(_number(told["expected_calibration_error"]))
    return {
        "told": f"On average it was {percent(found.confidence)} sure and {test['told']} right: {verdict}.",
        "more": f"Over the bins of confidence the two are {error} apart; perfect confidence on so many "
        f"answers would show {points(found.chance)} by chance alone.",
        "bins": [
            {
                "confidence": _number(one["confidence"]),
                "accuracy": _number(one["accuracy"]),
                "interval": list(wilson(int(one["correct"]), int(one["n"]))),
                "told": [percent(one["confidence"]), percent(one["accuracy"]), f"{int(one['n']):,}"],
            }
            for one in bins
        ],
    }


def classes_of(record: Mapping[str, Any]) -> list[str]:
    """The names of the classes, in the run's order.

    Raises:
        RunError: The record has no such list.
    """
    classes = record.get("classes")
    if not isinstance(classes, list) or len(classes) < 2 or not all(isinstance(one, str) for one in classes):
        raise RunError(
            "The run's classes are no list of names.", "Two names or more were expected.", "Train again."
        )
    return classes


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)
