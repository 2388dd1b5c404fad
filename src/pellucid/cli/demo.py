"""``pellucid demo``: the main job on pictures that ship with Pellucid."""

from pathlib import Path

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, say, skipped_status
from pellucid.cli.train import carry_out, summary, tell
from pellucid.request import TrainRequest


def run(
    out: Path | None = options.of_request("out"),
    as_json: bool = options.JSON,
) -> None:
    """Train on shipped clip art, measure, and write the report: the main job, in a minute."""
    trained = carry_out(TrainRequest(source="builtin:clipart", out=out))
    if as_json:
        emit(summary(trained))
    else:
        tell(trained)
        say("Your own:        pellucid train FOLDER   (a folder with one folder of pictures for each class)")
    raise typer.Exit(skipped_status(trained.record["samples"]["skipped"]))
