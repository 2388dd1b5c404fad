"""The tensors of a network, and what is in them before training."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.network.account import account
from pellucid.network.blueprint import Blueprint, Conv, Input
from pellucid.network.catalogue import NETWORKS
from pellucid.network.characters import drawn_digits
from pellucid.network.parameters import (
    ParameterError,
    check_parameters,
    connections,
    initial_parameters,
    parameter_shapes,
)
from pellucid.network.text import parse


def test_the_digits_convnet_has_the_lecture_s_tensors() -> None:
    """Names, layouts and order are Keras'; together they hold 104,202 numbers."""
    found = parameter_shapes(NETWORKS["digits-convnet"].blueprint)
    assert found == {
        "conv2d.kernel": (3, 3, 1, 32),
        "conv2d.bias": (32,),
        "conv2d_1.kernel": (3, 3, 32, 64),
        "conv2d_1.bias": (64,),
        "conv2d_2.kernel": (3, 3, 64, 128),
        "conv2d_2.bias": (128,),
        "dense.kernel": (1152, 10),
        "dense.bias": (10,),
    }
    assert [*found][:3] == ["conv2d.kernel", "conv2d.bias", "conv2d_1.kernel"]
    assert sum(map(math.prod, found.values())) == 104_202


def test_each_kind_has_its_tensors() -> None:
    """Groups see a part of the channels; a depthwise kernel has its multiplier last; no bias, no tensor."""
    text = (
        "input 9x8x6; conv 4 3x2 groups=2 bias=no; depthwiseconv 1x2 multiplier=3; batchnorm; scaledavgpool; "
        "globalavgpool; dense 5 bias=no; rbf 2"
    )
    assert parameter_shapes(parse(text)) == {
        "conv2d.kernel": (3, 2, 3, 4),
        "depthwise_conv2d.kernel": (1, 2, 4, 3),
        "depthwise_conv2d.bias": (12,),
        "batch_normalization.gamma": (12,),
        "batch_normalization.beta": (12,),
        "batch_normalization.moving_mean": (12,),
        "batch_normalization.moving_variance": (12,),
        "scaled_average_pooling2d.scale": (12,),
        "scaled_average_pooling2d.bias": (12,),
        "dense.kernel": (12, 5),
        "rbf.points": (5, 2),
    }


@given(data=st.data())
def test_the_tensors_hold_what_the_account_counts(data, chains) -> None:
    """Over random networks, the sizes of all tensors add up to the account's parameters."""
    blueprint = data.draw(chains())
    sizes = map(math.prod, parameter_shapes(blueprint).values())
    assert sum(sizes) == account(blueprint).parameters


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "lenet5-1998"])
def test_a_named_network_s_tensors_are_counted_without_being_made(name: str) -> None:
    """All 24.9 trillion weights of dense-full-hd have a shape, and every network's add up."""
    blueprint = NETWORKS[name].blueprint
    assert sum(map(math.prod, parameter_shapes(blueprint).values())) == account(blueprint).parameters


def test_a_table_leaves_sixty_connections() -> None:
    """LeNet-5's C3 has a full kernel that is 0 where nothing is connected: 1,516 of 2,416 numbers count."""
    blueprint = NETWORKS["lenet5-1998"].blueprint
    mask = connections(blueprint.layers[2])
    assert mask is not None
    assert mask.shape == (6, 16)
    assert mask.sum() == 60
    assert np.flatnonzero(mask[:, 3]).tolist() == [3, 4, 5]  # table I, column 3
    kernel = initial_parameters(blueprint, 0)["conv2d_1.kernel"]
    assert np.count_nonzero(kernel) + 16 == 1_516
    assert (kernel[:, :, mask == 0] == 0).all()
    assert connections(blueprint.layers[0]) is None


def test_the_points_are_drawn_digits_or_chance() -> None:
    """Ten units on 84 inputs compare with ten drawn digits; any others with corners drawn by chance."""
    digits = initial_parameters(NETWORKS["lenet5-1998"].blueprint, 3)["rbf.points"]
    assert (digits == drawn_digits()).all()
    others = initial_parameters(parse("input 4x4x4; flatten; rbf 30"), 3)["rbf.points"]
    assert set(np.unique(others)) == {-1, 1}
    assert abs(others.mean()) < 0.2


def test_kernels_are_glorot_uniform() -> None:
    """A kernel fills -limit to limit evenly, by Keras' fans: groups and multiplier as its shape has them."""
    text = "input 8x8x64; conv 128 3x3 groups=4; depthwiseconv 3x3 multiplier=2; globalavgpool; dense 300"
    drawn = initial_parameters(parse(text), 7)
    for name, fans in {
        "conv2d.kernel": 9 * 16 + 9 * 128,
        "depthwise_conv2d.kernel": 9 * 128 + 9 * 2,
        "dense.kernel": 256 + 300,
    }.items():
        kernel, limit = drawn[name], math.sqrt(6 / fans)
        assert kernel.dtype == np.float32
        assert 0.99 * limit < np.abs(kernel).max() <= limit
        assert abs(kernel.mean()) < 0.03 * limit
        assert kernel.std() == pytest.approx(limit / math.sqrt(3), rel=0.03)


