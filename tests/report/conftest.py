"""A run's record with figures that belong together, made from random answers, and pictures to go with it."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pellucid.evaluation.metrics import evaluate
from pellucid.evaluation.proportion import Proportion
from pellucid.report.render import render


@dataclass
class Made:
    """What `render` takes."""

    record: dict[str, Any]
    paths: list[str]
    labels_N: NDArray[np.int64]
    probabilities_NK: NDArray[np.float64]
    picture: Callable[[str], bytes | None]

    def page(self) -> str:
        return render(self.record, self.paths, self.labels_N, self.probabilities_NK, self.picture)


def jpeg(height: int, width: int, colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(file, "JPEG")
    return file.getvalue()


def answers(labels_N: NDArray[np.int64], k: int, wrong: int, seed: int) -> NDArray[np.float64]:
    """Probabilities whose largest is wrong for exactly the first ``wrong`` pictures."""
    rng = np.random.default_rng(seed)
    said_N = np.where(np.arange(len(labels_N)) < wrong, (labels_N + 1) % k, labels_N)
    rest_NK = rng.dirichlet(np.ones(k), len(labels_N))
    sure_N1 = rng.uniform(0.55, 0.99, (len(labels_N), 1))
    return (1 - sure_N1) * rest_NK + sure_N1 * np.eye(k)[said_N]


def made(classes: Sequence[str] = ("ants", "bees"), n: int = 36, wrong: int = 1, seed: int = 0) -> Made:
    k = len(classes)
    labels_N = np.arange(n, dtype=np.int64) % k
    probabilities_NK = answers(labels_N, k, wrong, seed)
    evaluation = evaluate(probabilities_NK, labels_N, list(classes)).to_json()
    val = Proportion(37, 36).to_json()
    tried = [
        {"regularisation": c, "log_loss": loss, "n": 37, "correct": 35 + (c == 0.1), "iterations": 12}
        for c, loss in ((0.0001, 0.61), (0.01, 0.22), (0.1, 0.1034), (1.0, 0.14), (100.0, 0.31))
    ]
    fits = [
        {"fit": fit, **Proportion(37, right).to_json(), "log_loss": loss}
        for fit, right, loss in (("squash", 36, 0.1034), ("letterbox", 35, 0.15), ("crop", 33, 0.21))
    ]
    record = {
        "format": 1,
        "pellucid": "0.1.0",
        "created": "2026-11-22T12:00:00Z",
        "request": {
            "source": "my photos",
            "recipe": "auto",
            "backbone": "efficientnet_lite0",
            "split": [0.7, 0.15, 0.15],
            "seed": 0,
            "fit": "auto",
            "class_weights": "auto",
        },
        "recipe": "auto",
        "chosen": "features",
        "classes": list(classes),
        "source": {
            "name": "my photos",
            "digest": "5d" * 16,
            "pictures": 208 + n,
            "classes": dict.fromkeys(classes, 122),
        },
        "preprocess": {
            "height": 224,
            "width": 224,
            "fit": "squash",
            "mean": [127.5, 127.5, 127.5],
            "std": [127.5, 127.5, 127.5],
            "resample": "bilinear",
        },
        "backbone": {
            "name": "efficientnet_lite0",
            "weights": "c0" * 16,
            "boundary": "pool",
            "features": 1280,
        },
        "head": {
            "regularisation": 0.1,
            "tried": tried,
            "temperature": 1.2,
            "refitted": True,
            "class_weights": None,
            "calibration": "Least log loss on 37 validation pictures.",
            "why": "0.1 had the least log loss on 37 validation pictures.",
        },
        "fits": {"chosen": "squash", "why": "It had the least log loss.", "tried": fits},
        "samples": {"train": 171, "val": 37, "test": n, "skipped": 1},
        "skipped": [{"path": "bees/broken.jpg", "reason": "the file is truncated"}],
        "findings": [
            {
                "kind": "near_duplicates",
                "pictures": 2,
                "paths": ["ants/1.jpg", "ants/2.jpg"],
                "advice": "Look at these two.",
            }
        ],
        "notes": ["The split follows content."],
        "stages": [{"name": "features", "val": val, "seconds": 3.1}],
        "test": {key: evaluation[key] for key in ("n", "correct", "accuracy", "interval")},
        "evaluation": evaluation,
        "seconds": {"total": 5.1, "scan": 0.4, "features": 3.1, "head": 0.5, "evaluation": 0.1},
        "versions": {"python": "3.11.2", "numpy": "2.4.0", "onnxruntime": "1.30.0"},
        "machine": {"processor": "A processor of two cores", "cores": 2, "system": "Linux"},
    }
    paths = [f"{classes[label]}/{index}.jpg" for index, label in enumerate(labels_N)]
    return Made(record, paths, labels_N, probabilities_NK, lambda path: jpeg(150, 200, (90, 120, 60)))


@pytest.fixture
def make() -> Callable[..., Made]:
    """Gives the function that makes a record: ``make(classes, n, wrong, seed)``."""
    return made
