"""What a network costs: every count by hand, by a second implementation, and re-added."""

import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.network.account import Account, account
from pellucid.network.blueprint import Blueprint, Input, MaxPool, Rbf
from pellucid.network.shapes import padding_of, window_of
from pellucid.network.text import parse


def rows(text: str) -> Account:
    return account(parse(text))


@pytest.mark.parametrize(
    ("text", "arithmetic", "parameters", "trainable"),
    [
        ("input 9x9x32; conv 64 3x3", "(3*3*32 + 1)*64 = 18,496", 18496, 18496),
        ("input 9x9x32; conv 64 3x3 bias=no", "3*3*32*64 = 18,432", 18432, 18432),
        ("input 9x9x32; conv 64 3x2 groups=4", "(3*2*32/4 + 1)*64 = 3,136", 3136, 3136),
        ("input 9x9x32; depthwiseconv 3x3", "(3*3 + 1)*32 = 320", 320, 320),
        ("input 9x9x32; depthwiseconv 3x3 multiplier=2 bias=no", "3*3*32*2 = 576", 576, 576),
        ("input 1x1x1152; flatten; dense 10", "(1,152 + 1)*10 = 11,530", 11530, 11530),
        ("input 1x1x1152; flatten; dense 10 bias=no", "1,152*10 = 11,520", 11520, 11520),
        ("input 9x9x64; batchnorm", "4*64 = 256, of which 128 are learnt", 256, 128),
        ("input 9x9x6; scaledavgpool", "2*6 = 12", 12, 12),
        (
            "input 5x5x6; conv 16 5x5 table=lenet5",
            "5*5*60 + 16 = 1,516 (60 of 6*16 connections)",
            1516,
            1516,
        ),
        (
            "input 5x5x6; conv 16 5x5 table=lenet5 bias=no",
            "5*5*60 = 1,500 (60 of 6*16 connections)",
            1500,
            1500,
        ),
        ("input 1x1x84; flatten; rbf 10", "84*10 = 840, of which 0 are learnt", 840, 0),
        (
            "input 1080x1920x3; flatten; dense 4000000",
            "6,220,800*4,000,000 = 24,883,200,000,000 weights, + 4,000,000 biases = 24,883,204,000,000",
            24_883_204_000_000,
            24_883_204_000_000,
        ),
        ("input 9x9x6; maxpool", "", 0, 0),
    ],
)
def test_the_arithmetic_of_each_kind(text: str, arithmetic: str, parameters: int, trainable: int) -> None:
    """Parameters, how many learn, and the sum as a student writes it."""
    row = rows(text).rows[-1]
    assert (row.arithmetic, row.parameters, row.trainable) == (arithmetic, parameters, trainable)


def evaluated(expression: str) -> int:
    """A product or sum such as ``(3*3*32/4 + 1)*64``, worked out."""
    return int(eval(expression.replace(",", "").replace("/", "//")))  # noqa: S307


@given(data=st.data())
def test_the_arithmetic_gives_the_number_beside_it(data, chains) -> None:
    """What stands left of the = is worked out to what stands right of it, and to the row's count."""
    for row in account(data.draw(chains())).rows:
        if not row.arithmetic:
            assert row.parameters == 0
            continue
        left, right = row.arithmetic.split(" = ")
        assert evaluated(left) == evaluated(re.match(r"[\d,]+", right)[0].rstrip(",")) == row.parameters


@given(data=st.data())
def test_the_totals_re_add(data, chains) -> None:
    """Each total is the sum of its printed column, and trainable ones are no more than all."""
    found = account(data.draw(chains())).to_json()
    for key in ("parameters", "weights", "biases", "trainable", "macs", "activation_bytes"):
        assert found[key] == sum(layer[key] for layer in found["layers"])
    assert found["trainable"] <= found["parameters"] == found["weights"] + found["biases"]


@given(data=st.data())
def test_pytorch_counts_the_same_parameters_and_multiply_adds(data, chains) -> None:
    """Convolutions and dense layers made by PyTorch have our numbers of weights; each weight is used as "
    "often."""
    blueprint = data.draw(chains())
    channels = blueprint.input.channels
    for layer, row in zip(blueprint.layers, account(blueprint).rows, strict=True):
        kind, made = type(layer).__name__, None
        if kind == "Conv":
            made = torch.nn.Conv2d(
                channels, layer.filters, layer.kernel, groups=layer.groups, bias=layer.bias, device="meta"
            )
        elif kind == "DepthwiseConv":
            outputs = channels * layer.multiplier
            made = torch.nn.Conv2d(
                channels, outputs, layer.kernel, groups=channels, bias=layer.bias, device="meta"
            )
        elif kind == "Dense":
            made = torch.nn.Linear(channels, layer.units, bias=layer.bias, device="meta")
        if made is not None:
            assert row.weights == made.weight.numel()
            assert row.parameters == sum(p.numel() for p in made.parameters())
            places = row.output_shape[0] * row.output_shape[1] if len(row.output_shape) == 3 else 1
            assert row.macs == made.weight.numel() * places
        else:
            assert row.macs == (channels * layer.units if isinstance(layer, Rbf) else 0)
        channels = row.output_shape[-1]


