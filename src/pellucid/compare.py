"""Several runs on the same test pictures: who is right where, at what cost, and what could be chance.

Pictures are matched by their content, and a picture that any of the runs learnt from judges none of them.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.source import Source, open_source
from pellucid.errors import PellucidError, PictureError, RequestError, RunError, shown
from pellucid.evaluation.comparison import Pair, holm, pair
from pellucid.evaluation.proportion import Proportion
from pellucid.events import Listener, silent
from pellucid.run import MODEL, PREDICTIONS, SPLITS, Run


@dataclass(frozen=True)
class Judged:
    """A picture that all runs answered.

    Attributes:
        path: As a person would find it in the source.
        label: Its true class.
        answers: What each run said, in the runs' order.
    """

    path: str
    label: str
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Compared:
    """What several runs said of the same pictures.

    Attributes:
        runs: In the order in which they were given.
        pictures: What all of them answered.
        on: The source that holds the pictures.
    """

    runs: tuple[Run, ...]
    pictures: tuple[Judged, ...]
    on: str

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
        """The encoded bytes of one of the pictures; None where it is gone."""
        if self._source is None or path not in self._places:
            return None
        try:
            return self._source.read(self._places[path])
        except (OSError, PictureError):
            return None

    @cached_property
    def _source(self) -> Source | None:
        try:
            return open_source(self.on)
        except PellucidError:
            return None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {item.path: place for place, item in enumerate(self._source.items)} if self._source else {}

    def to_json(self) -> dict[str, Any]:
        """runs, pairs and disagreements, as ``pellucid compare --json`` prints them."""
        right_RN = self.rightness
        runs = [
            {
                "run": str(run.folder),
                "recipe": run.record["chosen"],
                **Proportion(len(self.pictures), int(right_N.sum())).to_json(),
                "seconds": run.record["seconds"]["total"],
                "bytes": (run.folder / MODEL).stat().st_size,
                "parameters": _learnt(run),
            }
            for run, right_N in zip(self.runs, right_RN, strict=True)
        ]
        places = list(combinations(range(len(self.runs)), 2))
        pairs = [pair(right_RN[a], right_RN[b]) for a, b in places]
        adjusted = holm([one.p for one in pairs])
        return {
            "runs": runs,
            "pairs": [
                _told(one, str(self.runs[a].folder), str(self.runs[b].folder), p)
                for one, (a, b), p in zip(pairs, places, adjusted, strict=True)
            ],
            "disagreements": [
                {"path": one.path, "label": one.label, "answers": list(one.answers)}
                for one in self.disagreements()
            ],
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
    """
    _check(runs)
    answers = [_recorded(run) if on is None else _answered(run, on, listen) for run in runs]
    common = [
        digest
        for digest in answers[0]
        if all(digest in one for one in answers) and not any(run.learnt_from(digest) for run in runs)
    ]
    if not common:
        raise RequestError(
            "There is no picture that all of these runs were tested on and none has learnt from."
            if on is None
            else f"Each picture of {shown(on)} was learnt from by one of these runs, or cannot be read.",
            "Pictures that are new to every run were expected, so that none has an advantage.",
            "Name other pictures: pellucid compare RUN RUN --on SOURCE",
        )
    return Compared(
        tuple(runs),
        tuple(
            Judged(path, label, tuple(one[digest][2] for one in answers))
            for digest in common
            for path, label, _ in [answers[0][digest]]
        ),
        on or str(runs[0].record["source"]["name"]),
    )


_Answers = dict[str, tuple[str, str, str]]  # digest -> path, label, answer


def _check(runs: Sequence[Run]) -> None:
    folders = [run.folder.resolve() for run in runs]
    if len(runs) < 2 or len(set(folders)) < len(runs):
        came = "One run was given." if len(runs) < 2 else "The same run was given twice."
        raise RequestError(came, "Two or more different runs were expected.", "Name another run.")
    first = runs[0]
    for run in runs[1:]:
        if run.classes != first.classes:
            raise RequestError(
                f"The classes of {shown(run.folder)} are {_listed(run)}, those of {shown(first.folder)} "
                f"{_listed(first)}.",
                "Runs that tell the same classes apart were expected.",
                "Compare runs on one set of pictures.",
            )


def _listed(run: Run) -> str:
    names = ", ".join(shown(name) for name in run.classes[:10])
    return f"{names} and {len(run.classes) - 10} more" if len(run.classes) > 10 else names


def _recorded(run: Run) -> _Answers:
    """What the run said of its test pictures, as its folder has it."""
    try:
        digests = {row["path"]: row["digest"] for row in _rows(run, SPLITS) if row["split"] == "test"}
        return {
            digests[row["path"]]: (row["path"], row["label"], row["predicted"])
            for row in _rows(run, PREDICTIONS)
            if row["split"] == "test"
        }
    except (OSError, KeyError, csv.Error) as error:
        raise RunError(
            f"The tables of the run {shown(run.folder)} cannot be read ({error}).",
            f"{SPLITS} and {PREDICTIONS} as training wrote them were expected.",
            "Restore them from a copy, or name pictures to compare on: --on SOURCE.",
        ) from error


def _rows(run: Run, name: str) -> list[Mapping[str, str]]:
    path = run.folder / name
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


def _answered(run: Run, on: str, listen: Listener) -> _Answers:
    """What the run says of another source now."""
    told = run.evaluate(on, listen)
    pictures = [told.scan.pictures[place] for place in told.positions]
    said_N = told.probabilities_NK.argmax(axis=1)
    return {
        picture.digest: (picture.path, picture.label, run.classes[said])
        for picture, said in zip(pictures, said_N.tolist(), strict=True)
    }


def _learnt(run: Run) -> int:
    """How many numbers the run learnt: all of its own network's, or its head's on frozen layers."""
    if "account" in run.record:
        return int(run.record["account"]["trainable"])
    head = run.classifier.head
    return 0 if head is None else int(head.weight_DK.size + head.bias_K.size)


def _told(one: Pair, a: str, b: str, adjusted: float) -> dict[str, Any]:
    verdict = one.verdict(adjusted)
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
        "verdict": {"a": a, "b": b, "chance": "chance"}[verdict],
    }
