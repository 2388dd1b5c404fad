"""One cell with all that is known of it: the lecture's nine, Keras layers, JSON, and what is unknown."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.errors import RequestError
from pellucid.insight.cell import Layer, _activation, finite, place_of
from pellucid.insight.inside import open_module
from pellucid.insight.operation import Softmax
from pellucid.network.text import parse

MAPS = {  # in ninths, as deck/FACTS.md has them
    0: ((-1, 9, -1), (-5, 1, -3), (-3, 3, -3), (-5, -1, -5), (-3, -5, -3)),
    1: ((5, -5, 5), (5, -5, 7), (3, -3, 7), (1, 1, 5), (3, 1, 3)),
    2: ((1, -5, 1), (1, -1, -1), (3, -3, -1), (1, 1, 5), (-1, 9, -1)),
}


def test_all_fifteen_cells_of_the_lectures_three_maps(nine, lecture) -> None:
    """Each sum of nine products is the lecture's, in ninths, and PyTorch's within 1e-6."""
    inside = open_module(lecture, nine)
    for channel, rows in MAPS.items():
        for row, numbers in enumerate(rows):
            for column, ninths in enumerate(numbers):
                cell = inside.cell("0", channel, row, column)
                assert cell.worked.sum == pytest.approx(ninths / 9, abs=1e-6)
                assert len(cell.worked.terms) == 9
                assert abs(cell.residue) < 1e-6
                relu = inside.cell("1", channel, row, column)
                assert relu.value == pytest.approx(max(ninths, 0) / 9, abs=1e-6)


def test_the_lectures_pooling_of_the_loopy_map(nine, lecture) -> None:
    """2x2 with stride 1 after ReLU: 1 1 / 0.33 0.33 / 0.33 0.33 / 0 0, from the pixels under both."""
    inside = open_module(lecture, nine)
    found = [[inside.cell("2", 0, row, column) for column in range(2)] for row in range(4)]
    wanted = [[1, 1], [1 / 3, 1 / 3], [1 / 3, 1 / 3], [0, 0]]
    for cells, numbers in zip(found, wanted, strict=True):
        assert [cell.worked.sum for cell in cells] == pytest.approx(numbers)
    (winner,) = (term for term in found[0][0].worked.terms if term.weight == 1)
    assert (winner.row, winner.column) == (0, 1)
    field = found[3][1].pixels
    assert (field.top, field.left, field.bottom, field.right) == (3, 1, 6, 4)


def test_a_keras_layer_is_shown_with_its_activation(built) -> None:
    """The sum stands before the ReLU, the value after it, and PyTorch's number is shown at both places."""
    network = built(parse("input 6x6x1; conv 3 3x3 relu; flatten; dense 2 softmax"))
    inside = open_module(network, torch.randn(1, 6, 6, generator=torch.manual_seed(0)))
    cells = [inside.cell("conv2d", channel, 1, column) for channel in range(3) for column in range(4)]
    assert {cell.worked.sum > 0 for cell in cells} == {True, False}
    for cell in cells:
        assert cell.activation.name == "relu"
        assert cell.activation.input == cell.worked.sum
        assert cell.activation.framework_input == pytest.approx(cell.worked.sum, abs=1e-6)
        assert cell.activation.output == max(cell.worked.sum, 0)
        assert cell.value == pytest.approx(max(cell.worked.sum, 0), abs=1e-6)
    dense = [inside.cell("dense", unit) for unit in range(2)]
    assert sum(cell.value for cell in dense) == pytest.approx(1)
    logits = [cell.worked.sum for cell in dense]
    assert dense[0].activation.output == pytest.approx(1 / (1 + math.exp(logits[1] - logits[0])))
    assert dense[0].worked.terms[5].source == "flatten"


def test_a_softmax_takes_our_sum_and_the_others_as_pytorch_has_them() -> None:
    """So that its output is ours: a framework that is wrong in one logit shows a residue in that unit."""
    softmax = Softmax()
    found = _activation(softmax, 1.0, np.array([5.0, 1.0]), (0,))
    assert (found.input, found.framework_input, found.output) == (1.0, 5.0, 0.5)


def test_lenets_pooling_is_one_sum(built, within) -> None:
    """Average, scale, bias and squashing are one layer, told as weights, a bias and an activation."""
    network = built(parse("input 4x4x2; scaledavgpool 2x2 scaled_tanh"))
    inside = open_module(network, torch.randn(2, 4, 4))
    assert [layer.name for layer in inside.layers] == ["scaled_average_pooling2d"]
    cell = inside.cell("scaled_average_pooling2d", 1, 0, 1)
    scale = network.get_submodule("scaled_average_pooling2d_scale")
    assert [one.weight for one in cell.worked.terms] == pytest.approx([scale.scale[1].item() / 4] * 4)
    assert cell.worked.bias == pytest.approx(scale.bias[1].item())
    assert within(cell)


def test_flatten_reads_pixel_by_pixel_in_ours_and_channel_by_channel_in_pytorch(built) -> None:
    """Unit 7 of 2x3x4 is row 0, column 1, channel 3 in Keras' order; in PyTorch's it is of channel 1."""
    x_CHW = torch.randn(4, 2, 3)
    ours = open_module(built(parse("input 2x3x4; flatten")), x_CHW).cell("flatten", 7)
    theirs = open_module(nn.Sequential(nn.Flatten()), x_CHW).cell("0", 7)
    for cell, place in ((ours, (3, 0, 1)), (theirs, (1, 0, 1))):
        (term,) = cell.worked.terms
        assert (term.channel, term.row, term.column) == place
        assert cell.value == cell.worked.sum == x_CHW[place].item()


