"""fastai as its tutorials have it: a vision learner on the same weights, ``fine_tune(1)``.

That is one epoch with the network frozen and one with all of it learning; both are timed. A script of its
own; prints one JSON object.
"""

import argparse
import json
import time

started = time.perf_counter()
import fastai  # noqa: E402
import timm  # noqa: E402
import torch  # noqa: E402
from fastai.vision.all import (  # noqa: E402
    Callback,
    ImageDataLoaders,
    Resize,
    accuracy,
    set_seed,
    vision_learner,
)

imported = time.perf_counter()


class Epochs(Callback):
    """Notes how long each epoch took, its validation included."""

    def __init__(self) -> None:
        self.begun = 0.0
        self.seconds: list[float] = []

    def before_epoch(self) -> None:
        """An epoch begins."""
        self.begun = time.perf_counter()

    def after_epoch(self) -> None:
        """An epoch has ended."""
        self.seconds.append(time.perf_counter() - self.begun)


def main() -> None:
    """Fine-tune on a folder of class folders."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--weights", required=True, help="safetensors, under timm's names")
    parser.add_argument("--valid", type=float, default=0.3, help="the share that is not learnt from")
    given = parser.parse_args()
    set_seed(0)
    loaders = ImageDataLoaders.from_folder(
        given.folder, valid_pct=given.valid, seed=0, item_tfms=Resize(224, method="squish"), bs=32
    )
    epochs = Epochs()
    learner = vision_learner(
        loaders,
        "tf_efficientnet_lite0",
        metrics=accuracy,
        pretrained_cfg_overlay={"file": given.weights},
        cbs=epochs,
    )
    ready = time.perf_counter()
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(1)
    ended = time.perf_counter()
    frozen, unfrozen = epochs.seconds
    print(
        json.dumps(
            {
                "pictures": len(loaders.train_ds) + len(loaders.valid_ds),
                "seconds": {
                    "imports": imported - started,
                    "model": ready - imported,
                    "epoch": frozen,
                    "unfrozen epoch": unfrozen,
                    "rest": ended - ready - frozen - unfrozen,
                },
                "validation_accuracy": float(learner.recorder.values[-1][-1]),
                "versions": {
                    "fastai": fastai.__version__,
                    "torch": torch.__version__,
                    "timm": timm.__version__,
                },
            }
        )
    )


if __name__ == "__main__":
    main()
