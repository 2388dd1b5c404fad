"""A network as frozen layers and a head: cut and joined, it answers as PyTorch's whole network does."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pellucid.errors import RequestError
from pellucid.network.build import build
from pellucid.network.parameters import Parameters, initial_parameters, parameter_shapes
from pellucid.network.text import format_blueprint, parse
from pellucid.training.own import OwnLayers, classes_out, cut, joined, with_classes

ENDS = (
    "flatten; dense 4 softmax",
    "flatten; dense 4",
    "flatten; dense 4 bias=no; softmax",
    "flatten; dense 5 relu; dropout 0.5; dense 4 softmax",
    "conv 4 1x1; globalavgpool",
    "conv 4 1x1; globalmaxpool; softmax",
    "flatten; rbf 4",
)


def parameters_of(text: str, seed: int = 0) -> Parameters:
    """Random numbers in every tensor, biases and statistics too."""
    blueprint = parse(text)
    chance = np.random.default_rng(seed)
    first = initial_parameters(blueprint, seed)
    return {name: chance.uniform(0.1, 1, values.shape).astype(np.float32) for name, values in first.items()}


def pytorch(text: str, parameters: Parameters, x_NCHW: NDArray[np.float32]) -> NDArray[np.float64]:
    """The probabilities of the plain network, by PyTorch."""
    blueprint = parse(text)
    network = build(blueprint, parameters, fast=True).eval()
    with torch.no_grad():
        return network(torch.from_numpy(x_NCHW)).double().softmax(dim=1).numpy()


def answer(layers: OwnLayers, head: Any, x_NCHW: NDArray[np.float32]) -> NDArray[np.float64]:
    (rows,) = layers.session().run(None, {"pictures": x_NCHW})
    assert rows.shape == (len(x_NCHW), *layers.output_shape)
    return head.probabilities(rows.reshape(len(x_NCHW), -1))


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("middle", ["conv 3 3x3 relu; maxpool 2x2", "batchnorm; conv 2 3x3 relu6 stride=2"])
def test_cut_and_joined_it_answers_as_pytorch(middle: str, end: str) -> None:
    """Every way to end in classes, cut in two, kept, and joined again: PyTorch's probabilities."""
    text = f"input 8x7x1; {middle}; {end}"
    parameters = parameters_of(text)
    x_NCHW = np.random.default_rng(1).random((5, 1, 8, 7), np.float32)
    expected_NK = pytorch(text, parameters, x_NCHW)
    layers, head = cut(parse(text), parameters)
    np.testing.assert_allclose(answer(layers, head, x_NCHW), expected_NK, atol=2e-5)
    again = joined(parse(text), dict(layers.tensors()), head)
    assert again.key == layers.key
    np.testing.assert_array_equal(answer(again, head, x_NCHW), answer(layers, head, x_NCHW))


def test_a_head_alone_has_no_layers_to_run() -> None:
    """A network of one dense layer keeps nothing but its head; its layers give the picture back."""
    text = "input 4x3x1; flatten; dense 2 softmax"
    parameters = parameters_of(text)
    layers, head = cut(parse(text), parameters)
    assert dict(layers.tensors()) == {}
    assert layers.output_shape == (12,)
    x_NCHW = np.random.default_rng(1).random((5, 1, 4, 3), np.float32)
    np.testing.assert_allclose(answer(layers, head, x_NCHW), pytorch(text, parameters, x_NCHW), atol=1e-6)


def test_tensors_are_those_before_the_head() -> None:
    """What a run keeps has Keras' names; the head's own tensors are not among them."""
    text = "input 8x8x1; conv 3 3x3; batchnorm; flatten; dense 6 relu; dense 2 softmax"
    layers, head = cut(parse(text), parameters_of(text))
    assert sorted(layers.tensors()) == [
        *(f"batch_normalization.{name}" for name in ("beta", "gamma", "moving_mean", "moving_variance")),
        *("conv2d.bias", "conv2d.kernel", "dense.bias", "dense.kernel"),
    ]
    assert head.weight_DK.shape == (6, 2)


def test_the_key_tells_other_numbers_apart() -> None:
    """Other weights, or another network with the same weights, are other features."""
    text = "input 8x8x1; conv 3 3x3 relu; flatten; dense 2 softmax"
    parameters = parameters_of(text)
    key = cut(parse(text), parameters)[0].key
    assert cut(parse(text), dict(parameters))[0].key == key
    assert cut(parse(text.replace("relu", "tanh")), parameters)[0].key != key
    changed = {**parameters, "conv2d.bias": parameters["conv2d.bias"] + np.float32(1e-6)}
    assert cut(parse(text), changed)[0].key != key


def test_a_tensor_that_is_missing_or_of_another_shape_is_named() -> None:
    """What a run kept is not believed."""
    text = "input 8x8x1; conv 3 3x3 relu; flatten; dense 2 softmax"
    layers, head = cut(parse(text), parameters_of(text))
    kept = dict(layers.tensors())
    with pytest.raises(KeyError, match=r"conv2d\.bias"):
        joined(parse(text), {name: one for name, one in kept.items() if name != "conv2d.bias"}, head)
    with pytest.raises(ValueError, match=r"conv2d\.kernel is \(3, 3, 1, 2\) and not \(3, 3, 1, 3\)"):
        joined(parse(text), {**kept, "conv2d.kernel": kept["conv2d.kernel"][..., :2]}, head)


@settings(max_examples=25)
@given(classes=st.integers(2, 50), units=st.integers(1, 20), end=st.sampled_from(["", "softmax"]))
def test_the_last_dense_layer_gets_an_output_a_class(classes: int, units: int, end: str) -> None:
    """Only its units change; a network that fits is left as it is."""
    text = f"input 8x8x1; flatten; dense {units} relu; dense {units} {end}".strip()
    changed = with_classes(parse(text), classes)
    assert classes_out(changed) == classes
    assert parameter_shapes(changed)["dense_1.kernel"] == (units, classes)
    assert changed.layers[:-1] == parse(text).layers[:-1]
    assert with_classes(changed, classes) is changed
    assert replace(changed.layers[-1], units=units) == parse(text).layers[-1]
    assert format_blueprint(changed).count(f"dense {classes}") >= 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("input 8x8x1; conv 4 3x3 relu", "The network ends in 'conv2d'."),
        ("input 8x8x1; flatten; dense 4 relu", "The network ends in 'dense'."),
        ("input 8x8x1; flatten; dense 4; sigmoid", "The network ends in 'activation'."),
    ],
)
def test_a_network_that_does_not_end_in_classes_is_refused(text: str, told: str) -> None:
    """A map, or an activation that no softmax can stand on, is no answer."""
    with pytest.raises(RequestError) as caught:
        classes_out(parse(text))
    assert str(caught.value) == (
        f"{told} An end that gives one number a class was expected: 'dense 10 softmax', or globalavgpool "
        "with as many channels as there are classes. Add such a layer to its text."
    )


def test_other_outputs_that_no_dense_layer_gives_are_refused() -> None:
    """Channels are not changed behind a person's back."""
    with pytest.raises(RequestError) as caught:
        with_classes(parse("input 8x8x1; conv 4 3x3; globalavgpool"), 3)
    assert str(caught.value) == (
        "The network answers for 4 classes, and the pictures have 3. As many outputs as classes were "
        "expected. Change the network's last layers."
    )
