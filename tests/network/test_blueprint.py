"""Layers as data: names, and values that are checked when a layer is made."""

import math
from typing import get_args

import pytest

from pellucid.network.blueprint import (
    TABLES,
    Activation,
    BatchNorm,
    Blueprint,
    Conv,
    Dense,
    Dropout,
    FitName,
    Input,
    Layer,
    MaxPool,
    RandomZoom,
    Rbf,
    Rescale,
    ScaledAvgPool,
    ZeroPad,
    keras_names,
)
from pellucid.network.values import BlueprintError
from pellucid.pictures.preprocess import Fit

REFUSED = [
    (
        lambda: Conv(0, (3, 3)),
        "The filters of a conv cannot be 0. A whole number from 1 to 1,000,000,000 was expected. "
        "Write such a number.",
    ),
    (
        lambda: Conv(1, (3, 3), stride=(1, -2)),
        "The stride of a conv cannot be 1x-2. A height and a width from 1 to 1,000,000,000 were expected. "
        "Write such a size, for example 2 or 3x3.",
    ),
    (
        lambda: MaxPool(padding="full\n"),
        "The padding of a maxpool cannot be 'full\\n'. One of valid, same was expected. Write one of these.",
    ),
    (
        lambda: Dense(3, activation="rellu"),
        "The activation of a dense cannot be 'rellu'. One of relu, relu6, leaky_relu, sigmoid, tanh, gelu, "
        "softmax, scaled_tanh was expected. Write one of these.",
    ),
    (
        lambda: Dropout(1.0),
        "The rate of a dropout cannot be 1.0. A number of at least 0 and below 1 was expected. "
        "Write such a number.",
    ),
    (
        lambda: Rescale(math.nan),
        "The scale of a rescale cannot be nan. A finite number was expected. Write such a number.",
    ),
    (
        lambda: Input(28, 28, 0),
        "The channels of an input cannot be 0. A whole number from 1 to 1,000,000,000 was expected. "
        "Write such a number.",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_a_layer_with_an_impossible_value_cannot_be_made(make, message: str) -> None:
    """The value, the field and the kind stand in the message."""
    with pytest.raises(BlueprintError) as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "make",
    [
        lambda: BatchNorm(momentum=1.5),
        lambda: BatchNorm(epsilon=-1.0),
        lambda: ZeroPad(-1, 0, 0, 0),
        lambda: RandomZoom(1.0),
        lambda: RandomZoom(0.2, 1.0),
        lambda: Activation("softplus"),
        lambda: Conv(1, (1, 1), table="lenet6"),
        lambda: ScaledAvgPool((0, 2)),
        lambda: ScaledAvgPool(activation="no"),
        lambda: MaxPool(stride=(0, 0)),
        lambda: Rbf(0),
        lambda: Input(1, 1, 1, "stretch"),
    ],
)
def test_every_kind_checks_its_own_values(make) -> None:
    """Nothing out of range gets into a blueprint."""
    with pytest.raises(BlueprintError):
        make()


def test_a_picture_fits_in_the_ways_that_there_are() -> None:
    """The fits that an input may name are those of the preprocessing; it need not name one."""
    assert get_args(FitName) == get_args(Fit)
    assert Input(1, 1, 1).fit is None


def test_names_are_those_that_keras_prints() -> None:
    """The second of a kind has _1; an activation layer is called activation whatever it applies."""
    layers: tuple[Layer, ...] = (Conv(1, (1, 1)), Activation("relu"), Conv(1, (1, 1)), Activation("tanh"))
    assert keras_names(layers) == ("conv2d", "activation", "conv2d_1", "activation_1")
    assert Blueprint(Input(1, 1, 1), layers).names == keras_names(layers)


def test_the_table_of_lenet5_is_the_papers() -> None:
    """LeCun et al. 1998, table I: 60 connections, 6 filters of three maps, 9 of four, 1 of all six."""
    table = TABLES["lenet5"]
    assert [len(seen) for seen in table] == [3] * 6 + [4] * 9 + [6]
    assert len(set(table)) == 16
    columns = [sum(map_ in seen for seen in table) for map_ in range(6)]
    assert columns == [10] * 6  # each map of S2 is seen by ten of C3
    assert all(tuple(sorted(seen)) == seen for seen in table)
