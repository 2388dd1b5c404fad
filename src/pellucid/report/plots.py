"""Plots as SVG that takes colours and fonts from the page around it: one drawing serves both themes.

It draws what it is given; the figures are `evaluation`'s and the head's. Every drawing is deterministic.
"""

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from pellucid.report.wording import short
from pellucid.training.epoch import best_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Matplotlib wants colours, the page wants CSS variables: these stand in for them until the SVG is written.
INK, QUIET, LINE, ACCENT = "#010203", "#010204", "#010205", "#010206"
_VARIABLES = {INK: "var(--ink)", QUIET: "var(--quiet)", LINE: "var(--line)", ACCENT: "var(--accent)"}

WIDTH, HEIGHT = 352, 296  # CSS pixels: the width of a telephone's page, so that text is never scaled down
_DOTS = 72  # one SVG unit is then one CSS pixel
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": LINE,
    "axes.linewidth": 1,
    "axes.labelcolor": QUIET,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.5,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": QUIET,
    "ytick.labelcolor": QUIET,
    "xtick.major.size": 0,
    "xtick.major.pad": 6,
    "ytick.major.pad": 6,
    "ytick.major.size": 0,
    "font.size": 13,
    "axes.labelsize": 13,
    "xtick.labelsize": 13,
    "ytick.labelsize": 13,
}


def reliability(bins: Sequence[Mapping[str, Any]]) -> Markup:
    """Accuracy with its 95 % interval against mean confidence, a point for each bin that is not empty."""
    full = [one for one in bins if one["n"]]
    most = max((one["n"] for one in full), default=1)

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (3, 3)))
        for one in full:
            axes.plot(
                [one["confidence"]] * 2, one["interval"], color=ACCENT, linewidth=1.5, solid_capstyle="butt"
            )
        axes.scatter(
            [one["confidence"] for one in full],
            [one["accuracy"] for one in full],
            s=[16 + 80 * one["n"] / most for one in full],
            color=ACCENT,
            linewidths=0,
            zorder=3,
        )
        _unit_square(axes, "confidence, %", "right, %")

    return _svg("reliability", "Accuracy against confidence; the table beside it has the numbers.", draw)


def roc(curve: Mapping[str, Sequence[float]]) -> Markup:
    """The receiver operating characteristic, from (0, 0) to (1, 1)."""

    def draw(axes: "Axes") -> None:
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (3, 3)))
        axes.plot(
            curve["false_positive_rate"],
            curve["true_positive_rate"],
            color=ACCENT,
            linewidth=2,
            clip_on=False,
        )
        _unit_square(axes, "false alarms, %", "found, %")

    return _svg("roc", "Share found against share of false alarms, at every threshold.", draw)


def precision_recall(curve: Mapping[str, Sequence[float]]) -> Markup:
    """Precision against recall; steps, since nothing lies between two thresholds."""

    def draw(axes: "Axes") -> None:
        axes.step(
            curve["recall"],
            curve["precision"],
            where="pre",
            color=ACCENT,
            linewidth=2,
            clip_on=False,
            zorder=3,
        )
        _unit_square(axes, "recall, %", "precision, %")

    return _svg("precision-recall", "Precision against recall, at every threshold.", draw)


