"""Several runs on the same test pictures: who is right where, at what cost, and what could be chance.

Pictures are matched by their content, and a picture that any of the runs learnt from judges none of them.
"""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.item import Skipped
from pellucid.data.source import Source, open_source
from pellucid.errors import PellucidError, PictureError, RequestError, shown
from pellucid.evaluation.comparison import Pair, holm, pair
from pellucid.evaluation.proportion import Proportion
from pellucid.events import Listener, silent
from pellucid.pictures.digest import picture_digest
from pellucid.run import MODEL, PREDICTIONS, RECORD, SPLITS, Run, damaged


@dataclass(frozen=True)
class Judged:
    """A picture that all runs answered.

    Attributes:
        path: As a person would find it in the source.
        label: Its true class.
        answers: What each run said, in the runs' order.
        digest: Of its content.
    """

    path: str
    label: str
    answers: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class Compared:
    """What several runs said of the same pictures.

    Attributes:
        runs: In the order in which they were given.
        pictures: What all of them answered.
        on: The source that holds the pictures.
        left_out: How many others were answered by some, but learnt from or not answered by others.
        skipped: What could not be read, or has no one true class.
    """

    runs: tuple[Run, ...]
    pictures: tuple[Judged, ...]
    on: str
    left_out: int = 0
    skipped: tuple[Skipped, ...] = ()

    @property
    def rightness(self) -> NDArray[np.bool_]:
        """(R, N) whether each run had each picture right."""
        return np.array(
            [[one.answers[r] == one.label for one in self.pictures] for r in range(len(self.runs))], bool
        )

    def disagreements(self) -> list[Judged]:
        """The pictures for which the runs gave different answers."""
        return [one for one in self.pictures if len(set(one.answers)) > 1]

    def picture(self, path: str) -> bytes | None:
        """The encoded bytes of one of the pictures; None where it is gone or another has its place."""
        if self._source is None or path not in self._places:
            return None
        try:
            data = self._source.read(self._places[path])
        except (OSError, PictureError):
            return None
        return data if picture_digest(data) == self._digests.get(path) else None

    @cached_property
    def _source(self) -> Source | None:
        try:
            return open_source(self.on)
        except PellucidError:
            return None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {item.path: place for place, item in enumerate(self._source.items)} if self._source else {}

    @cached_property
    def _digests(self) -> dict[str, str]:
        return {one.path: one.digest for one in self.pictures}

    def epochs(self) -> dict[int, list[dict[str, Any]]]:
        """Number of a run, counted from 1 -> its epochs, for those whose network was trained from nothing."""
        return {
            number: run.record["training"]["epochs"]
            for number, run in enumerate(self.runs, 1)
            if "training" in run.record
        }

    def to_json(self) -> dict[str, Any]:
        """What ``pellucid compare --json`` prints: runs, pairs, disagreements, left_out, skipped."""
        right_RN = self.rightness
        places = list(combinations(range(len(self.runs)), 2))
        pairs = [pair(right_RN[a], right_RN[b]) for a, b in places]
        adjusted = holm([one.p for one in pairs])
        return {
            "runs": [
                _row(run, Proportion(len(self.pictures), int(right_N.sum())))
                for run, right_N in zip(self.runs, right_RN, strict=True)
            ],
            "pairs": [
                _told(one, str(self.runs[a].folder), str(self.runs[b].folder), p)
                for one, (a, b), p in zip(pairs, places, adjusted, strict=True)
            ],
            "disagreements": [
                {"path": one.path, "label": one.label, "answers": list(one.answers)}
                for one in self.disagreements()
            ],
            "left_out": self.left_out,
            "skipped": [{"path": one.path, "reason": one.reason} for one in self.skipped],
        }


def compare_runs(runs: Sequence[Run], on: str | None = None, listen: Listener = silent) -> Compared:
    """Set runs side by side on the pictures that all of them were tested on, or on another source.

    Args:
        runs: At least two, each once.
        on: A source on which all are evaluated now; None takes the answers that stand in the run folders.
        listen: Told of the progress.

    Raises:
        RequestError: one run only, or one twice; other classes; or no picture that may judge all of them.
        RunError: a run's tables are damaged.
        SourceError: ``on`` cannot be read, or holds none of the classes.
    """
    _check(runs)
    learnt = frozenset[str]().union(*map(_learnt_from, runs))
    heard = [_recorded(run) if on is None else _answered(run, on, listen) for run in runs]
    common = [d for d in heard[0].said if d not in learnt and all(d in one.said for one in heard)]
    if not common:
        raise RequestError(
            "There is no picture that all of these runs were tested on and none has learnt from."
            if on is None
            else f"Each picture of {shown(on)} was learnt from by one of these runs, or cannot be read.",
            "Pictures that are new to every run were expected, so that none has an advantage.",
            "Name other pictures: pellucid compare RUN RUN --on SOURCE",
        )
    pictures, skipped = [], {one.path: one for side in heard for one in side.skipped}
    for digest in common:
        path = heard[0].said[digest].path
        labels = set().union(*(one.said[digest].labels for one in heard))
        if len(labels) > 1:
            told = " and ".join(map(shown, sorted(labels)))
            skipped[path] = Skipped(path, f"it is labelled {told}, so that nobody can say who is right")
        else:
            answers = tuple(one.said[digest].answer for one in heard)
            pictures.append(Judged(path, labels.pop(), answers, digest))
    if not pictures:
        raise RequestError(
            "All pictures that could judge these runs are labelled in more than one way.",
            "Pictures with one true class each were expected.",
            "Name other pictures: pellucid compare RUN RUN --on SOURCE",
        )
    seen = set().union(*(one.said for one in heard))
    source = on or str(_of_record(runs[0], "source", "name"))
    return Compared(tuple(runs), tuple(pictures), source, len(seen) - len(common), tuple(skipped.values()))


