"""What fine-tuning gains where it gains, and whether the ladder refuses it where it does not.

    python -m benchmarks.ladder --splits 5 mnist=FOLDER fashion=FOLDER textile=FOLDER ants-bees=FOLDER

For each split of each set of pictures: frozen features, the last block, the last two, and the ladder's
choice, on the same test pictures, which no step sees before its end. A set is a folder that Pellucid reads:

- mnist: the IDX files of MNIST; 50 pictures a class to learn from.
- fashion: those of Fashion-MNIST (Debian's dataset-fashion-mnist, MIT); 100 a class.
- textile: the class folders in PyPI's conformal-clip-data (MIT); 1,000 pictures.
- ants-bees: PyTorch's tutorial data; 244 pictures.

Each split draws other pictures to learn from and to test on, by its number.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, record
from benchmarks.process import ROOT, run
from benchmarks.spread import Figures, tell

_PELLUCID = Path(sys.executable).with_name("pellucid")
_DRAW = "import sys; from benchmarks.ladder import draw; draw(*sys.argv[1:])"
_STEPS = "features,last,last-two"
_COLUMNS = {
    "features": ("--recipe", "features"),
    "finetune, last block": ("--recipe", "finetune", "--unfreeze", "last"),
    "finetune, last two blocks": ("--recipe", "finetune", "--unfreeze", "last-two"),
}


@dataclass(frozen=True)
class Kind:
    """A set of pictures: how many to learn from and to test on, in all, as evenly by class as they come."""

    learnt: int
    tested: int


SETS = {
    "mnist": Kind(500, 1000),
    "fashion": Kind(1000, 1000),
    "textile": Kind(1000, 1000),
    "ants-bees": Kind(244, 153),
}


def draw(source: str, out: str, learnt: str, tested: str, seed: str) -> None:
    """Write ``out/train/CLASS/*.png`` and ``out/test/CLASS/*.png``, drawn by the seed, class by class.

    A source that has a test split of its own is tested on that alone.
    """
    import numpy as np
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
            share = wanted // len(among) + (number < wanted % len(among))
            chosen = chance.permutation(free)[:share].tolist()
            taken.update(chosen)
            folder = Path(out) / split / label
            folder.mkdir(parents=True)
            for place in chosen:
                try:
                    Image.fromarray(decode(found.read(place))).save(folder / f"{place}.png")
                except PictureError as error:
                    tell(f"  {found.items[place].path} left out: {error}")


class Table:
    """The test figures of each set, split and column.

    Attributes:
        figures: Accuracies in per cent and seconds.
        ladders: Of each set, the ladder's own table for each split.
    """

    def __init__(self, cache: Path) -> None:
        self.figures = Figures()
        self.ladders: dict[str, list[Any]] = defaultdict(list)
        self._cache = cache

    def split(self, name: str, source: Path, seed: int, folder: Path) -> None:
        """All columns of one split."""
        kind = SETS[name]
        numbers = (str(kind.learnt), str(kind.tested), str(seed))
        run([sys.executable, "-c", _DRAW, source, folder / "pictures", *numbers])
        chosen = self._train(folder, "ladder", ("--steps", _STEPS), seed)
        accuracy, seconds = self._told(chosen)
        kept = [step for step in chosen["ladder"] if step["outcome"] == "kept"][-1]["name"]
        for column, options in _COLUMNS.items():
            # The ladder trained its choice as the step by itself would have: to the same bits.
            alone = chosen if column == kept else self._train(folder, column, options, seed)
            self.figures.rate(f"{name}: {column}", self._told(alone)[0], "%")
        self.figures.rate(f"{name}: the ladder's choice", accuracy, "%")
        self.figures.note(f"{name}: the ladder's time", seconds)
        told = [{key: step[key] for key in ("name", "outcome", "why")} for step in chosen["ladder"]]
        self.ladders[name].append({"kept": kept, "test": chosen["test"], "steps": told})
        tell(f"  kept: {kept}")

    def _train(self, folder: Path, name: str, options: tuple[str, ...], seed: int) -> dict[str, Any]:
        """The record of a run."""
        out = folder / name.replace(" ", "-").replace(",", "")
        command: list[str | Path] = [
            _PELLUCID, "train", folder / "pictures", "--out", out, "--seed", str(seed), *options, "--json",
        ]  # fmt: skip
        run(command, variables={"PELLUCID_CACHE": os.fspath(self._cache)}, folder=folder)
        found: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
        return found

    def _told(self, one: dict[str, Any]) -> tuple[float, float]:
        return 100 * one["test"]["accuracy"], one["seconds"]["total"]


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ladder", description=__doc__)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER", help=f"of {', '.join(SETS)}")
    parser.add_argument("--splits", type=int, default=5, help="how many splits of each (5)")
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    return parser.parse_args()


def main() -> None:
    """Measure, print, record."""
    given = arguments()
    about = machine.describe()
    sets = {name: Path(folder).resolve() for name, _, folder in (one.partition("=") for one in given.sets)}
    with tempfile.TemporaryDirectory(prefix="pellucid-bench-") as place:
        table = Table(Path(place) / "cache")
        for seed in range(given.splits):
            for name, source in sets.items():
                tell(f"{name}, split {seed + 1} of {given.splits}")
                folder = Path(place) / f"{name}-{seed}"
                folder.mkdir()
                table.split(name, source, seed, folder)
    print(table.figures.table())
    path = record.write(
        "ladder",
        note=given.note,
        settings={
            "splits": given.splits,
            "sets": {name: {"learnt": SETS[name].learnt, "tested": SETS[name].tested} for name in sets},
            "steps": _STEPS,
        },
        machine=about,
        versions=machine.versions(),
        figures=table.figures.spreads(),
        more={"ladders": table.ladders},
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
