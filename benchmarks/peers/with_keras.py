"""Keras on TensorFlow as its guide to transfer learning has it: MobileNetV2 frozen, a dense layer, one epoch.

Its ImageNet weights would have to be downloaded, so they are random here: the seconds mean what they say and
the accuracy means nothing. A script of its own; prints one JSON object.
"""

import argparse
import json
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
started = time.perf_counter()
import keras  # noqa: E402
import tensorflow  # noqa: E402

imported = time.perf_counter()


def main() -> None:
    """One epoch over a folder of class folders, and one pass of prediction."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    given = parser.parse_args()
    keras.utils.set_random_seed(0)
    data = keras.utils.image_dataset_from_directory(
        given.folder, image_size=(224, 224), batch_size=32, seed=0, verbose=False
    )
    classes, pictures = len(data.class_names), len(data.file_paths)
    data = data.prefetch(tensorflow.data.AUTOTUNE)
    body = keras.applications.MobileNetV2((224, 224, 3), include_top=False, weights=None, pooling="avg")
    body.trainable = False
    x = keras.Input((224, 224, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, -1)(x)
    model = keras.Model(x, keras.layers.Dense(classes, "softmax")(body(scaled, training=False)))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ready = time.perf_counter()
    model.fit(data, epochs=1, verbose=0, shuffle=False)
    fitted = time.perf_counter()
    model.predict(data, verbose=0)
    ended = time.perf_counter()
    print(
        json.dumps(
            {
                "pictures": pictures,
                "seconds": {
                    "imports": imported - started,
                    "model": ready - imported,
                    "epoch": fitted - ready,
                    "prediction": ended - fitted,
                },
                "versions": {"keras": keras.__version__, "tensorflow": tensorflow.__version__},
            }
        )
    )


if __name__ == "__main__":
    main()
