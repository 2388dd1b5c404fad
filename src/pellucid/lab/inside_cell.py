"""One number in the room Inside: the terms that weigh most, what the rest comes to, and where it leads.

The arithmetic is ``insight.cell``'s; here it is cut to what a page draws at once. The rest comes on demand.
"""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pellucid.insight.arithmetic import Term
from pellucid.insight.cell import Cell, finite, told_term
from pellucid.insight.operation import Operation
from pellucid.insight.uses import Use
from pellucid.lab.held import HELD
from pellucid.lab.inside import asked
from pellucid.lab.inside_why import WHY
from pellucid.lab.question import Question, QuestionError, brief, choice, text, whole

if TYPE_CHECKING:  # PyTorch takes seconds to import
    from pellucid.insight.inside import Inside

SHOWN = 5
"""Terms, and slices of a kernel, that are shown before one asks for more."""

_MOST_AT_ONCE = 200
_LONGEST_NAME = 300
_ROUNDING = 1e-5
_LINEAR = "sum of the products"


def cell(question: Question) -> dict[str, Any]:
    """One number of ``layer``, at ``index``: [channel, row, column], or [unit].

    The reply has the five terms that add most and the five slices of the kernel (its part on one input
    channel) that add most; of the others how many they are and what they come to.
    """
    with HELD.lock:
        inside, opened = _opened(question)
        worked, layer = opened.worked, opened.layer
        terms, slices = _by_size(worked.terms), _slices(worked.terms)
        return {
            "layer": layer.name,
            "kind": layer.kind,
            "index": list(opened.index),
            "known": worked.known,
            **_why(inside.trace.steps[layer.steps[0]].operation),
            "formula": worked.formula,
            "linear": worked.formula.startswith(_LINEAR),
            "count": len(terms),
            "padding": sum(term.padding for term in terms),
            "terms": [told_term(term) for term in terms[:SHOWN]],
            "rest": _rest([term.product for term in terms[SHOWN:]]),
            "slices": [_slice(one) for one in slices[:SHOWN]],
            "other_slices": _rest([_sum(one) for one in slices[SHOWN:]]),
            "products": finite(worked.sum - worked.bias),
            "bias": finite(worked.bias),
            "has_bias": "bias" in worked.formula,
            "sum": finite(worked.sum),
            "details": [[key.replace("_", " "), finite(value)] for key, value in worked.details.items()],
            "activation": opened.activation.to_json() if opened.activation else None,
            "value": finite(opened.value),
            "residue": finite(opened.residue),
            "rounding": _ROUNDING * (_size(worked.terms) + 1),
            "pixels": opened.pixels.to_json() if opened.pixels else None,
            "inputs": [one.to_json() for one in opened.inputs],
            "from": _from(opened, inside),
            "uses": [_use(use, opened.index, inside) for use in opened.uses],
        }


def _why(operation: Operation) -> dict[str, str]:
    """What such a layer is for, in the lecture's words, and where it was told first."""
    words, source = WHY.get(type(operation).__name__, ("", ""))
    if getattr(operation, "maximum", False):
        words, source = WHY["Maximum"]
    return {"why": words, "source": source}


def more(question: Question) -> dict[str, Any]:
    """More of the same number: ``what`` is ``terms`` or ``slices``, from ``first`` on ``count`` of them.

    They come in the order in which ``cell`` has them: what adds most is first.
    """
    what = choice(question, "what", ("terms", "slices"))
    first = whole(question, "first", 0, 10**9)
    count = whole(question, "count", 1, _MOST_AT_ONCE)
    with HELD.lock:
        _, opened = _opened(question)
    if what == "terms":
        terms = _by_size(opened.worked.terms)
        found, left = [told_term(term) for term in terms[first : first + count]], terms[first + count :]
        return {"terms": found, "rest": _rest([term.product for term in left])}
    slices = _slices(opened.worked.terms)
    others = slices[first + count :]
    return {
        "slices": [_slice(one) for one in slices[first : first + count]],
        "rest": _rest([_sum(one) for one in others]),
    }


