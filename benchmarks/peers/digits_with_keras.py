"""The lecture's digits convnet in Keras on the backend of KERAS_BACKEND: its paces, or time to an accuracy.

A script of its own, for an environment of its own; prints one JSON object. Seconds count from this file's
first line; the interpreter's start before it, and each evaluation, do not count.
"""

import argparse
import json
import os
import time

STARTED = time.perf_counter()


def lecture(keras):
    """The network of the lecture, as the lecture writes it."""
    layers = keras.layers
    inputs = keras.Input(shape=(28, 28, 1))
    x = layers.Conv2D(filters=32, kernel_size=3, activation="relu")(inputs)
    x = layers.MaxPooling2D(pool_size=2)(x)
    x = layers.Conv2D(filters=64, kernel_size=3, activation="relu")(x)
    x = layers.MaxPooling2D(pool_size=2)(x)
    x = layers.Conv2D(filters=128, kernel_size=3, activation="relu")(x)
    x = layers.Flatten()(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    model = keras.Model(inputs=inputs, outputs=outputs)
    model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """``--paces N``: pictures a second of N epochs after a warm-up. Else: seconds until an accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("arrays", help="an .npz with x_train, y_train, x_test, y_test; uint8 (N, 28, 28)")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--paces", type=int, default=0, metavar="N")
    parser.add_argument("--until", type=float, default=0.99)
    parser.add_argument("--most", type=int, default=8, help="epochs")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    import keras
    import numpy as np

    keras.utils.set_random_seed(given.seed)
    with np.load(given.arrays) as file:
        x, y, x_test, y_test = (file[name] for name in ("x_train", "y_train", "x_test", "y_test"))
    x, x_test = (pictures[..., None].astype("float32") / 255 for pictures in (x, x_test))
    model = lecture(keras)
    told = {"backend": keras.backend.backend(), "versions": versions(), "parameters": model.count_params()}
    if given.paces:
        model.fit(x, y, batch_size=given.batch, epochs=1, verbose=0)
        told["paces"] = []
        for _ in range(given.paces):
            started = time.perf_counter()
            model.fit(x, y, batch_size=given.batch, epochs=1, verbose=0)
            told["paces"].append(len(x) / (time.perf_counter() - started))
    else:
        asked, told["epochs"] = 0.0, []
        for _ in range(given.most):
            model.fit(x, y, batch_size=given.batch, epochs=1, verbose=0)
            seconds = time.perf_counter() - STARTED - asked
            before = time.perf_counter()
            accuracy = float(model.evaluate(x_test, y_test, batch_size=256, verbose=0)[1])
            asked += time.perf_counter() - before
            told["epochs"].append({"seconds": seconds, "accuracy": accuracy})
            if accuracy >= given.until:
                break
    print(json.dumps(told))


def versions() -> dict[str, str]:
    """Of what is installed here."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("keras", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "torch", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found | {"KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "")}


if __name__ == "__main__":
    main()
