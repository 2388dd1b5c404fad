"""From a request to a run: scan, split, features, head, figures, report, and the folder that holds them.

Each step is a room of its own; here they only follow one another.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.classifier import Classifier
from pellucid.data.check import check_source
from pellucid.data.item import Skipped
from pellucid.data.scan import Picture, Scan, scan
from pellucid.data.source import open_source
from pellucid.data.split import Split, split_pictures
from pellucid.errors import PictureError, SourceError, shown
from pellucid.evaluation.calibration import fit_temperature
from pellucid.evaluation.metrics import evaluate
from pellucid.evaluation.proportion import Proportion
from pellucid.events import Listener, Notice, phase, silent
from pellucid.pictures.preprocess import Fit, Preprocess
from pellucid.record import record_figures, record_head, record_pictures, record_request
from pellucid.report.render import render
from pellucid.request import TrainRequest
from pellucid.run import METRICS, PREDICTIONS, REPORT, SPLITS, Run, write_model, write_record, write_table
from pellucid.storage import storage_errors, whole_folder
from pellucid.training.features import extract
from pellucid.training.fit import FITS, FitTrial, choose_fit, fits_differ
from pellucid.training.head import Fitted, Head, fit_head
from pellucid.training.rows import Rows
from pellucid.training.trunk import Trunk, open_trunk

_FEW = 400  # pictures to learn from and to choose by, up to which trying three fits costs little
_SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class _Part:
    """The pictures of one split that could be read: their features and true classes."""

    pictures: tuple[Picture, ...]
    rows: Rows
    labels_N: NDArray[np.int64]


@dataclass(frozen=True)
class _Material:
    """What the head learns from, chooses by and is tested on."""

    preprocess: Preprocess
    parts: Mapping[str, _Part]
    skipped: tuple[Skipped, ...]


class _Clock:
    """Wall-clock seconds of each step, in order."""

    def __init__(self) -> None:
        self._started = perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        begun = perf_counter()
        yield
        self._seconds[step] = perf_counter() - begun

    def to_json(self) -> dict[str, float]:
        """total first, then each step; what no step accounts for is in the total alone."""
        total = perf_counter() - self._started
        return {name: round(seconds, 3) for name, seconds in {"total": total, **self._seconds}.items()}


def train(request: TrainRequest, listen: Listener = silent) -> Run:
    """Train a classifier as asked and write its run folder, whole or not at all.

    Args:
        request: What was asked for.
        listen: Told of the progress and of what a person should know.

    Raises:
        SourceError: the source cannot be read, or cannot be learnt from.
        BackboneError: the backbone or its weights are not to be had.
        StorageError: the run or the cache cannot be written.
    """
    clock, folder = _Clock(), request.out or _free_folder(request.source)
    with clock("scan"):
        looked = scan(open_source(request.source), listen)
        split = split_pictures(looked, request.split, request.seed)
        findings = check_source(looked)
    for note in split.notes:
        listen(Notice(note))
    with clock("backbone"):
        trunk = open_trunk(
            request.backbone, weights=request.weights, download=request.download, listen=listen
        )
    with clock("fit"):
        fit, fits = _choose_fit(request, looked, split, trunk, listen)
    with clock("features"):
        material = _material(looked, split, trunk, replace(trunk.preprocess, fit=fit), _SPLITS, listen)
    with clock("head"):
        fitted, head, calibration = _learn(request, material, len(looked.classes), listen)
    with clock("evaluation"):
        classifier = Classifier(looked.classes, trunk, material.preprocess, head)
        answers = {name: classifier.probabilities(material.parts[name].rows) for name in ("val", "test")}
        evaluation = {
            name: evaluate(probabilities_NK, material.parts[name].labels_N, looked.classes)
            for name, probabilities_NK in answers.items()
        }
    sizes = {name: len(part.pictures) for name, part in material.parts.items()}
    skipped = looked.skipped + split.set_aside + material.skipped
    record = {
        **record_request(request, looked, trunk, material.preprocess),
        **record_pictures(sizes, skipped, findings, split.notes),
        "fits": fits,
        "head": record_head(fitted, head, calibration, looked.classes),
        **record_figures(evaluation, clock.to_json()["features"] + clock.to_json()["head"]),
    }
    return _write(folder, record, classifier, looked, material, answers, clock, listen)


def _free_folder(source: str) -> Path:
    """runs/NAME-1, or the next number that is free."""
    name = re.sub(r"[^\w.-]+", "-", Path(source).expanduser().resolve().name, flags=re.ASCII).strip("-.")
    name = name.removeprefix("builtin-")[:60] or "run"
    return next(path for number in count(1) if not (path := Path("runs") / f"{name}-{number}").exists())


def _material(
    looked: Scan,
    split: Split,
    trunk: Trunk,
    preprocess: Preprocess,
    names: Sequence[str],
    listen: Listener,
) -> _Material:
    """The features of the named splits, computed in one go.

    Raises:
        SourceError: no picture of a split could be read.
    """
    chosen = {name: getattr(split, name) for name in names}
    places_N = np.sort(np.concatenate(list(chosen.values())))
    pictures = [looked.pictures[place] for place in places_N]
    features = extract(pictures, looked.source.read, trunk, preprocess, listen)
    readable_N = places_N[features.positions]
    index = {name: number for number, name in enumerate(looked.classes)}
    parts = {}
    for name, places in chosen.items():
        here_N = np.flatnonzero(np.isin(readable_N, places))
        if len(here_N) == 0:
            raise SourceError(
                f"The {name} split of {shown(looked.source.name)} has no picture that can be read.",
                "At least one picture in each of train, val and test was expected.",
                "'pellucid check' names the files that cannot be read; or change the shares with --split.",
            )
        there = tuple(looked.pictures[place] for place in readable_N[here_N])
        labels_N = np.array([index[picture.label] for picture in there], np.int64)
        parts[name] = _Part(there, features.rows.take(here_N), labels_N)
    return _Material(preprocess, parts, features.skipped)


def _choose_fit(
    request: TrainRequest, looked: Scan, split: Split, trunk: Trunk, listen: Listener
) -> tuple[Fit, dict[str, Any]]:
    """How pictures come to the network's size, and the record of why."""

    def told(fit: Fit, why: str, trials: Sequence[FitTrial] = ()) -> tuple[Fit, dict[str, Any]]:
        return fit, {"chosen": fit, "why": why, "tried": [trial.to_json() for trial in trials]}

    if request.fit != "auto" and request.fit != "measure":
        return told(request.fit, "It was asked for.")
    if not fits_differ(looked.pictures, trunk.preprocess):
        return told("squash", "All pictures have the network's aspect, so that every fit is the same.")
    number = len(split.train) + len(split.val)
    if request.fit == "auto" and number > _FEW:
        return told(
            "squash",
            "The network sees the whole picture. The other fits were not tried, since there are more than "
            f"{_FEW} pictures to compute anew for each; --fit measure tries them.",
        )
    trials = [_try_fit(fit, request, looked, split, trunk, listen) for fit in FITS]
    return told(*choose_fit(trials), trials)


