"""What the lecture says of dense nets and convolutions, measured on digits: figures for the documentation.

Three networks learn alike from the same digits, as they are and with all pixels moved by one fixed
permutation; then the test digits are moved. Beside them stands what the lecture begins with: a template for
each digit. Writes a record, and plots into docs/assets.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import machine, record
from benchmarks.process import ROOT, run
from benchmarks.spread import Figures, tell

ASSETS = ROOT / "docs" / "assets"
NETWORKS = {
    "convolution, pooling": "digits-convnet",
    "convolution, no pooling": "input 28x28x1; conv 8 3x3 relu; conv 16 3x3 relu; conv 16 3x3 relu; "
    "flatten; dense 10 softmax",
    "dense": "digits-dense",
}
TEMPLATES = "a template a digit"
SIDES = (28, 64, 128, 256, 512, 1024)
_COLOURS = {"convolution, pooling": "C0", "convolution, no pooling": "C2", "dense": "C1", TEMPLATES: "C3"}


def trained(source: str | Path, network: str, seed: int, epochs: int, folder: Path) -> dict[str, Any]:
    """The record of a run, trained by ``pellucid train`` in a process of its own."""
    out = folder / f"run-{len(list(folder.glob('run-*')))}"
    pellucid = Path(sys.executable).with_name("pellucid")
    options = ("--network", network, "--seed", str(seed), "--epochs", str(epochs), "--out", out)
    run([pellucid, "train", source, *options])
    found: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return found


def digits() -> tuple[Any, Any, Any, Any]:
    """The shipped digits: training pictures (N, 28, 28) and labels, test pictures and labels."""
    import numpy as np

    from pellucid.data.source import open_source
    from pellucid.pictures.decode import decode

    source = open_source("builtin:digits")
    pixels = np.stack([decode(source.read(n))[:, :, 0] for n in range(len(source.items))])
    labels = np.array([int(item.label) for item in source.items])
    test = np.array([item.split == "test" for item in source.items])
    return pixels[~test], labels[~test], pixels[test], labels[test]


def permuted(folder: Path, seed: int) -> Path:
    """The shipped digits with their pixels moved about, all by the same permutation, as an ``.npz``."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(28 * 28)
    x_train, y_train, x_test, y_test = digits()
    moved = {
        name: pictures.reshape(len(pictures), -1)[:, order].reshape(pictures.shape)
        for name, pictures in (("x_train", x_train), ("x_test", x_test))
    }
    path = folder / "permuted.npz"
    np.savez(path, y_train=y_train, y_test=y_test, **moved)
    return path


def templates() -> list[tuple[int, float]]:
    """Accuracy of comparing with each digit's mean picture, at every shift of the test digits.

    The answer is the digit whose mean picture correlates most with the one that is asked about.
    """
    import numpy as np

    from pellucid.evaluation.shift import shift_curve

    x_train, y_train, x_test, y_test = digits()
    means = np.stack([x_train[y_train == k].mean(axis=0).ravel() for k in range(10)])
    means -= means.mean(axis=1, keepdims=True)
    means /= np.linalg.norm(means, axis=1, keepdims=True)

    def answer(pixels: Any) -> Any:
        return (pixels.reshape(len(pixels), -1).astype(np.float32) @ means.T).argmax(axis=1)

    curve = shift_curve(answer, x_test[:1000, :, :, None], y_test[:1000])
    return [(one.shift, one.accuracy) for one in curve]


def cost() -> dict[str, list[tuple[int, int, int]]]:
    """Parameters and multiply-adds of one layer of 32 units or filters on a colour picture, by its side."""
    from pellucid.network.account import account
    from pellucid.network.text import parse

    told: dict[str, list[tuple[int, int, int]]] = {"dense": [], "convolution": []}
    for side in SIDES:
        for name, layers in (("dense", "flatten; dense 32"), ("convolution", "conv 32 3x3 padding=same")):
            one = account(parse(f"input {side}x{side}x3; {layers}"))
            told[name].append((side, one.parameters, one.macs))
    return told


def plot_shifts(curves: Mapping[str, Sequence[tuple[int, float]]]) -> None:
    """Accuracy against shift, one line a way of answering."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, curve in curves.items():
        shifts, shares = zip(*curve, strict=True)
        axes.plot(shifts, [100 * share for share in shares], color=_COLOURS[name], marker="o", label=name)
    axes.set(xlabel="pixels moved", ylabel="accuracy, %", ylim=(0, 102), xticks=range(-6, 7, 2))
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    _save(figure, "shifts.svg")


def plot_cost(told: Mapping[str, Sequence[tuple[int, int, int]]]) -> None:
    """Parameters of one layer against the picture's side, on logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.0), layout="constrained")
    axes = figure.subplots()
    for (name, rows), colour in zip(told.items(), ("C1", "C0"), strict=True):
        axes.plot([row[0] for row in rows], [row[1] for row in rows], color=colour, marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="side of the picture, pixels", ylabel="parameters of a layer")
    axes.set_xticks(SIDES, [str(side) for side in SIDES])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    _save(figure, "cost.svg")


def _save(figure: Any, name: str) -> None:
    import matplotlib

    ASSETS.mkdir(exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(ASSETS / name, metadata={"Date": None})


def main() -> None:
    """Measure, draw, record."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lecture", description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--note", default="", help="for the record")
    given = parser.parse_args()
    about, figures = machine.describe(), Figures()
    curves: dict[str, list[dict[int, float]]] = {name: [] for name in NETWORKS}
    with tempfile.TemporaryDirectory(prefix="pellucid-bench-") as temporary:
        folder = Path(temporary)
        scrambled = permuted(folder, seed=0)
        for seed in range(given.seeds):
            tell(f"Seed {seed}")
            for name, network in NETWORKS.items():
                plain = trained("builtin:digits", network, seed, given.epochs, folder)
                mixed = trained(scrambled, network, seed, given.epochs, folder)
                figures.rate(f"{name}", 100 * plain["test"]["accuracy"], "%")
                figures.rate(f"{name}, pixels permuted", 100 * mixed["test"]["accuracy"], "%")
                curves[name].append({one["shift"]: one["accuracy"] for one in plain["shifts"]})
    means = {
        name: [(shift, sum(one[shift] for one in runs) / len(runs)) for shift in runs[0]]
        for name, runs in curves.items()
    } | {TEMPLATES: templates()}
    told = cost()
    plot_shifts(means)
    plot_cost(told)
    print(figures.table())
    path = record.write(
        "lecture",
        note=given.note,
        settings={"seeds": given.seeds, "epochs": given.epochs, "networks": NETWORKS},
        machine=about,
        versions=machine.versions(),
        figures=figures.spreads(),
        more={
            "accuracy by shift": {name: dict(curve) for name, curve in means.items()},
            "side, parameters, multiply-adds of one layer of 32": told,
        },
    )
    print(f"Record: {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
