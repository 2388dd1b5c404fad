"""A network as an ONNX graph: ONNX Runtime's numbers beside PyTorch's and those worked out by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from pellucid.network.blueprint import (
    ACTIVATIONS,
    Activation,
    AvgPool,
    BatchNorm,
    Blueprint,
    Conv,
    Dense,
    DepthwiseConv,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    Input,
    MaxPool,
    Rbf,
    Rescale,
    ScaledAvgPool,
    ZeroPad,
)
from pellucid.network.build import build
from pellucid.network.catalogue import NETWORKS
from pellucid.network.onnx_model import onnx_model
from pellucid.network.parameters import ParameterError, connections, parameter_shapes
from pellucid.network.shapes import padding_of, shapes, window_of
from pellucid.network.text import parse

Numbers = dict[str, np.ndarray]


def run(model: onnx.ModelProto, x_NCHW: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["features"], {"pictures": x_NCHW})[0]


def random_parameters(blueprint: Blueprint, seed: int) -> Numbers:
    """Numbers of which none is at its beginning; outputs stay of moderate size."""
    draw = np.random.default_rng(seed)
    found = {}
    for name, shape in parameter_shapes(blueprint).items():
        width = np.prod(shape[:-1]) ** -0.5 if name.endswith("kernel") else 0.5
        found[name] = draw.normal(0, width, shape).astype(np.float32)
        if name.endswith("moving_variance"):
            found[name] = np.abs(found[name]) + np.float32(0.5)
    return found


def random_pictures(blueprint: Blueprint, seed: int, number: int = 2) -> np.ndarray:
    side = blueprint.input
    shape = (number, side.channels, side.height, side.width)
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def moderate(blueprint: Blueprint) -> Blueprint:
    """The same with every rescaling between -2 and 2: float32 cannot hold what the others lead to."""

    def tame(number: float) -> float:
        return min(max(number, -2.0), 2.0)

    return replace(
        blueprint,
        layers=tuple(
            Rescale(tame(layer.scale), tame(layer.offset)) if isinstance(layer, Rescale) else layer
            for layer in blueprint.layers
        ),
    )


# --- the referee: PyTorch's functions, one after the other, in float64 ------------------------------------


def windowed(name: str, layer: Any, shape: tuple[int, ...], x: Tensor, tensors: dict[str, Tensor]) -> Tensor:
    window = window_of(layer)
    (top, bottom), (left, right) = padding_of(layer, shape)
    sides = (left, right, top, bottom)
    if isinstance(layer, MaxPool):
        return functional.max_pool2d(functional.pad(x, sides, value=-torch.inf), window.size, window.stride)
    if isinstance(layer, AvgPool | ScaledAvgPool):
        ones = functional.pad(torch.ones_like(x), sides)
        sums, counts = (
            functional.avg_pool2d(padded, window.size, window.stride, divisor_override=1)
            for padded in (functional.pad(x, sides), ones)
        )
        return sums / counts
    kernel = tensors[f"{name}.kernel"]
    groups = shape[2] if isinstance(layer, DepthwiseConv) else layer.groups
    if isinstance(layer, DepthwiseConv):
        kernel = kernel.permute(2, 3, 0, 1).flatten(0, 1).unsqueeze(1)
    else:
        kernel = kernel.permute(3, 2, 0, 1)
    bias = tensors.get(f"{name}.bias")
    padded = functional.pad(x, sides)
    return functional.conv2d(padded, kernel, bias, window.stride, 0, window.dilation, groups)


def activated(name: str | None, x: Tensor) -> Tensor:
    match name:
        case None:
            return x
        case "leaky_relu":
            return functional.leaky_relu(x, 0.2)
        case "softmax":
            return functional.softmax(x, 1)
        case "scaled_tanh":
            return 1.7159 * torch.tanh(2 / 3 * x)
    return {
        "relu": functional.relu,
        "relu6": functional.relu6,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "gelu": functional.gelu,
    }[name](x)


def step(name: str, layer: Any, shape: tuple[int, ...], x: Tensor, tensors: dict[str, Tensor]) -> Tensor:
    """One layer on (N, C, H, W) or (N, D); what acts in training only changes nothing."""
    if window_of(layer) is not None:
        x = windowed(name, layer, shape, x, tensors)
    if isinstance(layer, ScaledAvgPool):
        x = x * tensors[f"{name}.scale"][:, None, None] + tensors[f"{name}.bias"][:, None, None]
    if isinstance(layer, GlobalAvgPool):
        return x.mean((2, 3))
    if isinstance(layer, GlobalMaxPool):
        return x.amax((2, 3))
    if isinstance(layer, Flatten) and x.dim() == 4:
        return x.permute(0, 2, 3, 1).flatten(1)
    if isinstance(layer, Dense):
        x = x @ tensors[f"{name}.kernel"] + tensors.get(f"{name}.bias", 0)
    if isinstance(layer, Rbf):
        return ((x[:, :, None] - tensors[f"{name}.points"]) ** 2).sum(1)
    if isinstance(layer, BatchNorm):
        gamma, beta, mean, variance = (
            tensors[f"{name}.{one}"] for one in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return functional.batch_norm(x, mean, variance, gamma, beta, eps=layer.epsilon)
    if isinstance(layer, Rescale):
        return x * layer.scale + layer.offset
    if isinstance(layer, ZeroPad):
        return functional.pad(x, (layer.left, layer.right, layer.top, layer.bottom))
    return activated(layer.name if isinstance(layer, Activation) else getattr(layer, "activation", None), x)


def each_by_pytorch(blueprint: Blueprint, parameters: Numbers, x_NCHW: np.ndarray) -> list[np.ndarray]:
    """The pictures, and the output of each layer."""
    tensors = {name: torch.from_numpy(values).double() for name, values in parameters.items()}
    x, side = torch.from_numpy(x_NCHW).double(), blueprint.input
    before = ((side.height, side.width, side.channels), *shapes(blueprint))
    found = [x.numpy()]
    for name, layer, shape in zip(blueprint.names, blueprint.layers, before, strict=False):
        x = step(name, layer, shape, x, tensors)
        found.append(x.numpy())
    return found


def by_pytorch(blueprint: Blueprint, parameters: Numbers, x_NCHW: np.ndarray) -> np.ndarray:
    return each_by_pytorch(blueprint, parameters, x_NCHW)[-1]


def agrees(blueprint: Blueprint, seed: int = 0) -> None:
    """ONNX Runtime and PyTorch give the same, within 1e-5 of the largest output of any layer.

    (A softmax of distances of some hundreds shows float32's rounding of these.)
    """
    parameters, x_NCHW = random_parameters(blueprint, seed), random_pictures(blueprint, seed)
    found = run(onnx_model(blueprint, parameters), x_NCHW)
    every = each_by_pytorch(blueprint, parameters, x_NCHW)
    assert found.dtype == np.float32
    assert found.shape == every[-1].shape
    assert np.abs(found - every[-1]).max() <= 1e-5 * (largest(every) + 1)


def largest(outputs: list[np.ndarray]) -> float:
    return max(float(np.abs(one).max()) for one in outputs)


# --- over random networks ---------------------------------------------------------------------------------


@settings(max_examples=150)
@given(data=st.data(), seed=st.integers(0, 99))
def test_onnx_runtime_and_pytorch_agree_over_random_networks(data, chains, seed: int) -> None:
    """Whatever follows what: the same shapes, and the same numbers to five places."""
    agrees(moderate(data.draw(chains())), seed)


@settings(max_examples=60)
@given(data=st.data(), seed=st.integers(0, 99))
def test_a_random_network_cut_anywhere_is_what_is_built_of_its_first_layers(data, chains, seed: int) -> None:
    """Wherever the cut is, ONNX Runtime answers as what ``network.build`` makes of the first layers."""
    blueprint = moderate(data.draw(chains()))
    until = data.draw(st.integers(0, len(blueprint.layers)))
    first = replace(blueprint, layers=blueprint.layers[:until])
    parameters, x_NCHW = random_parameters(first, seed), random_pictures(blueprint, seed)
    found = run(onnx_model(blueprint, parameters, until=until), x_NCHW)
    with torch.inference_mode():
        expected = build(first, parameters).eval()(torch.from_numpy(x_NCHW)).numpy()
    assert found.shape == expected.shape
    bound = 1e-5 * (largest(each_by_pytorch(first, parameters, x_NCHW)) + 1)
    assert np.abs(found - expected).max() <= bound


SLIDING = [
    Conv(6, (2, 3), stride=(2, 1), padding="same", bias=False),
    Conv(6, (3, 2), dilation=(2, 3), groups=3, padding="same", activation="relu"),
    Conv(6, (3, 3), stride=(3, 2), groups=3),
    DepthwiseConv((3, 3), stride=(2, 2), padding="same", multiplier=2, activation="relu6"),
    DepthwiseConv((2, 2), dilation=(2, 2), bias=False),
    MaxPool((2, 3), (1, 1), "same"),
    MaxPool((3, 2), (2, 3), "same"),
    AvgPool((3, 3), (2, 2), "same"),
    AvgPool((2, 4), padding="same"),
    ScaledAvgPool((2, 3), (2, 1), "same", "scaled_tanh"),
]


@pytest.mark.parametrize("layer", SLIDING, ids=repr)
@pytest.mark.parametrize("size", [(9, 10), (8, 7)], ids=str)
def test_every_way_to_slide(layer: Any, size: tuple[int, int]) -> None:
    """Strides, dilations, groups, multipliers and TensorFlow's padding, odd and even."""
    agrees(Blueprint(Input(*size, 3), (layer,)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation(activation: Any) -> None:
    """Inside a layer, as a layer of its own, on a map and on a row."""
    layers = (Conv(4, (2, 2), activation=activation), Activation(activation), Flatten())
    agrees(Blueprint(Input(5, 4, 2), (*layers, Dense(3, activation), Activation(activation))))


@pytest.mark.parametrize(
    "between",
    ["", "dropout 0.5; ", "relu; ", "batchnorm; ", "softmax; flatten; rescale 2 offset=1; batchnorm; gelu; "],
)
@pytest.mark.parametrize("end", ["dense 3", "rbf 3"])
def test_what_stands_between_flatten_and_the_kernel_moves_with_it(between: str, end: str) -> None:
    """The kernel is reordered, so no Transpose is left, and the numbers are the same."""
    blueprint = parse(f"input 4x5x3; conv 2 2x2; flatten; {between}{end}; dense 2")
    agrees(blueprint)
    kinds = {node.op_type for node in onnx_model(blueprint, random_parameters(blueprint, 0)).graph.node}
    assert "Transpose" not in kinds


@pytest.mark.parametrize("name", ["lenet5-1998", "digits-convnet", "class-test", "lenet5"])
def test_the_named_networks_agree(name: str) -> None:
    """The lecture's and LeNet-5 as the paper has it: learning pooling, table, distances and all."""
    blueprint = NETWORKS[name].blueprint
    parameters, x_NCHW = random_parameters(blueprint, 0), random_pictures(blueprint, 0)
    if name == "lenet5-1998":
        with pytest.raises(ParameterError, match="not 0 where its layer's table connects nothing"):
            onnx_model(blueprint, parameters)
        parameters["conv2d_1.kernel"] *= connections(blueprint.layers[2])
    expected = by_pytorch(blueprint, parameters, x_NCHW)
    found = run(onnx_model(blueprint, parameters), x_NCHW)
    assert np.abs(found - expected).max() <= 1e-5 * (np.abs(expected).max() + 1)


# --- by hand ----------------------------------------------------------------------------------------------

NINE = np.array(
    [
        [-1, 1, 1, 1, -1],
        [-1, 1, -1, 1, -1],
        [-1, 1, 1, 1, -1],
        [-1, -1, -1, 1, -1],
        [-1, -1, -1, 1, -1],
        [-1, -1, 1, -1, -1],
        [-1, 1, -1, -1, -1],
    ],
    np.float32,
)
FILTERS = np.array(
    [
        [[1, 1, 1], [1, -1, 1], [1, 1, 1]],
        [[-1, 1, -1], [-1, 1, -1], [-1, 1, -1]],
        [[-1, -1, 1], [-1, 1, -1], [1, -1, -1]],
    ],
    np.float32,
)
NINTHS = [
    [[-1, 9, -1], [-5, 1, -3], [-3, 3, -3], [-5, -1, -5], [-3, -5, -3]],
    [[5, -5, 5], [5, -5, 7], [3, -3, 7], [1, 1, 5], [3, 1, 3]],
    [[1, -5, 1], [1, -1, -1], [3, -3, -1], [1, 1, 5], [-1, 9, -1]],
]


def test_the_nine_s_feature_maps() -> None:
    """The lecture's loopy, vertical and diagonal detectors on its nine, then ReLU and pooling, by hand."""
    parameters = {
        "conv2d.kernel": np.ascontiguousarray(FILTERS.transpose(1, 2, 0)[:, :, None]) / np.float32(9)
    }
    blueprint = parse("input 7x5x1; conv 3 3x3 bias=no; relu; maxpool 2x2 stride=1")
    maps = run(onnx_model(blueprint, parameters, until=1), NINE[None, None])
    assert maps[0] == pytest.approx(np.array(NINTHS) / 9, abs=1e-6)
    pooled = run(onnx_model(blueprint, parameters), NINE[None, None])
    third = 1 / 3
    assert pooled[0, 0] == pytest.approx(np.array([[1, 1], [third] * 2, [third] * 2, [0, 0]]), abs=1e-6)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        ("maxpool 2x2", [[8, 9], [3, 2]]),
        ("avgpool 2x2", [[4, 4.5], [2, 0.75]]),
        ("maxpool 3x3 stride=2 padding=same", [[9, 9], [3, 2]]),
        ("avgpool 3x3 stride=2 padding=same", [[32 / 9, 19 / 6], [10 / 6, 0.75]]),
    ],
)
def test_the_lecture_s_pooling(layer: str, expected: list[list[float]]) -> None:
    """The lecture's 4x4 map; where padded, padding neither wins nor counts."""
    pixels = np.array([[5, 1, 3, 4], [8, 2, 9, 2], [1, 3, 0, 1], [2, 2, 2, 0]], np.float32)
    found = run(onnx_model(parse(f"input 4x4x1; {layer}"), {}), pixels[None, None])
    assert found[0, 0] == pytest.approx(np.array(expected))


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", [0, 0, 0, 0.5, 5.5, 8]),
        ("relu6", [0, 0, 0, 0.5, 5.5, 6]),
        ("leaky_relu", [-4, -0.2, 0, 0.5, 5.5, 8]),
        ("sigmoid", [0, 0.2689414, 0.5, 0.6224593, 0.9959299, 0.9996646]),
        ("tanh", [-1, -0.7615942, 0, 0.4621172, 0.9999666, 0.9999998]),
        ("gelu", [0, -0.1586553, 0, 0.3457312, 5.4999999, 8]),
        ("scaled_tanh", [-1.7159, -0.9999973, 0, 0.5516837, 1.7136592, 1.7158200]),
        ("softmax", [0, 0.0001139, 0.0003097, 0.0005107, 0.0757873, 0.9232784]),
    ],
)
def test_an_activation_far_from_zero(activation: str, expected: list[float]) -> None:
    """At -20, -1, 0, 1/2, 5 1/2 and 8, from the formulas: where relu6 ends and others level out."""
    x_NCHW = np.array([-20, -1, 0, 0.5, 5.5, 8], np.float32).reshape(1, 6, 1, 1)
    found = run(onnx_model(parse(f"input 1x1x6; {activation}"), {}), x_NCHW)
    assert found.ravel() == pytest.approx(np.array(expected), abs=1e-6)