@dataclass
class _Said:
    """What one run said of one content: where it lies, what it is called there, and the answer."""

    path: str
    labels: set[str]
    answer: str


@dataclass(frozen=True)
class _Heard:
    """What one run said of all pictures, by their digests."""

    said: dict[str, _Said]
    skipped: tuple[Skipped, ...] = ()


def _heard(rows: Iterable[tuple[str, str, str, str]], skipped: tuple[Skipped, ...] = ()) -> _Heard:
    """Rows of digest, path, label and answer, gathered; one content that lies in two places counts once."""
    said: dict[str, _Said] = {}
    for digest, path, label, answer in rows:
        said.setdefault(digest, _Said(path, set(), answer)).labels.add(label)
    return _Heard(said, skipped)


def _check(runs: Sequence[Run]) -> None:
    folders = [run.folder.resolve() for run in runs]
    twice = next((run for n, run in enumerate(runs) if folders[n] in folders[:n]), None)
    if len(runs) < 2 or twice is not None:
        raise RequestError(
            f"The run {shown(twice.folder)} was given twice." if twice is not None else "One run was given.",
            "Two or more different runs were expected.",
            "Name another run.",
        )
    first = runs[0]
    for run in runs[1:]:
        # The order may differ: answers are compared by their names.
        if set(run.classes) != set(first.classes):
            raise RequestError(
                f"The classes of {shown(run.folder)} are {_listed(run, first)}, those of "
                f"{shown(first.folder)} {_listed(first, run)}.",
                "Runs that tell the same classes apart were expected.",
                "Compare runs on one set of pictures.",
            )


def _listed(run: Run, other: Run) -> str:
    """The classes; of many, those first that the other run does not have."""
    if len(run.classes) <= 10:
        return ", ".join(map(shown, run.classes))
    names = sorted(run.classes, key=lambda name: name in other.classes)
    return f"{', '.join(map(shown, names[:10]))} and {len(names) - 10:,} more"


def _learnt_from(run: Run) -> set[str]:
    """The digests of the pictures in the training and validation splits."""
    return {digest for split, digest in _rows(run, SPLITS, "split", "digest") if split != "test"}


def _recorded(run: Run) -> _Heard:
    """What the run said of its test pictures, as its folder has it."""
    digests = {
        p: digest for p, split, digest in _rows(run, SPLITS, "path", "split", "digest") if split == "test"
    }
    said = _rows(run, PREDICTIONS, "path", "split", "label", "predicted")
    try:
        return _heard(
            [(digests[path], path, label, answer) for path, split, label, answer in said if split == "test"]
        )
    except KeyError as error:
        raise damaged(run.folder, f"{SPLITS} has no test picture {shown(error.args[0])}") from error


def _rows(run: Run, name: str, *columns: str) -> Iterator[tuple[str, ...]]:
    """These columns of one of the run's tables, which must be the very one that training wrote."""
    try:
        data = (run.folder / name).read_bytes()
    except OSError as error:
        raise damaged(run.folder, f"{name} cannot be read ({error.strerror})") from error
    # A run that has just been trained has not been read back, and does not hold the digests of its files.
    fresh = "files" not in run.record
    if not fresh and hashlib.blake2b(data, digest_size=16).hexdigest() != _of_record(run, "files", name):
        raise damaged(run.folder, f"{name} is not the file that training wrote")
    table = csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline=""))
    header = next(table, [])
    if missing := [column for column in columns if column not in header]:
        raise damaged(run.folder, f"{name} lacks the column {shown(missing[0])}")
    places = [header.index(column) for column in columns]
    return (tuple(row[place] for place in places) for row in table)


def _answered(run: Run, on: str, listen: Listener) -> _Heard:
    """What the run says of another source now."""
    told = run.evaluate(on, listen)
    pictures = [told.scan.pictures[place] for place in told.positions]
    said_N = told.probabilities_NK.argmax(axis=1)
    return _heard(
        (
            (picture.digest, picture.path, picture.label, run.classes[said])
            for picture, said in zip(pictures, said_N.tolist(), strict=True)
        ),
        told.skipped,
    )


def _row(run: Run, right: Proportion) -> dict[str, Any]:
    """A run's figures and costs."""
    return {
        "run": str(run.folder),
        "recipe": _of_record(run, "chosen"),
        **right.to_json(),
        "seconds": _of_record(run, "seconds", "total"),
        "bytes": (run.folder / MODEL).stat().st_size,
        "parameters": _parameters(run),
    }


def _parameters(run: Run) -> int:
    """How many numbers the run learnt: all of its own network's, or its head's and those of layers below."""
    if "account" in run.record:
        return int(_of_record(run, "account", "trainable"))
    if "finetune" in run.record:
        return int(_of_record(run, "finetune", "parameters")) + int(_of_record(run, "finetune", "head"))
    head = run.classifier.head
    return 0 if head is None else int(head.weight_DK.size + head.bias_K.size)


def _of_record(run: Run, *keys: str) -> Any:
    """What stands in ``run.json`` under these keys."""
    value: Any = run.record
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise damaged(run.folder, f"{RECORD} lacks '{'.'.join(keys)}'")
        value = value[key]
    return value


def _told(one: Pair, a: str, b: str, adjusted: float) -> dict[str, Any]:
    return {
        "a": a,
        "b": b,
        "n": one.n,
        "only_a": one.only_a,
        "only_b": one.only_b,
        "difference": one.difference,
        "interval": list(one.interval),
        "p": one.p,
        "adjusted_p": adjusted,
        "verdict": one.verdict(adjusted),
    }
