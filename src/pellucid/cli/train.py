"""``pellucid train``: from a source of pictures to a run folder."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, name_skipped, percent, say, skipped_status
from pellucid.cli.progress import Progress
from pellucid.data.fractions import Fractions
from pellucid.data.item import Skipped
from pellucid.errors import RequestError
from pellucid.request import TrainRequest, parse_budget

if TYPE_CHECKING:
    from pellucid.run import Run

_NOTICED = 5


def run(
    context: typer.Context,
    source: str | None = options.SOURCE_OR_RESUME,
    recipe: str = options.of_request("recipe"),
    backbone: str = options.of_request("backbone"),
    weights: Path | None = options.of_request("weights"),
    network: str | None = options.of_request("network"),
    epochs: int | None = options.of_request("epochs"),
    batch: int | None = options.of_request("batch"),
    learning_rate: float | None = options.of_request("learning_rate"),
    augment: str = options.of_request("augment"),
    mix: str = options.of_request("mix"),
    unfreeze: str = options.of_request("unfreeze"),
    batch_norm: str = options.of_request("batch_norm"),
    views: int | None = options.of_request("views"),
    budget: str | None = options.of_request("budget"),
    steps: str | None = options.of_request("steps"),
    split: str = options.of_request("split", default="70,15,15"),
    seed: int = options.of_request("seed"),
    fit: str = options.of_request("fit"),
    class_weights: str = options.of_request("class_weights"),
    device: str = options.of_request("device"),
    precision: str = options.of_request("precision"),
    out: Path | None = options.of_request("out"),
    resume: Path | None = typer.Option(
        None, "--resume", metavar="RUN", help="Go on with the training for this run, which was interrupted."
    ),
    download: bool = options.of_request("download"),
    as_json: bool = options.JSON,
) -> None:
    """Train a classifier on a source of pictures; writes a run folder with a report in it."""
    if resume is not None:
        _refuse_what_contradicts(context)
        trained = carry_out(resume)
    elif source is None:
        raise RequestError(
            "No source of pictures was given.",
            "A folder of class folders, a table, or builtin:clipart was expected.",
            "Write for example: pellucid train photos",
        )
    else:
        trained = carry_out(_asked(context.params))
    if as_json:
        emit(summary(trained))
    else:
        tell(trained)
    raise typer.Exit(skipped_status(trained.record["samples"]["skipped"]))


def _asked(options: dict[str, Any]) -> TrainRequest:
    """The request that the options of the command line make; it checks its own words."""
    fields = {name: value for name, value in options.items() if name not in ("resume", "as_json")}
    budget = fields["budget"]
    fields |= {
        "split": Fractions.parse(fields["split"]),
        "budget": None if budget is None else parse_budget(budget),
    }
    return TrainRequest(**fields)


def _refuse_what_contradicts(context: typer.Context) -> None:
    """A training that goes on is the one that began: nothing else can be asked of it."""
    names = [one.name or "" for one in context.command.params]
    given = [
        name
        for name in names
        if name not in ("resume", "as_json")
        and getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    if given:
        named = ", ".join("SOURCE" if name == "source" else f"--{name.replace('_', '-')}" for name in given)
        raise RequestError(
            f"--resume was given together with {named}.",
            "--resume alone was expected: the training goes on as it was asked for when it began.",
            "Leave the others out; or leave --resume out and train another run.",
        )


def carry_out(asked: "TrainRequest | Path") -> "Run":
    """Train as requested, or go on with the training for a run, with progress on standard error.

    What was skipped is named there too.
    """
    from pellucid import recipe  # everything heavy, which --help does not need

    with Progress() as listen:
        trained = (
            recipe.train(asked, listen) if isinstance(asked, TrainRequest) else recipe.resume(asked, listen)
        )
    name_skipped([Skipped(**one) for one in trained.record["skipped"]])
    return trained


def summary(trained: "Run") -> dict[str, object]:
    """The JSON object of the contract."""
    record = trained.record
    return {
        "run": str(trained.folder),
        "recipe": record["recipe"],
        "chosen": record["chosen"],
        "backbone": record["backbone"]["name"] if "backbone" in record else None,
        "network": record.get("network"),
        "classes": record["classes"],
        "samples": record["samples"],
        "stages": record["stages"],
        "test": record["test"],
        "seconds": record["seconds"],
    }


def tell(trained: "Run") -> None:
    """What came out and what to do next, for a person."""
    record = trained.record
    samples = record["samples"]
    folder = quote(str(trained.folder))
    say()
    say(f"{percent(record['test'])} of the test pictures are right.")
    say(
        f"Learnt from {samples['train']} pictures of {len(record['classes'])} classes, chosen by "
        f"{samples['val']}, tested once on {samples['test']}; {record['seconds']['total']:.1f} s in all."
    )
    advice = list(dict.fromkeys(finding["advice"] for finding in record["findings"]))
    for sentence in advice[:_NOTICED]:
        say(f"Noticed: {sentence}")
    if len(advice) > _NOTICED:
        say(f"Noticed: {len(advice) - _NOTICED} more ('pellucid check' tells all of them)")
    say()
    say(f"The report:      {trained.report}")
    say(f"A new picture:   pellucid predict {folder} PICTURE")
    say(f"Other pictures:  pellucid evaluate {folder} SOURCE")
