"""Keras' layers and ours, from one to the other, one layer at a time."""

import json
import os
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

os.environ.setdefault("KERAS_BACKEND", "torch")
import keras

from pellucid.network.blueprint import Activation, AvgPool, Conv, Dense, MaxPool, Rbf, ScaledAvgPool
from pellucid.network.keras_layers import KINDS, MisfitError, read_layer, write_layer
from pellucid.network.values import BlueprintError

layers = keras.layers


def as_written(layer: Any) -> dict[str, Any]:
    """What Keras writes of a layer into a file."""
    return json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))["config"]


def plain(layer: Any) -> Any:
    """The same layer as it is read: a pooling that moves by its window says so by None."""
    if isinstance(layer, MaxPool | AvgPool) and layer.stride == layer.window:
        return replace(layer, stride=None)
    return layer


@given(data=st.data())
def test_every_layer_comes_back_from_keras_as_it_went(data, chains) -> None:
    """Each layer of a random network, made by Keras and read from what Keras writes, is the same layer."""
    for layer in data.draw(chains()).layers:
        try:
            kind, settings = write_layer(layer)
        except MisfitError:
            assert isinstance(layer, Rbf | ScaledAvgPool) or "scaled_tanh" in repr(layer)
            continue
        strides, dilation = settings.get("strides"), settings.get("dilation_rate", (1, 1))
        if max(dilation) > 1 and max(strides) > 1:
            continue  # Keras makes no such layer
        made = getattr(layers, kind)(**settings)
        assert read_layer(kind, as_written(made)) == plain(layer)


def test_every_kind_is_a_class_of_keras() -> None:
    """No class is known that Keras does not have."""
    assert [kind for kind in KINDS if not hasattr(layers, kind)] == []


READ = [
    (layers.ReLU(), Activation("relu")),
    (layers.ReLU(max_value=6), Activation("relu6")),
    (layers.ReLU(negative_slope=0.2), Activation("leaky_relu")),
    (layers.LeakyReLU(negative_slope=0.2), Activation("leaky_relu")),
    (layers.Softmax(), Activation("softmax")),
    (layers.Activation("gelu"), Activation("gelu")),
    (layers.Activation("linear"), None),
    (layers.Dense(3, activation=keras.activations.relu6), Dense(3, "relu6")),
    (layers.Conv2D(2, 3, activation=layers.ReLU()), Conv(2, (3, 3), activation="relu")),
    (layers.MaxPooling2D(3), MaxPool((3, 3))),
    (layers.MaxPooling2D((3, 2), strides=1), MaxPool((3, 2), (1, 1))),
    (
        layers.Conv2D(2, 3, kernel_regularizer="l2", kernel_initializer="he_normal", trainable=False),
        Conv(2, (3, 3)),
    ),
]


@pytest.mark.parametrize(("made", "expected"), READ, ids=lambda value: type(value).__name__)
def test_other_ways_to_say_the_same(made: Any, expected: Any) -> None:
    """Activations as layers and functions, sizes as one number, and what concerns training alone."""
    assert read_layer(type(made).__name__, as_written(made)) == expected


