"""Random numbers that belong to a run, a picture and a view, and to nothing else.

They come from a hash in counter mode, so that any view can be made again alone, in any order and in any
thread. What the numbers are used for is the transforms' business.
"""

from hashlib import blake2b
from struct import Struct
from typing import NamedTuple

import numpy as np

_WORDS = Struct("<8Q").unpack
_VIEW = Struct("<Q").pack
_SCALE = 2.0**-53


class Lot(NamedTuple):
    """What one transform draws for one view.

    Attributes:
        shares: Six numbers, each uniform in 0 <= u < 1 and independent of the others.
        noise: A whole number below 2^53 from which a field of noise can be made.
    """

    shares: tuple[float, float, float, float, float, float]
    noise: int


class Chance:
    """The lots of one stream (one transform of an augmentation) under one seed.

    BLAKE2b of (stream, seed) keys BLAKE2b of (view, picture): another stream, seed, picture or view gives
    numbers that have nothing to do with these. J. Salmon et al., "Parallel random numbers: as easy as
    1, 2, 3" (SC 2011), show why a good hash of a counter is as good as any generator.
    """

    def __init__(self, stream: str, seed: int) -> None:
        key = blake2b(f"{stream}\0{seed}".encode(), digest_size=64).digest()
        self._keyed = blake2b(digest_size=64, key=key)

    def lot(self, picture: bytes, view: int) -> Lot:
        """The numbers for a view (0 and up) of the picture that is known by these bytes."""
        hashed = self._keyed.copy()
        hashed.update(_VIEW(view) + picture)
        a, b, c, d, e, f, noise, _ = _WORDS(hashed.digest())
        # The upper 53 bits, so that every share is exact and 1 is never reached.
        return Lot(
            (
                (a >> 11) * _SCALE,
                (b >> 11) * _SCALE,
                (c >> 11) * _SCALE,
                (d >> 11) * _SCALE,
                (e >> 11) * _SCALE,
                (f >> 11) * _SCALE,
            ),
            noise >> 11,
        )


def generator(noise: int) -> np.random.Generator:
    """NumPy's counter-based Philox generator for a ``Lot``'s noise."""
    return np.random.Generator(np.random.Philox(key=noise))