def _try_fit(
    fit: Fit, request: TrainRequest, looked: Scan, split: Split, trunk: Trunk, listen: Listener
) -> FitTrial:
    preprocess = replace(trunk.preprocess, fit=fit)
    material = _material(looked, split, trunk, preprocess, ("train", "val"), listen)
    _, head, _ = _learn(request, material, len(looked.classes), silent)
    val = material.parts["val"]
    classifier = Classifier(looked.classes, trunk, preprocess, head)
    probabilities_NK = classifier.probabilities(val.rows)
    right_N = probabilities_NK.argmax(axis=1) == val.labels_N
    true_N = probabilities_NK[np.arange(len(val.labels_N)), val.labels_N]
    return FitTrial(fit, Proportion(len(right_N), int(right_N.sum())), -np.log(np.maximum(true_N, 1e-12)))


def _learn(
    request: TrainRequest, material: _Material, classes: int, listen: Listener
) -> tuple[Fitted, Head, str]:
    """The calibrated head, how it was chosen, and how its temperature was."""
    learn, choose = material.parts["train"], material.parts["val"]
    fitted = fit_head(
        learn.rows,
        learn.labels_N,
        choose.rows,
        choose.labels_N,
        classes,
        class_weights=request.class_weights,
        listen=listen,
    )
    temperature = fit_temperature(fitted.val_logits_NK, choose.labels_N)
    return fitted, replace(fitted.head, temperature=temperature.value), temperature.reason


def _write(
    folder: Path,
    record: dict[str, Any],
    classifier: Classifier,
    looked: Scan,
    material: _Material,
    answers: Mapping[str, NDArray[np.float64]],
    clock: _Clock,
    listen: Listener,
) -> Run:
    """Write everything beside ``folder`` and rename it into place."""
    with storage_errors(folder, "the run"), whole_folder(folder) as partial:
        if classifier.head is not None:
            write_model(partial, classifier.head)
        _write_tables(partial, looked, material, answers)
        with clock("report"), phase(listen, "Writing the report", unit=""):
            page = _report({**record, "seconds": clock.to_json()}, looked, material.parts["test"], answers)
            (partial / REPORT).write_text(page, encoding="utf-8")
        record = {**record, "seconds": clock.to_json()}
        _write_metrics(partial / METRICS, record)
        write_record(partial, record)
    return Run(folder, record, classifier)


def _report(
    record: Mapping[str, Any], looked: Scan, test: _Part, answers: Mapping[str, NDArray[np.float64]]
) -> str:
    place = {picture.path: picture.index for picture in test.pictures}

    def encoded(path: str) -> bytes | None:
        try:
            return looked.source.read(place[path])
        except (OSError, PictureError):
            return None

    return render(
        record, [picture.path for picture in test.pictures], test.labels_N, answers["test"], encoded
    )


def _write_tables(
    folder: Path, looked: Scan, material: _Material, answers: Mapping[str, NDArray[np.float64]]
) -> None:
    """splits.csv: which picture stood where; predictions.csv: what was said of those not learnt from."""
    write_table(
        folder / SPLITS,
        ("path", "label", "split", "digest"),
        (
            (one.path, one.label, name, one.digest)
            for name in _SPLITS
            for one in material.parts[name].pictures
        ),
    )
    write_table(
        folder / PREDICTIONS,
        ("path", "split", "label", "predicted", "confidence", *(f"p({name})" for name in looked.classes)),
        (
            (
                one.path,
                name,
                one.label,
                looked.classes[best],
                f"{row_K[best]:.6f}",
                *(f"{p:.6f}" for p in row_K),
            )
            for name, answers_NK in answers.items()
            for one, row_K in zip(material.parts[name].pictures, answers_NK, strict=True)
            for best in [int(row_K.argmax())]
        ),
    )


def _write_metrics(path: Path, record: Mapping[str, Any]) -> None:
    """metrics.jsonl: one line for each strength of regularisation that was tried, then one for each stage."""
    lines = [{"event": "head", **step} for step in record["head"]["tried"]]
    lines += [{"event": "stage", **stage} for stage in record["stages"]]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
