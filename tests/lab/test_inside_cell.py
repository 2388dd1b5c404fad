"""One number in the room Inside: what is shown and what is folded add up to what the network says."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import PellucidError
from pellucid.lab.answer import answer
from pellucid.lab.held import HELD

NETWORK = (
    "input 28x28x1; conv 8 3x3 relu; batchnorm; maxpool 2x2; conv 12 3x3 relu padding=same stride=2; "
    "avgpool 2x2; flatten; dense 10 softmax"
)
ASKED = {"network": NETWORK, "picture": "digits/7"}
LAYERS = {
    "conv2d": (8, 26, 26),
    "batch_normalization": (8, 26, 26),
    "max_pooling2d": (8, 13, 13),
    "conv2d_1": (12, 7, 7),
    "average_pooling2d": (12, 3, 3),
    "flatten": (108,),
    "dense": (10,),
}


def asked(layer: str, index: Any, kind: str = "cell", **fields: Any) -> dict[str, Any]:
    return answer({"kind": f"inside.{kind}", **ASKED, "layer": layer, "index": index, **fields})


@st.composite
def places(draw: Any) -> tuple[str, list[int]]:
    layer = draw(st.sampled_from(list(LAYERS)))
    return layer, [draw(st.integers(0, size - 1)) for size in LAYERS[layer]]


@settings(max_examples=60)
@given(places())
def test_what_is_shown_and_what_is_folded_is_the_cell(place: tuple[str, list[int]]) -> None:
    """Every kind of layer: the terms and the rest come to the sum, the slices too; the value is the map's."""
    layer, index = place
    cell = asked(layer, index)
    opened = HELD.inside(NETWORK, "digits/7").cell(layer, *index)
    assert cell["value"] == float(HELD.inside(NETWORK, "digits/7").value(layer)[tuple(index)])
    assert (cell["sum"], cell["bias"], cell["residue"]) == (
        opened.worked.sum,
        opened.worked.bias,
        opened.residue,
    )
    assert abs(cell["residue"]) <= cell["rounding"]
    assert cell["count"] == len(opened.worked.terms) == len(cell["terms"]) + cell["rest"]["count"]
    shown = math.fsum(term["product"] for term in cell["terms"])
    assert shown + cell["rest"]["sum"] == pytest.approx(
        math.fsum(term.product for term in opened.worked.terms), abs=1e-12
    )
    if cell["slices"]:
        sums = math.fsum(one["sum"] for one in cell["slices"])
        assert sums + cell["other_slices"]["sum"] == pytest.approx(shown + cell["rest"]["sum"], abs=1e-12)
    sizes = [abs(term["product"]) for term in cell["terms"]]
    assert sizes == sorted(sizes, reverse=True)


def test_a_slice_is_the_window_on_one_channel() -> None:
    """Rows of input, weight and product; padding marked; the products are the two multiplied."""
    cell = asked("conv2d_1", [3, 0, 0])
    assert len(cell["slices"]) == 5
    assert cell["other_slices"]["count"] == 3
    source_CHW = HELD.inside(NETWORK, "digits/7").value("max_pooling2d")
    for one in cell["slices"]:
        values_HW, weights_HW = np.array(one["input"]), np.array(one["weight"])
        assert values_HW.shape == (3, 3)
        assert np.array_equal(np.array(one["product"]), values_HW * weights_HW)
        (top, left), outside_HW = (one["row"], one["column"]), np.array(one["padding"])
        for row, column in np.ndindex(3, 3):
            inside = 0 <= top + row < 13 and 0 <= left + column < 13
            assert outside_HW[row, column] == (not inside)
            wanted = source_CHW[one["channel"], top + row, left + column] if inside else 0.0
            assert values_HW[row, column] == wanted