def test_padding_never_wins() -> None:
    """The largest of a map of -1 is -1, padded or not."""
    found = run(onnx_model(parse("input 5x5x1; maxpool 3x3 padding=same"), {}), -np.ones((1, 1, 5, 5), "f"))
    assert (found == -1).all()


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("zeropad 1; maxpool 2x2", [[0, 0], [0, 0]]),
        ("zeropad 1; dropout 0.5; maxpool 2x2", [[0, 0], [0, 0]]),
        ("zeropad 1; avgpool 2x2", [[-0.25, -0.25], [-0.25, -0.25]]),
        ("zeropad 0,2,0,0; maxpool 1x1 stride=1x2", [[-1], [-1], [0], [0]]),
        ("zeropad 1; avgpool 2x2 stride=3 padding=same", [[-0.25, 0], [0, 0]]),
    ],
)
def test_zeros_before_a_pooling_are_numbers_like_others(layers: str, expected: list[list[float]]) -> None:
    """Pooled maps of -1 in a frame of 0: ONNX Runtime must not take the frame for the pooling's padding."""
    found = run(onnx_model(parse(f"input 2x2x1; {layers}"), {}), -np.ones((1, 1, 2, 2), "f"))
    assert found[0, 0].tolist() == expected


# --- the graph --------------------------------------------------------------------------------------------


