"""How an encoded picture is known to every cache: by its content, not by its name."""

import hashlib
from collections.abc import Iterable
from typing import Any


def picture_digest(data: bytes) -> str:
    """BLAKE2b of the encoded bytes, 16 bytes in hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def picture_digests(head: bytes, bodies: Iterable[Any]) -> list[str]:
    """The digests of many pictures that begin alike: of ``head`` followed by each of ``bodies``.

    Args:
        head: The first bytes of them all.
        bodies: The others of each, bytes or contiguous arrays of bytes.
    """
    begun = hashlib.blake2b(head, digest_size=16)
    digests = []
    for body in bodies:
        one = begun.copy()
        one.update(body)
        digests.append(one.hexdigest())
    return digests
