"""Where a map's cells lie on the picture, and the map at any size."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.layers import Conv2dSame
from torch import nn
from torch.nn import functional

from pellucid.data.source import open_source
from pellucid.insight.inside import open_module
from pellucid.insight.saliency.grid import Axis, drawn_out, grid_of, maps_of
from pellucid.network.backbone import load_backbone


def grid(net: nn.Module, layer: str, side: int) -> tuple[Axis, Axis]:
    inside = open_module(net, torch.rand(1, side, side))
    return grid_of(inside, inside.layer(layer).steps[-1])


def test_cells_lie_at_the_middles_of_their_receptive_fields() -> None:
    """The digits convnet's last map, 3x3: its cells see 18 pixels each, 4 apart, so the first lies at 9."""
    net = nn.Sequential(
        *(nn.Conv2d(1, 1, 3), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3))
    )
    rows, columns = grid(net, "4", 28)
    assert rows == columns == Axis(3, 28, 9.0, 4.0)
    assert [rows.middle(place) for place in range(3)] == [9, 13, 17]


@pytest.mark.parametrize("side", [8, 9])
@pytest.mark.parametrize("conv", [nn.Conv2d(1, 1, 3, stride=2, padding=1), Conv2dSame(1, 1, 3, stride=2)])
def test_where_a_layer_pads_its_cells_lie_evenly_about_the_middle(conv: nn.Module, side: int) -> None:
    """PyTorch's padding and TensorFlow's come to the same place."""
    rows, _ = grid(nn.Sequential(conv), "0", side)
    assert (rows.first + rows.middle(rows.count - 1)) / 2 == side / 2
    assert (rows.step, rows.count) == (2, (side + 1) // 2)


def test_padding_that_stands_before_its_layer() -> None:
    """As Keras' MobileNet has it: one row and one column below and to the right, then stride 2."""
    net = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(1, 1, 3, stride=2))
    assert grid(net, "1", 8)[0] == Axis.stretched(4, 8)


class Gate(nn.Module):
    """Squeeze and excitation: every cell sees the whole picture."""

    def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(x_NCHW.mean((2, 3), keepdim=True)) * x_NCHW


def test_what_happens_on_the_way_to_the_picture() -> None:
    """A gate, an addition, adaptive pooling and activations move nothing but what they must."""
    net = nn.Sequential(
        nn.Conv2d(1, 1, 3), nn.ReLU(), Gate(), nn.BatchNorm2d(1), nn.AdaptiveAvgPool2d(2)
    ).eval()
    inside = open_module(net, torch.rand(1, 10, 10))
    places = {one.name: grid_of(inside, one.steps[-1])[0] for one in inside.layers if len(one.shape) == 3}
    assert places["0"] == places["1"] == places["2.mul"] == places["3"] == Axis(8, 10, 1.5, 1.0)
    assert places["4"] == Axis(2, 10, 3.0, 4.0)


def test_where_steps_do_not_say_the_map_is_stretched() -> None:
    """Behind a step of an unknown kind: equal parts of the side."""
    inside = open_module(nn.Sequential(nn.Conv2d(1, 1, 3), nn.Upsample(size=4)), torch.rand(1, 9, 9))
    assert grid_of(inside, inside.layers[-1].steps[-1])[0] == Axis.stretched(4, 9)


class Turned(nn.Module):
    """Channels come last for a while, as in ConvNeXt."""

    def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
        return torch.relu(x_NCHW.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def test_maps_that_are_turned_round_are_left_out() -> None:
    """What has channels last is no map until it is turned back; nor is a single cell, or a flat row."""
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), Turned(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Unflatten(1, (4, 1, 1))
    )
    inside = open_module(net, torch.rand(1, 6, 6))
    assert maps_of(inside) == {"input", "0", "1.permute_1"}
    assert "1.relu" in inside.trace.steps


@pytest.mark.slow
def test_a_trained_network_sees_where_its_cells_are_laid() -> None:
    """The mean place of the gradient is nearer to the middle of the even cell than to that of its windows."""
    backbone = load_backbone("efficientnet_lite0")
    source = open_source("builtin:clipart")
    pictures = [source.read(number) for number in range(0, len(source.items), 12)][:10]
    maps: list[torch.Tensor] = []
    backbone.module.blocks[3].register_forward_hook(lambda module, given, output: maps.append(output))
    offsets = []
    for data in pictures:
        x_NCHW = torch.from_numpy(backbone.preprocess.read(data))[None].requires_grad_()
        backbone.module(x_NCHW)
        middle = maps[-1].shape[-1] // 2
        for row, column in ((middle, middle), (middle - 1, middle - 1)):
            score = maps[-1][0, :, row, column].square().sum()
            (gradient_NCHW,) = torch.autograd.grad(score, x_NCHW, retain_graph=True)
            weight_HW = gradient_NCHW.abs().sum((0, 1)).double()
            places = torch.arange(224).double() + 0.5
            for along, cell in ((weight_HW.sum(1), row), (weight_HW.sum(0), column)):
                offsets.append(float((along * places).sum() / along.sum()) - 16 * (cell + 0.5))
    windows = (16 - 1) / 2  # how much later the middles of the windows lie, stride 2 four times
    assert abs(np.mean(offsets)) < windows / 2
    inside = open_module(backbone.module, x_NCHW[0].detach())
    assert grid_of(inside, inside.layer("blocks.3.2.add").steps[-1])[0] == Axis.stretched(14, 224)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 40), st.integers(1, 40))
def test_a_stretched_map_is_enlarged_as_pytorch_enlarges(
    rows: int, columns: int, tall: int, wide: int
) -> None:
    """Bilinear with half-pixel middles; smaller sizes are averaged as antialiasing does."""
    map_HW = np.random.default_rng(rows * 7 + columns).random((rows, columns)).astype(np.float32)
    axes = Axis.stretched(rows, 24), Axis.stretched(columns, 24)
    if tall >= rows and wide >= columns:
        expected = functional.interpolate(torch.from_numpy(map_HW)[None, None], (tall, wide), mode="bilinear")
        np.testing.assert_allclose(drawn_out(map_HW, axes, tall, wide), expected[0, 0], atol=1e-5)
    found = drawn_out(map_HW, axes, tall, wide)
    assert (found.shape, found.dtype) == ((tall, wide), np.float32)
    assert map_HW.min() - 1e-6 <= found.min() <= found.max() <= map_HW.max() + 1e-6


def test_each_cell_is_itself_at_its_own_middle() -> None:
    """Between the middles it is linear; beyond the outer ones the nearest cell goes on."""
    axis = Axis(3, 28, 9.5, 4.0)
    weights = axis.weights(28)
    np.testing.assert_array_equal(weights[[9, 13, 17]], np.eye(3))
    np.testing.assert_array_equal(weights[[0, 11, 27]], [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]])
