"""Fine-tuning the last block with cached views beside plain timm and fastai.

    python -m benchmarks.finetune [--number 2000] [--rounds 1] [--pictures FOLDER] [--without fastai]

Pellucid runs the frozen layers once for each picture and view and learns from what it kept; timm lets the
same layers learn for as many epochs and runs all layers on a new view each time, as it comes and in the
layout that PyTorch's guides advise; fastai's ``fine_tune(1)`` is one epoch of the head and one of all layers.
Whole processes, in turns, on the same pictures and weights.
Pellucid's also fits the frozen head, trains once more on the validation pictures, exports, tests and reports.

Accuracies are told where ``--pictures`` (class folders) are real: Pellucid's and fastai's on pictures that
they did not learn from, each on its own.
"""

import argparse
from pathlib import Path

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


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finetune", description=__doc__)
    parser.add_argument("--number", type=int, default=2000, help="pictures to learn from (2000)")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--pictures", type=Path, help="class folders, of which 80 in a hundred are learnt from"
    )
    parser.add_argument("--note", default="", help="for the record: whether the machine was quiet")
    names = [peer.name for peer in peers(0)]
    parser.add_argument(
        "--without", nargs="+", choices=names, default=[], help="those that are not run this time"
    )
    return parser.parse_args()


def peers(number: int) -> list[Peer]:
    """The other tools, set to learn from so many pictures."""
    plain = ("--tune", "--epochs", str(_EPOCHS), "--number", str(number))
    return [
        Peer("timm", "with_timm.py", "the last stage learns", plain),
        Peer("timm channels-last", "with_timm.py", "the same", (*plain, "--channels-last")),
        Peer("fastai", "with_fastai.py", "fine_tune(1)", ("--valid", "0.2"), requirements="fastai.txt"),
    ]


def measure(shop: Workshop, pictures: Path, given: argparse.Namespace, figures: Figures) -> None:
    """One round: Pellucid, then each of the others on the same pictures."""
    figures.rate("matrix product", run_module("benchmarks.machine")["gflops"], "GFLOP/s")
    ours = shop.train(pictures, shop.cache(), *_OPTIONS)
    figures.note("Pellucid", ours.ended.seconds)
    for phase, seconds in ours.phases.items():
        figures.note(f"Pellucid, {phase}", seconds)
    learning = ours.phases["network"] + ours.phases["finetuning"]
    parts = {"test": ours.record["test"], "validation": ours.record["stages"][-1]["val"]}
    for name, part in parts.items() if given.pictures else ():
        figures.rate(f"Pellucid, {name} accuracy", 100 * part["accuracy"], "%")
    for peer in peers(given.number):
        if peer.name in given.without:
            continue
        theirs = peer.train(pictures, shop.weights())
        figures.note(peer.name, theirs.seconds)
        figures.rate(f"{peer.name} / Pellucid", theirs.seconds / ours.ended.seconds, "x")
        figures.rate(f"{peer.name} / Pellucid's fine-tuning", theirs.seconds / learning, "x")
        told = theirs.answer()
        figures.rate(f"{peer.name}, pace of an epoch", given.number / told["seconds"]["epoch"])
        if given.pictures and "validation_accuracy" in told:
            figures.rate(f"{peer.name}, validation accuracy", 100 * told["validation_accuracy"], "%")


def main() -> None:
    """Measure, print, record."""
    given = arguments()
    figures, about = Figures(), machine.describe()
    pictures = given.pictures or made(given.number * 100 // 80)
    with Workshop() as shop:
        for turn in range(given.rounds):
            tell(f"Round {turn + 1} of {given.rounds}")
            measure(shop, pictures, given, figures)
    print(figures.table())
    path = record.write(
        "finetune",
        note=given.note,
        settings={
            "pictures": given.number,
            "from": given.pictures.name if given.pictures else "painted",
            "rounds": given.rounds,
            "epochs": _EPOCHS,
            "views": _VIEWS,
        },
        machine=about,
        versions=machine.versions(),
        figures=figures.spreads(),
        more={},
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