def test_a_fused_batch_norm_shows_its_sum_and_its_activation(within) -> None:
    """timm's layer never shows what lies between: the arithmetic does."""
    from timm.layers.norm_act import BatchNormAct2d

    norm = BatchNormAct2d(2, act_layer=nn.ReLU6)
    norm.running_mean.copy_(torch.tensor([1.0, -20.0]))
    inside = open_module(nn.Sequential(norm), torch.ones(2, 1, 1))
    low, high = inside.cell("0", 0, 0, 0), inside.cell("0", 1, 0, 0)
    assert (low.worked.sum, low.value) == (pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-9))
    assert high.worked.sum == pytest.approx(21 / math.sqrt(1 + 1e-5))
    assert (high.activation.name, high.activation.framework_input, high.value) == ("relu6", None, 6)
    assert within(high)


def test_an_unknown_kind_shows_what_goes_in_and_comes_out() -> None:
    """No terms and no residue, but its input in a line, its value, and where the next layer uses it."""
    inside = open_module(nn.Sequential(nn.GroupNorm(1, 2), nn.ReLU()), torch.arange(8.0).reshape(2, 2, 2))
    told = inside.cell("0", 1, 0, 1).to_json()
    assert told["known"] is False
    assert told["formula"] == "There is no arithmetic for the kind GroupNorm here."
    assert (told["terms"], told["sum"], told["residue"]) == ([], None, None)
    assert told["value"] == pytest.approx(1.5 / math.sqrt(5.25), rel=1e-4)
    assert told["inputs"] == [
        {"source": "input", "shape": [2, 2, 2], "least": 0.0, "mean": 3.5, "largest": 7.0}
    ]
    assert [use["layer"] for use in told["uses"]] == ["1"]


def test_the_json_has_the_keys_of_the_contract(nine, lecture) -> None:
    """layer, kind, channel, row, column, terms, bias, sum, value, residue and pixels, and more."""
    told = open_module(lecture, nine).cell("0", 0, 0, 1).to_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert {key: told[key] for key in ("layer", "kind", "channel", "row", "column", "bias")} == {
        "layer": "0",
        "kind": "Conv2d",
        "channel": 0,
        "row": 0,
        "column": 1,
        "bias": 0.0,
    }
    assert told["terms"][4] == {
        "source": "input",
        "channel": 0,
        "row": 1,
        "column": 2,
        "input": -1.0,
        "weight": pytest.approx(-1 / 9),
        "product": pytest.approx(1 / 9),
        "padding": False,
    }
    assert (told["sum"], told["value"]) == (pytest.approx(1), pytest.approx(1))
    assert abs(told["residue"]) < 1e-6
    assert {side: told["pixels"][side] for side in ("top", "left", "bottom", "right")} == {
        "top": 0,
        "left": 1,
        "bottom": 2,
        "right": 3,
    }
    assert told["output_shape"] == [5, 3, 3]
    assert told["uses"][0]["layer"] == "1"


def test_numbers_that_are_none_are_null_in_json() -> None:
    """A network that has gone out of bounds is told all the same."""
    inside = open_module(nn.Sequential(nn.Conv2d(1, 1, 1)), torch.tensor([[[math.nan, math.inf]]]))
    for column in range(2):
        told = inside.cell("0", 0, 0, column).to_json()
        assert (told["sum"], told["value"], told["terms"][0]["input"]) == (None, None, None)
        json.dumps(told, allow_nan=False)
    assert [finite(one) for one in (None, math.inf, 1.5)] == [None, None, 1.5]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("conv2d_1:12,5,7", ("conv2d_1", (12, 5, 7))),
        ("dense:3", ("dense", (3,))),
        ("blocks.1.0.conv_dw:0, 1, 2", ("blocks.1.0.conv_dw", (0, 1, 2))),
        ("conv2d: 0 ,1, 2 ", ("conv2d", (0, 1, 2))),
    ],
)
def test_a_cell_is_written_as_layer_and_numbers(text: str, found) -> None:
    """A layer, a colon, and numbers with commas."""
    assert place_of(text) == found


@pytest.mark.parametrize(
    "text", ["conv2d", "conv2d:", ":1,2,3", "conv2d:1,-2,3", "conv2d:a", "conv2d:1,,2", "conv2d:1 2,3,4", ""]
)
def test_a_cell_that_is_not_written_so_is_told(text: str) -> None:
    """The three sentences, with an example."""
    with pytest.raises(RequestError) as caught:
        place_of(text)
    assert str(caught.value) == (
        f"The cell is '{text}'. LAYER:CHANNEL,ROW,COLUMN was expected, or LAYER:UNIT of a flat layer; all "
        "count from 0. Write for example: conv2d_1:12,5,7 or dense:3."
    )


def test_a_layer_tells_its_shape_as_keras_does() -> None:
    """(height, width, channels) of a map, (units,) of a flat row."""
    assert Layer("a", "Conv2D", ("a",), (3, 4, 5)).to_json() == {
        "name": "a",
        "kind": "Conv2D",
        "output_shape": [4, 5, 3],
    }
    assert Layer("b", "Dense", ("b",), (7,)).output_shape == (7,)