def seen_rows(blueprint: Blueprint, side: int) -> tuple[int, int, int] | None:
    """First and last row of the picture that the first output sees, and the first that its neighbour sees.

    Worked out by sets, not by recurrences: each map's rows hold the set of the picture's rows (padding and
    beyond numbered on) that they see.
    """
    sees = [{row} for row in range(side)]
    shape = (blueprint.input.height, blueprint.input.width, blueprint.input.channels)
    for layer, row in zip(blueprint.layers, account(blueprint).rows, strict=True):
        if len(row.output_shape) != 3:
            return None
        (top, bottom), _ = padding_of(layer, shape)
        step = min(sees[1]) - min(sees[0]) if len(sees) > 1 else None
        if (top or bottom) and step is None:
            return None
        before = [{seen - step * away for seen in sees[0]} for away in range(top, 0, -1)]
        after = [{seen + step * away for seen in sees[-1]} for away in range(1, bottom + 1)]
        sees, window = [*before, *sees, *after], window_of(layer)
        if window is not None:
            size, stride, dilation = window.size[0], window.stride[0], window.dilation[0]
            sees = [
                set().union(*(sees[place * stride + tap * dilation] for tap in range(size)))
                for place in range(row.output_shape[0])
            ]
        shape = row.output_shape
    return (min(sees[0]), max(sees[0]), min(sees[1])) if len(sees) > 1 else None


@given(data=st.data())
def test_the_receptive_field_is_what_the_windows_cover(data, chains) -> None:
    """Size, start and stride agree with the rows that the first two outputs cover, followed window by "
    "window."""
    blueprint = data.draw(chains())
    seen = seen_rows(blueprint, blueprint.input.height)
    if seen is None:
        return
    first, last, neighbour = seen
    row = account(blueprint).rows[-1]
    assert row.receptive_field[0] == last - first + 1
    assert row.start[0] == (first + last) / 2
    assert row.stride[0] == neighbour - first


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(["conv 1 3x3", "conv 1 2x3 stride=2", "maxpool 2x2", "conv 1 3x3 dilation=2"]))
)
def test_a_gradient_reaches_as_far_as_the_receptive_field(lines: list[str]) -> None:
    """Without padding, the pixels that change an output's value are those of its field, found by autograd."""
    blueprint = parse("; ".join(["input 60x60x1", *lines, "conv 1 1x1"]))
    try:
        row = account(blueprint).rows[-1]
    except Exception:
        return  # the chain does not fit into 60 pixels
    x_1CHW = torch.ones(1, 1, 60, 60, requires_grad=True)
    y_1CHW = x_1CHW
    for layer in blueprint.layers:
        window = window_of(layer)
        # A mean has a gradient at every pixel of its window, which a maximum has not.
        y_1CHW = (
            torch.nn.functional.avg_pool2d(y_1CHW, window.size, window.stride)
            if isinstance(layer, MaxPool)
            else torch.nn.functional.conv2d(
                y_1CHW, torch.ones(1, 1, *window.size), None, window.stride, 0, window.dilation
            )
        )
    y_1CHW[0, 0, 0, 0].backward()
    touched = np.argwhere(x_1CHW.grad[0, 0].numpy() != 0)
    low, high = touched.min(0), touched.max(0)
    assert row.receptive_field == tuple(high - low + 1)
    assert row.start == tuple((low + high) / 2)


def test_flat_layers_see_the_whole_picture() -> None:
    """After flatten, dense and global pooling the field is the picture and there is no stride."""
    found = rows("input 9x8x1; conv 2 3x3; globalavgpool; relu; dense 3").rows
    assert [(row.receptive_field, row.stride, row.start) for row in found] == [
        ((3, 3), (1, 1), (1.0, 1.0)),
        *[((9, 8), None, (4.0, 3.5))] * 3,
    ]


def test_padding_moves_the_start_outwards() -> None:
    """A padded 3x3 window stands with its centre on the first pixel; a padded stride of 2 on even sides "
    "after it."""
    found = rows("input 8x8x1; conv 1 3x3 padding=same; conv 1 3x3 padding=same stride=2; zeropad 1").rows
    assert [row.start for row in found] == [(0.0, 0.0), (1.0, 1.0), (-1.0, -1.0)]


def test_the_activations_take_four_bytes_a_number() -> None:
    """float32, for one picture."""
    assert [row.activation_bytes for row in rows("input 9x8x1; conv 2 3x3; flatten").rows] == [336, 336]


def test_the_json_holds_what_the_contract_names() -> None:
    """The keys of the contract, Keras' names of layers and kinds, and nothing that JSON cannot hold."""
    found = json.loads(json.dumps(rows("input 9x8x1; conv 2 3x3; relu; flatten; dense 3").to_json()))
    assert {"layers", "parameters", "trainable", "macs"} <= set(found)
    contract = {"name", "kind", "output_shape", "parameters", "arithmetic", "macs", "receptive_field"}
    assert all(contract <= set(layer) for layer in found["layers"])
    assert [(layer["name"], layer["kind"]) for layer in found["layers"]] == [
        ("conv2d", "Conv2D"),
        ("activation", "Activation"),
        ("flatten", "Flatten"),
        ("dense", "Dense"),
    ]
    assert found["layers"][0]["output_shape"] == [7, 6, 2]
    assert account(Blueprint(Input(3, 3, 1), ())).parameters == 0
