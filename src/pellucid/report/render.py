"""The report of a run as one HTML page that opens offline: it gathers what the template says.

It reads a run's record and the test split's answers; what they mean is worked out in the rooms beside it,
and every name in them is hostile until the template has escaped it.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from pellucid.evaluation.proportion import wilson
from pellucid.report import plots
from pellucid.report.answer import answer, certainty
from pellucid.report.command import command
from pellucid.report.confusion import confusion
from pellucid.report.course import course
from pellucid.report.gallery import Picture, gallery
from pellucid.report.page import template

_ROWS = 20  # of a table before the rest is folded
_LISTED = 200  # files in a list before the rest is only counted


def render(
    record: Mapping[str, Any],
    paths: Sequence[str],
    labels_N: NDArray[np.integer],
    probabilities_NK: NDArray[np.floating],
    picture: Picture,
) -> str:
    """The whole page, encodable as UTF-8 whatever the names in the record are.

    Args:
        record: a run's record, as ``run.json`` holds it.
        paths: the N test pictures, as a person would find them.
        labels_N: their true classes, integers into the record's classes.
        probabilities_NK: the answers; each row sums to 1.
        picture: gives the encoded bytes of a path, or None where it is gone; called from two threads.
    """
    evaluation = record["evaluation"]
    classes = record["classes"]
    bins = [one for one in evaluation["calibration"]["bins"] if one["n"]]
    return template("report.html.j2").render(
        record=record,
        evaluation=evaluation,
        answer=answer(record["test"], evaluation["confusion"], classes),
        certainty=certainty(bins, record["test"]),
        confusion=confusion(classes, evaluation["confusion"]),
        per_class=_per_class(evaluation, record["source"]["classes"]),
        gallery=gallery(paths, labels_N, probabilities_NK, classes, picture),
        bins=bins,
        course=_course(record),
        drawn=_drawings(bins, record, evaluation["curves"]),
        steps=_steps(record.get("ladder", ()), len(classes)),
        phases=_phases(record["seconds"]),
        findings=_by_kind(record["findings"]),
        command=command(record["request"]),
        rows=_ROWS,
        listed=_LISTED,
    )


def _by_kind(findings: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The findings of each kind, in the order in which they were found: one kind may hold one a class."""
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for finding in findings:
        kinds.setdefault(finding["kind"], []).append(finding)
    return kinds


def _drawings(
    bins: Sequence[Mapping[str, Any]], record: Mapping[str, Any], curves: Mapping[str, Any] | None
) -> dict[str, Markup]:
    """The plots for which there is something to draw."""
    drawn = {}
    if bins:
        drawn["reliability"] = plots.reliability(bins)
    if curves:
        drawn["roc"] = plots.roc(curves["roc"])
        drawn["precision_recall"] = plots.precision_recall(curves["precision_recall"])
    tried = record["head"].get("tried", ())
    if len(tried) > 1:
        drawn["regularisation"] = plots.regularisation(tried, record["head"]["regularisation"])
    training = record.get("training") or record.get("finetune", {})
    epochs = training.get("epochs", ())
    if len(epochs) > 1:
        drawn["losses"] = plots.losses(epochs, training["best"], len(record["classes"]))
        drawn["accuracies"] = plots.accuracies(epochs, training["best"])
    if record.get("shifts"):
        drawn["shifts"] = plots.shifts(record["shifts"])
    return drawn


def _steps(ladder: Sequence[Mapping[str, Any]], classes: int) -> list[tuple[str, Markup]]:
    """The curves of the steps that were trained over epochs, where there are several; all to one scale."""
    frozen = next((one.get("log_loss") for one in ladder if one["name"] == "features"), None)
    trained = [(one["name"], one["epochs"]) for one in ladder if len(one.get("epochs", ())) > 1]
    if len(trained) < 2:
        return []
    highest = max(max(epoch["loss"], epoch["val_loss"]) for _, epochs in trained for epoch in epochs)
    most = 1.05 * min(highest, 2 * math.log(classes))
    return [
        (name, plots.step_losses(number, epochs, frozen, most))
        for number, (name, epochs) in enumerate(trained)
    ]


def _course(record: Mapping[str, Any]) -> list[str]:
    """What the curves of a training say; nothing where there was none."""
    training = record.get("training", {})
    if not training.get("epochs"):
        return []
    return course(training["epochs"], training["best"], len(record["classes"]))


def _per_class(evaluation: Mapping[str, Any], pictures: Mapping[str, int]) -> list[dict[str, Any]]:
    """The classes' figures with the counts behind them, lowest recall first; those never tested come last."""
    rows = [
        {**one, "right": hits, "pictures": pictures[one["name"]], "interval": wilson(hits, one["support"])}
        for number, one in enumerate(evaluation["per_class"])
        for hits in [evaluation["confusion"][number][number]]
    ]
    return sorted(rows, key=lambda row: 2.0 if row["recall"] is None else row["recall"])


def _phases(seconds: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Each phase with its seconds and its share of the total; what no phase accounts for is one of them."""
    phases = {name: spent for name, spent in seconds.items() if name != "total"}
    total = seconds.get("total", sum(phases.values()))
    rest = total - sum(phases.values())
    if rest >= 0.005:
        phases["everything else"] = rest
    return [(name, spent, spent / max(total, sum(phases.values()), 1e-9)) for name, spent in phases.items()]
