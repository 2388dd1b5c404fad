"""Plots that take their colours from the page."""

import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser

import matplotlib
import pytest

from pellucid.report import plots

BINS = [
    {"n": 30, "confidence": 0.97, "accuracy": 1.0, "interval": [0.886, 1.0]},
    {"n": 0, "confidence": None, "accuracy": None, "interval": [0.0, 1.0]},
    {"n": 6, "confidence": 0.6, "accuracy": 0.5, "interval": [0.188, 0.812]},
]
PATH = [{"regularisation": 10.0**power, "log_loss": 0.1 + 0.05 * abs(power)} for power in (2, -4, 0, -2, 4)]
EPOCHS = [
    {
        "epoch": n,
        "loss": 2.0 / n,
        "accuracy": 1 - 0.6 / n,
        "val_loss": 0.5 + abs(n - 3) / 4,
        "val_accuracy": 0.7,
    }
    for n in range(1, 6)
]
SHIFTS = [
    {"shift": n, "sideways": {"accuracy": 1 - abs(n) / 9}, "down": {"accuracy": 1 - abs(n) / 7}}
    for n in range(-6, 7)
]
DRAWINGS: dict[str, Callable[[], str]] = {
    "reliability": lambda: plots.reliability(BINS),
    "roc": lambda: plots.roc({"false_positive_rate": [0, 0, 0.5, 1], "true_positive_rate": [0, 0.5, 1, 1]}),
    "precision-recall": lambda: plots.precision_recall({"recall": [0.5, 1, 1], "precision": [1, 0.8, 0.5]}),
    "regularisation": lambda: plots.regularisation(PATH, 1.0),
    "losses": lambda: plots.losses(EPOCHS, 3, 3),
    "accuracies": lambda: plots.accuracies(EPOCHS, 3),
    "shifts": lambda: plots.shifts(SHIFTS),
}


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts += [data.strip()] if data.strip() else []


def seen(svg: str) -> Seen:
    parser = Seen()
    parser.feed(svg)
    return parser


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_has_no_colour_font_or_address_of_its_own(name: str) -> None:
    """Colours are variables of the page, ids begin with the drawing's name, and nothing is loaded."""
    svg = DRAWINGS[name]()
    assert svg.startswith('<svg class="plot"')
    assert not re.search(r"#[0-9a-f]{6}\b|http|<style|<metadata|<!|font-family|rgb\(", svg)
    assert "var(--accent)" in svg
    ids = [value for _, key, value in seen(svg).attributes if key == "id"]
    assert len(ids) == len(set(ids))
    assert all(one is not None and one.startswith(f"{name}-") for one in ids)
    used = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg)
    assert {one or other for one, other in used} <= set(ids)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_the_same_every_time(name: str) -> None:
    """Twice in this process gives equal text."""
    assert DRAWINGS[name]() == DRAWINGS[name]()


def test_a_drawing_does_not_depend_on_the_persons_style() -> None:
    """A matplotlibrc with large fonts, other colours and TeX changes nothing, and is left as it was."""
    before = DRAWINGS["roc"]()
    with matplotlib.rc_context(
        {"font.size": 30, "text.usetex": True, "lines.linewidth": 9, "axes.facecolor": "red"}
    ):
        assert DRAWINGS["roc"]() == before
        assert matplotlib.rcParams["font.size"] == 30


def test_only_bins_with_answers_are_drawn() -> None:
    """Two of three bins hold answers: two points and two intervals."""
    svg = plots.reliability(BINS)
    intervals = re.findall(
        r'<path d="M (\S+) \S+ \nL \1 \S+ \n"[^>]*stroke: var\(--accent\); stroke-width: 1.5', svg
    )
    assert len(intervals) == 2
    assert svg.count("fill: var(--accent)") == 2


def test_the_path_is_drawn_in_order_with_its_strengths_as_labels() -> None:
    """Ticks are the strengths, ascending and in full digits, whatever order they were tried in."""
    texts = seen(plots.regularisation(PATH, 1.0)).texts
    assert texts[:5] == ["0.0001", "0.01", "1", "100", "10000"]
    assert {"C (weaker regularisation to the right)", "validation log loss"} <= set(texts)


def test_the_report_is_imported_without_matplotlib() -> None:
    """Only a drawing pays for Matplotlib's import, and none ever loads pyplot."""
    code = (
        "import sys\nimport pellucid.report.render\nprint('matplotlib' in sys.modules)\n"
        "from pellucid.report import plots\nplots.precision_recall({'recall': [0, 1], 'precision': [1, 1]})\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]


def test_losses_are_seen_beside_that_of_guessing() -> None:
    """The axis begins at 0 and ends where the figures do; a loss that explodes does not flatten the rest."""
    texts = seen(plots.losses(EPOCHS, 3, 3)).texts
    assert {"training", "validation", "kept", "all classes alike", "epoch", "log loss", "0.0", "1.0"} <= set(
        texts
    )
    wild = [EPOCHS[0] | {"loss": 1e25}, *EPOCHS[1:]]
    ticks = [float(text) for text in seen(plots.losses(wild, 3, 3)).texts if text.replace(".", "").isdigit()]
    assert max(ticks) < 6  # of epochs and of a loss of at most 3 * ln 3 = 3.3


def test_accuracies_have_the_whole_scale() -> None:
    """From 0 to 100 %, so that runs can be compared at a glance; many epochs are a line without dots."""
    texts = seen(plots.accuracies(EPOCHS, 3)).texts
    assert {"0", "25", "50", "75", "100", "accuracy, %"} <= set(texts)
    many = [EPOCHS[0] | {"epoch": n} for n in range(1, 61)]
    assert plots.accuracies(many, 60).count("<use") < 10
    assert plots.accuracies(EPOCHS, 3).count("<use") >= 5
