"""A blueprint as a PyTorch module: Keras' numbers, TensorFlow's padding, and a faster order that is exact."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from pellucid.network.blueprint import (
    Activation,
    AvgPool,
    BatchNorm,
    Blueprint,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    Input,
    MaxPool,
    RandomFlip,
    Rescale,
    ScaledAvgPool,
    ZeroPad,
)
from pellucid.network.build import build
from pellucid.network.catalogue import find_network
from pellucid.network.modules import Crop
from pellucid.network.parameters import ParameterError, initial_parameters, parameter_shapes
from pellucid.network.shapes import same_padding, shapes


def pictures(blueprint: Blueprint, number: int = 3, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    side = blueprint.input
    return torch.randn(number, side.channels, side.height, side.width, generator=generator)


def random_parameters(blueprint: Blueprint, seed: int = 1) -> dict[str, np.ndarray]:
    """Numbers that leave no bias or statistic at its beginning."""
    draw = np.random.default_rng(seed)
    found = {}
    for name, shape in parameter_shapes(blueprint).items():
        found[name] = draw.normal(0, 0.5, shape).astype(np.float32)
        if name.endswith("moving_variance"):
            found[name] = np.abs(found[name]) + np.float32(0.1)
    return found


@pytest.mark.parametrize("name", ["digits-convnet", "lenet5", "class-test", "digits-dense"])
def test_the_classics_give_what_their_account_says(name: str) -> None:
    """Each layer's output has the accounted shape, and the tensors are as many as the account's."""
    blueprint = find_network(name)
    network = build(blueprint, initial_parameters(blueprint, 0)).eval()
    x = pictures(blueprint)
    wanted = dict(zip(blueprint.names, shapes(blueprint), strict=True))
    for step, module in network.named_children():
        x = module(x)
        if step in wanted:
            shape = x.permute(0, 2, 3, 1).shape[1:] if x.dim() == 4 else x.shape[1:]
            assert tuple(shape) == wanted[step]
    assert torch.allclose(x.sum(dim=1), torch.ones(3))


def test_a_convnet_by_hand() -> None:
    """The digits convnet is the same chain of torch.nn.functional calls on Keras' numbers."""
    blueprint = find_network("digits-convnet")
    parameters = random_parameters(blueprint)
    x = pictures(blueprint)
    y = x
    for name, pooled in (("conv2d", True), ("conv2d_1", True), ("conv2d_2", False)):
        kernel = torch.from_numpy(np.ascontiguousarray(parameters[f"{name}.kernel"].transpose(3, 2, 0, 1)))
        y = functional.relu(functional.conv2d(y, kernel, torch.from_numpy(parameters[f"{name}.bias"])))
        y = functional.max_pool2d(y, 2) if pooled else y
    flat = y.permute(0, 2, 3, 1).reshape(3, -1)
    logits = flat @ torch.from_numpy(parameters["dense.kernel"]) + torch.from_numpy(parameters["dense.bias"])
    plain, fast = build(blueprint, parameters).eval(), build(blueprint, parameters, fast=True).eval()
    torch.testing.assert_close(plain(x), logits.softmax(dim=1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(fast(x), logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("activation", ["relu", "relu6", "leaky_relu"])
def test_rising_activations_after_pooling_give_the_same_bits(activation: str) -> None:
    """The faster order and the written one give equal outputs to the bit, and equal gradients nearly so."""
    blueprint = Blueprint(
        Input(12, 12, 3), (Conv(8, (3, 3), activation=activation), MaxPool((2, 2)), Flatten(), Dense(5))
    )
    parameters = random_parameters(blueprint)
    plain, fast = build(blueprint, parameters), build(blueprint, parameters, fast=True)
    assert [name for name, _ in fast.named_children()].index("max_pooling2d") == 1
    assert [name for name, _ in plain.named_children()].index("max_pooling2d") == 2
    x = pictures(blueprint)
    assert torch.equal(plain(x), fast(x))
    for network in (plain, fast):
        functional.cross_entropy(network(x), torch.tensor([0, 1, 2])).backward()
    for one, other in zip(plain.parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("side", "seen"), [((28, 28), (26, 26)), ((27, 26), (26, 26)), ((29, 30), (26, 30)), ((26, 26), None)]
)
def test_pixels_that_are_not_read_are_left_out_of_what_is_fast(side, seen) -> None:
    """The digits convnet on pictures of several sizes: equal outputs and gradients, fewer pixels."""
    blueprint = replace(find_network("digits-convnet"), input=Input(*side, 1))
    parameters = random_parameters(blueprint)
    plain, fast = build(blueprint, parameters), build(blueprint, parameters, fast=True)
    x = pictures(blueprint)
    first = next(iter(fast.children()))
    assert tuple(first(x).shape[2:]) == seen if seen else not isinstance(first, Crop)
    for network in (plain, fast):
        y = network(x).softmax(dim=1) if network is fast else network(x)
        y[:, 3].sum().backward()
        torch.testing.assert_close(y, plain(x), rtol=1e-4, atol=1e-6)
    for one, other in zip(plain.parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-4)


def test_an_activation_that_falls_stays_before_the_pooling() -> None:
    """GELU is not monotonous: max(gelu(x)) is not gelu(max(x))."""
    blueprint = Blueprint(Input(6, 6, 1), (Conv(4, (3, 3), activation="gelu"), MaxPool((2, 2)), Flatten()))
    fast = build(blueprint, random_parameters(blueprint), fast=True)
    assert [name for name, _ in fast.named_children()][:3] == [
        "conv2d",
        "conv2d_activation",
        "max_pooling2d",
    ]


sizes = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=60)
@given(
    side=st.tuples(st.integers(8, 14), st.integers(8, 14)),
    kernel=sizes,
    stride=st.integers(1, 3),
    dilation=st.integers(1, 2),
    same=st.booleans(),
    groups=st.sampled_from([1, 2, 4]),
    depthwise=st.booleans(),
)
def test_convolution_is_the_sum_of_products(side, kernel, stride, dilation, same, groups, depthwise) -> None:
    """Over random sizes, strides, dilations, groups and paddings: each output is the float64 sum by hand."""
    if stride > 1 and dilation > 1:
        dilation = 1
    padding = "same" if same else "valid"
    options = {"stride": (stride, stride), "padding": padding, "dilation": (dilation, dilation)}
    layer = (
        DepthwiseConv(kernel, multiplier=groups, **options)
        if depthwise
        else Conv(8, kernel, groups=groups, **options)
    )
    blueprint = Blueprint(Input(*side, 4), (layer,))
    parameters = random_parameters(blueprint)
    x = pictures(blueprint, 2)
    found = build(blueprint, parameters).eval()(x).detach().permute(0, 2, 3, 1).numpy()
    pads = [same_padding(side[a], kernel[a], stride, dilation) if same else (0, 0) for a in (0, 1)]
    padded = np.pad(x.permute(0, 2, 3, 1).double().numpy(), ((0, 0), *pads, (0, 0)))
    weights = parameters[f"{blueprint.names[0]}.kernel"].astype(np.float64)
    row, column = found.shape[1] - 1, found.shape[2] // 2
    patch = padded[
        :,
        row * stride : row * stride + (kernel[0] - 1) * dilation + 1 : dilation,
        column * stride : column * stride + (kernel[1] - 1) * dilation + 1 : dilation,
    ]
    bias = parameters[f"{blueprint.names[0]}.bias"]
    if depthwise:
        expected = np.einsum("nhwc,hwcm->ncm", patch, weights).reshape(2, -1) + bias
    else:
        parts = [
            np.einsum(
                "nhwc,hwco->no",
                patch[..., g * 4 // groups : (g + 1) * 4 // groups],
                weights[..., g * 8 // groups : (g + 1) * 8 // groups],
            )
            for g in range(groups)
        ]
        expected = np.concatenate(parts, axis=1) + bias
    np.testing.assert_allclose(found[:, row, column], expected, rtol=1e-4, atol=1e-4)


def test_padding_never_wins_and_is_not_counted() -> None:
    """Max pooling of negative numbers ignores padding; average pooling divides by what is there."""
    pooled = Blueprint(Input(3, 3, 1), (MaxPool((2, 2), padding="same"),))
    x = -torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    assert build(pooled, {})(x).flatten().tolist() == [-1, -3, -7, -9]
    averaged = Blueprint(Input(3, 3, 1), (AvgPool((2, 2), padding="same"),))
    assert build(averaged, {})(x).flatten().tolist() == [-3, -4.5, -7.5, -9]


def test_the_pooling_of_the_lecture() -> None:
    """5 1 3 4 / 8 2 9 2 / 1 3 0 1 / 2 2 2 0, 2x2, stride 2: max 8 9 / 3 2, average 4 4.5 / 2 0.75."""
    x = torch.tensor([[5.0, 1, 3, 4], [8, 2, 9, 2], [1, 3, 0, 1], [2, 2, 2, 0]])[None, None]
    of = Input(4, 4, 1)
    assert build(Blueprint(of, (MaxPool(),)), {})(x).flatten().tolist() == [8, 9, 3, 2]
    assert build(Blueprint(of, (AvgPool(),)), {})(x).flatten().tolist() == [4, 4.5, 2, 0.75]


def test_every_other_kind_by_hand() -> None:
    """Global pooling, batch norm, rescaling, padding, activations and dropout do what Keras says."""
    x = pictures(Blueprint(Input(5, 4, 3), ()))
    of = Input(5, 4, 3)

    def out(*layers, parameters=None):
        blueprint = Blueprint(of, layers)
        return build(blueprint, parameters or initial_parameters(blueprint, 0)).eval()(x)

    torch.testing.assert_close(out(GlobalAvgPool()), x.mean((2, 3)))
    torch.testing.assert_close(out(GlobalMaxPool()), x.amax((2, 3)))
    torch.testing.assert_close(out(Rescale(2.0, -1.0)), x * 2 - 1)
    torch.testing.assert_close(out(ZeroPad(1, 2, 3, 0)), functional.pad(x, (3, 0, 1, 2)))
    torch.testing.assert_close(out(Flatten()), x.permute(0, 2, 3, 1).reshape(3, -1))
    torch.testing.assert_close(out(Activation("leaky_relu")), functional.leaky_relu(x, 0.2))
    torch.testing.assert_close(out(Activation("scaled_tanh")), 1.7159 * torch.tanh(2 * x / 3))
    torch.testing.assert_close(out(Activation("softmax")), x.softmax(dim=1))
    torch.testing.assert_close(out(RandomFlip(), Dropout(0.5)), x)
    norm = random_parameters(Blueprint(of, (BatchNorm(),)))
    gamma, beta, mean, variance = (torch.from_numpy(norm[f"batch_normalization.{n}"])[:, None, None]
                                   for n in ("gamma", "beta", "moving_mean", "moving_variance"))  # fmt: skip
    torch.testing.assert_close(
        out(BatchNorm(), parameters=norm), (x - mean) / torch.sqrt(variance + 1e-3) * gamma + beta
    )
    scaled = {
        "scaled_average_pooling2d.scale": np.array([1, 2, 3], np.float32),
        "scaled_average_pooling2d.bias": np.array([0, 1, -1], np.float32),
    }
    by_hand = functional.avg_pool2d(x, 2) * torch.tensor([1.0, 2, 3])[:, None, None]
    torch.testing.assert_close(
        out(ScaledAvgPool(), parameters=scaled), by_hand + torch.tensor([0.0, 1, -1])[:, None, None]
    )


def test_dropout_draws_from_its_own_generator() -> None:
    """In training about half of the numbers are 0 and the rest doubled; equal states draw equal masks."""
    blueprint = Blueprint(Input(30, 30, 3), (Dropout(0.5),))
    network = build(blueprint, {}, seed=4).train()
    x = torch.ones(2, 3, 30, 30)
    state = network.generator.get_state()
    global_state = torch.random.get_rng_state()
    first = network(x)
    assert set(first.unique().tolist()) == {0.0, 2.0}
    assert 0.45 < (first == 0).float().mean() < 0.55
    assert not torch.equal(network(x), first)
    network.generator.set_state(state)
    assert torch.equal(network(x), first)
    assert torch.equal(torch.random.get_rng_state(), global_state)


def test_the_paper_of_1998_has_masked_weights_and_fixed_points() -> None:
    """Unconnected weights stay 0 under a gradient step, the points are no parameters, the nearest wins."""
    blueprint = find_network("lenet5-1998")
    network = build(blueprint, initial_parameters(blueprint, 0), fast=True).train()
    assert sum(p.numel() for p in network.parameters()) == 60_000 + (6 * 16 - 60) * 25
    x = pictures(blueprint, 4)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    functional.cross_entropy(network(x), torch.tensor([0, 1, 2, 3])).backward()
    optimiser.step()
    out = network.parameters_out()
    check = build(blueprint, out)
    assert out["rbf.points"].shape == (84, 10)
    torch.testing.assert_close(-check.eval()(x), network.eval()(x))


def test_numbers_go_in_and_come_out_as_they_were() -> None:
    """parameters_out gives what parameters_in took, to the bit, for every kind that has tensors."""
    layers = (
        Conv(4, (3, 2), groups=2, padding="same"),
        DepthwiseConv((2, 3), multiplier=3, bias=False),
        BatchNorm(),
        ScaledAvgPool(),
        Flatten(),
        Dense(3, activation="softmax"),
    )
    blueprint = Blueprint(Input(9, 8, 2), layers)
    parameters = random_parameters(blueprint)
    out = build(blueprint, parameters).parameters_out()
    assert list(out) == list(parameters)
    for name, values in parameters.items():
        np.testing.assert_array_equal(out[name], values)


def test_the_wrong_numbers_are_refused() -> None:
    """A missing tensor is named before anything is built upon it."""
    blueprint = find_network("class-test")
    parameters = initial_parameters(blueprint, 0)
    del parameters["conv2d.bias"]
    with pytest.raises(ParameterError, match=r"The tensor 'conv2d.bias' of the network is missing\."):
        build(blueprint, parameters)
