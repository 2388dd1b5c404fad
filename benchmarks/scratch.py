"""How fast the lecture's digits convnet trains here, beside Keras and plain PyTorch, in turns.

Two questions. The pace: pictures a second while learning, all sides on the same pictures in batches of 128,
some epochs after one to warm up. The time, where MNIST is given: seconds from an empty process until 99.0 %
of its test digits are right, against the lecture's recipe in Keras (RMSprop, batches of 64).

Keras on TensorFlow was seen to spend whole epochs on one of two cores of a machine with nothing else to do,
and the next on both. So a side's pace in a round is that of its fastest epoch, and the promise is judged by
the fastest of all rounds: fewer epochs would flatter Pellucid by chance. The record holds every epoch.
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import machine, record
from benchmarks.peers.__main__ import Peer
from benchmarks.process import ROOT, Ended, run, run_module
from benchmarks.spread import Figures, medians, rounded, shown, tell

# Forward and backward, without the gradient for the pictures themselves, of what is really computed: what no
# later layer reads of a map is not (network.build). The whole maps would take 18.2.
MFLOP_A_PICTURE = 15.8
NETWORK = "digits-convnet"
BATCH = 128  # of the pace; the time is with each side's own
RIGHT = 0.99
OURS = "Pellucid"
_PELLUCID = Path(sys.executable).with_name("pellucid")
_PEERS = Path(__file__).parent / "peers"
_PREPARE = "import sys; from benchmarks.scratch import prepare; prepare(*sys.argv[1:])"
_FASTEST = "Pellucid / the fastest other"
_BESTS = "Pellucid's best epoch / the fastest other's"
_TIMES = "Pellucid / the lecture's recipe"
_LEAST, _MOST = 1.5, 1 / 3  # what is promised of these two


@dataclass(frozen=True)
class Side:
    """Another tool on the same network: who it is, and the backend where it is Keras."""

    peer: Peer
    backend: str = ""

    def ask(self, arrays: Path, *more: str) -> dict[str, Any]:
        """The answer of its script on the pictures, run as a whole process."""
        variables = {"KERAS_BACKEND": self.backend, "TF_CPP_MIN_LOG_LEVEL": "3"} if self.backend else {}
        command = [self.peer.python(), _PEERS / self.peer.script, arrays, *self.peer.options, *more]
        return run(command, variables=variables).answer()


def _keras(name: str, backend: str, requirements: str) -> Side:
    return Side(
        Peer(f"Keras on {name}", "digits_with_keras.py", "model.fit", requirements=requirements), backend
    )


# PyTorch is the one of Pellucid's own environment, so that the same PyTorch stands on both sides.
PLAIN = (
    Side(Peer("PyTorch, plain", "digits_with_torch.py", "as a tutorial writes it")),
    Side(Peer("PyTorch, channels-last", "digits_with_torch.py", "its faster layout", ("--channels-last",))),
)
KERAS = (
    _keras("TensorFlow", "tensorflow", "keras.txt"),
    _keras("JAX", "jax", "keras-jax.txt"),
    _keras("PyTorch", "torch", "keras-torch.txt"),
)
LECTURE = KERAS[0]


def prepare(source: str, path: str, number: str) -> None:
    """Write the digits of a source as an .npz: x_train, y_train, x_test, y_test; uint8 (N, 28, 28).

    The training digits are repeated, or cut short, to ``number``; with 0 they are what they are.
    """
    import numpy as np

    from pellucid.data.source import open_source
    from pellucid.pictures.decode import decode

    opened = open_source(source)
    arrays = {}
    for split in ("train", "test"):
        places = [place for place, item in enumerate(opened.items) if item.split == split]
        pixels_NHW = np.stack([decode(opened.read(place))[:, :, 0] for place in places])
        labels_N = np.array([int(opened.items[place].label) for place in places])
        if split == "train" and int(number):
            pixels_NHW = np.resize(pixels_NHW, (int(number), *pixels_NHW.shape[1:]))
            labels_N = np.resize(labels_N, int(number))
        arrays |= {f"x_{split}": pixels_NHW, f"y_{split}": labels_N}
    np.savez(path, **arrays)


def as_arrays(source: str | Path, path: Path, number: int = 0) -> Path:
    """``prepare`` in a process of its own (see ``process``)."""
    run([sys.executable, "-c", _PREPARE, source, path, str(number)])
    return path


class Bench:
    """What was measured so far.

    Attributes:
        figures: Round by round.
        versions: Of the other tools.
        epochs: Of each side, the pictures a second of its epochs in each round.
        phases: Of Pellucid's runs against the clock, the seconds that each says it took.
    """

    def __init__(self, folder: Path, sides: Sequence[Side], epochs: int) -> None:
        self.figures = Figures()
        self.versions: dict[str, str] = {}
        self.epochs: dict[str, list[list[float]]] = defaultdict(list)
        self.phases: list[dict[str, float]] = []
        self._folder, self._sides, self._count = folder, sides, epochs

    def pellucid(self, source: str | Path, name: str, *more: str) -> tuple[Ended, dict[str, Any]]:
        """``pellucid train`` as a whole process on a cache of its own, and its run's record."""
        out = self._folder / name
        command = [_PELLUCID, "train", source, "--network", NETWORK, "--out", out, *more]
        ended = run(command, variables={"PELLUCID_CACHE": str(self._folder / f"cache-{name}")})
        return ended, json.loads((out / "run.json").read_text(encoding="utf-8"))

    def pace(self, turn: int, arrays: Path) -> None:
        """Pictures a second of everyone, once; who goes first changes with the turn."""
        before = run_module("benchmarks.machine")["gflops"]
        paces: dict[str, float] = {}
        everyone: list[Side | None] = [None, *self._sides]  # None is Pellucid
        first = turn % len(everyone)
        for side in everyone[first:] + everyone[:first]:
            name = side.peer.name if side else OURS
            found = self._paces_of(side, arrays) if side else self._our_paces(turn, arrays)
            self.epochs[name].append([rounded(pace) for pace in found])
            paces[name] = max(found)
            self.figures.rate(name, paces[name])
            self.figures.rate(f"{name}, its middle epoch", median(found))
        after = run_module("benchmarks.machine")["gflops"]
        self.figures.rate("matrix product", max(before, after), "GFLOP/s")
        ours = paces.pop(OURS)
        for name, pace in paces.items():
            self.figures.rate(f"Pellucid / {name}", ours / pace, "x")
        self.figures.rate(_FASTEST, ours / max(paces.values()), "x")
        share = 100 * ours * MFLOP_A_PICTURE / 1e3 / max(before, after)
        self.figures.rate("Pellucid, share of the matrix product", share, "%")

    def _paces_of(self, side: Side, arrays: Path) -> list[float]:
        answer = side.ask(arrays, "--batch", str(BATCH), "--paces", str(self._count))
        self._used(side, answer)
        return [float(pace) for pace in answer["paces"]]

    def _our_paces(self, turn: int, arrays: Path) -> list[float]:
        """Those that the run tells of its epochs after the first; like the others', without validation."""
        epochs = ("--epochs", str(self._count + 1), "--batch", str(BATCH))
        _, told = self.pellucid(arrays, f"pace-{turn}", *epochs)
        learnt, timed = told["samples"]["train"], told["training"]["epochs"][1:]
        self.figures.rate("Pellucid, with validation", max(learnt / epoch["seconds"] for epoch in timed))
        return [float(epoch["pictures_per_second"]) for epoch in timed]

    def time(self, turn: int, mnist: Path, arrays: Path, *more: str) -> None:
        """Seconds until 99.0 % of the test digits are right; another seed each turn."""
        ours = theirs = None
        for side in (OURS, LECTURE.peer.name)[:: -1 if turn % 2 else 1]:
            if side == OURS:
                ours = self._our_time(turn, mnist, *more)
            elif LECTURE in self._sides:
                theirs = self._their_time(turn, arrays)
        if ours and theirs:
            self.figures.note(_TIMES, ours / theirs, unit="x")

    def _our_time(self, turn: int, mnist: Path, *more: str) -> float | None:
        """Of the whole process, all of its epochs and its report; None if that was not enough."""
        ended, told = self.pellucid(mnist, f"time-{turn}", "--seed", str(turn), *more)
        self.phases.append({phase: float(seconds) for phase, seconds in told["seconds"].items()})
        accuracy = told["test"]["accuracy"]
        self.figures.note("Pellucid, epochs", len(told["training"]["epochs"]), unit="epochs")
        self.figures.rate("Pellucid, test accuracy", 100 * accuracy, "%")
        self.figures.note("Pellucid, whole process", ended.seconds)
        return _if_right("Pellucid", accuracy, ended.seconds)

    def _their_time(self, turn: int, arrays: Path) -> float | None:
        """To the end of the first epoch after which it was right enough; None if there was none."""
        answer = LECTURE.ask(arrays, "--until", str(RIGHT), "--seed", str(turn))
        self._used(LECTURE, answer)
        last = answer["epochs"][-1]
        self.figures.note("the lecture's recipe, epochs", len(answer["epochs"]), unit="epochs")
        self.figures.rate("the lecture's recipe, test accuracy", 100 * last["accuracy"], "%")
        self.figures.note("the lecture's recipe, until then", last["seconds"])
        return _if_right("the lecture's recipe", last["accuracy"], last["seconds"])

    def _used(self, side: Side, answer: dict[str, Any]) -> None:
        self.versions |= {f"{side.peer.name}: {tool}": one for tool, one in answer["versions"].items()}

    def targets(self, timed: int) -> dict[str, dict[str, object]]:
        """Figure -> its promise, what was measured, and whether that keeps it.

        The promise on the pace is judged by the best epochs of all rounds; that on the time by the median,
        and it is kept only if both sides were right enough in all ``timed`` rounds.
        """
        spreads = self.figures.spreads()
        others = max(spreads[side.peer.name].best for side in self._sides)
        quotient = rounded(spreads[OURS].best / others)
        found: dict[str, dict[str, object]] = {
            _BESTS: {"least": _LEAST, "measured": quotient, "kept": quotient >= _LEAST}
        }
        if timed:
            ratios = spreads[_TIMES].values if _TIMES in spreads else ()
            middle = spreads[_TIMES].median if ratios else None
            kept = middle is not None and len(ratios) == timed and middle <= _MOST
            found[_TIMES] = {
                "most": round(_MOST, 4),
                "measured": middle,
                "judged": len(ratios),
                "of": timed,
                "kept": kept,
            }
        return found