def test_the_batch_is_free_and_the_names_are_fixed() -> None:
    """One graph takes one picture or seven, as (N, C, H, W)."""
    blueprint = NETWORKS["digits-convnet"].blueprint
    model = onnx_model(blueprint, random_parameters(blueprint, 0))
    (put_in,), (put_out,) = model.graph.input, model.graph.output
    assert (put_in.name, put_out.name) == ("pictures", "features")
    assert [side.dim_param or side.dim_value for side in put_in.type.tensor_type.shape.dim] == [
        "batch",
        1,
        28,
        28,
    ]
    for number in (1, 7):
        assert run(model, random_pictures(blueprint, 0, number)).shape == (number, 10)


@pytest.mark.parametrize("until", range(8))
def test_a_network_is_cut_where_asked(until: int) -> None:
    """The first k layers alone, without the tensors of the others, give what PyTorch has there."""
    text = "input 8x9x2; rescale 0.5; conv 3 3x3 relu; maxpool; conv 4 2x2; batchnorm; flatten; dense 3"
    blueprint = parse(text)
    first = replace(blueprint, layers=blueprint.layers[:until])
    parameters = random_parameters(blueprint, 0)
    x_NCHW = random_pictures(blueprint, 0)
    found = run(onnx_model(blueprint, parameters, until=until), x_NCHW)
    alone = {name: parameters[name] for name in parameter_shapes(first)}
    assert (found == run(onnx_model(blueprint, alone, until=until), x_NCHW)).all()
    assert found == pytest.approx(by_pytorch(first, parameters, x_NCHW), abs=1e-5)


