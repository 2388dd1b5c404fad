"""``pellucid train``: from a source of pictures to a run folder."""

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, name_skipped, percent, say, skipped_status
from pellucid.cli.progress import Progress
from pellucid.data.fractions import Fractions
from pellucid.data.item import Skipped
from pellucid.request import TrainRequest

if TYPE_CHECKING:
    from pellucid.run import Run


def run(
    source: str = options.SOURCE,
    recipe: str = options.of_request("recipe"),
    backbone: str = options.of_request("backbone"),
    weights: Path | None = options.of_request("weights"),
    split: str = options.of_request("split", default="70,15,15"),
    seed: int = options.of_request("seed"),
    fit: str = options.of_request("fit"),
    class_weights: str = options.of_request("class_weights"),
    out: Path | None = options.of_request("out"),
    download: bool = options.of_request("download"),
    as_json: bool = options.JSON,
) -> None:
    """Train a classifier on a source of pictures; writes a run folder with a report in it."""
    request = TrainRequest(
        source=source,
        recipe=recipe,  # type: ignore[arg-type]  # the request checks its own words
        backbone=backbone,
        weights=weights,
        split=Fractions.parse(split),
        seed=seed,
        fit=fit,  # type: ignore[arg-type]
        class_weights=class_weights,  # type: ignore[arg-type]
        out=out,
        download=download,
    )
    trained = carry_out(request)
    if as_json:
        emit(summary(trained))
    else:
        tell(trained)
    raise typer.Exit(skipped_status(trained.record["samples"]["skipped"]))


def carry_out(request: TrainRequest) -> "Run":
    """Train with progress on standard error, and name what was skipped."""
    from pellucid import recipe  # everything heavy, which --help does not need

    with Progress() as listen:
        trained = recipe.train(request, listen)
    name_skipped([Skipped(**one) for one in trained.record["skipped"]])
    return trained


def summary(trained: "Run") -> dict[str, object]:
    """The JSON object of the contract."""
    record = trained.record
    return {
        "run": str(trained.folder),
        "recipe": record["recipe"],
        "chosen": record["chosen"],
        "backbone": record["backbone"]["name"],
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
    for finding in record["findings"]:
        say(f"Noticed: {finding['advice']}")
    say()
    say(f"The report:      {trained.report}")
    say(f"A new picture:   pellucid predict {folder} PICTURE")
    say(f"Other pictures:  pellucid evaluate {folder} SOURCE")
