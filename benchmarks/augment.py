"""How fast views are made: the lecture's preset beside Keras' three layers and torchvision v2, in turns.

All take the same decoded pictures of 224 x 224 and all cores; the first pass of each does not count. Prints
a table and writes a record.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import machine, record
from benchmarks.peers.__main__ import Peer
from benchmarks.process import ROOT, run, run_module
from benchmarks.run import made
from benchmarks.spread import Figures, shown, tell

_PEERS = (
    Peer("torchvision", "views_with_torchvision.py", "its transforms on tensors and on Pillow's pictures"),
    Peer("keras", "views_with_keras.py", "its layers on TensorFlow", requirements="keras.txt"),
)
_THREE = {"torchvision": ("tensors", "Pillow"), "keras": ("called", "tf.data")}
_RATIOS = {"keras": 3.0, "torchvision": 2.0}
_PACKAGES = ("numpy", "opencv-python-headless", "pillow", "simplejpeg", "torch", "torchvision", "pellucid")
_RATES = {"digits, shift, one core": 30_000.0, "digits, lecture, one core": 10_000.0}


class Bench:
    """What each side made a second, round by round."""

    def __init__(self, folder: Path, peers: tuple[Peer, ...], passes: int) -> None:
        self.figures = Figures()
        self.versions: dict[str, str] = {}
        self._folder, self._peers, self._passes = folder, peers, str(passes)

    def round(self, turn: int) -> None:
        """Pellucid and the peers once; who goes first changes with the turn."""
        rates: dict[str, dict[str, float]] = {}
        sides = ["Pellucid", *(peer.name for peer in self._peers)]
        for side in sides[:: -1 if turn % 2 else 1]:
            rates[side] = self._rates(side)
            for way, rate in rates[side].items():
                self.figures.rate(f"{side}, {way}", rate, "views/s")
        ours = rates["Pellucid"]["lecture"]
        for peer in self._peers:
            theirs = max(rates[peer.name][way] for way in _THREE[peer.name])
            self.figures.rate(f"Pellucid / {peer.name}, its faster way", ours / theirs, "x")

    def _rates(self, side: str) -> dict[str, float]:
        if side == "Pellucid":
            found: dict[str, float] = run_module("benchmarks.views", self._folder, "--passes", self._passes)[
                "rates"
            ]
            return found
        peer = next(peer for peer in self._peers if peer.name == side)
        script = Path(__file__).parent / "peers" / peer.script
        told = run([peer.python(), script, self._folder, "--passes", self._passes]).answer()
        self.versions |= {f"{side}: {tool}": one for tool, one in told["versions"].items()}
        rates: dict[str, float] = told["rates"]
        return rates

    def targets(self) -> dict[str, dict[str, object]]:
        """Figure -> its promise, the median that was measured, and whether that keeps it."""
        promised = {f"Pellucid / {name}, its faster way": least for name, least in _RATIOS.items()}
        promised |= {f"Pellucid, {name}": least for name, least in _RATES.items()}
        spreads = self.figures.spreads()
        return {
            name: {"least": least, "median": spreads[name].median, "kept": spreads[name].median >= least}
            for name, least in promised.items()
            if name in spreads
        }


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.augment", description=__doc__)
    parser.add_argument("--number", type=int, default=256, help="pictures (256)")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="cut them from these photographs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--passes", type=int, default=3, help="over the pictures in a round; the best counts")
    parser.add_argument("--without-keras", action="store_true", help="its environment takes up to 2 GB")
    parser.add_argument("--name", default="augment", help="of the record (augment)")
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    return parser.parse_args()


def main() -> None:
    """Measure, print, record."""
    given = arguments()
    about = machine.describe()
    peers = tuple(peer for peer in _PEERS if not (given.without_keras and peer.name == "keras"))
    for peer in peers:
        peer.python()
    jpegs = made(given.number, photographs=given.pictures)
    with tempfile.TemporaryDirectory(prefix="pellucid-bench-") as folder:
        run([sys.executable, "-m", "benchmarks.views", folder, "--prepare", jpegs])
        bench = Bench(Path(folder), peers, given.passes)
        for turn in range(given.rounds):
            tell(f"Round {turn + 1} of {given.rounds}")
            bench.round(turn)
    targets = bench.targets()
    print(bench.figures.table())
    for name, target in targets.items():
        kept = "kept" if target["kept"] else "MISSED"
        print(
            f"Target {kept}: {name} at least {target['least']} (median {shown(float(str(target['median'])))})"
        )
    path = record.write(
        given.name,
        note=given.note,
        settings={
            "pictures": given.number,
            "rounds": given.rounds,
            "passes": given.passes,
            "made_from": "photographs" if given.pictures else "noise and shapes",
            "peers": {peer.name: peer.remark for peer in peers},
        },
        machine=about,
        versions=machine.versions(_PACKAGES) | bench.versions,
        figures=bench.figures.spreads(),
        more={"targets": targets},
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