def regularisation(tried: Sequence[Mapping[str, Any]], chosen: float | None) -> Markup:
    """Validation log loss against the strength tried (C, on a logarithmic axis), the chosen one marked."""
    path = sorted(tried, key=lambda step: step["regularisation"])
    strengths = [step["regularisation"] for step in path]
    losses = [step["log_loss"] for step in path]

    def draw(axes: "Axes") -> None:
        axes.plot(strengths, losses, color=ACCENT, linewidth=1.5, marker="o", markersize=4)
        for strength, loss in zip(strengths, losses, strict=True):
            if strength == chosen:
                axes.plot([strength], [loss], color=ACCENT, marker="o", markersize=12, fillstyle="none")
        axes.set_xscale("log")
        every = -(-len(strengths) // 5)
        axes.set_xticks(strengths[::every], [short(strength) for strength in strengths[::every]])
        axes.set_xticks([], minor=True)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("C (weaker regularisation to the right)")
        axes.set_ylabel("validation log loss")

    return _svg("regularisation", "Validation log loss against C; the table beside it has the numbers.", draw)


def losses(epochs: Sequence[Mapping[str, Any]], best: int, classes: int) -> Markup:
    """Training and validation log loss over the epochs, from 0; the epoch that was kept is marked.

    A line stands at the loss of answering all classes alike; what lies above three times that is cut off.
    """
    words = "Log loss of training and of validation pictures over the epochs; the table has the numbers."
    guess = math.log(classes)
    most = max(max(epoch["loss"], epoch["val_loss"]) for epoch in epochs)

    def scale(axes: "Axes") -> None:
        axes.axhline(guess, color=QUIET, linewidth=1, linestyle=(0, (1, 3)), label="all classes alike")
        axes.set_ylim(0, 1.05 * max(min(most, 3 * guess), guess))
        axes.locator_params(axis="y", nbins=5, steps=[1, 2, 5, 10])  # one decimal: there is room for no more
        axes.set_ylabel("log loss")

    return _over_epochs("losses", words, epochs, best, ("loss", "val_loss"), scale)


def step_losses(
    number: int, epochs: Sequence[Mapping[str, Any]], frozen: float | None, most: float
) -> Markup:
    """The log losses of one step of the ladder, on a scale from 0 to ``most`` that all steps share.

    Args:
        number: The step's, for the drawing's name.
        epochs: Its lines, at least one.
        frozen: The validation log loss of the head on frozen layers, which stands there as a line.
        most: In nats; what lies above is cut off.
    """
    words = "Log loss of training and of validation pictures over the epochs of one step."
    best = best_line(epochs)["epoch"]

    def scale(axes: "Axes") -> None:
        if frozen is not None:
            axes.axhline(frozen, color=QUIET, linewidth=1, linestyle=(0, (1, 3)), label="frozen layers")
        axes.set_ylim(0, most)
        axes.locator_params(axis="y", nbins=5, steps=[1, 2, 5, 10])
        axes.set_ylabel("log loss")

    return _over_epochs(f"step-{number}", words, epochs, best, ("loss", "val_loss"), scale)


def accuracies(epochs: Sequence[Mapping[str, Any]], best: int) -> Markup:
    """Training and validation accuracy over the epochs, in per cent; the epoch that was kept is marked."""
    words = "Accuracy on training and on validation pictures over the epochs; the table has the numbers."

    def scale(axes: "Axes") -> None:
        axes.set_ylim(0, 1.03)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
        axes.set_ylabel("accuracy, %")

    return _over_epochs("accuracies", words, epochs, best, ("accuracy", "val_accuracy"), scale)


def shifts(curve: Sequence[Mapping[str, Any]]) -> Markup:
    """Accuracy against how far the test pictures were moved, sideways and down, in per cent."""

    def draw(axes: "Axes") -> None:
        numbers = [one["shift"] for one in curve]
        for key, color, style in (("sideways", ACCENT, "-"), ("down", QUIET, "--")):
            shares = [100 * one[key]["accuracy"] for one in curve]
            axes.plot(numbers, shares, color=color, linestyle=style, linewidth=1.5, marker="o", markersize=4,
                      label=key)  # fmt: skip
        axes.set_xticks(numbers[::2])
        axes.set_ylim(0, 103)
        axes.set_xlabel("pixels moved (right or down where positive)")
        axes.set_ylabel("accuracy, %")
        axes.legend(frameon=False, labelcolor=QUIET)

    return _svg("shifts", "Accuracy against the shift of the test pictures; the table has the numbers.", draw)


def _over_epochs(
    name: str,
    words: str,
    epochs: Sequence[Mapping[str, Any]],
    best: int,
    keys: tuple[str, str],
    scale: "Callable[[Axes], None]",
) -> Markup:
    numbers = [epoch["epoch"] for epoch in epochs]
    train, val = ([epoch[key] for epoch in epochs] for key in keys)
    dots = "o" if len(numbers) <= 20 else ""

    def draw(axes: "Axes") -> None:
        axes.plot(numbers, train, color=QUIET, linewidth=1.5, linestyle="--", label="training")
        axes.plot(numbers, val, color=ACCENT, linewidth=1.5, marker=dots, markersize=4, label="validation")
        axes.plot(
            [best],
            [val[numbers.index(best)]],
            color=ACCENT,
            linestyle="none",
            marker="o",
            markersize=12,
            fillstyle="none",
            label="kept",
        )
        scale(axes)
        every = -(-len(numbers) // 6)
        axes.set_xticks(numbers[::every])
        axes.set_xlabel("epoch")
        axes.legend(frameon=False, labelcolor=QUIET)

    return _svg(name, words, draw)


def validation(runs: Mapping[int, Sequence[Mapping[str, Any]]]) -> Markup:
    """Validation accuracy over the epochs in per cent, a line a run, which is told by its number.

    Twelve runs are told apart: six strokes in two colours.
    """
    last = max((epoch["epoch"] for epochs in runs.values() for epoch in epochs), default=1)
    styles = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)))

    def draw(axes: "Axes") -> None:
        for place, (number, epochs) in enumerate(runs.items()):
            xs = [epoch["epoch"] for epoch in epochs]
            ys = [100 * epoch["val_accuracy"] for epoch in epochs]
            color = (ACCENT, QUIET)[(place + place // 6) % 2]
            axes.plot(xs, ys, color=color, linewidth=1.5, linestyle=styles[place % 6], label=str(number))
        axes.set_xticks(range(1, last + 1, -(-last // 6)))
        axes.set_xlabel("epoch")
        axes.set_ylabel("validation accuracy, %")
        axes.legend(frameon=False, labelcolor=QUIET, title="run").get_title().set_color(QUIET)

    return _svg("validation", "Validation accuracy over the epochs, a line a run.", draw)


def _unit_square(axes: "Axes", x: str, y: str) -> None:
    marks = [0, 0.25, 0.5, 0.75, 1]
    names = ["0", "25", "50", "75", "100"]
    axes.set_xticks(marks, names)
    axes.set_yticks(marks, names)
    axes.set_xlim(0, 1.03)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def _svg(name: str, words: str, draw: "Callable[[Axes], None]") -> Markup:
    """Draw on fresh axes in our style, whatever the person's own matplotlibrc says."""
    # Imported here: 0.4 s that only a report is to pay.
    import matplotlib
    from matplotlib.figure import Figure

    shipped = {key: value for key, value in matplotlib.rcParamsDefault.items() if "backend" not in key}
    style: Any = {**shipped, **_STYLE, "svg.hashsalt": name}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(WIDTH / _DOTS, HEIGHT / _DOTS), dpi=_DOTS)
        figure.patch.set_visible(False)
        axes = figure.add_axes((52 / WIDTH, 48 / HEIGHT, 1 - 68 / WIDTH, 1 - 60 / HEIGHT))
        axes.patch.set_visible(False)
        axes.set_axisbelow(True)
        draw(axes)
        file = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=nothing)
    return Markup(_for_a_page(file.getvalue(), name, words))  # noqa: S704 - drawn from numbers only


def _for_a_page(svg: str, name: str, words: str) -> str:
    """Make a stand-alone SVG fit to stand in HTML: no prologue, own ids, the page's colours and fonts."""
    body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    body = re.sub(r"<style.*?</style>|<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r'(id="|xlink:href="#|url\(#)', lambda at: f"{at[0].removeprefix('xlink:')}{name}-", body)
    body = re.sub(r"font(-size|-family)?: [^;\"]*;? ?", "", body)
    body = re.sub(r"(?<=\d\.\d\d)\d+(?=[^<>]*>)", "", body)  # inside tags only: labels keep their digits
    body = (
        re.sub(r">\s+<", "><", body).replace("<g/>", "").replace("<defs></defs>", "").replace("<defs/>", "")
    )
    for stand_in, variable in _VARIABLES.items():
        body = body.replace(stand_in, variable)
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg class="plot" {box} role="img" aria-label="{words}">{body.strip()}</svg>'
