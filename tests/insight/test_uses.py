"""Forward: which later cells are made from a cell, and whether it wins, against the terms of these cells."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pellucid.insight.inside import open_module
from pellucid.insight.operation import (
    AdaptivePooling,
    Concatenation,
    GlobalPooling,
    Multiplication,
    Padding,
    Permutation,
    Pooling,
    Slide,
    Softmax,
    Unknown,
)
from pellucid.insight.uses import Use, forward, use_of


def test_the_nines_loop_wins_its_windows(nine, lecture) -> None:
    """Of the loopy map, the 1 at row 0, column 1 wins both windows that it lies in, and the 0 beside none."""
    inside = open_module(lecture, nine)
    (use,) = inside.cell("1", 0, 0, 1).uses
    assert use == Use("2", "MaxPool2d", (0,), (0,), (0, 1), 2, won=2)
    assert [one.won for one in inside.cell("1", 0, 0, 0).uses] == [0]
    (use,) = inside.cell("1", 0, 1, 1).uses  # 1/9 loses to the 1 above and to the 1/3 below
    assert (use.rows, use.columns, use.cells, use.won) == ((0, 1), (0, 1), 4, 0)


def test_uses_by_hand() -> None:
    """A convolution in groups of stride 2, and flattened numbers by their units."""
    net = nn.Sequential(nn.ReLU(), nn.Conv2d(4, 6, 3, 2, 1, groups=2), nn.Flatten(), nn.Linear(24, 3))
    inside = open_module(net, torch.randn(4, 4, 4))
    (use,) = inside.cell("0", 2, 1, 2).uses
    assert use == Use("1", "Conv2d", (3, 4, 5), (0, 1), (1,), 6)
    assert use.to_json() == {
        "layer": "1",
        "kind": "Conv2d",
        "channels": [3, 4, 5],
        "rows": [0, 1],
        "columns": [1],
        "cells": 6,
        "won": None,
        "known": True,
    }
    assert [one.channels for one in inside.cell("1", 5, 1, 0).uses] == [(5 * 4 + 1 * 2 + 0,)]
    assert [one.channels for one in inside.cell("2", 7).uses] == [(0, 1, 2)]
    assert inside.cell("3", 0).uses == ()


@pytest.mark.parametrize(
    ("operation", "index", "out", "found"),
    [
        (Padding(((2, 0), (1, 3))), (1, 0, 2), (2, 5, 7), ((1,), (2,), (3,))),
        (Permutation((1, 2, 0)), (1, 0, 2), (3, 3, 2), ((0,), (2,), (1,))),
        (AdaptivePooling((2, 2), False), (1, 1, 2), (2, 2, 2), ((1,), (0, 1), (1,))),
        (GlobalPooling(False), (1, 0, 2), (2,), ((1,),)),
        (Softmax(2), (1, 0, 2), (2, 3, 3), ((1,), (0,), (0, 1, 2))),
        (Concatenation(1), (1, 0, 2), (2, 6, 3), ((1,), (3,), (2,))),
        (Pooling(Slide((3, 1), (1, 2), ((1, 1), (0, 0))), False), (1, 0, 2), (2, 3, 2), ((1,), (0, 1), (1,))),
    ],
)
def test_each_kind_by_hand(operation, index, out, found) -> None:
    """Where a cell of a 2x3x3 map is used, worked out on paper; in a concatenation it is the second part."""
    part = int(isinstance(operation, Concatenation))
    assert forward(operation, [(2, 3, 3)] * (part + 1), part, index, out) == found


def test_what_is_repeated_is_used_in_every_row() -> None:
    """A gate of one number a channel is used in all of its channel."""
    places = forward(Multiplication(), [(2, 3, 3), (2, 1, 1)], 1, (1, 0, 0), (2, 3, 3))
    assert places == ((1,), (0, 1, 2), (0, 1, 2))


def test_an_unknown_layer_is_named_all_the_same() -> None:
    """It takes the map, and which of its cells use this one is not known."""
    assert use_of("norm", "GroupNorm", Unknown("?"), [], 0, (0, 0, 0), (2, 2, 2)) == Use(
        "norm", "GroupNorm", (), (), (), 0, known=False
    )


def links(inside) -> tuple[set, set]:
    """(cell, later cell) as the later cells' terms have them, and as the cells' uses have them."""
    names = {layer.name: layer for layer in inside.layers}
    by_terms, by_uses = set(), set()
    for layer in inside.layers:
        for index in product(*map(range, layer.shape)):
            cell = inside.cell(layer.name, *index)
            for term in cell.worked.terms:
                if not term.padding and term.source in names:
                    place = (term.channel, term.row, term.column)[: len(names[term.source].shape)]
                    by_terms.add((term.source, place, layer.name, index))
            for use in cell.uses:
                axes = (use.channels, use.rows, use.columns)[: len(names[use.layer].shape)]
                by_uses |= {(layer.name, index, use.layer, one) for one in product(*axes)}
    return by_terms, by_uses


def own_terms_only(net: nn.Module) -> bool:
    """Whether terms are all that a step is made from: a product has its other factor as its weight."""
    return not any(type(one).__name__ == "Residual" for one in net.modules())


@settings(max_examples=25)
@given(data=st.data())
def test_forward_is_the_terms_the_other_way_round(data, nets) -> None:
    """In random networks, cell A is used by cell B exactly where A is among the terms of B."""
    net, x_CHW = data.draw(nets(largest=5))
    if own_terms_only(net):
        by_terms, by_uses = links(open_module(net, x_CHW))
        assert by_terms == by_uses


@settings(max_examples=25)
@given(data=st.data())
def test_forward_is_the_terms_in_networks_of_ours_too(data, chains, built) -> None:
    """The same for Keras layers with their activations; a softmax at a layer's end is its own business."""
    blueprint = data.draw(chains(largest=5))
    source = blueprint.input
    inside = open_module(built(blueprint), torch.randn(source.channels, source.height, source.width))
    by_terms, by_uses = links(inside)
    assert by_terms == by_uses


def test_a_winner_is_the_first_of_the_largest() -> None:
    """Of a map of equal numbers the first in each window wins."""
    inside = open_module(nn.Sequential(nn.ReLU(), nn.MaxPool2d(2)), torch.zeros(1, 4, 4))
    won = [[inside.cell("0", 0, row, column).uses[0].won for column in range(4)] for row in range(4)]
    assert won == [[1, 0, 1, 0], [0, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
