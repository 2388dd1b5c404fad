"""``pellucid predict``: what is on these pictures."""

from collections.abc import Iterator
from pathlib import Path

import typer

from pellucid.cli import options
from pellucid.cli.output import complain, emit, say, skipped_status
from pellucid.cli.progress import Progress
from pellucid.errors import SourceError, printable, shown

_BEST = 3


def run(
    model: str = options.RUN_OR_MODEL,
    pictures: list[str] = typer.Argument(
        ..., metavar="PICTURE...", help="Picture files, or folders of them."
    ),
    download: bool = options.DOWNLOAD,
    as_json: bool = options.JSON,
) -> None:
    """Name what is on each picture, with its confidence."""
    from pellucid.api import load  # everything heavy, which --help does not need
    from pellucid.run import Run

    paths = [path for given in pictures for path in _files(given)]
    if not paths:
        raise SourceError(
            f"There are no pictures in {', '.join(shown(given) for given in pictures)}.",
            "Picture files, or folders with some in them, were expected.",
            "Check the path.",
        )
    with Progress() as listen:
        loaded = load(model, download=download, listen=listen)
    classifier = loaded.classifier if isinstance(loaded, Run) else loaded
    failed = 0
    for prediction in classifier.stream(paths):
        if as_json:
            emit(prediction.to_json())
        if prediction.error is not None:
            failed += 1
            complain(f"{shown(prediction.path)}: {prediction.error}")
        elif not as_json:
            best = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:_BEST]
            say(
                f"{printable(prediction.path)}: "
                + ", ".join(f"{printable(name)} {100 * share:.1f} %" for name, share in best)
            )
    if failed == len(paths):
        raise SourceError(
            f"None of the {len(paths)} pictures could be read."
            if failed > 1
            else "The picture could not be read.",
            "At least one picture that can be read was expected.",
            "What is wrong with each is told above.",
        )
    raise typer.Exit(skipped_status(failed))


def _files(given: str) -> Iterator[str]:
    """A file as it was given; the files in a folder, in order, hidden ones left out."""
    if not Path(given).is_dir():
        yield given
        return
    for path in sorted(Path(given).rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(given).parts):
            yield str(path)
