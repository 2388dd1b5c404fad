"""``pellucid backbones``: which pretrained networks there are, and which are on this machine."""

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, say, table


def run(
    every: bool = typer.Option(
        False, "--all", help="List all of timm's pretrained networks (takes seconds)."
    ),
    boundaries: str | None = typer.Option(
        None, "--boundaries", metavar="BACKBONE", help="List where this backbone can be cut."
    ),
    as_json: bool = options.JSON,
) -> None:
    """List the backbones that are known, and whether their weights are on this machine."""
    if boundaries is not None:
        _tell_boundaries(boundaries, as_json)
        return
    from pellucid.network.weights import local_backbones

    known = local_backbones()
    listed = [{"name": one.name, "installed": one.path is not None, "weights": one.where} for one in known]
    if every:
        from pellucid.network.backbone import known_architectures  # timm takes seconds to import

        named = {one.name for one in known}
        listed += [
            {"name": name, "installed": False, "weights": "timm; fetched with --download"}
            for name in known_architectures()
            if name not in named
        ]
    if as_json:
        emit({"backbones": listed})
        return
    rows = [(str(one["name"]), "yes" if one["installed"] else "no", str(one["weights"])) for one in listed]
    say(table(rows, ("backbone", "here", "weights")))
    if not every:
        say()
        say("Any timm network can be named; --all lists them, --download fetches weights when training.")


def _tell_boundaries(name: str, as_json: bool) -> None:
    from pellucid.network.backbone import untrained_backbone  # torch and timm take seconds to import

    places = untrained_backbone(name).boundaries()
    if as_json:
        emit({"name": name, "boundaries": list(places)})
    else:
        say("\n".join(places))
