"""``pellucid open``: the lab in the browser."""

import sys
import threading
from pathlib import Path

import typer

from pellucid.cli import options
from pellucid.cli.output import complain, emit, say
from pellucid.errors import PellucidError


def run(
    model: str | None = typer.Argument(
        None,
        metavar="RUN-or-BACKBONE",
        help="What to look into: a run folder, a backbone's name such as efficientnet_lite0, or a named "
        "network such as digits-convnet. Without it the lab lists the runs below this folder.",
    ),
    picture: Path | None = typer.Argument(None, metavar="PICTURE", help="A picture file to look at."),
    port: int = typer.Option(0, "--port", min=0, max=65535, help="Where to listen; 0 takes a free port."),
    browser: bool = typer.Option(True, "--browser/--no-browser", help="Open the page in the browser."),
    as_json: bool = options.JSON,
) -> None:
    """Open the lab, a page on this machine: filters, networks, and every number inside a trained one.

    Nothing leaves the machine. No other machine can reach the page; other users of this one can.
    Ctrl-C ends it.
    """
    from pellucid.lab.place import HERE  # what --help does not need
    from pellucid.lab.server import make_app
    from pellucid.lab.subjects import check, first
    from pellucid.pictures.file import read_picture
    from pellucid.web import HOST, listen, serve

    if model is not None:
        check(model)
    if picture is not None:
        read_picture(picture)  # refuse now what the page could only refuse later
    HERE.network, HERE.picture = model, picture
    door = listen(port)
    address = f"http://{HOST}:{door.getsockname()[1]}/{'#inside' if model is not None else ''}"
    if as_json:
        emit({"address": address})
    else:
        say(f"The lab is open at {address}")
        say("Ctrl-C closes it.")
        sys.stdout.flush()
    if model is not None:
        # PyTorch takes seconds to load; the page is there meanwhile.
        threading.Thread(target=_warm, args=(first(),), daemon=True).start()
    if browser:
        # A browser in a terminal would hold this process; the socket already hears.
        threading.Thread(target=_show, args=(address,), daemon=True).start()
    serve(make_app(), door)
    complain("The lab is closed.")


def _warm(network: str) -> None:
    from pellucid.lab.held import HELD

    try:
        HELD.subject(network)
    except PellucidError as error:  # the page says so too, when it is opened
        complain(str(error))


def _show(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        complain(f"No browser could be opened: open {address} yourself.")
