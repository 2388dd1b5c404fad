"""From a request to a run: scan, split, learn, figures, report, and the folder that holds them.

Each step is a room of its own; here they only follow one another.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from pellucid.data.check import check_source
from pellucid.data.duplicates import find_duplicates
from pellucid.data.scan import Scan, scan
from pellucid.data.source import open_source
from pellucid.data.split import split_pictures
from pellucid.errors import PictureError, RequestError, StorageError, shown
from pellucid.evaluation.metrics import evaluate
from pellucid.events import Listener, Notice, phase, silent
from pellucid.learn import features, finetune, ladder, scratch
from pellucid.learn.learned import Clock, Learned
from pellucid.learn.unfinished import Unfinished, request_to_resume, run_of
from pellucid.record import record_pictures, record_request
from pellucid.report.render import render
from pellucid.request import TrainRequest
from pellucid.run import (
    METRICS,
    PREDICTIONS,
    REPORT,
    SPLITS,
    Run,
    load_run,
    write_model,
    write_record,
    write_table,
)
from pellucid.storage import safe_stem, storage_errors, whole_folder


def resume(folder: Path, listen: Listener = silent) -> Run:
    """Go on with the training that was interrupted before the run at ``folder`` was there.

    A run that is there is what was wanted: it is opened.

    Raises:
        RunError: there is none, it is damaged, or its pictures are others now.
    """
    place = run_of(folder)
    if place.exists():
        run = load_run(place, listen=listen)
        Unfinished(place).remove()  # what a training left that was killed at its very end
        listen(Notice(f"The run {shown(place)} is finished: nothing was left to do."))
        return run
    return train(request_to_resume(place), listen, resumed=True)


def train(request: TrainRequest, listen: Listener = silent, *, resumed: bool = False) -> Run:
    """Train a classifier as asked and write its run folder, whole or not at all.

    Args:
        request: What was asked for.
        listen: Told of the progress and of what a person should know.
        resumed: Whether a training goes on that began earlier; ``resume`` says so.

    Raises:
        SourceError: the source cannot be read, or cannot be learnt from.
        BackboneError: the backbone or its weights are not to be had.
        RequestError: the run's place is taken or can be no folder.
        StorageError: the run or the cache cannot be written.
    """
    for told in () if resumed else request.idle:
        listen(Notice(told))
    folder = request.out or _free_folder(request.source)
    other = partial(_free_folder, request.source) if request.out is None else None
    unfinished = Unfinished(folder, resumed, other)
    if request.network is not None:
        request = scratch.settled(request, listen)
    unfinished.refuse_another()
    _refuse_no_place(folder)
    with unfinished.under_way():
        run = _train(request, unfinished, listen)
    if unfinished.ours:
        unfinished.remove()
    return run


def _train(request: TrainRequest, unfinished: Unfinished, listen: Listener) -> Run:
    clock = Clock()
    with clock("scan"):
        looked = scan(open_source(request.source), listen)
    with clock("split"):
        duplicates = find_duplicates(looked)
        split = split_pictures(looked, request.split, request.seed, duplicates)
        findings = check_source(looked, duplicates)
    for note in split.notes:
        listen(Notice(note))
    if request.chosen == "scratch":
        begin = partial(unfinished.begin, request, looked.digest)
        learned = scratch.learn(request, looked, split, clock, begin, listen)
    elif request.chosen == "ladder":
        learned = ladder.learn(request, looked, split, duplicates, clock, unfinished, listen)
    elif request.chosen == "finetune":
        learned = finetune.learn(request, looked, split, clock, unfinished, listen)
    else:
        learned = features.learn(request, looked, split, clock, listen)
    with clock("evaluation"):
        test = evaluate(learned.answers["test"], learned.parts["test"].labels_N, looked.classes)
    sizes = {name: len(part.pictures) for name, part in learned.parts.items()}
    skipped, notes = looked.skipped + split.set_aside + learned.skipped, split.notes + learned.notes
    record = {
        **record_request(request, looked, learned.chosen, learned.classifier.preprocess),
        **record_pictures(sizes, skipped, findings, notes),
        **learned.record,
        "stages": [stage.to_json() for stage in learned.stages],
        "test": test.proportion.to_json(),
        "evaluation": test.to_json(),
    }
    folder = unfinished.run
    while True:
        try:
            return _write(folder, record, learned, looked, clock, listen)
        except StorageError:
            if request.out is not None or not folder.exists():
                raise
            folder = _free_folder(request.source)  # another training, which began later, was done sooner


def _free_folder(source: str) -> Path:
    """runs/NAME-1, or the next number that is free."""
    name = safe_stem(Path(source.removeprefix("builtin:")).expanduser().resolve().name, "run")
    paths = (Path("runs") / f"{name}-{number}" for number in count(1))
    return next(path for path in paths if not path.exists() and not Unfinished(path).folder.exists())


def _refuse_no_place(folder: Path) -> None:
    """Refuse a run that could not be written in the end, before any work.

    Raises:
        RequestError: a file stands where a folder is needed.
        StorageError: there is no permission, or the disk is full or read-only.
    """
    with storage_errors(folder, "the run"):
        there = next(one for one in folder.parents if one.exists())
        if not there.is_dir():
            raise RequestError(
                f"{shown(there)} is a file.",
                f"A folder was expected, to write the run {shown(folder.name)} into.",
                "Choose another place with --out.",
            )
        with tempfile.TemporaryFile(dir=there):
            pass


def _write(
    folder: Path,
    record: Mapping[str, Any],
    learned: Learned,
    looked: Scan,
    clock: Clock,
    listen: Listener,
) -> Run:
    """Write everything beside ``folder`` and rename it into place."""
    with storage_errors(folder, "the run"), whole_folder(folder) as partial:
        write_model(partial, learned.classifier)
        _write_tables(partial, learned, looked.classes)
        with clock("report"), phase(listen, "Writing the report", unit=""):
            page = _report({**record, "seconds": clock.to_json()}, learned, looked)
            (partial / REPORT).write_text(page, encoding="utf-8")
        whole = {**record, "seconds": clock.to_json()}
        _write_metrics(partial / METRICS, [*learned.metrics, *_stage_lines(learned)])
        write_record(partial, whole)
    return Run(folder, whole, learned.classifier)


def _report(record: Mapping[str, Any], learned: Learned, looked: Scan) -> str:
    test = learned.parts["test"]
    place = {picture.path: picture.index for picture in test.pictures}

    def encoded(path: str) -> bytes | None:
        try:
            return looked.source.read(place[path])
        except (OSError, PictureError):
            return None

    paths = [picture.path for picture in test.pictures]
    return render(record, paths, test.labels_N, learned.answers["test"], encoded)


def _write_tables(folder: Path, learned: Learned, classes: Sequence[str]) -> None:
    """splits.csv: which picture stood where; predictions.csv: what was said of val and test."""
    write_table(
        folder / SPLITS,
        ("path", "label", "split", "digest"),
        (
            (one.path, one.label, name, one.digest)
            for name, part in learned.parts.items()
            for one in part.pictures
        ),
    )
    write_table(
        folder / PREDICTIONS,
        ("path", "split", "label", "predicted", "confidence", *(f"p({name})" for name in classes)),
        (
            (
                one.path,
                name,
                one.label,
                classes[best],
                f"{row_K[best]:.6f}",
                *(f"{p:.6f}" for p in row_K),
            )
            for name, answers_NK in learned.answers.items()
            for one, row_K in zip(learned.parts[name].pictures, answers_NK, strict=True)
            for best in [int(row_K.argmax())]
        ),
    )


def _stage_lines(learned: Learned) -> list[dict[str, Any]]:
    return [{"event": "stage", **stage.to_json()} for stage in learned.stages]


def _write_metrics(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """metrics.jsonl: what the recipe tells of its learning, then one line for each stage."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
