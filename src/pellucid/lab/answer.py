"""One function answers every question of the lab, whoever carries it: a server, a notebook, or a single file.

Which questions there are stands here; what each means is its room's business.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pellucid.lab import (
    classtest,
    filters,
    inside,
    inside_cell,
    inside_saliency,
    network,
    picture,
    runs,
    views,
)
from pellucid.lab.question import Question, QuestionError, brief

ROOMS: Mapping[str, Callable[[Question], dict[str, Any]]] = {
    "filters.start": filters.start,
    "filters.map": filters.feature_map,
    "filters.cell": filters.cell,
    "filters.pool": filters.pool_cell,
    "filters.picture": picture.picture,
    "network.start": network.start,
    "network.table": network.table,
    "network.dense": network.dense,
    "test.pose": classtest.pose,
    "test.mark": classtest.mark,
    "inside.start": inside.start,
    "inside.give": inside.give,
    "inside.look": inside.look,
    "inside.sprite": inside.sprite,
    "inside.spot": inside.spot,
    "inside.map": inside.one_map,
    "inside.cell": inside_cell.cell,
    "inside.more": inside_cell.more,
    "inside.saliency": inside_saliency.saliency,
    "views.start": views.start,
    "views.edit": views.edit,
    "views.make": views.make,
    "runs.start": runs.start,
    "runs.show": runs.show,
    "runs.watch": runs.watch,
    "runs.cell": runs.cell,
    "runs.pictures": runs.pictures,
}
"""The kinds of question, each with the function that answers it."""


def answer(question: Question) -> dict[str, Any]:
    """Answer one question of the page.

    Args:
        question: What JSON holds, under ``kind`` one of ``ROOMS``; the other fields are that room's.

    Returns:
        What JSON can hold, and at its top level ``bytes`` (``lab.reply``). Equal questions have equal
        answers: what is kept from one to the next makes them quicker, not others.

    Raises:
        PellucidError: The question cannot be answered; ``str(error)`` is for the person at the page.
    """
    kind = question.get("kind")
    room = ROOMS.get(kind) if isinstance(kind, str) else None
    if room is None:
        raise QuestionError(
            "The question has no 'kind'." if kind is None else f"There is no question of kind {brief(kind)}.",
            f"One of {', '.join(ROOMS)} was expected.",
            "Ask one of these; a page of another version asks others: load it anew.",
        )
    return room(question)
