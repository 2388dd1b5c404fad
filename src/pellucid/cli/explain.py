"""``pellucid explain``: where a picture speaks for a class, one number, or what the filters look for."""

from collections.abc import Mapping
from pathlib import Path

import typer

from pellucid.cli import options
from pellucid.cli.cell import LARGEST, open_cell
from pellucid.cli.filters import draw_filters
from pellucid.cli.saliency import draw_map
from pellucid.errors import RequestError
from pellucid.insight.saliency import METHODS

_SHARED = ("--layer", "--out")
_BELONGS = {
    "PICTURE": "a map or to --cell",
    "--cell": "a picture, and opens one number",
    "--all": "--cell, and prints every term",
    "--class": "a map",
    "--method": "a map",
    "--layer": "a map or to --filters",
    "--out": "a map or to --filters",
    "--from": "--filters",
    "--channels": "--filters with --from",
}


def run(
    model: str = typer.Argument(
        ...,
        metavar="RUN-or-BACKBONE",
        help="A run folder, a backbone's name such as efficientnet_lite0, or a named network such as "
        "class-test or its text, whose numbers are then drawn by chance.",
    ),
    picture: str | None = typer.Argument(
        None, metavar="PICTURE", help="A picture file; not needed with --filters."
    ),
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
    filters: bool = typer.Option(
        False,
        "--filters",
        help="Draw the first layer's kernels instead; with --from, the patches that excite channels.",
    ),
    source: str | None = typer.Option(
        None, "--from", metavar="SOURCE", help="With --filters, the pictures to look for patches in."
    ),
    channels: str | None = typer.Option(
        None, metavar="NUMBERS", help="With --from, which channels, such as 0,7,12. Default: the first 16."
    ),
    download: bool = options.DOWNLOAD,
    as_json: bool = options.JSON,
) -> None:
    """Show where a picture speaks for a class, open one number (--cell), or see what filters look for."""
    drawn = {"--class": target, "--method": method, "--layer": layer, "--out": out}
    sought = {"--from": source, "--channels": channels}
    if filters:
        _refuse({"PICTURE": picture, "--cell": cell, "--all": every or None, **drawn}, "--filters", *_SHARED)
        draw_filters(model, source, layer, channels, out, download=download, as_json=as_json)
        return
    _refuse(sought, "a network and a picture")
    if picture is None:
        raise _no_picture()
    if cell is not None:
        _refuse(drawn, "--cell")
        open_cell(model, picture, cell, every=every, download=download, as_json=as_json)
        return
    _refuse({"--all": every or None}, "a map")
    chosen = method or METHODS[0]
    draw_map(model, picture, target, chosen, layer, out, download=download, as_json=as_json)


def _no_picture() -> RequestError:
    return RequestError(
        "No picture was named.",
        "A network and a picture were expected, or --filters.",
        "Write for example: pellucid explain efficientnet_lite0 bee.jpg",
    )


def _refuse(given: Mapping[str, object], beside: str, *allowed: str) -> None:
    """Options that have no meaning beside another are a mistake, not a wish to be passed over."""
    for option, value in given.items():
        if value is not None and option not in allowed:
            raise RequestError(
                f"{option} was given with {beside}.",
                f"{option} belongs to {_BELONGS[option]}.",
                "Leave one of the two out; 'pellucid explain --help' says what goes together.",
            )