MISFITS = [
    (layers.LeakyReLU(), "has negative_slope=0.3: here it is 0.2, as in the activation 'leaky_relu'"),
    (
        layers.ReLU(max_value=3),
        "has max_value=3, negative_slope=0.0, threshold=0.0: here there are relu, relu6 (max_value=6) and "
        "leaky_relu (negative_slope=0.2)",
    ),
    (layers.ELU(), "is of a kind that is not known here"),
    (layers.Lambda(abs), "holds code, and code from a file is never run"),
    (layers.Softmax(axis=1), "has axis=1: here it is always -1"),
    (layers.BatchNormalization(axis=1), "has axis=1: here it is always the last, -1"),
    (layers.BatchNormalization(scale=False), "has scale=False: here it is always True"),
    (layers.BatchNormalization(center=False), "has center=False: here it is always True"),
    (layers.Dense(3, activation="silu"), "has the activation 'silu', which is not known here"),
    (layers.Dense(3, activation=lambda x: x), "has an activation of its own making"),
    (layers.Dense(3, activation=layers.ELU()), "is of a kind that is not known here"),
    (layers.Dense(3, dtype="mixed_float16"), "computes in 'mixed_float16': here all numbers are float32"),
    (
        layers.MaxPooling2D(data_format="channels_first"),
        "has data_format='channels_first': here it is always 'channels_last'",
    ),
    (layers.GlobalAveragePooling2D(keepdims=True), "has keepdims=True: here it is always False"),
    (
        layers.Dropout(0.5, noise_shape=(None, 1)),
        "has the setting noise_shape=[None, 1], which is not known here",
    ),
    (
        layers.RandomRotation((-0.1, 0.2)),
        "has factor=[-0.1, 0.2]: here a factor goes from minus that to a number",
    ),
    (layers.RandomContrast((0.1, 0.2)), "has factor=[0.1, 0.2]: here a factor goes from 0 to a number"),
    (
        layers.RandomZoom(0.1, fill_mode="constant"),
        "has fill_mode='constant': here it is always 'reflect'",
    ),
]


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`:UserWarning")
@pytest.mark.parametrize(("made", "message"), MISFITS, ids=lambda value: type(value).__name__)
def test_what_has_no_place_in_a_blueprint_is_refused_by_its_setting(made: Any, message: str) -> None:
    """The setting, its value, and what it would have to be."""
    with pytest.raises(MisfitError) as caught:
        read_layer(type(made).__name__, as_written(made))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (None, "has no settings"),
        ({"units": 3}, "lacks its setting 'activation'"),
        ({"units": 3, "activation": 3, "use_bias": True}, "has an activation of its own making"),
        (
            {"units": 3, "activation": None, "use_bias": True, "quantization_config": {"a": 1}},
            "has the setting quantization_config={'a': 1}, which is not known here",
        ),
        (
            {"units": 3, "activation": None, "use_bias": True, "dtype": {"config": 3}},
            "computes in '?': here all numbers are float32",
        ),
    ],
)
def test_damaged_settings_are_refused(settings: Any, message: str) -> None:
    """What Keras would not have written is no layer."""
    with pytest.raises(MisfitError) as caught:
        read_layer("Dense", settings)
    assert str(caught.value) == message


def test_settings_of_a_wrong_type_are_refused() -> None:
    """Numbers that are no numbers, and lists where none can be."""
    whole = as_written(layers.Conv2D(2, 3))
    with pytest.raises(BlueprintError, match="filters of a conv cannot be 'two'"):
        read_layer("Conv2D", whole | {"filters": "two"})
    with pytest.raises(BlueprintError, match="kernel of a conv cannot be"):
        read_layer("Conv2D", whole | {"kernel_size": [3, [3]]})
    with pytest.raises(MisfitError, match="settings that are not as Keras writes them"):
        read_layer("ReLU", as_written(layers.ReLU()) | {"max_value": [6]})
    with pytest.raises(MisfitError, match=r"has padding=\[1, 2\]"):
        read_layer("ZeroPadding2D", as_written(layers.ZeroPadding2D()) | {"padding": [1, 2]})


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Rbf(10), "is of a kind that Keras does not have"),
        (ScaledAvgPool(), "is of a kind that Keras does not have"),
        (Activation("scaled_tanh"), "has the activation 'scaled_tanh', which Keras does not have"),
        (
            Dense(3, "scaled_tanh"),
            "has the activation 'scaled_tanh', which Keras does not have",
        ),
        (Conv(16, (5, 5), table="lenet5"), "sees its channels through the table 'lenet5'"),
    ],
)
def test_what_keras_does_not_have_is_refused(layer: Any, message: str) -> None:
    """The layers of LeNet-5 as the paper has it."""
    with pytest.raises(MisfitError) as caught:
        write_layer(layer)
    assert str(caught.value) == message
