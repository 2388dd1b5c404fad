"""How fast the lecture's digits convnet trains here, beside Keras and plain PyTorch, in turns.

Two questions. The pace: pictures a second while learning. The time: seconds from an empty process until
99.0 % of MNIST's test digits are right, against the lecture's recipe in Keras (RMSprop, batches of 64).
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import machine, record
from benchmarks.peers.__main__ import Peer
from benchmarks.process import ROOT, Ended, run, run_module
from benchmarks.spread import Figures, tell

MFLOP_A_PICTURE = 18.2  # forward and backward, without the gradient for the pictures themselves
NETWORK = "digits-convnet"
RIGHT = 0.99
_PELLUCID = Path(sys.executable).with_name("pellucid")
_HERE = Path(__file__).parent / "peers"
_KERAS = Peer("keras", "digits_with_keras.py", "", requirements="digits.txt")


@dataclass(frozen=True)
class Side:
    """Another tool: its script, its interpreter, its options and its environment variables."""

    name: str
    script: str
    backend: str = ""
    options: tuple[str, ...] = ()

    def ask(self, arrays: Path, *more: str) -> Ended:
        """Run its script on the pictures, as a whole process."""
        own = self.backend in ("", "torch")  # PyTorch, and Keras on it, are in this environment
        python = Path(sys.executable) if own else _KERAS.python()
        variables = {"KERAS_BACKEND": self.backend, "TF_CPP_MIN_LOG_LEVEL": "3"} if self.backend else {}
        return run([python, _HERE / self.script, arrays, *self.options, *more], variables=variables)


PLAIN = Side("PyTorch, plain", "digits_with_torch.py")
SIDES = (
    PLAIN,
    Side("PyTorch, channels-last", "digits_with_torch.py", options=("--channels-last",)),
    Side("Keras on TensorFlow", "digits_with_keras.py", "tensorflow", ("--pace", "--batch", "128")),
    Side("Keras on JAX", "digits_with_keras.py", "jax", ("--pace", "--batch", "128")),
    Side("Keras on PyTorch", "digits_with_keras.py", "torch", ("--pace", "--batch", "128")),
)
LECTURE = Side("the lecture's recipe in Keras", "digits_with_keras.py", "tensorflow")


def as_arrays(source: str, path: Path, most: int | None = None) -> Path:
    """The digits of a source as an .npz, in a process of its own; at most so many to train on."""
    code = (
        "import sys, numpy as np\n"
        "from pellucid.data.source import open_source\n"
        "from pellucid.pictures.decode import decode\n"
        "source = open_source(sys.argv[1])\n"
        "found = {'train': ([], []), 'test': ([], [])}\n"
        "for n, item in enumerate(source.items):\n"
        "    pixels, labels = found['test' if item.split == 'test' else 'train']\n"
        "    pixels.append(decode(source.read(n))[:, :, 0]); labels.append(int(item.label))\n"
        "most = int(sys.argv[3]) or None\n"
        "np.savez(sys.argv[2], x_train=np.stack(found['train'][0])[:most],\n"
        "         y_train=found['train'][1][:most], x_test=np.stack(found['test'][0]),\n"
        "         y_test=found['test'][1])\n"
    )
    run([sys.executable, "-c", code, source, path, str(most or 0)])
    return path


class Bench:
    """What was measured so far."""

    def __init__(self, folder: Path) -> None:
        self.figures = Figures()
        self.versions: dict[str, str] = {}
        self._folder = folder

    def pellucid(self, source: str | Path, epochs: int, name: str) -> tuple[Ended, dict[str, Any]]:
        """``pellucid train`` as a whole process on a cache of its own, and its run's record."""
        out = self._folder / name
        command = [_PELLUCID, "train", source, "--network", NETWORK, "--epochs", str(epochs), "--out", out]
        ended = run(command, variables={"PELLUCID_CACHE": str(self._folder / f"cache-{name}")})
        return ended, json.loads((out / "run.json").read_text(encoding="utf-8"))

    def pace(self, turn: int, arrays: Path) -> None:
        """Pictures a second of everyone, once; who goes first changes."""
        peak = run_module("benchmarks.machine")["gflops"]
        self.figures.rate("matrix product", peak, "GFLOP/s")
        paces: dict[str, float] = {}
        for side in SIDES if turn % 2 else SIDES[::-1]:
            answer = side.ask(arrays).answer()
            paces[side.name] = answer["pace"]
            self.versions |= {f"{side.name}: {tool}": one for tool, one in answer["versions"].items()}
        _, told = self.pellucid(arrays, 3, f"pace-{turn}")
        ours = max(epoch["pictures_per_second"] for epoch in told["training"]["epochs"][1:])
        for name, pace in {"Pellucid": ours, **paces}.items():
            self.figures.rate(name, pace)
        for name, pace in paces.items():
            self.figures.rate(f"Pellucid / {name}", ours / pace, "x")
        share = 100 * ours * MFLOP_A_PICTURE / 1e3 / peak
        self.figures.rate("Pellucid, share of the matrix product's peak", share, "%")

    def time(self, turn: int, mnist: Path, arrays: Path, epochs: int) -> None:
        """Seconds until 99.0 % of the test digits are right, ours and the lecture's."""
        ended, told = self.pellucid(mnist, epochs, f"time-{turn}")
        self.figures.rate("Pellucid, test accuracy", 100 * told["test"]["accuracy"], "%")
        self.figures.note(f"Pellucid, {epochs} epochs, whole process", ended.seconds)
        answer = LECTURE.ask(arrays, "--until", str(RIGHT)).answer()
        last = answer["epochs"][-1]
        self.figures.rate(f"{LECTURE.name}, test accuracy", 100 * last["accuracy"], "%")
        self.figures.note(f"{LECTURE.name}, {len(answer['epochs'])} epochs", last["seconds"])
        self.figures.note("Pellucid / the lecture's recipe", ended.seconds / last["seconds"], unit="x")


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scratch", description=__doc__)
    parser.add_argument("--mnist", type=Path, metavar="FOLDER", help="IDX files, for the second question")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--number", type=int, default=16_384, help="pictures for the pace (16384)")
    parser.add_argument("--epochs", type=int, default=1, help="of Pellucid, for the time (1)")
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    given = parser.parse_args()
    about = machine.describe()
    source = str(given.mnist) if given.mnist else "builtin:digits"
    with tempfile.TemporaryDirectory(prefix="pellucid-bench-") as temporary:
        folder = Path(temporary)
        some, every = as_arrays(source, folder / "some.npz", given.number), folder / "every.npz"
        if given.mnist:
            as_arrays(source, every)
        bench = Bench(folder)
        for turn in range(given.rounds):
            tell(f"Round {turn + 1} of {given.rounds}")
            bench.pace(turn, some)
            if given.mnist:
                bench.time(turn, given.mnist, every, given.epochs)
    print(bench.figures.table())
    path = record.write(
        "scratch",
        note=given.note,
        settings={
            "network": NETWORK,
            "pictures": given.number,
            "rounds": given.rounds,
            "source": "MNIST" if given.mnist else source,
            "batch": 128,
        },
        machine=about,
        versions=machine.versions() | bench.versions,
        figures=bench.figures.spreads(),
        more={},
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
