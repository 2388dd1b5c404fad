"""How fast this machine trains: Pellucid and eager PyTorch in turns, each time as a whole process.

Prints a table and writes a record; README.md in this folder says what each figure means.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine, record
from benchmarks.job import Trained, Workshop
from benchmarks.process import ROOT, run, run_module
from benchmarks.spread import Figures, medians, shown, tell
from benchmarks.targets import judge

GFLOP_A_PICTURE = 0.77  # EfficientNet-Lite0 at 224 pixels: 0.385 G multiplications, each with an addition
_EAGER = Path(__file__).parent / "peers" / "with_timm.py"
_HELPS = 20
_NEW_PICTURES_SEED = 1  # those that are predicted, which no run has learnt from
_CUT_SEED = 2
_SIZES = (1_000, 10_000)


def made(number: int, seed: int = 0, photographs: Path | None = None) -> Path:
    """The folder of such pictures, made in a process of its own (see ``process``)."""
    given = ("--photographs", photographs.resolve()) if photographs else ()
    tell(f"Pictures: {number:,}, made now unless they were made before")
    folder = run(
        [sys.executable, "-m", "benchmarks.pictures", str(number), "--seed", str(seed), *given]
    ).output
    return Path(folder.strip())


class Bench:
    """One benchmark: its pictures, its workshop, and what it measured so far."""

    def __init__(self, shop: Workshop, pictures: Path, number: int, eager: int) -> None:
        self.figures = Figures()
        self.cold: list[Trained] = []
        self.warm: list[Trained] = []
        self._shop, self._pictures = shop, pictures
        self._number, self._eager_number = number, eager

    def export(self, times: int) -> None:
        """The export of the trunk, which happens once on a machine and is in no other figure."""
        self.figures.note("export of the trunk", self._shop.export_seconds)
        for _ in range(times - 1):
            self.figures.note("export of the trunk", self._shop.export())

    def round(self, turn: int, new_pictures: Path) -> None:
        """Everything once; Pellucid and the other side take turns in going first."""
        before = self._multiply()
        cache = self._shop.cache()
        eager = self._eager() if turn % 2 else 0.0
        cold = self._train(cache)
        between = self._multiply()
        eager = eager or self._eager()
        limit = self._number * GFLOP_A_PICTURE / max(before, between)
        self.figures.note("limit", limit)
        self.figures.note("cold run / limit", cold.ended.seconds / limit, unit="x")
        self.figures.rate("eager PyTorch / cold run", eager / cold.ended.seconds, "x")
        self.warm.append(self._shop.train(self._pictures, cache))
        self.figures.note("warm run", self.warm[-1].ended.seconds)
        self._predict(cold.folder, new_pictures, cache)
        decoded = run_module("benchmarks.machine", "--decode", self._pictures)["decode"]
        self.figures.rate("decode, one core", decoded)

    def help(self) -> None:
        """The start of the command line."""
        self.figures.note("pellucid --help", *(self._shop.help().seconds for _ in range(_HELPS)))

    def memory(self, sizes: Sequence[int]) -> None:
        """The peak memory of a cold run on few and on many pictures, cut out of this benchmark's."""
        peaks = []
        for size in sizes:
            trained = self._shop.train(made(size, _CUT_SEED, self._pictures), self._shop.cache())
            peaks.append(trained.ended.peak_mib)
            self.figures.note(f"cold run, {size:,} pictures", trained.ended.seconds)
            self.figures.note(f"peak memory, {size:,} pictures", peaks[-1], unit="MiB")
        self.figures.note("peak memory, large / small", peaks[-1] / peaks[0], unit="x")

    def _multiply(self) -> float:
        peak: float = run_module("benchmarks.machine")["gflops"]
        self.figures.rate("matrix product", peak, "GFLOP/s")
        return peak

    def _train(self, cache: Path) -> Trained:
        trained = self._shop.train(self._pictures, cache)
        self.cold.append(trained)
        self.figures.note("cold run", trained.ended.seconds)
        computing = trained.phases["fit"] + trained.phases["features"]
        self.figures.rate("features in it", self._number / computing)
        self.figures.note("peak memory", trained.ended.peak_mib, unit="MiB")
        return trained

    def _eager(self) -> float:
        """Seconds that eager PyTorch would take for all pictures, by its pace on some of them."""
        some = ("--weights", self._shop.weights(), "--number", str(self._eager_number))
        ended = run([sys.executable, _EAGER, self._pictures, *some])
        epoch, number = float(ended.answer()["seconds"]["epoch"]), self._eager_number
        self.figures.rate("eager PyTorch", number / epoch)
        seconds = ended.seconds + epoch * (self._number / number - 1)
        self.figures.note(f"eager PyTorch, {number:,} extrapolated to {self._number:,}", seconds)
        return seconds

    def _predict(self, folder: Path, pictures: Path, cache: Path) -> None:
        ended = self._shop.predict(folder, pictures, cache)
        self.figures.rate("predict", len(ended.output.splitlines()) / ended.seconds)


def phases(bench: Bench) -> dict[str, dict[str, float]]:
    """The median of each phase of the cold and of the warm runs."""
    return {
        "cold run": medians(one.phases for one in bench.cold),
        "warm run": medians(one.phases for one in bench.warm),
    }


def report(bench: Bench, targets: dict[str, dict[str, Any]]) -> str:
    """What a person reads at the end."""
    lines = [bench.figures.table(), ""]
    for name, seconds in phases(bench).items():
        told = ", ".join(f"{phase} {shown(value)}" for phase, value in seconds.items())
        lines.append(f"Phases of a {name}, medians in s: {told}")
    test = bench.cold[-1].record["test"]
    lines.append(f"Right on the test split: {test['correct']} of {test['n']}")
    for name, target in targets.items():
        kept = "kept" if target["kept"] else "MISSED"
        lines.append(f"Target {kept}: {name} at most {target['limit']} (median {shown(target['median'])})")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--number", type=int, default=2_000, help="pictures to train on (2000)")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="cut them from these photographs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--eager", type=int, default=400, help="pictures for the other side (400)")
    parser.add_argument("--predict", type=int, default=500, help="pictures to predict (500)")
    parser.add_argument(
        "--memory", type=int, nargs="*", help="peak memory too, at so many pictures (1000 10000)"
    )
    parser.add_argument("--name", default="train", help="of the record (train)")
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    return parser.parse_args()


def main() -> None:
    """Measure, print, record."""
    given = arguments()
    about = machine.describe()
    pictures = made(given.number, photographs=given.pictures)
    new_pictures = made(given.predict, _NEW_PICTURES_SEED, given.pictures)
    tell("Exporting the trunk")
    with Workshop() as shop:
        bench = Bench(shop, pictures, given.number, min(given.eager, given.number))
        bench.export(given.rounds)
        for turn in range(given.rounds):
            tell(f"Round {turn + 1} of {given.rounds}")
            bench.round(turn, new_pictures)
        bench.help()
        if given.memory is not None:
            bench.memory(given.memory or _SIZES)
    targets = judge(bench.figures.spreads(), given.number)
    print(report(bench, targets))
    path = record.write(
        given.name,
        note=given.note,
        settings={
            "pictures": given.number,
            "rounds": given.rounds,
            "eager_pictures": min(given.eager, given.number),
            "predicted": given.predict,
            "made_from": "photographs" if given.pictures else "noise and shapes",
        },
        machine=about,
        versions=machine.versions(),
        figures=bench.figures.spreads(),
        more={"phases": phases(bench), "test": bench.cold[-1].record["test"], "targets": targets},
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
