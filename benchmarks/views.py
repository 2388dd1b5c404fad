"""Views of pictures in this process on all cores, as ``benchmarks.augment`` times them.

``--prepare`` writes the pictures that all sides take: uint8 (N, 224, 224, 3), and 28 x 28 x 1 digits.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pellucid.pictures.augment.plan import Augment
from pellucid.pictures.augment.presets import preset
from pellucid.pictures.preprocess import Preprocess
from pellucid.workers import cores, in_order

SIDE = 224
_CHUNK = 16
_DIGITS_CHUNK = 1000


def prepare(folder: Path, into: Path) -> None:
    """The JPEGs of a folder as one array, and the shipped digits as another beside it."""
    from pellucid.data.source import open_source
    from pellucid.pictures.decode import decode

    squashed = Preprocess(SIDE, SIDE, "squash", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    photographs = [squashed.pixels(path.read_bytes()) for path in sorted(folder.rglob("*.jpg"))]
    np.save(into / "photographs.npy", np.stack(photographs))
    digits = open_source("builtin:digits")
    pixels = [decode(digits.read(index))[:, :, :1] for index in range(len(digits.items))]
    np.save(into / "digits.npy", np.stack(pixels))


def seconds(plan: Augment, pixels_NHWC: NDArray[np.uint8], view: int, threads: int, chunk: int) -> float:
    """How long one view of each picture takes."""
    keys: Sequence[str] = [f"{index:032x}" for index in range(len(pixels_NHWC))]
    out = np.empty_like(pixels_NHWC)

    def work(part: range) -> None:
        rows = slice(part.start, part.stop)
        plan.view_batch(pixels_NHWC[rows], 0, keys[rows], view, out[rows])

    cv2.setNumThreads(1 if threads == 1 else -1)  # -1: as OpenCV begins
    started = time.perf_counter()
    for _ in in_order(work, len(pixels_NHWC), chunk, threads):
        pass
    return time.perf_counter() - started


def main() -> None:
    """Prepare, or print one JSON object: pictures a second of each kind."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.views", description=__doc__)
    parser.add_argument("folder", type=Path, help="with photographs.npy and digits.npy, or where they go")
    parser.add_argument("--prepare", type=Path, metavar="JPEGS")
    parser.add_argument("--passes", type=int, default=3)
    given = parser.parse_args()
    if given.prepare:
        prepare(given.prepare, given.folder)
        return
    photographs, digits = (np.load(given.folder / name) for name in ("photographs.npy", "digits.npy"))
    jobs = {
        "lecture": (preset("lecture"), photographs, cores(), _CHUNK),
        "lecture, one core": (preset("lecture"), photographs, 1, _CHUNK),
        "digits, shift, one core": (preset("shift"), digits, 1, _DIGITS_CHUNK),
        "digits, lecture, one core": (preset("lecture"), digits, 1, _DIGITS_CHUNK),
    }
    rates = {}
    for name, (plan, pixels_NHWC, threads, chunk) in jobs.items():
        taken = [seconds(plan, pixels_NHWC, view, threads, chunk) for view in range(given.passes + 1)]
        rates[name] = len(pixels_NHWC) / min(taken[1:])
    print(json.dumps({"rates": rates}))


if __name__ == "__main__":
    main()
