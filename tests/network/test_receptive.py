"""The receptive field: followed window by window, found by autograd, and worked out by hand."""

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.network.account import Account, account
from pellucid.network.blueprint import Blueprint, Flatten, MaxPool
from pellucid.network.catalogue import find_network
from pellucid.network.shapes import padding_of, window_of
from pellucid.network.text import parse


def rows(text: str) -> Account:
    return account(parse(text))


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


def test_flat_layers_see_what_the_whole_map_saw() -> None:
    """After flatten, dense and global pooling the field is that of all places together, with no stride."""
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


def test_what_pooling_drops_no_dense_layer_sees() -> None:
    """The digits convnet's dense layer is made from 26 x 26 of 28 x 28 pixels; padding is no part of the
    picture."""
    found = account(find_network("digits-convnet"))
    assert [(row.receptive_field, row.start) for row in found.rows][-2:] == [((26, 26), (12.5, 12.5))] * 2
    assert found.notes == (
        "Only 26 x 26 of the 28 x 28 pixels are read, from the top left: where windows do not divide their "
        "map, what is left over at the bottom and on the right is dropped.",
    )
    padded = account(parse("input 7x9x1; conv 1 5x5 padding=same stride=2; flatten"))
    assert (padded.rows[-1].receptive_field, padded.notes) == ((7, 9), ())


@given(data=st.data())
def test_a_flat_row_sees_as_far_as_any_place(data, chains) -> None:
    """Flatten behind a chain: its field ends where the last output's does, or where the picture ends."""
    blueprint = data.draw(chains())
    last = account(blueprint).rows[-1]
    if len(last.output_shape) != 3:
        return
    flat = account(replace(blueprint, layers=(*blueprint.layers, Flatten()))).rows[-1]
    for axis, whole in enumerate((blueprint.input.height, blueprint.input.width)):
        first = last.start[axis] - (last.receptive_field[axis] - 1) / 2
        end = first + last.receptive_field[axis] + (last.output_shape[axis] - 1) * last.stride[axis]
        assert flat.receptive_field[axis] == min(end, whole) - max(first, 0)


def test_a_field_in_the_padding_alone_is_empty() -> None:
    """Where every place lies beyond the picture, nothing of it is seen."""
    found = rows("input 5x5x1; zeropad 100; maxpool 1x1 stride=1000; flatten; dense 3")
    assert found.rows[-1].receptive_field == (0, 0)
