"""Fine-tuning the last block with cached views beside plain timm: the same layers learn, as many epochs.

    python -m benchmarks.finetune [--number 2000] [--rounds 1]

Pellucid runs the frozen layers once for each picture and view and learns from what it kept; timm runs all
layers on a new view each time. Whole processes, in turns, on the same pictures and weights. Pellucid's also
fits the frozen head, trains once more on the validation pictures, exports, tests and reports.
"""

import argparse

from benchmarks import machine, record
from benchmarks.job import Workshop
from benchmarks.peers.__main__ import Peer
from benchmarks.process import ROOT, run_module
from benchmarks.run import made
from benchmarks.spread import Figures, tell

_EPOCHS, _VIEWS = 6, 4
_SHARES = "80,10,10"  # so many in a hundred are learnt from
_OPTIONS = (
    "--recipe", "finetune", "--unfreeze", "last", "--augment", "light", "--views", str(_VIEWS),
    "--epochs", str(_EPOCHS), "--learning-rate", "1e-3", "--split", _SHARES,
)  # fmt: skip


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetune", description=__doc__)
    parser.add_argument("--number", type=int, default=2000, help="pictures to learn from (2000)")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    given = parser.parse_args()
    figures, about = Figures(), machine.describe()
    pictures = made(given.number * 100 // 80)
    options = ("--tune", "--epochs", str(_EPOCHS), "--number", str(given.number), "--channels-last")
    timm = Peer("timm", "with_timm.py", "the last stage learns", options)
    with Workshop() as shop:
        for turn in range(given.rounds):
            tell(f"Round {turn + 1} of {given.rounds}")
            figures.rate("matrix product", run_module("benchmarks.machine")["gflops"], "GFLOP/s")
            ours = shop.train(pictures, shop.cache(), *_OPTIONS)
            figures.note("Pellucid", ours.ended.seconds)
            for phase, seconds in ours.phases.items():
                figures.note(f"Pellucid, {phase}", seconds)
            theirs = timm.train(pictures, shop.weights())
            figures.note("timm", theirs.seconds)
            figures.rate("timm, pace of its epochs", given.number / theirs.answer()["seconds"]["epoch"])
            figures.rate("timm / Pellucid", theirs.seconds / ours.ended.seconds, "x")
            told = theirs.seconds / (ours.phases["features"] + ours.phases["finetuning"])
            figures.rate("timm / Pellucid until it has learnt", told, "x")
    print(figures.table())
    path = record.write(
        "finetune",
        note=given.note,
        settings={"pictures": given.number, "rounds": given.rounds, "epochs": _EPOCHS, "views": _VIEWS},
        machine=about,
        versions=machine.versions(),
        figures=figures.spreads(),
        more={},
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
