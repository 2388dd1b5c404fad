"""The room Network: what a network in words costs, and what a dense net would cost on the same picture.

The text is read by ``network.text`` and counted by ``network.account``; here its figures become what a page
draws. Counts go out as text: some are larger than a browser's exact numbers.
"""

import re
from typing import Any

from pellucid.errors import PellucidError
from pellucid.lab.question import Question, QuestionError, text, whole
from pellucid.network.account import COUNTED, Account, Row, account
from pellucid.network.blueprint import Blueprint, Conv, Dense, Flatten, Input
from pellucid.network.catalogue import NETWORKS
from pellucid.network.shapes import Shape
from pellucid.network.text import LONGEST, format_blueprint, parse

MOST_LAYERS = 300
"""Layers that the page draws; ``pellucid network`` counts any number."""

_PLACE = re.compile(r"Line (\d+), column (\d+): ")
_SLIDES_PICTURE, _SLIDES_HIDDEN = (1080, 1920, 3), 4_000_000


def start(question: Question) -> dict[str, Any]:
    """The networks that have a name, one layer a line."""
    return {
        "networks": [
            {
                "name": named.name,
                "about": named.about,
                "source": named.source,
                "text": format_blueprint(named.blueprint, "\n"),
            }
            for named in NETWORKS.values()
        ],
        "counted": COUNTED,
    }


def table(question: Question) -> dict[str, Any]:
    """The account of the network in ``text``; where it is no network, ``wrong`` says why and where."""
    given = text(question, "text", LONGEST)
    try:
        blueprint = parse(given)
        if len(blueprint.layers) > MOST_LAYERS:
            raise QuestionError(
                f"The network has {len(blueprint.layers):,} layers.",
                f"This page draws at most {MOST_LAYERS}.",
                "Count larger ones with 'pellucid network FILE'.",
            )
        notes = next((one.notes for one in NETWORKS.values() if one.blueprint == blueprint), ())
        return {"wrong": None, **_told(account(blueprint, notes))}
    except PellucidError as error:
        found = _PLACE.match(error.came)
        place = (int(found[1]), int(found[2])) if found else (None, None)
        return {"wrong": {"text": str(error), "line": place[0], "column": place[1]}}


def dense(question: Question) -> dict[str, Any]:
    """A dense layer and a convolution on one picture.

    The question's fields: height, width, channels, hidden (units of the dense layer), filters, size.
    """
    shape = (
        whole(question, "height", 1, 100_000),
        whole(question, "width", 1, 100_000),
        whole(question, "channels", 1, 1_000),
    )
    hidden = whole(question, "hidden", 1, 10**9)
    filters, size = whole(question, "filters", 1, 10_000), whole(question, "size", 1, 99)
    if size > min(shape[:2]):
        raise QuestionError(
            f"A window of {size}x{size} does not fit on a picture of {shape[0]}x{shape[1]}.",
            "A window is at most as large as its picture.",
            "Take a smaller window or a larger picture.",
        )
    flat, full = account(Blueprint(Input(*shape), (Flatten(), Dense(hidden)))).rows
    (conv,) = account(Blueprint(Input(*shape), (Conv(filters, (size, size)),))).rows
    inputs = flat.output_shape[0]
    is_slides = shape == _SLIDES_PICTURE and hidden == _SLIDES_HIDDEN
    return {
        "inputs": f"{shape[0]:,}*{shape[1]:,}*{shape[2]:,} = {inputs:,}",
        "dense": _side(full, f"{inputs:,}*{hidden:,} = {full.weights:,}"),
        "conv": _side(conv, f"{size}*{size}*{shape[2]:,}*{filters:,} = {conv.weights:,}"),
        "times": f"{full.parameters / conv.parameters:,.0f}",
        "erratum": NETWORKS["dense-full-hd"].notes[0] if is_slides else "",
    }


def _side(row: Row, weights: str) -> dict[str, str]:
    return {
        "weights": weights,
        "parameters": row.arithmetic,
        "memory": bytes_told(4 * row.parameters),
        "macs": f"{row.macs:,}",
        "output": shape_told(row.output_shape),
    }


def bytes_told(count: int) -> str:
    """Bytes as a person reads them, in powers of 1000: ``99.5 TB``."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} PB" if size < 999.5 else f"{size:,.0f} PB"


def shape_told(shape: Shape) -> str:
    """``26x26x32``, or ``1,152`` for a flat row."""
    return "x".join(f"{side}" for side in shape) if len(shape) > 1 else f"{shape[0]:,}"


def _told(counted: Account) -> dict[str, Any]:
    return {
        "input": {
            "shape": list(counted.input_shape),
            "output": shape_told(counted.input_shape),
        },
        "rows": [
            {
                "name": row.name,
                "text": row.text,
                "shape": list(row.output_shape),
                "output": shape_told(row.output_shape),
                "arithmetic": row.arithmetic,
                "parameters": f"{row.parameters:,}",
                "macs": f"{row.macs:,}",
                "sees": "" if row.receptive_field is None else shape_told(row.receptive_field),
            }
            for row in counted.rows
        ],
        "parameters": f"{counted.parameters:,}",
        "trainable": f"{counted.trainable:,}",
        "macs": f"{counted.macs:,}",
        "memory": bytes_told(4 * counted.parameters),
        "notes": list(counted.notes),
    }
