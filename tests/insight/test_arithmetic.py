"""The arithmetic of one number, by hand, and against PyTorch over random networks of every kind."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pellucid.insight.arithmetic import Term, work_out
from pellucid.insight.inside import open_module
from pellucid.insight.operation import (
    ELEMENTWISE,
    AdaptivePooling,
    Addition,
    Affine,
    Concatenation,
    Convolution,
    Dense,
    Distance,
    Multiplication,
    Normalisation,
    Padding,
    Pooling,
    Reshaping,
    Slide,
    Softmax,
    Unknown,
)

X_CHW = np.arange(16, dtype=np.float32).reshape(1, 4, 4)


def ones(filters: int, channels: int, size: int) -> np.ndarray:
    return np.ones((filters, channels, size, size))


def test_a_kernel_of_ones_over_sixteen_numbers() -> None:
    """5 + 6 + 7 + 9 + 10 + 11 + 13 + 14 + 15 = 90, and a bias of a half."""
    worked = work_out(
        Convolution(ones(1, 1, 3), np.array([0.5]), Slide((3, 3))), [("input", X_CHW)], (0, 1, 1)
    )
    assert [term.input for term in worked.terms] == [5, 6, 7, 9, 10, 11, 13, 14, 15]
    assert (worked.bias, worked.sum) == (0.5, 90.5)
    assert worked.terms[0] == Term("input", 0, 1, 1, 5.0, 1.0, 5.0, padding=False)


def test_padding_lies_outside_and_adds_nothing() -> None:
    """TensorFlow's same padding of 2x2 on stride 1 puts the row and the column at the bottom and right."""
    slide = Slide((2, 2), pads=((0, 1), (0, 1)))
    worked = work_out(Convolution(ones(1, 1, 2), None, slide), [("input", X_CHW)], (0, 3, 3))
    assert worked.sum == 15
    assert [(term.row, term.column, term.input, term.padding) for term in worked.terms] == [
        (3, 3, 15.0, False),
        (3, 4, 0.0, True),
        (4, 3, 0.0, True),
        (4, 4, 0.0, True),
    ]


def test_a_filter_of_a_group_sees_its_own_channels() -> None:
    """In two groups of two channels, filter 2 of 4 sees channels 2 and 3."""
    x_CHW = np.arange(4, dtype=np.float32).reshape(4, 1, 1)
    worked = work_out(Convolution(ones(4, 2, 1), None, Slide((1, 1)), 2), [("input", x_CHW)], (2, 0, 0))
    assert [(term.channel, term.product) for term in worked.terms] == [(2, 2.0), (3, 3.0)]


def test_the_lectures_pooling() -> None:
    """`5 1 3 4 / 8 2 9 2 / 1 3 0 1 / 2 2 2 0`: maximum 8 9 / 3 2, average 4 4.5 / 2 0.75."""
    x_CHW = np.array([[[5, 1, 3, 4], [8, 2, 9, 2], [1, 3, 0, 1], [2, 2, 2, 0]]], np.float32)
    places = [(0, row, column) for row in (0, 1) for column in (0, 1)]
    slide = Slide((2, 2), (2, 2))
    found = [
        [work_out(Pooling(slide, maximum), [("x", x_CHW)], place).sum for place in places]
        for maximum in (True, False)
    ]
    assert found == [[8, 9, 3, 2], [4, 4.5, 2, 0.75]]
    best = work_out(Pooling(slide, True), [("x", x_CHW)], (0, 0, 1))
    assert [(one.row, one.column, one.weight, one.product) for one in best.terms] == [
        (0, 2, 0.0, 0.0),
        (0, 3, 0.0, 0.0),
        (1, 2, 1.0, 9.0),
        (1, 3, 0.0, 0.0),
    ]


def test_of_equal_ones_the_first_wins_as_in_pytorch() -> None:
    """A tie is told, and the winner is the one whose index PyTorch returns."""
    x = torch.tensor([[[0.0, 3.0, 3.0], [3.0, 1.0, 3.0], [0.0, 0.0, 3.0]]])
    _, index = nn.functional.max_pool2d(x, 3, return_indices=True)
    worked = work_out(Pooling(Slide((3, 3)), True), [("x", x.numpy())], (0, 0, 0))
    (winner,) = (place for place, term in enumerate(worked.terms) if term.weight == 1)
    assert winner == index.item() == 1
    assert worked.details == {"equally_large": 5.0}


def test_padding_never_wins_and_has_no_value() -> None:
    """All inputs are negative: the padding of a max pooling is no 0."""
    slide = Slide((2, 2), pads=((0, 1), (0, 1)))
    worked = work_out(Pooling(slide, True), [("x", X_CHW - 20)], (0, 3, 3))
    assert worked.sum == -5
    assert [(one.input, one.padding) for one in worked.terms] == [(-5.0, False), *[(None, True)] * 3]


@pytest.mark.parametrize(("counted", "total"), [("inside", 15), ("padding", 3.75), (3, 5)])
def test_what_an_average_is_divided_by(counted, total) -> None:
    """By the numbers inside, by the padding too, or by a number."""
    slide = Slide((2, 2), pads=((0, 1), (0, 1)))
    assert work_out(Pooling(slide, False, counted), [("x", X_CHW)], (0, 3, 3)).sum == pytest.approx(total)


def test_batch_normalisation_is_its_affine_form() -> None:
    """gamma 3, beta 1, mean 4, variance 8.99 and epsilon 0.01: x = 10 gives 3 * 6 / 3 + 1 = 7."""
    operation = Normalisation(*(np.array([one]) for one in (3.0, 1.0, 4.0, 8.99)), 0.01)
    worked = work_out(operation, [("x", np.full((1, 1, 1), 10, np.float32))], (0, 0, 0))
    assert worked.sum == pytest.approx(7)
    assert (worked.terms[0].weight, worked.bias) == (pytest.approx(1), pytest.approx(-3))
    assert worked.details == {"gamma": 3, "beta": 1, "mean": 4, "variance": 8.99, "epsilon": 0.01}


