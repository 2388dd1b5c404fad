"""``pellucid compare``: which run is better on the same pictures, and whether the difference is real."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, name_skipped, percent, say, skipped_status, table
from pellucid.cli.progress import Progress
from pellucid.errors import printable
from pellucid.storage import refuse_no_place, storage_errors


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
    from pellucid.report.comparison import render_comparison
    from pellucid.run import load_run

    if out is not None:
        refuse_no_place(out)
    with Progress() as listen:
        compared = compare_runs([load_run(folder, listen=listen) for folder in runs], on, listen)
    told = compared.to_json()
    if out is not None:
        _write(out, render_comparison(told, compared.epochs(), compared.picture))
    name_skipped(compared.skipped)
    if as_json:
        emit(told)
    else:
        _tell(told)
        if out is not None:
            say(f"The page: {out}")
    raise typer.Exit(skipped_status(len(compared.skipped)))


def _write(out: Path, page: str) -> None:
    """Write the page whole or not at all."""
    with storage_errors(out, "the comparison"), out.open("x", encoding="utf-8") as file:
        try:
            file.write(page)
            file.flush()
        except OSError:
            out.unlink()
            raise


def _tell(told: Mapping[str, Any]) -> None:
    """The table and the verdicts for a person."""
    from pellucid.report.comparison import sentences

    rows = [
        (
            one["run"],
            one["recipe"],
            percent(one),
            f"{one['parameters']:,}",
            f"{one['bytes'] / 1000:,.0f} kB",
            f"{one['seconds']:.0f} s",
        )
        for one in told["runs"]
    ]
    header = ("run", "recipe", "accuracy", "parameters", "size", "training")
    say(table(rows, header, right=(3, 4, 5)))
    say()
    for sentence in sentences(told):
        say(printable(sentence))
    if len(told["pairs"]) > 1:
        say(f"Each p is adjusted for {len(told['pairs']):,} pairs (Holm).")
    n = told["runs"][0]["n"]
    say(f"They disagree on {len(told['disagreements']):,} of {n:,} picture{'' if n == 1 else 's'}.")
    if left := told["left_out"]:
        others, them = ("1 other picture was", "it") if left == 1 else (f"{left:,} others were", "them")
        say(f"{others} left out: one of the runs learnt from {them} or was not tested on {them}.")
