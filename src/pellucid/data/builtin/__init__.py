"""The two sets of pictures that ship with the package, read from the files beside this one.

SOURCES.md says where they come from and under which licence; tools/make_digits.py and tools/make_clipart.py
in the repository make them. What a source or an item is, pellucid.data.source knows.
"""

import io
import lzma
import math
import zipfile
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray


def digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """MNIST digits, white on black: 500 of each class to train, 100 of each to test.

    Returns:
        Training pixels (5000, 28, 28), training labels (5000,), test pixels (1000, 28, 28) and test labels
        (1000,): read-only uint8, labels 0 to 9, in MNIST's order.
    """
    data = lzma.decompress(files(__name__).joinpath("digits.idx.xz").read_bytes())
    train_NHW, start = _idx(data, 0)
    train_labels_N, start = _idx(data, start)
    test_NHW, start = _idx(data, start)
    test_labels_N, _ = _idx(data, start)
    return train_NHW, train_labels_N, test_NHW, test_labels_N


def clipart_names() -> tuple[str, ...]:
    """The names of the clip-art pictures, sorted, each its class and a file name: ``animals/bee.jpg``."""
    return tuple(sorted(name for name in _clipart() if "/" in name))


def clipart_bytes(name: str) -> bytes:
    """The JPEG file of one clip-art picture; several threads may call this at once.

    ``SOURCES.csv`` gives the table of the pictures' originals and authors.

    Raises:
        KeyError: where there is no such picture.
    """
    return _clipart()[name]


def _idx(data: bytes, start: int) -> tuple[NDArray[np.uint8], int]:
    """The IDX array of unsigned bytes that begins at ``start``, and where it ends."""
    axes = data[start + 3]
    first = start + 4 + 4 * axes
    shape = tuple(np.frombuffer(data, ">u4", axes, start + 4).tolist())
    size = math.prod(shape)
    return np.frombuffer(data, np.uint8, size, first).reshape(shape), first + size


@cache
def _clipart() -> dict[str, bytes]:
    """Every file of the zip, 3 MB in memory: no file stays open, and threads share nothing that changes."""
    packed = files(__name__).joinpath("clipart.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
