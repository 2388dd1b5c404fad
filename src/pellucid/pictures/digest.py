"""How an encoded picture is known to every cache: by its content, not by its name."""

import hashlib


def picture_digest(data: bytes) -> str:
    """BLAKE2b of the encoded bytes, 16 bytes in hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()
