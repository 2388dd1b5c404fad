"""``pellucid export``: a run as a file for other programs, which gives the same answers."""

from pathlib import Path

import typer

from pellucid.cli import options
from pellucid.cli.output import emit, say
from pellucid.cli.progress import Progress

_HOW = {
    "onnx": "It takes uint8 pixels (N, {height}, {width}, {channels}) and gives probabilities; any ONNX "
    "Runtime runs it, and 'pellucid predict {path} PICTURE' does.",
    "safetensors": "Its metadata says which network takes these tensors, the classes, and how to prepare a "
    "picture.",
    "keras": "keras.models.load_model opens it: pixels 0 to 255 (N, {height}, {width}, {channels}) in, "
    "probabilities out.",
    "web": "It opens in any browser, without a network: drop pictures on it.",
}


def run(
    run: Path = typer.Argument(..., metavar="RUN", help="A run folder."),
    kind: str | None = typer.Option(
        None,
        "--format",
        help="onnx, safetensors, keras or web (one HTML file); by default what --out ends in, else onnx.",
    ),
    out: Path | None = typer.Option(
        None, "--out", metavar="FILE", help="The file to write; by default the run's name, here."
    ),
    as_json: bool = options.JSON,
) -> None:
    """Write a run as a file that gives the same answers elsewhere: proved before it appears."""
    from pellucid.export.file import export_run  # everything heavy, which --help does not need
    from pellucid.run import load_run

    with Progress() as listen:
        opened = load_run(run, listen=listen)
        exported = export_run(opened, kind, out, listen)
    if as_json:
        emit({"run": str(run), **exported.to_json()})
        return
    preprocess = opened.classifier.preprocess
    proof = (
        f"{exported.pictures} pictures were answered by the run and by the file; their probabilities differ "
        f"by {exported.difference:.0e} at most."
        if exported.difference is not None
        else f"It holds {exported.pictures} pictures with the run's answers, and checks itself against them "
        "whenever it is opened."
    )
    say(f"{exported.path}: {exported.size / 1e6:,.1f} MB. {proof}")
    say(
        _HOW[exported.format].format(
            path=exported.path,
            height=preprocess.height,
            width=preprocess.width,
            channels=preprocess.channels,
        )
    )
