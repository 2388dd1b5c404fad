"""``pellucid explain``: where a picture speaks for a class, or one number with its arithmetic."""

from pathlib import Path

import typer

from pellucid.cli import options
from pellucid.cli.cell import LARGEST, open_cell
from pellucid.cli.saliency import draw_map
from pellucid.errors import RequestError
from pellucid.insight.saliency import METHODS


def run(
    model: str = typer.Argument(
        ...,
        metavar="RUN-or-BACKBONE",
        help="A run folder, a backbone's name such as efficientnet_lite0, or a named network such as "
        "class-test or its text, whose numbers are then drawn by chance.",
    ),
    picture: str = typer.Argument(..., metavar="PICTURE", help="A picture file."),
    target: str | None = typer.Option(
        None, "--class", metavar="CLASS", help="Whose evidence is sought. Default: the network's answer."
    ),
    method: str | None = typer.Option(None, help=f"{', '.join(METHODS)}. Default: {METHODS[0]}."),
    layer: str | None = typer.Option(
        None, help="The layer whose map is drawn. Default: the last with rows and columns."
    ),
    out: Path | None = typer.Option(
        None, metavar="PNG", help="The PNG to write. Default: PICTURE-METHOD.png, in this folder."
    ),
    cell: str | None = typer.Option(
        None,
        "--cell",
        metavar="LAYER:CHANNEL,ROW,COLUMN",
        help="Open this number instead, counted from 0; of a flat layer LAYER:UNIT.",
    ),
    every: bool = typer.Option(
        False, "--all", help=f"With --cell, print every term, not only the {LARGEST} largest."
    ),
    download: bool = options.DOWNLOAD,
    as_json: bool = options.JSON,
) -> None:
    """Show where a picture speaks for a class, as a PNG; or open one number (--cell) with its arithmetic."""
    if cell is None:
        if every:
            raise _only("--all", "--cell", "it prints all terms of one number")
        draw_map(model, picture, target, method or METHODS[0], layer, out, download=download, as_json=as_json)
        return
    given = {"--class": target, "--method": method, "--layer": layer, "--out": out}
    for option, value in given.items():
        if value is not None:
            raise _only(option, "a map", "--cell prints one number, and draws nothing")
    open_cell(model, picture, cell, every=every, download=download, as_json=as_json)


def _only(option: str, belongs: str, why: str) -> RequestError:
    return RequestError(
        f"{option} was given {'without' if belongs.startswith('-') else 'with'} --cell.",
        f"{option} belongs to {belongs}: {why}.",
        "Leave one of the two out."
        if belongs == "a map"
        else f"Name a number with {belongs}, or leave it out.",
    )
