"""Questions and replies as they travel: answered, refused in words, or failed for want of memory."""

import json
from typing import Any

import pytest

from pellucid.lab.exchange import exchange
from pellucid.lab.held import ForgottenError
from pellucid.lab.question import QuestionError
from pellucid.lab.reply import FRAME, JSON, decoded


def test_an_answer_comes_encoded() -> None:
    """As JSON, and with bytes in it as a frame."""
    plain = exchange(b'{"kind": "a"}', lambda question: {"asked": question["kind"]})
    assert (plain.status, plain.kind, json.loads(plain.body)) == (200, JSON, {"asked": "a"})
    framed = exchange(b"{}", lambda question: {"map": b"\x01\x02", "width": 2})
    assert (framed.status, framed.kind, decoded(framed.body)) == (
        200,
        FRAME,
        {"map": b"\x01\x02", "width": 2},
    )


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (QuestionError("No.", "Yes.", "So."), 400, {"error": "No. Yes. So."}),
        (ForgottenError("No.", "Yes.", "So."), 400, {"error": "No. Yes. So.", "forgotten": True}),
        (MemoryError(), 503, {"error": "There is not enough memory for that. Take a smaller picture."}),
    ],
)
def test_what_cannot_be_answered_gets_its_reason(error: Exception, status: int, told: dict[str, Any]) -> None:
    """With the status that says whose fault it is."""

    def answer(question: Any) -> dict[str, Any]:
        raise error

    found = exchange(b"{}", answer)
    assert (found.status, json.loads(found.body)) == (status, told)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b"[]", b"1"])
def test_what_is_no_question_is_refused(body: bytes) -> None:
    """No JSON, nested too deep, or no object: one paragraph, and nobody is asked."""
    found = exchange(body, lambda question: {})
    assert found.status == 400
    assert json.loads(found.body)["error"].startswith("The question is ")
