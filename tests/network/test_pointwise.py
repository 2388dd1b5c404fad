"""A convolution of single places by matrix products, with PyTorch's own as the referee."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from pellucid.network.pointwise import PointConv, worth_while


def leaves(count: int, channels: int, filters: int, height: int, width: int, last: bool) -> list[Tensor]:
    """x, weight and bias in float64."""
    torch.manual_seed(0)
    sizes = [(count, channels, height, width), (filters, channels, 1, 1), (filters,)]
    x, weight, bias = (torch.randn(size, dtype=torch.float64) for size in sizes)
    layout = torch.channels_last if last else torch.contiguous_format
    return [x.to(memory_format=layout).requires_grad_(), weight.requires_grad_(), bias.requires_grad_()]


@given(
    count=st.integers(1, 4),
    channels=st.integers(1, 5),
    filters=st.integers(1, 5),
    height=st.integers(1, 4),
    width=st.integers(1, 4),
    last=st.booleans(),
    bias=st.booleans(),
)
@settings(deadline=None, max_examples=100)
def test_output_and_gradients_are_pytorch_s(
    count: int, channels: int, filters: int, height: int, width: int, last: bool, bias: bool
) -> None:
    """Of any shape and memory layout, with and without biases."""
    ours = leaves(count, channels, filters, height, width, last)
    theirs = leaves(count, channels, filters, height, width, last)
    found = PointConv.apply(*ours[:2], ours[2] if bias else None)
    expected = functional.conv2d(*theirs[:2], theirs[2] if bias else None)
    torch.testing.assert_close(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)
    gradient = torch.randn_like(expected)
    found.backward(gradient)
    expected.backward(gradient)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.grad is None) == (other.grad is None)
        if one.grad is not None:
            torch.testing.assert_close(one.grad, other.grad)


def test_a_gradient_without_memory_of_its_own_will_do() -> None:
    """What a mean over all places sends back is one number for all of them, which is not written out."""
    (x, weight, bias), (own, kernel, shift) = leaves(2, 3, 4, 5, 2, True), leaves(2, 3, 4, 5, 2, True)
    PointConv.apply(x, weight, bias).sum((2, 3)).square().sum().backward()
    functional.conv2d(own, kernel, shift).sum((2, 3)).square().sum().backward()
    for one, other in ((x, own), (weight, kernel), (bias, shift)):
        torch.testing.assert_close(one.grad, other.grad)


def test_its_output_can_be_changed_in_place() -> None:
    """An activation that works in place may follow."""
    (x, weight, bias) = leaves(1, 2, 3, 2, 2, True)
    functional.relu_(PointConv.apply(x, weight, bias)).sum().backward()
    assert x.grad is not None


@pytest.mark.parametrize(
    ("size", "stride", "padding", "expected"),
    [
        ((1, 1), (1, 1), (0, 0), True),
        ((1, 1), (2, 2), (0, 0), False),
        ((1, 1), (1, 1), (1, 0), False),
        ((3, 1), (1, 1), (0, 0), False),
    ],
)
def test_only_single_places(
    size: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int], expected: bool
) -> None:
    """A larger kernel, a stride or padding are another's."""
    assert worth_while(size, stride, padding) is expected