def _opened(question: Question) -> tuple["Inside", Cell]:
    inside, _ = asked(question)
    layer = text(question, "layer", _LONGEST_NAME)
    index = question.get("index")
    if (
        not isinstance(index, list)
        or not 1 <= len(index) <= 8
        or not all(isinstance(place, int) and not isinstance(place, bool) for place in index)
    ):
        raise QuestionError(
            f"The question's 'index' is {brief(index)}.",
            "[channel, row, column] was expected, or [unit] of a flat layer, all whole numbers.",
            "Ask again with such a value.",
        )
    return inside, inside.cell(layer, *index)


def _by_size(terms: Sequence[Term]) -> list[Term]:
    """What adds most comes first; of padding, which adds nothing, the last."""
    return sorted(terms, key=lambda term: (-_weight(term.product), term.padding))


def _weight(number: float) -> float:
    return math.inf if math.isnan(number) else abs(number)


def _size(terms: Sequence[Term]) -> float:
    size = sum(abs(term.product) for term in terms)
    return size if math.isfinite(size) else 0.0


def _slices(terms: Sequence[Term]) -> list[list[Term]]:
    """The terms of each input channel where a window of several cells lies on it; what adds most first."""
    if not terms or any(term.row is None or term.column is None for term in terms):
        return []
    parts = [list(part) for _, part in groupby(terms, lambda term: (term.source, term.channel))]
    if any(len(part) < 2 or len(part) != len(parts[0]) for part in parts):
        return []
    return sorted(parts, key=lambda part: -_weight(_sum(part)))


def _sum(terms: Sequence[Term]) -> float:
    return _total([term.product for term in terms])


def _total(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) if all(map(math.isfinite, numbers)) else math.nan


def _rest(numbers: Sequence[float]) -> dict[str, Any]:
    """How many are not shown, and what they come to."""
    return {"count": len(numbers), "sum": finite(_total(numbers))}


def _slice(terms: Sequence[Term]) -> dict[str, Any]:
    """The window on one channel, as rows of numbers."""
    columns = len({term.column for term in terms})
    rows = [terms[at : at + columns] for at in range(0, len(terms), columns)]
    return {
        "source": terms[0].source,
        "channel": terms[0].channel,
        "row": terms[0].row,
        "column": terms[0].column,
        "input": [[finite(term.input) for term in row] for row in rows],
        "weight": [[finite(term.weight) for term in row] for row in rows],
        "product": [[finite(term.product) for term in row] for row in rows],
        "padding": [[term.padding for term in row] for row in rows],
        "sum": finite(_sum(terms)),
    }


def _from(opened: Cell, inside: "Inside") -> list[dict[str, Any]]:
    """For each layer that gave something: which part of it, and the place there that adds most."""
    names = {layer.name for layer in inside.layers}
    found = []
    for origin in opened.inputs:
        terms = [term for term in opened.worked.terms if term.source == origin.source and not term.padding]
        best = _by_size(terms)[0] if terms else None
        found.append(
            {
                "source": origin.source,
                "opens": origin.source in names,
                "channels": _span([term.channel for term in terms]),
                "rows": _span([term.row for term in terms if term.row is not None]),
                "columns": _span([term.column for term in terms if term.column is not None]),
                "index": _index(best) if best else None,
            }
        )
    return found


def _index(term: Term) -> list[int]:
    return [place for place in (term.channel, term.row, term.column) if place is not None]


def _span(places: Sequence[int]) -> dict[str, int] | None:
    """First, last and how many of some places; None where there are none."""
    if not places:
        return None
    return {"first": min(places), "last": max(places), "count": len(set(places))}


def _use(use: Use, index: Sequence[int], inside: "Inside") -> dict[str, Any]:
    """A later layer that uses the number, and one of its cells: the same channel's where it has one."""
    lead = None
    if use.known and use.channels:
        channel = index[0] if index[0] in use.channels else use.channels[0]
        lead = [channel, *(places[len(places) // 2] for places in (use.rows, use.columns) if places)]
    return {
        "layer": use.layer,
        "kind": use.kind,
        "known": use.known,
        "channels": _span(use.channels),
        "rows": _span(use.rows),
        "columns": _span(use.columns),
        "cells": use.cells,
        "won": use.won,
        "index": lead if lead and len(lead) == len(inside.layer(use.layer).shape) else None,
    }
