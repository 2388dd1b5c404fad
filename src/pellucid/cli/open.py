"""``pellucid open``: the lab in the browser."""

import sys
import threading

import typer

from pellucid.cli import options
from pellucid.cli.output import complain, emit, say


def run(
    port: int = typer.Option(0, "--port", min=0, max=65535, help="Where to listen; 0 takes a free port."),
    browser: bool = typer.Option(True, "--browser/--no-browser", help="Open the page in the browser."),
    as_json: bool = options.JSON,
) -> None:
    """Open the lab, a page on this machine: a filter slides over a digit, a network is counted, a class test.

    Nothing leaves the machine, and nobody else can reach the page. Ctrl-C ends it.
    """
    from pellucid.lab.server import HOST, listen, serve  # what --help does not need

    door = listen(port)
    address = f"http://{HOST}:{door.getsockname()[1]}/"
    if as_json:
        emit({"address": address})
    else:
        say(f"The lab is open at {address}")
        say("Ctrl-C closes it.")
        sys.stdout.flush()
    if browser:
        # A browser in a terminal would hold this process; the socket already hears.
        threading.Thread(target=_show, args=(address,), daemon=True).start()
    serve(door)
    complain("The lab is closed.")


def _show(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        complain(f"No browser could be opened: open {address} yourself.")
