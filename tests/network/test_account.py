"""What a network costs: every count by hand, by a second implementation, and re-added."""

import json
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pellucid.network.account import Account, account
from pellucid.network.blueprint import Blueprint, Input, Rbf
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
