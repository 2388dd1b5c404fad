"""Back to the pixels: by hand, against the account's receptive fields, and by changing pixels one by one."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pellucid.insight.inside import Inside, open_module
from pellucid.insight.operation import (
    Addition,
    Concatenation,
    Convolution,
    Multiplication,
    Slide,
    Unknown,
)
from pellucid.insight.receptive import Field, Region, back
from pellucid.network.account import account
from pellucid.network.catalogue import NETWORKS


def pixels(inside: Inside, layer: str, *index: int) -> Field | None:
    return inside.cell(layer, *index).pixels


def box(field: Field) -> tuple[int, int, int, int]:
    return field.top, field.left, field.bottom, field.right


def test_fields_by_hand() -> None:
    """3x3 valid, 2x2 pooling, 3x3 with padding: rows 2 to 9, one pooled row of padding left out."""
    net = nn.Sequential(nn.Conv2d(1, 1, 3), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3, padding=1))
    inside = open_module(net, torch.randn(1, 14, 14))
    assert box(pixels(inside, "0", 0, 4, 5)) == (4, 5, 6, 7)
    assert box(pixels(inside, "1", 0, 2, 0)) == (4, 0, 7, 3)
    middle = pixels(inside, "2", 0, 2, 2)
    assert (box(middle), middle.beyond, middle.exact) == ((2, 2, 9, 9), (0, 0, 0, 0), True)
    corner = pixels(inside, "2", 0, 0, 5)
    assert box(corner) == (0, 8, 5, 13)
    assert corner.beyond == (2, 0, 0, 2)
    assert corner.to_json() == {
        "top": 0,
        "left": 8,
        "bottom": 5,
        "right": 13,
        "beyond": {"top": 2, "left": 0, "bottom": 0, "right": 2},
        "exact": True,
    }


def test_padding_at_the_bottom_is_no_row_that_pooling_left_out() -> None:
    """Pooling of 2 leaves row 4 of five out; the padding of the next layer does not bring it back."""
    net = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, 3, padding=1))
    assert box(pixels(open_module(net, torch.randn(1, 5, 5)), "1", 0, 1, 1)) == (0, 0, 3, 3)


def test_holes_of_a_dilated_window_are_no_edge() -> None:
    """Dilation 2 at the edge: rows -1, 1, 3, so that row 0 cannot change the cell."""
    net = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1, dilation=2))
    assert box(pixels(open_module(net, torch.randn(1, 9, 9)), "0", 0, 0, 0)) == (1, 1, 3, 3)


def test_a_cell_of_padding_comes_from_no_pixel() -> None:
    """Nothing can change it."""
    net = nn.Sequential(nn.ZeroPad2d(1))
    inside = open_module(net, torch.randn(1, 3, 3))
    assert pixels(inside, "0", 0, 0, 2) is None
    assert box(pixels(inside, "0", 0, 1, 3)) == (0, 2, 0, 2)


def test_a_flat_input_has_no_pixels() -> None:
    """A row of numbers is no picture."""
    assert pixels(open_module(nn.Sequential(nn.Linear(4, 2)), torch.randn(4)), "0", 1) is None


@pytest.mark.parametrize("name", ["digits-convnet", "lenet5", "class-test"])
def test_the_account_says_the_same_size(name: str, built) -> None:
    """Where nothing falls on padding, the field is the account's receptive field."""
    blueprint = NETWORKS[name].blueprint
    source = blueprint.input
    inside = open_module(built(blueprint), torch.randn(source.channels, source.height, source.width))
    for row in (one for one in account(blueprint).rows if len(one.output_shape) == 3):
        index = tuple(size // 2 for size in inside.layer(row.name).shape)
        field = pixels(inside, row.name, *index)
        if field.beyond == (0, 0, 0, 0):
            assert (field.bottom - field.top + 1, field.right - field.left + 1) == row.receptive_field


def test_behind_an_unknown_step_the_field_may_be_too_large() -> None:
    """All of the picture, and it is said that this is not exact."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.GroupNorm(1, 2), nn.Conv2d(2, 1, 1))
    inside = open_module(net, torch.randn(1, 4, 4))
    assert pixels(inside, "0", 0, 1, 1) == Field(1, 1, 1, 1, (0, 0, 0, 0), True)
    assert pixels(inside, "2", 0, 1, 1) == Field(0, 0, 3, 3, (0, 0, 0, 0), False)


def test_a_concatenation_asks_only_the_branch_that_a_cell_is_in() -> None:
    """Channel 3 of 2 + 2 is channel 1 of the second; the first branch is asked for nothing."""
    region = Region.cell((3, 0, 1), (4, 2, 2))
    first, second = back(Concatenation(0), region, [(2, 2, 2), (2, 2, 2)])
    assert (first.empty, second.empty) == (True, False)
    assert second.masks[0].tolist() == [False, True]


class Between(nn.Module):
    """Two 3x3 convolutions with padding, and something between them."""

    def __init__(self, between: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 2, 3, padding=1)
        self.mix = nn.Linear(4, 4)
        self.between = between

    def forward(self, x: Tensor) -> Tensor:
        y = self.mix(self.first(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.last(self.between(y))


@pytest.mark.parametrize(
    ("between", "beyond", "exact"),
    [
        (lambda x: x, (2, 2, 0, 0), True),
        (lambda x: x.reshape(1, 2, 2, 16, 15).transpose(1, 2).reshape(1, 4, 16, 15), (2, 2, 0, 0), True),
        (lambda x: x.flatten(2).reshape(1, 4, 16, 15), (1, 1, 0, 0), False),
        (lambda x: x.softmax(2), (1, 2, 1, 0), True),
        (lambda x: x.transpose(2, 3), (2, 2, 0, 0), True),
    ],
)
def test_what_lies_beyond_the_edges_is_not_forgotten(between, beyond, exact) -> None:
    """Dense layers along channels, permutations and reshapings keep it, or say that they do not."""
    inside = open_module(Between(between), torch.randn(1, 16, 15))
    corner = pixels(inside, "last", 0, 0, 0)
    assert (corner.beyond, corner.exact) == (beyond, exact)


def test_a_group_asks_for_its_channels() -> None:
    """Filter 3 of four in two groups sees channels 2 and 3 of four."""
    operation = Convolution(np.ones((4, 2, 1, 1)), None, Slide((1, 1)), 2)
    (seen,) = back(operation, Region.cell((3, 0, 0), (4, 1, 1)), [(4, 1, 1)])
    assert seen.masks[0].tolist() == [False, False, True, True]


def test_what_is_repeated_is_one_row() -> None:
    """A gate of one number a channel, added to a map, is asked for that number."""
    one, other = back(Addition(), Region.cell((1, 2, 3), (2, 4, 4)), [(2, 4, 4), (2, 1, 1)])
    assert one.masks[1].tolist() == [False, False, True, False]
    assert [mask.tolist() for mask in other.masks] == [[False, True], [True], [True]]
    beyond = Region(one.masks, ((1, 1), (-1, 2), (2, 5)))
    (_, gate) = back(Multiplication(), beyond, [(2, 4, 4), (1, 4, 1)])
    assert gate.reach == ((0, 0), (-1, 2), (0, 0))
    (all_of_it,) = back(Unknown("?"), Region.cell((0,), (3,)), [(2, 4, 4)])
    assert (all_of_it.exact, all_of_it.masks[2].all()) == (False, True)


def changed_by(net: nn.Module, x_CHW: Tensor, read: tuple[int, ...]) -> np.ndarray:
    """Which pixels change the output's number at ``read``, by changing them one by one, all channels."""
    _, height, width = x_CHW.shape
    x_NCHW = x_CHW.repeat(height * width, 1, 1, 1)
    for place in range(height * width):
        x_NCHW[place, :, place // width, place % width] += 1e3
    with torch.inference_mode():
        before, after = net(x_CHW[None])[(0, *read)], net(x_NCHW)[(slice(None), *read)]
    return ((after - before).abs() > 1e-6).reshape(height, width).numpy()


def positive(net: nn.Module) -> nn.Module:
    """With weights above 0, so that more in a pixel is never lost on the way."""
    for tensor in net.parameters():
        torch.nn.init.uniform_(tensor, 0.5, 1.5)
    return net.double().eval()


def edges_match(changed: np.ndarray, field: Field | None) -> None:
    """No pixel outside the field changes the cell; in each outermost row and column of it, one does."""
    if field is None:
        assert not changed.any()
        return
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (rows[0], columns[0], rows[-1], columns[-1]) == box(field)


@st.composite
def stacks(draw) -> nn.Module:
    """Windows with any stride, padding and dilation, one on the other."""
    layers: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 4))):
        kernel, stride, dilation = (draw(st.integers(1, 3)) for _ in range(3))
        pad = draw(st.integers(0, 2))
        layers.append(
            draw(
                st.sampled_from(
                    [
                        nn.Conv2d(2, 2, kernel, stride, pad, dilation, groups=draw(st.integers(1, 2))),
                        nn.MaxPool2d(kernel, stride, min(pad, kernel // 2), dilation),
                        nn.AvgPool2d(kernel, stride, min(pad, kernel // 2)),
                        nn.ZeroPad2d((pad, 0, 1, dilation)),
                    ]
                )
            )
        )
    return positive(nn.Sequential(*layers))


@settings(max_examples=80)
@given(data=st.data())
def test_changing_pixels_one_by_one_shows_the_same_field(data) -> None:
    """For random stacks: a pixel outside never changes the cell, and each edge of the field can."""
    net = data.draw(stacks())
    x_CHW = torch.rand(2, data.draw(st.integers(3, 10)), data.draw(st.integers(3, 10)), dtype=torch.float64)
    try:
        inside = open_module(net, x_CHW)
    except Exception as error:  # a map that has become too small
        assert "does not run" in str(error)
        return
    last = inside.layers[-1]
    index = tuple(data.draw(st.integers(0, size - 1)) for size in last.shape)
    edges_match(changed_by(net, x_CHW, index), pixels(inside, last.name, *index))


def test_every_pixel_of_a_dense_field_can_change_the_cell() -> None:
    """Without holes all pixels inside do, not only those at the edges."""
    net = positive(
        nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3, padding=1))
    )
    x_CHW = torch.rand(1, 11, 12, dtype=torch.float64)
    inside = open_module(net, x_CHW)
    for row in range(5):
        field = pixels(inside, "2", 0, row, 3)
        changed = changed_by(net, x_CHW, (0, row, 3))
        expected = np.zeros_like(changed)
        expected[field.top : field.bottom + 1, field.left : field.right + 1] = True
        np.testing.assert_array_equal(changed, expected)


def test_where_branches_meet_the_field_holds_both() -> None:
    """A 1x1 and a 5x5 branch, concatenated and added to: no pixel outside, and every edge can."""

    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.near, self.far = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 5, padding=2)
            self.mix = nn.Conv2d(2, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.mix(torch.cat([self.near(x), self.far(x)], 1)) + x

    net = positive(Branches())
    x_CHW = torch.rand(1, 9, 9, dtype=torch.float64)
    inside = open_module(net, x_CHW)
    assert box(pixels(inside, "near", 0, 4, 4)) == (4, 4, 4, 4)
    assert box(pixels(inside, "cat", 0, 4, 4)) == (4, 4, 4, 4)
    for place in (0, 4, 8):
        edges_match(changed_by(net, x_CHW, (0, place, place)), pixels(inside, "add", 0, place, place))
