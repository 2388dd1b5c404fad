"""Several runs side by side as one HTML page: figures, what could be chance, where they disagree.

It puts into words what ``compare`` has counted; every name is hostile until the template has escaped it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pellucid.evaluation.comparison import SIGNIFICANCE
from pellucid.report import plots
from pellucid.report.gallery import Picture
from pellucid.report.page import template
from pellucid.report.thumbnail import thumbnail
from pellucid.report.wording import percent

SHOWN = 24  # pictures on which the runs disagree


def render_comparison(
    told: Mapping[str, Any], epochs: Mapping[int, Sequence[Mapping[str, Any]]], picture: Picture
) -> str:
    """The whole page.

    Args:
        told: What ``pellucid compare --json`` prints.
        epochs: Number of a run, counted from 1 -> its epochs, of those that were trained from scratch.
        picture: Gives the encoded bytes of a path, or None where it is gone.
    """
    differing = told["disagreements"]
    shown = [{**one, "image": thumbnail(picture(one["path"]))} for one in differing[:SHOWN]]
    curves: Markup | None = plots.validation(epochs) if epochs else None
    return template("comparison.html.j2").render(
        told=told,
        names=[run["run"] for run in told["runs"]],
        sentences=sentences(told),
        chances=[chance(one["adjusted_p"]) for one in told["pairs"]],
        shown=shown,
        more=len(differing) - len(shown),
        curves=curves,
    )


def sentences(told: Mapping[str, Any]) -> list[str]:
    """Each pair's verdict as a person would say it, in the pairs' order."""
    right = {run["run"]: run["correct"] for run in told["runs"]}
    return [_sentence(one, right) for one in told["pairs"]]


def _sentence(pair: Mapping[str, Any], right: Mapping[str, int]) -> str:
    first, second, n = pair["a"], pair["b"], pair["n"]
    more, fewer = pair["only_a"], pair["only_b"]
    low, high = (100 * end for end in pair["interval"])
    pictures = f"{n:,} picture{'' if n == 1 else 's'}"
    if more == fewer:
        same = f"{first} and {second} are right on the same {right[first]:,} of these {pictures}"
        each = f"{first} and {second} have {right[first]:,} of these {pictures} right each"
        only = f"either is right {_times(more)} where the other is wrong"
        return f"{each}: {only}." if more else f"{same}: nothing tells them apart."
    if more < fewer:
        first, second, more, fewer, low, high = second, first, fewer, more, -high, -low
    shares = f"{percent(right[first] / n, unit='')} against {percent(right[second] / n, unit='')} %"
    counted = f"right where the other is wrong {_times(more)} and wrong where it is right {_times(fewer)}"
    span = (
        f"{chance(pair['adjusted_p'], 'p ')}; 95 % interval of the difference {low:.1f} to {high:.1f} points"
    )
    if pair["verdict"] == "chance":
        return (
            f"The difference between {first} and {second} could be chance: {shares} on these {pictures}, "
            f"{counted} ({span})."
        )
    return f"{first} is better than {second} on these {pictures}: {shares}, {counted} ({span})."


def _times(number: int) -> str:
    return "once" if number == 1 else "never" if number == 0 else f"{number:,} times"


def chance(p: float, name: str = "") -> str:
    """A p value with two digits, more where they would hide on which side of 0.05 it lies."""
    if p < 0.0001:
        return f"{name}< 0.0001"
    told = next(
        text
        for digits in (2, 3, 4, 17)
        if (float(text := f"{p:.{digits}g}") < SIGNIFICANCE) == (p < SIGNIFICANCE)
    )
    return f"{name}= {told}" if name else told
