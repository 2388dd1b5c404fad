"""The room Filters: the lecture's 45 cells, the errata, and any slide against PyTorch."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.lab.filters import Slide, cell, feature_map, pool_cell, start
from pellucid.lab.nine import EXAMPLES, FILTERS, IDENTITY, NINE
from pellucid.lab.question import QuestionError

# FACTS.md, in ninths.
NINTHS = {
    "loopy": "-1 9 -1 / -5 1 -3 / -3 3 -3 / -5 -1 -5 / -3 -5 -3",
    "vertical": "5 -5 5 / 5 -5 7 / 3 -3 7 / 1 1 5 / 3 1 3",
    "diagonal": "1 -5 1 / 1 -1 -1 / 3 -3 -1 / 1 1 5 / -1 9 -1",
}
BY_NAME = {one.name: one.small for one in FILTERS}


def asked(name: str = "loopy", grid: Any = NINE, **more: Any) -> dict[str, Any]:
    return {"picture": [grid], "filter": [BY_NAME[name]], **more}


def rows_of(text: str) -> list[list[int]]:
    return [[int(number) for number in row.split()] for row in text.split("/")]


@pytest.mark.parametrize("name", NINTHS)
def test_the_45_cells_of_the_lecture(name: str) -> None:
    """Each cell is its ninths, exactly; the cell's own arithmetic ends in the same number."""
    reply = feature_map(asked(name))
    wanted = rows_of(NINTHS[name])
    assert reply["map"] == [[number / 9 for number in row] for row in wanted]
    for (row, column), number in np.ndenumerate(wanted):
        told = cell(asked(name, cell=[row, column]))
        assert (told["sum"], told["count"], told["value"]) == (number, 9, number / 9)
        assert sum(term["product"] for term in told["terms"]) == number


def test_relu_and_pooling_of_the_lecture() -> None:
    """FACTS.md: 0 1 0 / 0 1/9 0 / 0 1/3 0 / 0 / 0, then 1 1 / 1/3 1/3 / 1/3 1/3 / 0 0."""
    reply = feature_map(asked())
    third = 3 / 9
    assert reply["relu"] == [[0, 1, 0], [0, 1 / 9, 0], [0, third, 0], [0, 0, 0], [0, 0, 0]]
    assert reply["pool"]["map"] == [[1, 1], [third, third], [third, third], [0, 0]]
    assert reply["size"] == ["floor((7 - 3) / 1) + 1 = 5", "floor((5 - 3) / 1) + 1 = 3"]
    assert reply["pool"]["size"] == ["floor((5 - 2) / 1) + 1 = 4", "floor((3 - 2) / 1) + 1 = 2"]


@pytest.mark.parametrize(("kind", "wanted"), [("max", [[8, 9], [3, 2]]), ("average", [[4, 4.5], [2, 0.75]])])
def test_the_pooling_example_of_the_lecture(kind: str, wanted: Any) -> None:
    """5 1 3 4 / 8 2 9 2 / ... with a 2x2 window and stride 2, through the filter that changes nothing."""
    example = next(one for one in EXAMPLES if one.name == "numbers")
    chosen = dict(example.settings)
    question = {"picture": [example.grid], "filter": [IDENTITY], "pool": kind}
    question |= {"padding": chosen["padding"], "take": chosen["take"], "step": chosen["poolstep"]}
    reply = feature_map(question)
    assert reply["map"] == [list(row) for row in example.grid]
    assert reply["pool"]["map"] == wanted
    told = pool_cell(question | {"cell": [0, 1]})
    assert told["numbers"] == [[3, 4], [9, 2]]
    assert (told["sum"], told["count"], told["value"]) == (18, 4, wanted[0][1])
    assert told["winners"] == ([[1, 2]] if kind == "max" else [])


def test_equal_numbers_share_the_win() -> None:
    """A window of zeros has four winners."""
    assert pool_cell(asked(cell=[3, 0]))["winners"] == [[3, 0], [3, 1], [4, 0], [4, 1]]


@pytest.mark.parametrize("name", ["straight", "hooked", "roomy"])
def test_other_tails_and_places_light_the_loopy_filter(name: str) -> None:
    """Its best cell is 1 wherever the loop is."""
    grid = next(one.grid for one in EXAMPLES if one.name == name)
    assert np.max(feature_map(asked(grid=grid))["map"]) == 1


def test_the_comparison_by_rote_fails_as_soon_as_the_digit_moves() -> None:
    """35 of 35 for the nine; shifted by one column it is no nine, though the loop still is one."""
    assert feature_map(asked())["compared"] == {
        "top": 0,
        "left": 0,
        "rows": 7,
        "columns": 5,
        "cells": 35,
        "differing": [],
        "is_nine": True,
    }
    shifted = [[*row[1:], -1] for row in NINE]
    reply = feature_map(asked(grid=shifted))
    assert not reply["compared"]["is_nine"]
    assert reply["compared"]["differing"] == np.argwhere(np.array(shifted) != NINE).tolist()
    assert reply["map"][0][0] == 1
    assert feature_map(asked(grid=[row[:4] for row in NINE]))["compared"] is None
    assert feature_map(asked(grid=np.zeros((9, 9)).tolist()))["compared"] is None


