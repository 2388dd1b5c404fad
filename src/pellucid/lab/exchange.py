"""A question as it comes and a reply as it goes, both encoded: the same for a server and for a notebook.

What is asked and answered is ``lab.answer``'s business; how a reply is encoded is ``lab.reply``'s.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.errors import PellucidError, RequestError, shown
from pellucid.lab.held import ForgottenError
from pellucid.lab.question import Question
from pellucid.lab.reply import JSON, encoded


@dataclass(frozen=True)
class Exchanged:
    """A reply on its way.

    Attributes:
        status: HTTP's: 200 where it was answered, 400 where it cannot be, 503 for want of memory.
        body: The reply, encoded.
        kind: Its media type.
    """

    status: int
    body: bytes
    kind: str


def exchange(body: bytes, answer: Callable[[Question], Mapping[str, Any]]) -> Exchanged:
    """The reply to an encoded question; what cannot be answered gets its reason as ``error``."""
    try:
        return Exchanged(200, *encoded(answer(_question(body))))
    except PellucidError as error:
        told = {"error": str(error)} | ({"forgotten": True} if isinstance(error, ForgottenError) else {})
        return Exchanged(400, json.dumps(told).encode(), JSON)
    except MemoryError:
        told = {"error": "There is not enough memory for that. Take a smaller picture."}
        return Exchanged(503, json.dumps(told).encode(), JSON)


def _question(body: bytes) -> Question:
    try:
        question = json.loads(body)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested too deep
        raise RequestError(
            f"The question is no JSON ({shown(str(error)[:100])}).",
            "One JSON object was expected.",
            "Load the page anew.",
        ) from error
    if not isinstance(question, Mapping):
        raise RequestError(
            "The question is JSON, but no object.",
            'An object such as {"kind": "filters.start"} was expected.',
            "Load the page anew.",
        )
    return question
