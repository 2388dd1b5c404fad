"""What a Python program calls, and the command line too: train, check, and opening what answers."""

from pathlib import Path
from typing import Any

from pellucid import recipe
from pellucid.classifier import Classifier
from pellucid.data.check import Finding, check_source
from pellucid.data.fractions import Fractions
from pellucid.data.scan import scan
from pellucid.data.source import open_source
from pellucid.errors import BackboneError, RunError, UnknownBackboneError, shown
from pellucid.events import Listener, silent
from pellucid.export.onnx_file import is_onnx, load_onnx
from pellucid.request import TrainRequest, parse_budget
from pellucid.run import Run, load_run
from pellucid.training.trunk import LOGITS, open_trunk


def train(
    source: str | Path,
    *,
    split: Fractions | str = "70,15,15",
    out: str | Path | None = None,
    weights: str | Path | None = None,
    budget: float | str | None = None,
    listen: Listener = silent,
    **options: Any,
) -> Run:
    """Train a classifier on a source of pictures and write its run folder.

    Args:
        source: A folder of class folders, a CSV or Parquet file, an ``.npz``, a folder of IDX files, or
            ``builtin:digits`` or ``builtin:clipart``.
        split: Shares of train, val and test.
        out: The run folder to write; it must not exist. Default: ``runs/NAME-1``, or the next that is free.
        weights: A file of the backbone's weights, instead of its own.
        budget: The time that auto may spend on its steps: seconds, or a text such as ``5m``.
        listen: Told of the progress.
        options: What else ``pellucid train`` takes, by the same names: recipe, backbone, seed, fit,
            class_weights, network, epochs, batch, learning_rate, augment, mix, unfreeze, batch_norm, views,
            steps, device, precision, download.

    Raises:
        PellucidError: the request cannot be met; the message says what to do.
    """
    shares = Fractions.parse(split) if isinstance(split, str) else split
    request = TrainRequest(
        source=str(source),
        split=shares,
        out=None if out is None else Path(out),
        weights=None if weights is None else Path(weights),
        budget=parse_budget(budget) if isinstance(budget, str) else budget,
        **options,
    )
    return recipe.train(request, listen)


def check(source: str | Path, *, listen: Listener = silent) -> tuple[Finding, ...]:
    """What is wrong with the pictures of a source, before training.

    Raises:
        SourceError: there is no such source, or it holds no picture.
    """
    return check_source(scan(open_source(source), listen))


def load(name: str | Path, *, download: bool = False, listen: Listener = silent) -> Run | Classifier:
    """Open a run folder, a file exported from one, or a backbone by name; all predict, embed and evaluate.

    Args:
        name: A run folder's path, an ``.onnx`` file's that ``pellucid export`` wrote, or a backbone's name
            (``efficientnet_lite0``).
        download: Whether a backbone's weights may be fetched where they are not on this machine.
        listen: Told of the progress where something takes long.

    Raises:
        RunError: the run or the file is missing, damaged, or written by a newer version.
        BackboneError: there is no such backbone, its weights are not here, or it has no classes.
    """
    if is_onnx(name):
        return load_onnx(Path(name))
    if _is_path(name):
        return load_run(Path(name), listen=listen)
    try:
        trunk = open_trunk(str(name), LOGITS, download=download, listen=listen)
    except UnknownBackboneError as error:
        raise RunError(
            f"There is neither a run folder nor a backbone {shown(name)}.", error.expected, error.advice
        ) from error
    if not trunk.classes:
        raise BackboneError(
            f"The backbone {shown(name)} does not say what its outputs stand for.",
            "A run, or a backbone that was trained on ImageNet, was expected.",
            "Train a head on it: pellucid train SOURCE --backbone " + str(name),
        )
    return Classifier(trunk.classes, trunk, trunk.preprocess, head=None)


def _is_path(name: str | Path) -> bool:
    text = str(name)
    return isinstance(name, Path) or Path(text).exists() or "/" in text or "\\" in text or text in (".", "..")
