"""How a reply travels: plain JSON, or a frame with its bytes behind it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.lab.reply import FRAME, JSON, decoded, encoded, parted

NAMES = st.text("abc", min_size=1, max_size=3)
VALUES = st.one_of(st.integers(-9, 9), st.text(max_size=5), st.lists(st.floats(-1, 1), max_size=3))


@given(st.dictionaries(NAMES, st.one_of(VALUES, st.binary(max_size=9))))
def test_a_reply_arrives_as_it_was_sent(reply: dict[str, object]) -> None:
    """Whatever it holds; with bytes in it as a frame, without them as JSON."""
    body, kind = encoded(reply)
    if any(isinstance(value, bytes) for value in reply.values()):
        assert kind == FRAME
        assert decoded(body) == reply
    else:
        assert kind == JSON
        assert json.loads(body) == reply


def test_a_frame_by_hand() -> None:
    """Its length in four bytes, its JSON, its pieces."""
    head = b'{"reply": {"a": 1}, "bytes": [["b", 2]]}'
    assert encoded({"a": 1, "b": b"xy"}) == (bytes([len(head), 0, 0, 0]) + head + b"xy", FRAME)
    assert parted({"a": 1, "b": b"xy"}) == ({"a": 1}, {"b": b"xy"})


@pytest.mark.parametrize("reply", [{"a": float("nan")}, {"a": [float("inf")], "b": b""}])
def test_a_number_that_json_has_not_is_refused(reply: dict[str, object]) -> None:
    """A page would not read it."""
    with pytest.raises(ValueError, match="JSON compliant"):
        encoded(reply)
