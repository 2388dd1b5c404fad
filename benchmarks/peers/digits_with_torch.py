"""The lecture's digits convnet in PyTorch, as a tutorial writes it: pictures a second of some epochs.

Prints one JSON object. ``--channels-last`` is PyTorch's faster layout, which few tutorials mention.
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import nn


def main() -> None:
    """Train for an epoch, then time some more."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arrays", help="an .npz with x_train and y_train; uint8 (N, 28, 28)")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--paces", type=int, default=1, metavar="N", help="epochs after the warm-up")
    parser.add_argument("--channels-last", action="store_true")
    given = parser.parse_args()
    torch.manual_seed(0)
    with np.load(given.arrays) as file:
        x = torch.from_numpy(file["x_train"][:, None].astype(np.float32) / 255)
        y = torch.from_numpy(file["y_train"].astype(np.int64))
    model: nn.Module = nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 128, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1152, 10)),
    )
    if given.channels_last:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(model.parameters())

    def epoch() -> float:
        started = time.perf_counter()
        for rows in torch.randperm(len(x)).split(given.batch):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimiser.step()
        return len(x) / (time.perf_counter() - started)

    epoch()
    paces = [epoch() for _ in range(given.paces)]
    print(json.dumps({"paces": paces, "versions": {"torch": torch.__version__}}))


if __name__ == "__main__":
    main()