def test_the_slides_errors_are_told_where_they_are_shown_and_nowhere_else() -> None:
    """Only for the nine, the loopy filter, the mean, valid padding and stride 1."""
    told = {(one["row"], one["column"]) for one in feature_map(asked())["errata"]}
    assert told == {(1, 0), (3, 0), (3, 2), (4, 1)}
    assert "-0.55" in cell(asked(cell=[1, 0]))["erratum"]
    assert cell(asked(cell=[0, 0]))["erratum"] == ""
    others = ({"take": "sum"}, {"stride": 2}, {"padding": "same"})
    for other in (asked("vertical"), asked(grid=EXAMPLES[1].grid), *(asked(**one) for one in others)):
        assert feature_map(other)["errata"] == []


def test_a_fraction_is_told_where_the_sum_is_whole() -> None:
    """-5/9 as it stands, 1 where it comes out even, nothing for a sum or for broken numbers."""
    assert cell(asked(cell=[1, 0]))["fraction"] == "-5/9"
    assert cell(asked(cell=[0, 1]))["fraction"] == "1"
    assert cell(asked(cell=[0, 1], take="sum"))["fraction"] == ""
    assert cell({"picture": [[[0.5]]], "filter": [[[1]]], "cell": [0, 0]})["fraction"] == ""


def test_padding_is_marked_and_counts_as_zero() -> None:
    """The first cell with padding 'same': five of nine terms are padding, and the mean is still of nine."""
    told = cell(asked(padding="same", cell=[0, 0]))
    assert [term["padding"] for term in told["terms"]] == [True] * 4 + [False] * 2 + [True] + [False] * 2
    assert [term["product"] for term in told["terms"] if term["padding"]] == [0] * 5
    assert (told["terms"][0]["row"], told["terms"][0]["column"], told["count"]) == (-1, -1, 9)


@settings(max_examples=60, deadline=None)
@given(
    channels=st.sampled_from([1, 3]),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    size=st.integers(1, 5),
    stride=st.integers(1, 4),
    padding=st.sampled_from(["valid", "same"]),
    take=st.sampled_from(["mean", "sum"]),
    seed=st.integers(0, 2**32),
)
def test_any_slide_is_pytorchs(**drawn: Any) -> None:
    """Map, ReLU, both poolings and every cell agree with torch.nn.functional; 'same' by padding by hand."""
    size, stride, padding = drawn["size"], drawn["stride"], drawn["padding"]
    shape = (drawn["channels"], drawn["height"], drawn["width"])
    if padding == "valid" and size > min(shape[1:]):
        return
    chance = np.random.default_rng(drawn["seed"])
    picture, weights = chance.normal(size=shape), chance.normal(size=(shape[0], size, size))
    pads = []
    for side in reversed(shape[1:]):
        total = max((-(-side // stride) - 1) * stride + size - side, 0) if padding == "same" else 0
        pads += [total // 2, total - total // 2]
    padded = torch.nn.functional.pad(torch.tensor(picture), pads)
    expected = torch.nn.functional.conv2d(padded[None], torch.tensor(weights)[None], stride=stride)[0, 0]
    if drawn["take"] == "mean":
        expected = expected / weights.size
    question = {"picture": picture.tolist(), "filter": weights.tolist()}
    question |= {"stride": stride, "padding": padding, "take": drawn["take"]}
    reply = feature_map(question)
    assert np.allclose(reply["map"], expected, rtol=0, atol=1e-12)
    positive = expected.clamp(min=0)[None, None]
    fits = min(expected.shape) >= 2
    assert (reply["pool"]["misfit"] == "") == fits
    for kind, pooling in (
        ("max", torch.nn.functional.max_pool2d),
        ("average", torch.nn.functional.avg_pool2d),
    ):
        if fits:
            pooled = feature_map(question | {"pool": kind, "window": 2, "step": 2})["pool"]["map"]
            assert np.allclose(pooled, pooling(positive, 2)[0, 0], rtol=0, atol=1e-12)
    at = [int(chance.integers(side)) for side in expected.shape]
    told = cell(question | {"cell": at})
    assert told["value"] == pytest.approx(float(expected[tuple(at)]), abs=1e-12)
    assert len(told["terms"]) == weights.size


def test_what_does_not_fit_is_refused_in_words() -> None:
    """Slices that are no channels, a filter larger than its picture, a pooling window larger than its map."""
    with pytest.raises(QuestionError) as caught:
        Slide.of({"picture": [NINE], "filter": [IDENTITY] * 3})
    assert str(caught.value) == (
        "The filter has 3 slices of 3x3, and the picture 1 channels. A filter is square and has a slice for "
        "each channel. Send as many slices as channels."
    )
    with pytest.raises(QuestionError) as caught:
        Slide.of({"picture": [[[1, 2]]], "filter": [IDENTITY]})
    assert str(caught.value) == (
        "A filter of 3x3 does not fit on a picture of 1x2. Without padding a filter is at most as large as "
        "its picture. Take a smaller filter, or padding 'same'."
    )
    assert feature_map(asked(window=4))["pool"] == {
        "map": [],
        "size": "",
        "misfit": "A window of 4x4 does not fit on a map of 5x3.",
    }
    with pytest.raises(QuestionError, match="A window of 4x4 does not fit on a map of 5x3"):
        pool_cell(asked(window=4, cell=[0, 0]))


def test_the_room_opens_with_the_lectures_example() -> None:
    """The nine comes first, with its two other tails, and the three filters at both sizes."""
    reply = start({})
    assert reply["examples"][0]["grid"] == NINE
    assert [one["name"] for one in reply["filters"]] == ["loopy", "vertical", "diagonal"]
    assert all(set(one["sizes"]) == {"3", "5"} for one in reply["filters"])