def _if_right(who: str, accuracy: float, seconds: float) -> float | None:
    if accuracy >= RIGHT:
        return seconds
    tell(f"  {who}: {100 * accuracy:.2f} % is less than {100 * RIGHT:.1f} %, so its time does not count")
    return None


def report(bench: Bench, targets: dict[str, dict[str, Any]]) -> str:
    """What a person reads at the end."""
    lines = [bench.figures.table(), ""]
    if bench.phases:
        told = ", ".join(f"{phase} {shown(value)}" for phase, value in medians(bench.phases).items())
        lines.append(f"Phases of Pellucid's run on MNIST, medians in s: {told}")
    for name, target in targets.items():
        kept = "kept" if target["kept"] else "MISSED"
        limit = f"at least {target['least']}" if "least" in target else f"at most {target['most']}"
        measured = "none" if target["measured"] is None else shown(target["measured"])
        rounds = f", judged in {target['judged']} of {target['of']} rounds" if "judged" in target else ""
        lines.append(f"Target {kept}: {name} {limit} (measured {measured}{rounds})")
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scratch", description=__doc__)
    parser.add_argument("--mnist", type=Path, metavar="FOLDER", help="IDX files, for both questions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--number", type=int, default=19_968, help="pictures for the pace (19968)")
    parser.add_argument("--paces", type=int, default=5, help="epochs for the pace in a round (5)")
    parser.add_argument(
        "--epochs", type=int, default=1, help="of Pellucid, for the time (1, which is enough)"
    )
    parser.add_argument("--without-keras", action="store_true", help="its environments take up to 5 GB")
    parser.add_argument("--prepare", action="store_true", help="make the environments and end")
    parser.add_argument("--name", default="scratch", help="of the record (scratch)")
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    return parser.parse_args()


