"""The same pictures through Pellucid and through other people's tools, in turns, each in its own environment.

Makes the environments (.venv-peer-NAME in the checkout) where they are missing, prints a table and writes a
record. What cannot be had here, and why, stands in README.md one folder up.
"""

import argparse
import sys
import venv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine, record
from benchmarks.job import Workshop
from benchmarks.process import ROOT, Ended, run, run_module
from benchmarks.run import made
from benchmarks.spread import Figures, medians, shown, tell

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """Another tool: a script, the environment that it wants, and what must be known of the comparison.

    Attributes:
        script: In this folder.
        requirements: A file in this folder; none where Pellucid's own environment has all that it needs.
        same_weights: Whether it is given the weights of Pellucid's backbone.
        remark: For the table's reader.
    """

    name: str
    script: str
    remark: str
    options: tuple[str, ...] = ()
    requirements: str = ""
    same_weights: bool = True

    def python(self) -> Path:
        """The interpreter of its environment, which is made now if it is missing."""
        if not self.requirements:
            return Path(sys.executable)
        wanted = (_HERE / self.requirements).read_text(encoding="utf-8")
        folder = ROOT / f".venv-peer-{Path(self.requirements).stem}"
        ready, python = folder / ".ready", folder / "bin" / "python"
        if ready.is_file() and ready.read_text(encoding="utf-8") == wanted:
            return python
        tell(f"Making {folder.name}: some minutes, and up to 6 GB")
        venv.create(folder, clear=True, with_pip=False)
        pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python]
        run([*pip, "install", "--quiet", "--requirement", _HERE / self.requirements])
        ready.write_text(wanted, encoding="utf-8")
        return python

    def train(self, pictures: Path, weights: Path) -> Ended:
        """Its job on a folder of class folders, as a whole process."""
        given = ("--weights", weights) if self.same_weights else ()
        return run([self.python(), _HERE / self.script, pictures, *given, *self.options])


PEERS = (
    Peer("timm", "with_timm.py", "one frozen epoch, eager"),
    Peer("timm channels-last", "with_timm.py", "the same in PyTorch's faster layout", ("--channels-last",)),
    Peer(
        "fastai", "with_fastai.py", "fine_tune(1): a frozen epoch and one of all", requirements="fastai.txt"
    ),
    Peer(
        "keras",
        "with_keras.py",
        "MobileNetV2 (0.6 GFLOP a picture) with random weights: for its speed only",
        requirements="keras.txt",
        same_weights=False,
    ),
)


class Comparison:
    """What the peers and Pellucid took for the same pictures.

    Attributes:
        phases: Of each, the seconds of the phases in each round.
        versions: Of the tools.
    """

    def __init__(self, shop: Workshop, pictures: Path) -> None:
        self.figures = Figures()
        self.phases: dict[str, list[dict[str, float]]] = defaultdict(list)
        self.versions: dict[str, str] = {}
        self._shop, self._pictures = shop, pictures

    def round(self, peers: Sequence[Peer]) -> None:
        """Pellucid, then each peer, on all pictures."""
        self.figures.rate("matrix product", run_module("benchmarks.machine")["gflops"], "GFLOP/s")
        ours = self._shop.train(self._pictures, self._shop.cache())
        self.figures.note("Pellucid", ours.ended.seconds)
        self.figures.note("Pellucid, peak memory", ours.ended.peak_mib, unit="MiB")
        self.phases["Pellucid"].append(ours.phases)
        for peer in peers:
            ended = peer.train(self._pictures, self._shop.weights())
            told = ended.answer()
            self.figures.note(peer.name, ended.seconds)
            self.figures.note(f"{peer.name}, peak memory", ended.peak_mib, unit="MiB")
            self.figures.rate(f"{peer.name} / Pellucid", ended.seconds / ours.ended.seconds, "x")
            self.figures.rate(f"{peer.name}, frozen epoch", told["pictures"] / told["seconds"]["epoch"])
            self.phases[peer.name].append(told["seconds"])
            self.versions |= {f"{peer.name}: {tool}": one for tool, one in told["versions"].items()}


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--number", type=int, default=600, help="pictures to train on (600)")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="cut them from these photographs")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--only", nargs="*", choices=[peer.name for peer in PEERS], help="these and no others"
    )
    parser.add_argument("--prepare", action="store_true", help="make the environments and end")
    parser.add_argument("--name", default="peers", help="of the record (peers)")
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    return parser.parse_args()


def main() -> None:
    """Measure, print, record."""
    given = arguments()
    peers = [peer for peer in PEERS if not given.only or peer.name in given.only]
    for peer in peers:
        peer.python()
    if given.prepare:
        return
    about = machine.describe()
    pictures = made(given.number, photographs=given.pictures)
    with Workshop() as shop:
        comparison = Comparison(shop, pictures)
        for turn in range(given.rounds):
            tell(f"Round {turn + 1} of {given.rounds}")
            comparison.round(peers[:: -1 if turn % 2 else 1])
    phases = {name: medians(runs) for name, runs in comparison.phases.items()}
    print(comparison.figures.table())
    for name, seconds in phases.items():
        print(f"{name}, phases in s: " + ", ".join(f"{phase} {shown(v)}" for phase, v in seconds.items()))
    for peer in peers:
        print(f"{peer.name}: {peer.remark}")
    path = record.write(
        given.name,
        note=given.note,
        settings={
            "pictures": given.number,
            "rounds": given.rounds,
            "made_from": "photographs" if given.pictures else "noise and shapes",
            "peers": {peer.name: peer.remark for peer in peers},
        },
        machine=about,
        versions=machine.versions() | comparison.versions,
        figures=comparison.figures.spreads(),
        more={"phases": phases},
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
