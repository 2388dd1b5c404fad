"""torchvision v2's flip, rotation and zoom on the same pictures, each picture drawn for, on all cores.

Its three transforms on tensors and on Pillow's pictures, and its one affine that turns and zooms at once.
A script of its own; prints one JSON object.
"""

import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision.transforms import v2

BILINEAR = v2.InterpolationMode.BILINEAR
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def main() -> None:
    """The best of some passes of each way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passes", type=int, default=3)
    given = parser.parse_args()
    pixels_NHWC = np.load(given.folder / "photographs.npy")
    tensors = [torch.from_numpy(one.transpose(2, 0, 1).copy()) for one in pixels_NHWC]
    pictures = [Image.fromarray(one) for one in pixels_NHWC]
    three = v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomRotation(36, BILINEAR),
            v2.RandomAffine(0, scale=(0.8, 1.2), interpolation=BILINEAR),
        ]
    )
    one = v2.Compose(
        [v2.RandomHorizontalFlip(), v2.RandomAffine(36, scale=(0.8, 1.2), interpolation=BILINEAR)]
    )
    torch.set_num_threads(1)  # a picture a thread, which is quicker than a picture on all
    rates = {}
    with ThreadPoolExecutor(CORES) as threads:
        for name, transform, inputs in (
            ("tensors", three, tensors),
            ("Pillow", three, pictures),
            ("one affine, tensors", one, tensors),
            ("one affine, Pillow", one, pictures),
        ):
            taken = []
            for _ in range(given.passes + 1):
                started = time.perf_counter()
                list(threads.map(transform, inputs))
                taken.append(time.perf_counter() - started)
            rates[name] = len(inputs) / min(taken[1:])
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    print(json.dumps({"rates": rates, "versions": versions}))


if __name__ == "__main__":
    main()
