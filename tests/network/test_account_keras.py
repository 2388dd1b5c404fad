"""Keras as the referee: names, shapes and parameter counts of random networks."""

import math
import os
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.network.account import account
from pellucid.network.blueprint import Blueprint, Conv, DepthwiseConv, Layer, Rbf, ScaledAvgPool
from pellucid.network.catalogue import NETWORKS
from pellucid.network.shapes import ShapeError

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="Keras is not installed here")


def made(layer: Layer) -> Any:
    """Keras' layer of this kind, with its own words for the same values."""
    at, new = asdict(layer), keras.layers
    sliding = {"strides": at.get("stride"), "padding": at.get("padding")}
    learning = {"activation": at.get("activation"), "use_bias": at.get("bias")}
    return {
        "Conv": lambda: new.Conv2D(
            at["filters"],
            at["kernel"],
            dilation_rate=at["dilation"],
            groups=at["groups"],
            **learning,
            **sliding,
        ),
        "DepthwiseConv": lambda: new.DepthwiseConv2D(
            at["kernel"],
            depth_multiplier=at["multiplier"],
            dilation_rate=at["dilation"],
            **learning,
            **sliding,
        ),
        "MaxPool": lambda: new.MaxPooling2D(at["window"], **sliding),
        "AvgPool": lambda: new.AveragePooling2D(at["window"], **sliding),
        "GlobalAvgPool": new.GlobalAveragePooling2D,
        "GlobalMaxPool": new.GlobalMaxPooling2D,
        "Flatten": new.Flatten,
        "Dense": lambda: new.Dense(at["units"], **learning),
        "Dropout": lambda: new.Dropout(at["rate"]),
        "BatchNorm": lambda: new.BatchNormalization(momentum=at["momentum"], epsilon=at["epsilon"]),
        "Rescale": lambda: new.Rescaling(at["scale"], at["offset"]),
        "Activation": lambda: new.Activation(at["name"]),
        "ZeroPad": lambda: new.ZeroPadding2D(((at["top"], at["bottom"]), (at["left"], at["right"]))),
        "RandomFlip": lambda: new.RandomFlip(at["mode"]),
        "RandomRotation": lambda: new.RandomRotation(at["factor"]),
        "RandomZoom": lambda: new.RandomZoom(at["height"], at["width"]),
        "RandomTranslation": lambda: new.RandomTranslation(at["height"], at["width"]),
        "RandomContrast": lambda: new.RandomContrast(at["factor"]),
        "RandomBrightness": lambda: new.RandomBrightness(at["factor"]),
    }[type(layer).__name__]()


def theirs(blueprint: Blueprint) -> list[tuple[Any, ...]]:
    """What Keras says of each layer: name, class, shape, count_params, and how many of these learn."""
    keras.backend.clear_session()
    source = keras.Input((blueprint.input.height, blueprint.input.width, blueprint.input.channels))
    model = keras.Sequential([source, *map(made, blueprint.layers)])
    return [
        (
            one.name,
            type(one).__name__,
            tuple(one.output.shape[1:]),
            one.count_params(),
            sum(math.prod(weight.shape) for weight in one.trainable_weights),
        )
        for one in model.layers
    ]


def ours(blueprint: Blueprint) -> list[tuple[Any, ...]]:
    return [
        (row.name, row.kind, row.output_shape, row.parameters, row.trainable)
        for row in account(blueprint).rows
    ]


def knows(layer: Layer) -> bool:
    """Whether Keras has such a layer: no LeNet-5 kinds; no stride together with a dilation."""
    names = (getattr(layer, "activation", None), getattr(layer, "name", None))
    if isinstance(layer, Rbf | ScaledAvgPool) or "scaled_tanh" in names:
        return False
    if isinstance(layer, Conv | DepthwiseConv):
        uneven = isinstance(layer, DepthwiseConv) and layer.stride[0] != layer.stride[1]
        return not uneven and (layer.dilation == (1, 1) or layer.stride == (1, 1))
    return True


@settings(max_examples=20)
@given(data=st.data())
def test_keras_says_the_same_of_random_networks(data, chains) -> None:
    """Names, classes, output shapes, count_params and what is trainable, layer by layer."""
    drawn = data.draw(chains())
    blueprint = Blueprint(drawn.input, tuple(layer for layer in drawn.layers if knows(layer)))
    try:
        expected = ours(blueprint)
    except ShapeError:  # without the layers that Keras does not know, the others may not fit any more
        return
    if expected:
        assert theirs(blueprint) == expected


@pytest.mark.parametrize("name", ["digits-convnet", "digits-dense", "lenet5", "class-test"])
def test_keras_says_the_same_of_the_named_networks(name: str) -> None:
    """The lecture's tables, as Keras makes them."""
    assert theirs(NETWORKS[name].blueprint) == ours(NETWORKS[name].blueprint)
