"""``pellucid evaluate``: a run's figures on other pictures."""

from typing import TYPE_CHECKING

import typer

from pellucid.cli import options
from pellucid.cli.output import complain, emit, name_skipped, percent, say, skipped_status, table
from pellucid.cli.progress import Progress
from pellucid.errors import shown

if TYPE_CHECKING:
    from pellucid.classifier import Answers

_CLASSES = 20


def run(
    model: str = options.RUN_OR_MODEL,
    source: str = options.SOURCE,
    as_json: bool = options.JSON,
) -> None:
    """Measure a run on labelled pictures that it has not seen."""
    from pellucid.api import load  # everything heavy, which --help does not need
    from pellucid.run import Run

    with Progress() as listen:
        loaded = load(model, listen=listen)
        answers = loaded.evaluate(source, listen)
    seen = None
    if isinstance(loaded, Run):
        seen = sum(loaded.learnt_from(answers.scan.pictures[place].digest) for place in answers.positions)
    if seen is None:
        complain(
            f"Note: {shown(model)} does not say which pictures it learnt from. If these are among them, the "
            "figures are too good."
        )
    elif seen:
        complain(
            f"Note: {seen} of the {len(answers.labels_N)} pictures were learnt from in this run, so the "
            "figures are too good. Evaluate on pictures that it has not seen."
        )
    name_skipped(answers.skipped)
    if as_json:
        emit({**answers.to_json(), "seen_in_training": seen})
    else:
        _tell(answers)
    raise typer.Exit(skipped_status(len(answers.skipped)))


def _tell(answers: "Answers") -> None:
    evaluation = answers.evaluation
    say(f"{percent(evaluation.proportion.to_json())} of the pictures are right.")
    say(f"Calibration error {evaluation.calibration.error:.3f}; log loss {evaluation.log_loss:.3f}.")
    say()

    def figure(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.1f}"

    rows = [
        (one.name, str(one.support), figure(one.precision), figure(one.recall), figure(one.f1))
        for one in evaluation.per_class
        if one.support
    ]
    say(table(rows[:_CLASSES], ("class", "pictures", "precision %", "recall %", "F1 %"), right=(1, 2, 3, 4)))
    if len(rows) > _CLASSES:
        say(f"and {len(rows) - _CLASSES} more classes; --json gives all of them")
