"""``pellucid serve``: a run behind HTTP, with a page to try it on."""

import sys

import typer

from pellucid.cli import options
from pellucid.cli.output import complain, emit, say
from pellucid.cli.progress import Progress


def run(
    model: str = options.RUN_OR_MODEL,
    port: int = typer.Option(8000, "--port", min=0, max=65535, help="Where to listen; 0 takes a free port."),
    host: str = typer.Option(
        "127.0.0.1",
        "--host",
        help="The address to listen at; by default nobody but this machine can reach it.",
    ),
    as_json: bool = options.JSON,
) -> None:
    """Answer for pictures over HTTP: POST /predict, and a page at / to drop them on. Ctrl-C ends it."""
    from pellucid.api import load  # everything heavy, which --help does not need
    from pellucid.run import Run
    from pellucid.serve.app import make_app
    from pellucid.web import is_private, listen, serve

    with Progress() as progress:
        loaded = load(model, listen=progress)
    classifier = loaded.classifier if isinstance(loaded, Run) else loaded
    classifier.open()
    door = listen(port, host)
    private = is_private(door)
    # Of this machine's many names a private server knows its address.
    address = f"http://{door.getsockname()[0] if private else host}:{door.getsockname()[1]}/"
    if as_json:
        emit({"address": address, "model": model, "classes": list(classifier.classes)})
    else:
        say(f"{model} answers at {address}")
        say(f"A picture:  curl --data-binary @PICTURE {address}predict")
        say("Ctrl-C ends it.")
        sys.stdout.flush()
    if not private:
        complain("Note: whoever can reach this address can ask; there is no password and no encryption.")
    serve(make_app(classifier, model, private=private), door)
    complain("The server has ended.")
