"""How a reply travels: what JSON can hold as JSON, and pictures and maps as the bytes that they are.

A reply is a dict; its values may be ``bytes`` at the top level only. One without bytes is plain JSON. One
with bytes is a frame: the length of its JSON in four bytes, least first; the JSON, an object with ``reply``
(all that is no bytes) and ``bytes`` ([name, length] of each piece in order); and then the pieces. The page's
``ask.js`` takes it apart; a notebook sends the pieces as buffers.
"""

import json
from collections.abc import Mapping
from typing import Any

JSON = "application/json"
FRAME = "application/octet-stream"


def parted(reply: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """A reply in two: what JSON holds, and its bytes by name."""
    pieces = {name: value for name, value in reply.items() if isinstance(value, bytes)}
    return {name: value for name, value in reply.items() if name not in pieces}, pieces


def encoded(reply: Mapping[str, Any]) -> tuple[bytes, str]:
    """A reply as one body, and its media type.

    Raises:
        ValueError: A number in it is not finite.
    """
    plain, pieces = parted(reply)
    if not pieces:
        return json.dumps(plain, allow_nan=False).encode(), JSON
    lengths = [[name, len(piece)] for name, piece in pieces.items()]
    head = json.dumps({"reply": plain, "bytes": lengths}, allow_nan=False).encode()
    return b"".join([len(head).to_bytes(4, "little"), head, *pieces.values()]), FRAME


def decoded(body: bytes) -> dict[str, Any]:
    """The reply that a frame holds; ``encoded``'s other way, for a host in Python."""
    length = int.from_bytes(body[:4], "little")
    head = json.loads(body[4 : 4 + length])
    reply, at = dict(head["reply"]), 4 + length
    for name, size in head["bytes"]:
        reply[name] = body[at : at + size]
        at += size
    return reply