def test_softmax_shows_every_exponential() -> None:
    """log 1, log 2 and log 5: shares 1/8, 2/8 and 5/8; with a temperature the logits are divided first."""
    x = np.log(np.array([1.0, 2.0, 5.0]))
    worked = work_out(Softmax(), [("x", x)], (1,))
    assert worked.sum == pytest.approx(2 / 8)
    assert [term.product for term in worked.terms] == pytest.approx([0.2, 0.4, 1.0])
    assert worked.details["sum_of_exponentials"] == pytest.approx(1.6)
    assert work_out(Softmax(0, 0.5), [("x", x)], (1,)).sum == pytest.approx(4 / 30)


def test_the_other_kinds_by_hand() -> None:
    """One number of each, worked out on paper."""
    row, x = np.array([1.0, 2.0, 3.0]), [("x", X_CHW)]
    two = [*x, ("y", np.full((1, 1, 1), 2.0))]
    for operation, given_, index, total in (
        (Dense(np.array([[1.0, 0, -1], [2, 2, 2]]), np.array([0.5, 1])), [("r", row)], (1,), 13),
        (Distance(np.array([[0.0], [2], [5]])), [("r", row)], (0,), 5),
        (Affine(2, -1), x, (0, 1, 1), 9),
        (Addition((1, -1)), two, (0, 3, 3), 13),
        (Multiplication(), two, (0, 3, 3), 30),
        (Concatenation(0), [*x, ("z", X_CHW + 100)], (1, 0, 2), 102),
        (Padding(((1, 0), (2, 0)), 7), x, (0, 2, 3), 5),
        (Padding(((1, 0), (2, 0)), 7), x, (0, 0, 3), 7),
        (Reshaping((16,)), x, (9,), 9),
        (Reshaping((16,), "HWC"), [("x", X_CHW.reshape(4, 2, 2))], (6,), 9),
        (AdaptivePooling((3, 3), False), x, (0, 2, 2), (10 + 11 + 14 + 15) / 4),
        (ELEMENTWISE["relu6"], [("x", X_CHW)], (0, 2, 0), 6),
    ):
        assert work_out(operation, given_, index).sum == pytest.approx(total), operation


def test_an_average_counts_nothing_beyond_its_padding() -> None:
    """Windows of 3 that ceil_mode lets hang over the padding of 6 x 6: four count, and they weigh 1."""
    net = nn.Sequential(nn.AvgPool2d(3, 2, 1, ceil_mode=True))
    cell = open_module(net, torch.ones(1, 6, 6)).cell("0", 0, 3, 3)
    weights = {(term.row, term.column): term.weight for term in cell.worked.terms}
    assert weights == {
        (row, column): 0.25 if max(row, column) < 7 else 0.0 for row in (5, 6, 7) for column in (5, 6, 7)
    }
    assert (cell.worked.sum, cell.value) == (0.25, 0.25)


def test_scaling_tells_every_term_again() -> None:
    """An average of 2.5 times 4 plus 1 is 11, and its terms add up to it."""
    worked = work_out(Pooling(Slide((2, 2)), False), [("x", X_CHW)], (0, 0, 0)).scaled(4, 1)
    assert worked.sum == 11
    assert sum(term.product for term in worked.terms) + worked.bias == 11
    assert worked.terms[1].weight == 1


def test_numbers_out_of_bounds_stay_out_of_bounds() -> None:
    """Infinities of both signs make NaN, as in PyTorch, and no exception."""
    x = np.array([np.inf, -np.inf])
    assert math.isnan(work_out(Dense(np.ones((1, 2)), None), [("x", x)], (0,)).sum)


def test_an_unknown_kind_says_so() -> None:
    """It has no terms, and its reason stands in the formula's place."""
    worked = work_out(Unknown("There is no arithmetic for it."), [("x", X_CHW)], (0, 0, 0))
    assert (worked.known, worked.terms, worked.formula) == (False, (), "There is no arithmetic for it.")


def drawn_cells(data, inside):
    """A cell of every layer, drawn."""
    for layer in inside.layers:
        index = tuple(data.draw(st.integers(0, size - 1)) for size in layer.shape)
        yield inside.cell(layer.name, *index)


LINEAR = {"sum of the products", "sum of the products + bias"}


@settings(max_examples=60)
@given(data=st.data())
def test_every_kind_of_keras_layer_gives_pytorchs_number(data, chains, built, within) -> None:
    """|sum - framework's value| <= 1e-5 x (sum of |products| + 1), in random networks of ours."""
    network = built(data.draw(chains()), data.draw(st.integers(0, 99)))
    source = network.blueprint.input
    x_CHW = torch.randn(source.channels, source.height, source.width, generator=torch.manual_seed(1))
    for cell in drawn_cells(data, open_module(network, x_CHW)):
        if math.isfinite(cell.value) and abs(cell.value) < 1e6:
            assert within(cell), cell
            if cell.worked.formula in LINEAR:
                total = math.fsum([*(term.product for term in cell.worked.terms), cell.worked.bias])
                assert cell.worked.sum == pytest.approx(total, rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(data=st.data())
def test_every_kind_of_module_gives_pytorchs_number(data, nets, within) -> None:
    """The same bound in random modules of a person's own, with timm's layers, branches and functions."""
    net, x_CHW = data.draw(nets())
    for cell in drawn_cells(data, open_module(net, x_CHW)):
        assert within(cell), cell
