"""Where a map's cells lie: at the middles of their receptive fields; and the map at any size."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.layers import Conv2dSame
from torch import nn
from torch.nn import functional

from pellucid.insight.inside import open_module
from pellucid.insight.saliency.grid import Axis, drawn_out, grid_of


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


def test_padding_counts_as_part_of_the_field() -> None:
    """Evenly padded, the middles lie at every pixel; padded after the picture only, half a step later."""
    even = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1))
    assert grid(even, "0", 8)[0] == Axis(8, 8, 0.5, 1.0)
    late = nn.Sequential(Conv2dSame(1, 1, 3, stride=2))
    assert grid(late, "0", 8)[0] == Axis(4, 8, 1.5, 2.0)


class Gate(nn.Module):
    """Squeeze and excitation: every cell sees the whole picture."""

    def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
        return x_NCHW * torch.sigmoid(x_NCHW.mean((2, 3), keepdim=True))


@pytest.mark.parametrize("net", [nn.Sequential(nn.Conv2d(1, 1, 3, stride=2), Gate()), nn.Upsample(size=4)])
def test_where_fields_do_not_say_the_map_is_stretched(net: nn.Module) -> None:
    """A gate that sees the whole picture, or a step of an unknown kind: equal parts of the side."""
    inside = open_module(net, torch.rand(1, 9, 9))
    assert grid_of(inside, inside.layers[-1].steps[-1])[0] == Axis.stretched(4, 9)


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