def test_a_dense_cell_has_no_slices() -> None:
    """Its terms are a list; they lead back to units."""
    cell = asked("dense", [4])
    assert cell["slices"] == []
    assert cell["from"] == [
        {
            "source": "flatten",
            "opens": True,
            "channels": {"first": 0, "last": 107, "count": 108},
            "rows": None,
            "columns": None,
            "index": [cell["terms"][0]["channel"]],
        }
    ]
    assert cell["uses"] == []
    assert cell["activation"]["name"] == "softmax"


def test_where_it_comes_from_and_where_it_goes() -> None:
    """A pooled cell: its window below, and the layer that uses it; its winner says that it won."""
    cell = asked("max_pooling2d", [2, 4, 6])
    (source,) = cell["from"]
    assert (source["source"], source["rows"], source["columns"]) == (
        "batch_normalization",
        {"first": 8, "last": 9, "count": 2},
        {"first": 12, "last": 13, "count": 2},
    )
    (use,) = asked("batch_normalization", source["index"])["uses"]
    assert (use["layer"], use["index"], use["cells"], use["won"]) == ("max_pooling2d", [2, 4, 6], 1, 1)
    assert asked("conv2d", [0, 0, 0])["from"][0] | {"index": None} == {
        "source": "input",
        "opens": False,
        "channels": {"first": 0, "last": 0, "count": 1},
        "rows": {"first": 0, "last": 2, "count": 3},
        "columns": {"first": 0, "last": 2, "count": 3},
        "index": None,
    }
    assert cell["pixels"]["top"] == 8


def test_more_goes_on_where_the_cell_ended() -> None:
    """All terms in pieces are all terms once, what adds most first; the rest shrinks to nothing."""
    cell = asked("dense", [0])
    found, left = list(cell["terms"]), cell["rest"]["count"]
    while left:
        reply = asked("dense", [0], "more", what="terms", first=len(found), count=40)
        found += reply["terms"]
        left = reply["rest"]["count"]
    assert sorted(term["channel"] for term in found) == list(range(108))
    assert reply["rest"] == {"count": 0, "sum": 0.0}
    sizes = [abs(term["product"]) for term in found]
    assert sizes == sorted(sizes, reverse=True)
    slices = asked("conv2d_1", [0, 3, 3], "more", what="slices", first=5, count=10)
    assert len(slices["slices"]) == 3
    assert slices["rest"]["count"] == 0


@pytest.mark.parametrize("index", [None, [], "0,0,0", [0.5, 0, 0], [True, 0, 0], [0] * 9, {}])
def test_an_index_that_is_none(index: Any) -> None:
    """It is refused by what it must be."""
    with pytest.raises(PellucidError) as caught:
        asked("conv2d", index)
    assert str(caught.value).endswith(
        "[channel, row, column] was expected, or [unit] of a flat layer, all whole numbers. "
        "Ask again with such a value."
    )


@pytest.mark.parametrize(
    ("layer", "index", "told"),
    [
        ("conv2d", [0, 26, 0], "The layer 'conv2d' was asked for row 26. Its output is 26x26x8"),
        ("conv2d", [0], "The layer 'conv2d' was asked for its cell 0. Its output is 26x26x8"),
        ("conv2d", [-1, 0, 0], "The layer 'conv2d' was asked for channel -1."),
        ("nowhere", [0, 0, 0], "The network has no layer 'nowhere'. It has 7 layers: "),
        ("<img src=x>", [0], "The network has no layer '<img src=x>'."),
    ],
)
def test_a_place_that_does_not_exist(layer: str, index: list[int], told: str) -> None:
    """It is told what there is."""
    with pytest.raises(PellucidError) as caught:
        asked(layer, index)
    assert str(caught.value).startswith(told)


def test_more_of_something_else() -> None:
    """It is refused in words."""
    with pytest.raises(PellucidError, match=r"^The question's 'what' is 'all'\. One of terms, slices was"):
        asked("conv2d", [0, 0, 0], "more", what="all", first=0, count=1)
    with pytest.raises(PellucidError, match=r"^The question's 'count' is 201\. A whole number from 1 to 200"):
        asked("conv2d", [0, 0, 0], "more", what="terms", first=0, count=201)