def test_what_is_no_kernel_begins_at_nought_or_one() -> None:
    """Biases, beta and moving mean are 0; gamma, moving variance and a pooling's scale are 1."""
    drawn = initial_parameters(parse("input 4x4x3; conv 2 1x1; batchnorm; scaledavgpool"), 0)
    values = {name: set(tensor.tolist()) for name, tensor in drawn.items() if not name.endswith("kernel")}
    assert values == {
        "conv2d.bias": {0},
        "batch_normalization.gamma": {1},
        "batch_normalization.beta": {0},
        "batch_normalization.moving_mean": {0},
        "batch_normalization.moving_variance": {1},
        "scaled_average_pooling2d.scale": {1},
        "scaled_average_pooling2d.bias": {0},
    }


@given(seed=st.integers(0, 2**64 - 1), data=st.data())
def test_equal_seeds_give_equal_bits(seed: int, data, chains) -> None:
    """Drawn twice from one seed, every tensor is the same and what check_parameters asks for."""
    blueprint = data.draw(chains())
    first, second = (initial_parameters(blueprint, seed) for _ in range(2))
    check_parameters(blueprint, first)
    assert [*first] == [*second] == [*parameter_shapes(blueprint)]
    assert all((first[name] == second[name]).all() for name in first)


def test_another_seed_or_layer_gives_other_numbers() -> None:
    """Layers of one shape differ, seeds differ, and a layer's numbers do not depend on the layers before."""
    text = "input 5x5x4; conv 4 1x1; conv 4 1x1"
    one, two = (initial_parameters(parse(text), seed) for seed in (1, 2))
    assert (one["conv2d.kernel"] != one["conv2d_1.kernel"]).all()
    assert (one["conv2d.kernel"] != two["conv2d.kernel"]).all()
    pooled = initial_parameters(parse(text.replace("; ", "; maxpool; ", 1)), 1)
    assert (one["conv2d_1.kernel"] == pooled["conv2d_1.kernel"]).all()


def test_the_numbers_stay_what_they_are() -> None:
    """A seed means the same numbers tomorrow: these were drawn on the day this was written."""
    kernel = initial_parameters(NETWORKS["digits-convnet"].blueprint, 0)["conv2d.kernel"]
    assert kernel[0, :, 0, 0].tolist() == GOLDEN


GOLDEN = [0.044176455587148666, -0.0532287135720253, 0.11614442616701126]

SMALL = Blueprint(Input(3, 3, 1), (Conv(2, (3, 3)),))
KERNEL, BIAS = np.zeros((3, 3, 1, 2)), np.zeros(2)
WRONG = [
    (
        SMALL,
        {"conv2d.kernel": KERNEL},
        "The tensor 'conv2d.bias' of the network is missing. 2 tensors were expected, this one of shape 2. "
        "Give all tensors of this network, or the network that these belong to.",
    ),
    (
        SMALL,
        {"conv2d.kernel": KERNEL[:2], "conv2d.bias": BIAS},
        "The tensor 'conv2d.kernel' has the shape 2x3x1x2. The network needs 3x3x1x2 there. Give the tensors "
        "of this network, or the network that these belong to.",
    ),
    (
        SMALL,
        {"conv2d.kernel": KERNEL, "conv2d.bias": BIAS, "dense.bias": BIAS},
        "The tensor 'dense.bias' is none of the network's. The network has conv2d.kernel, conv2d.bias. Leave "
        "it out, or give the network that it belongs to.",
    ),
    (
        Blueprint(Input(3, 3, 6), (Conv(16, (3, 3), table="lenet5"),)),
        {"conv2d.kernel": np.ones((3, 3, 6, 16)), "conv2d.bias": np.zeros(16)},
        "The tensor 'conv2d.kernel' is not 0 where its layer's table connects nothing. A filter has no "
        "weights for a channel that it does not see. Put zeros there, or take the table out of the layer.",
    ),
]


@pytest.mark.parametrize(("blueprint", "tensors", "message"), WRONG)
def test_wrong_tensors_are_refused_by_name(blueprint: Blueprint, tensors, message: str) -> None:
    """Missing, of another shape, unknown, or connected where the table connects nothing."""
    with pytest.raises(ParameterError) as caught:
        check_parameters(blueprint, tensors)
    assert str(caught.value) == message