def test_onnx_runtime_folds_batch_normalisation(tmp_path) -> None:
    """Right after a convolution no node is left of it."""
    blueprint = parse("input 8x8x3; conv 4 3x3 bias=no; batchnorm; relu; depthwiseconv 3x3; batchnorm; relu6")
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "folded.onnx")
    model = onnx_model(blueprint, random_parameters(blueprint, 0))
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]
    assert [kind for kind in kinds if "Normalization" in kind] == []
    assert sum("Conv" in kind for kind in kinds) == 2


def test_a_graph_that_onnx_runtime_1_20_reads() -> None:
    """Opset 21 and IR version 10 are the newest that it reads."""
    model = onnx_model(parse("input 2x2x1; flatten"), {})
    assert model.ir_version <= 10
    assert [opset.version <= 21 for opset in model.opset_import] == [True]


def test_equal_networks_give_equal_bytes() -> None:
    """The graph depends on nothing but the network and its numbers."""
    blueprint = NETWORKS["class-test"].blueprint
    one, two = (onnx_model(blueprint, random_parameters(blueprint, 0)) for _ in range(2))
    assert one.SerializeToString(deterministic=True) == two.SerializeToString(deterministic=True)


def test_wrong_tensors_are_refused() -> None:
    """A missing tensor is named, rather than a key that is not there."""
    with pytest.raises(ParameterError) as caught:
        onnx_model(parse("input 3x3x1; conv 2 3x3"), {"conv2d.kernel": np.zeros((3, 3, 1, 2), np.float32)})
    assert str(caught.value) == (
        "The tensor 'conv2d.bias' of the network is missing. 2 tensors were expected, this one of shape 2. "
        "Give all tensors of this network, or the network that these belong to."
    )