def main() -> None:
    """Measure, print, record."""
    given = arguments()
    sides = PLAIN if given.without_keras else (*PLAIN, *KERAS)
    for side in sides:
        side.peer.python()
    if given.prepare:
        return
    about = machine.describe()
    source = given.mnist.resolve() if given.mnist else "builtin:digits"
    number = max(given.number // BATCH, 1) * BATCH  # a last, smaller batch would be compiled anew by some
    more = ("--epochs", str(given.epochs))
    with tempfile.TemporaryDirectory(prefix="pellucid-bench-") as temporary:
        folder = Path(temporary)
        some = as_arrays(source, folder / "some.npz", number)
        every = as_arrays(source, folder / "every.npz") if given.mnist else some
        bench = Bench(folder, sides, given.paces)
        for turn in range(given.rounds):
            tell(f"Round {turn + 1} of {given.rounds}")
            bench.pace(turn, some)
            if given.mnist:
                bench.time(turn, source, every, *more)
    # Without Keras the fastest other may be missing, so nothing is judged.
    targets = {} if given.without_keras else bench.targets(given.rounds if given.mnist else 0)
    print(report(bench, targets))
    path = record.write(
        given.name,
        note=given.note,
        settings={
            "network": NETWORK,
            "pictures": number,
            "rounds": given.rounds,
            "epochs_for_the_pace": given.paces,
            "source": "MNIST" if given.mnist else source,
            "batch": BATCH,
            "epochs_for_the_time": given.epochs,
            "mflop_a_picture": MFLOP_A_PICTURE,
            "peers": {side.peer.name: side.peer.remark for side in sides},
        },
        machine=about,
        versions=machine.versions() | bench.versions,
        figures=bench.figures.spreads(),
        more={
            "epochs": bench.epochs,
            "phases": medians(bench.phases) if bench.phases else {},
            "targets": targets,
        },
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
