"""Several runs side by side as one HTML page: figures, what could be chance, where they disagree.

It puts into words what ``compare`` has counted; every name is hostile until the template has escaped it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pellucid.report import plots
from pellucid.report.gallery import Picture
from pellucid.report.page import template
from pellucid.report.thumbnail import thumbnail

SHOWN = 24  # pictures on which the runs disagree


def render_comparison(
    told: Mapping[str, Any], epochs: Mapping[str, Sequence[Mapping[str, Any]]], picture: Picture
) -> str:
    """The whole page.

    Args:
        told: What ``pellucid compare --json`` prints.
        epochs: Run -> its epochs, of the runs that were trained from scratch.
        picture: Gives the encoded bytes of a path, or None where it is gone.
    """
    differing = told["disagreements"]
    shown = [{**one, "image": thumbnail(picture(one["path"]))} for one in differing[:SHOWN]]
    curves: Markup | None = plots.validation(epochs) if epochs else None
    return template("comparison.html.j2").render(
        told=told,
        names=[run["run"] for run in told["runs"]],
        sentences=[sentence(one) for one in told["pairs"]],
        shown=shown,
        more=len(differing) - len(shown),
        curves=curves,
    )


def sentence(pair: Mapping[str, Any]) -> str:
    """A pair's verdict as a person would say it."""
    better, worse = pair["a"], pair["b"]
    more, fewer = pair["only_a"], pair["only_b"]
    if pair["difference"] < 0:
        better, worse, more, fewer = worse, better, fewer, more
    low, high = sorted(
        100 * abs(end) if pair["verdict"] != "chance" else 100 * end for end in pair["interval"]
    )
    span = f"95 % interval {low:.1f} to {high:.1f} points"
    counted = f"right where the other is wrong {more:,} times, and wrong where it is right {fewer:,} times"
    chance = "p < 0.0001" if pair["adjusted_p"] < 0.0001 else f"p = {pair['adjusted_p']:.2g}"
    points = 100 * abs(pair["difference"])
    if pair["verdict"] != "chance":
        return (
            f"{better} is better than {worse} on these {pair['n']:,} pictures, by {points:.1f} points "
            f"({span}): {counted} ({chance})."
        )
    if more == fewer:
        return f"{better} and {worse} have equally many of these {pair['n']:,} pictures right: {counted}."
    return (
        f"{better} has {points:.1f} points more than {worse} on these {pair['n']:,} pictures, which could be"
        f" chance: {counted} ({chance}; {span} from {pair['a']}'s side)."
    )
