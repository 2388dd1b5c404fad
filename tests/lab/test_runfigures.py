"""A run's figures for the page: what the record holds, in numbers and in words, and nothing made up."""

import copy
from typing import Any

import pytest

from pellucid.lab.runfigures import (
    LARGEST_MATRIX,
    calibration,
    classes_of,
    curves,
    figure,
    head,
    ladder,
    matrix,
    stages,
    tried,
)
from pellucid.report.course import course
from pellucid.report.wording import percent, span
from pellucid.run import Run


def test_the_figure_of_the_test_is_the_records(scratched: Run) -> None:
    """Accuracy and Wilson's interval, worked out of the counts, are those that training wrote."""
    test = scratched.record["test"]
    told = figure(test)
    assert (told["accuracy"], told["interval"]) == (test["accuracy"], test["interval"])
    assert (told["told"], told["span"]) == (percent(test["accuracy"]), span(test["interval"]))
    assert figure({"n": 0, "correct": 0})["accuracy"] is None
    with pytest.raises(ValueError, match="correct"):
        figure({"n": 1, "correct": 2})


def test_the_ladder_ends_with_the_test(scratched: Run) -> None:
    """Each stage on the validation split, then the run on the test split."""
    rungs = stages(scratched.record)
    assert [(one["name"], one["on"]) for one in rungs] == [("scratch", "validation"), ("the run", "test")]
    assert rungs[0]["correct"] == scratched.record["stages"][0]["val"]["correct"]


def test_the_curves_are_the_records(scratched: Run, run: Run) -> None:
    """With what they say; a run on frozen layers has none, but the strengths that it tried."""
    told = curves(scratched.record)
    training = scratched.record["training"]
    assert told is not None
    for one, wanted in zip(told["epochs"], training["epochs"], strict=True):
        assert one["val_loss"] == wanted["val_loss"]
        assert one["told"][1] == f"{wanted['val_loss']:.4g}"
    assert told["course"] == course(training["epochs"], training["best"], 3)
    assert told["guess"] == pytest.approx(1.0986, abs=1e-4)
    assert curves(run.record) is None
    assert tried(scratched.record) is None
    found = tried(run.record)
    assert found is not None
    wanted = run.record["head"]
    assert [one["log_loss"] for one in found["steps"]] == [one["log_loss"] for one in wanted["tried"]]
    assert sum(one["chosen"] for one in found["steps"]) == 1
    assert found["why"] == wanted["why"]


def test_a_run_that_was_tuned_is_told_so(scratched: Run, run: Run) -> None:
    """Its curves are those of the tuning; the steps that were tried stand beside them."""
    record = {
        **run.record,
        "backbone": {**run.record["backbone"], "tuned": True},
        "finetune": scratched.record["training"],
        "ladder": [{"name": "top", "outcome": "kept", "why": "It was better.", "seconds": 1.0}],
    }
    assert curves(record) == curves(scratched.record)
    assert ladder(record) == [["top", "kept", "It was better."]]
    assert ladder(run.record) is None
    assert ["network", "tiny, its last layers tuned, and a new head"] in head(record)
    assert ["network", "tiny, frozen, and a new head"] in head(run.record)


def test_the_matrix_is_the_records(scratched: Run) -> None:
    """Counts, shares of the rows, and the pairs by the places of their classes."""
    told = matrix(scratched.record)
    counts = scratched.record["evaluation"]["confusion"]
    assert told["counts"] == counts
    for row, shares, total in zip(counts, told["shares"], told["totals"], strict=True):
        assert shares == [one / max(total, 1) for one in row]
    for pair in told["pairs"]:
        assert counts[pair["truth"]][pair["said"]] > 0
        assert pair["truth"] != pair["said"]


def test_a_matrix_of_many_classes_is_told_by_its_pairs() -> None:
    """The page draws none that would not fit."""
    many = LARGEST_MATRIX + 1
    counts = [[int(row == column) for column in range(many)] for row in range(many)]
    counts[0][1] = 7
    record = {"classes": [f"c{number}" for number in range(many)], "evaluation": {"confusion": counts}}
    told = matrix(record)
    assert told["counts"] == told["shares"] == []
    assert told["pairs"] == [{"truth": 0, "said": 1, "told": "c0 taken for c1: 7 of 8"}]


def test_the_sentence_on_confidence() -> None:
    """Sure in 90 % of its answers and right in half: it claims too much."""
    record = {
        "test": {"n": 100, "correct": 50},
        "evaluation": {
            "calibration": {
                "expected_calibration_error": 0.4,
                "bins": [
                    {"n": 0, "confidence": None, "accuracy": None, "correct": 0},
                    {"n": 100, "confidence": 0.9, "accuracy": 0.5, "correct": 50},
                ],
            }
        },
    }
    told = calibration(record)
    assert told is not None
    assert told["told"].replace("\N{NO-BREAK SPACE}", " ") == (
        "On average it was 90.0 % sure and 50.0 % right: it claims more than it delivers."
    )
    assert (
        told["more"]
        .replace("\N{NO-BREAK SPACE}", " ")
        .startswith("Over the bins of confidence the two are 40.0 points apart; perfect confidence")
    )
    assert len(told["bins"]) == 1
    empty = copy.deepcopy(record)
    empty["evaluation"]["calibration"]["bins"] = []  # type: ignore[index]
    assert calibration(empty) is None


def test_names_are_made_plain(scratched: Run) -> None:
    """Control characters become escapes; HTML stays text, which the page shows as such."""
    record = {**scratched.record, "classes": ["<img src=x onerror=alert(1)>", "a\nb", "c\x1b[31m"]}
    assert matrix(record)["classes"] == ["<img src=x onerror=alert(1)>", "a\\nb", "c\\x1b[31m"]
    assert ["classes", "<img src=x onerror=alert(1)>, a\\nb, c\\x1b[31m"] in head(record)


DAMAGE: list[tuple[Any, str, Any]] = [
    (matrix, "evaluation", {"confusion": [[1]]}),
    (matrix, "evaluation", {"confusion": [[1, 2, 3], [1, 2, "x"], [1, 2, 3]]}),
    (matrix, "evaluation", {"confusion": [[1, 2, -3], [1, 2, 3], [1, 2, 3]]}),
    (matrix, "evaluation", 3),
    (stages, "stages", [{"name": 3}]),
    (stages, "test", {"n": 3, "correct": 4}),
    (curves, "training", {"epochs": [], "best": 1}),
    (curves, "training", {"epochs": [{"epoch": "x"}], "best": 1}),
    (calibration, "evaluation", {"calibration": {"bins": [{"n": True}]}}),
    (head, "samples", {"train": 1}),
    (tried, "head", {"tried": [{}], "regularisation": 1}),
]


@pytest.mark.parametrize(("make", "name", "value"), DAMAGE)
def test_what_is_wrong_is_raised_and_not_drawn(scratched: Run, make: Any, name: str, value: Any) -> None:
    """As one of the errors that the room turns into a sentence."""
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError)):
        make({**scratched.record, name: value})


@pytest.mark.parametrize("classes", [None, [], ["a"], ["a", 3], "ab"])
def test_classes_are_names(classes: Any) -> None:
    """Two or more."""
    with pytest.raises(Exception, match="The run's classes are no list of names"):
        classes_of({"classes": classes})
