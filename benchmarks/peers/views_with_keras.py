"""Keras' RandomFlip, RandomRotation and RandomZoom on TensorFlow on the same pictures, on all cores.

Called on batches, as a model calls them, and mapped over tf.data, as its guides do. A script of its own;
prints one JSON object.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
import keras
import numpy as np
import tensorflow as tf

BATCH = 32


def main() -> None:
    """The best of some passes of each way."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--passes", type=int, default=3)
    given = parser.parse_args()
    pixels_NHWC = np.load(given.folder / "photographs.npy")
    chain = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomRotation(0.1),
            keras.layers.RandomZoom(0.2),
        ]
    )
    compiled = tf.function(lambda x_NHWC: chain(x_NHWC, training=True))
    batches = [tf.constant(pixels_NHWC[start : start + BATCH]) for start in range(0, len(pixels_NHWC), BATCH)]
    batches = [batch for batch in batches if len(batch) == BATCH]
    data = tf.data.Dataset.from_tensor_slices(tf.concat(batches, 0)).batch(BATCH)
    mapped = data.map(lambda x: chain(x, training=True), tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    def called() -> None:
        for batch in batches:
            compiled(batch).numpy()

    def piped() -> None:
        for batch in mapped:
            batch.numpy()

    ways: dict[str, Callable[[], None]] = {"called": called, "tf.data": piped}
    rates = {}
    for name, way in ways.items():
        taken = []
        for _ in range(given.passes + 1):
            started = time.perf_counter()
            way()
            taken.append(time.perf_counter() - started)
        rates[name] = len(batches) * BATCH / min(taken[1:])
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    print(json.dumps({"rates": rates, "versions": versions}))


if __name__ == "__main__":
    main()
