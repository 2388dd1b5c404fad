"""What an operation knows of itself: its window's places, its order, its function."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from pellucid.insight.operation import (
    ELEMENTWISE,
    AdaptivePooling,
    Permutation,
    Reshaping,
    Slide,
    Softmax,
    clamp,
    elu,
    leaky_relu,
)

REFEREES = {
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "scaled_tanh": lambda x: 1.7159 * torch.tanh(x * (2 / 3)),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}


def test_the_places_under_a_window() -> None:
    """Three rows, two apart, from a stride of four and one row of padding; columns on their own."""
    slide = Slide((3, 2), (4, 1), ((1, 0), (0, 0)), (2, 1))
    assert slide.places(0, 0).tolist() == [-1, 1, 3]
    assert slide.places(0, 2).tolist() == [7, 9, 11]
    assert slide.places(1, 5).tolist() == [5, 6]


@given(size=st.integers(1, 12), wanted=st.integers(1, 12))
def test_adaptive_windows_are_pytorchs(size: int, wanted: int) -> None:
    """The mean over the window's places is adaptive_avg_pool1d's."""
    x = torch.arange(size, dtype=torch.float64)
    expected = functional.adaptive_avg_pool1d(x[None], wanted)[0]
    pooling = AdaptivePooling((wanted, wanted), maximum=False)
    found = [x[pooling.places(0, out, size)].mean().item() for out in range(wanted)]
    assert found == pytest.approx(expected.tolist())


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(x=st.floats(-80, 80))
def test_an_activation_is_pytorchs(name: str, x: float) -> None:
    """In float64, at any number."""
    referee = REFEREES.get(name) or getattr(functional, name)
    expected = referee(torch.tensor(x, dtype=torch.float64)).item()
    assert ELEMENTWISE[name].function(x) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(x=st.floats(-80, 80))
def test_activations_with_numbers_of_their_own(x: float) -> None:
    """A slope, an alpha, bounds: as PyTorch has them."""
    tensor = torch.tensor(x, dtype=torch.float64)
    assert leaky_relu(0.2).function(x) == pytest.approx(functional.leaky_relu(tensor, 0.2).item())
    assert elu(0.7).function(x) == pytest.approx(functional.elu(tensor, 0.7).item())
    assert clamp(-1, 2).function(x) == pytest.approx(functional.hardtanh(tensor, -1, 2).item())


def test_a_clamp_lets_nan_through() -> None:
    """A number that is none stays none, and is not 0."""
    assert math.isnan(ELEMENTWISE["relu"].function(math.nan))


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4), st.sampled_from(["CHW", "HWC"]), st.data())
def test_a_reshaping_is_numpys_and_can_be_undone(channels, height, width, order, data) -> None:
    """The number stands where NumPy puts it, and is found again."""
    x_CHW = np.arange(channels * height * width).reshape(channels, height, width)
    flat = (x_CHW.transpose(1, 2, 0) if order == "HWC" else x_CHW).ravel()
    operation = Reshaping((x_CHW.size,), order)
    place = data.draw(st.integers(0, x_CHW.size - 1))
    source = operation.source((place,), x_CHW.shape)
    assert x_CHW[source] == flat[place]
    assert operation.target(source, x_CHW.shape) == (place,)


def test_a_permutation_is_numpys() -> None:
    """Of three axes in another order, both ways."""
    x = np.arange(24).reshape(2, 3, 4)
    operation = Permutation((1, 2, 0))
    turned = x.transpose(1, 2, 0)
    assert x[operation.source((2, 3, 1), x.shape)] == turned[2, 3, 1]
    assert operation.target(operation.source((2, 3, 1), x.shape), x.shape) == (2, 3, 1)


def test_softmax_is_written_and_safe() -> None:
    """The formula names a temperature where there is one, and large logits do not overflow."""
    assert Softmax().formula == "exp((x - largest)) / sum of these exponentials"
    assert Softmax(0, 2).formula == "exp((x - largest) / temperature) / sum of these exponentials"
    share, exponentials, details = Softmax().share([1e4, 1e4], 0)
    assert (share, exponentials) == (0.5, [1.0, 1.0])
    assert details == {"largest": 1e4, "sum_of_exponentials": 2.0}
