"""``pellucid compare``: which run is better on the same pictures, and whether the difference is real."""

from pathlib import Path

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, percent, say, table
from pellucid.cli.progress import Progress
from pellucid.errors import RequestError, shown
from pellucid.storage import storage_errors


def run(
    runs: list[Path] = typer.Argument(..., metavar="RUN RUN...", help="Two or more run folders."),
    on: str | None = typer.Option(
        None,
        "--on",
        metavar="SOURCE",
        help="Compare on these pictures instead of the runs' own test pictures.",
    ),
    out: Path | None = typer.Option(
        None, "--out", metavar="PAGE", help="Write a page too: an HTML file that opens offline."
    ),
    as_json: bool = options.JSON,
) -> None:
    """Set runs side by side on the same pictures: which is better, and whether that could be chance."""
    from pellucid.compare import compare_runs  # everything heavy, which --help does not need
    from pellucid.report.comparison import render_comparison, sentence
    from pellucid.run import load_run

    if out is not None and out.exists():
        raise RequestError(
            f"{shown(out)} exists already.",
            "A file that does not exist was expected.",
            "Choose another name.",
        )
    with Progress() as listen:
        compared = compare_runs([load_run(folder, listen=listen) for folder in runs], on, listen)
    told = compared.to_json()
    if out is not None:
        epochs = {
            str(one.folder): one.record["training"]["epochs"]
            for one in compared.runs
            if "training" in one.record
        }
        with storage_errors(out, "the comparison"):
            out.write_text(render_comparison(told, epochs, compared.picture), encoding="utf-8")
    if as_json:
        emit(told)
        return
    rows = [
        (one["run"], one["recipe"], percent(one), f"{one['parameters']:,}", f"{one['seconds']:.0f} s")
        for one in told["runs"]
    ]
    say(table(rows, ("run", "recipe", "accuracy", "parameters", "training"), right=(3, 4)))
    say()
    for pair in told["pairs"]:
        say(sentence(pair))
    say(f"They disagree on {len(told['disagreements']):,} of {told['runs'][0]['n']:,} pictures.")
    if out is not None:
        say(f"The page: {out}")
