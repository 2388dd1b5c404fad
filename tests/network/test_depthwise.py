"""The gradient of a depthwise kernel in parts, with PyTorch's autograd in float64 as the referee."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from pellucid.network import depthwise
from pellucid.network.depthwise import DepthConv, depthwise_gradient, worth_while


@given(
    count=st.integers(1, 3),
    channels=st.integers(1, 9),
    size=st.tuples(st.integers(1, 5), st.integers(4, 8)),
    padding=st.tuples(st.integers(0, 3), st.integers(0, 8)),
    more=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    last=st.booleans(),
)
@settings(deadline=None, max_examples=150)
def test_a_kernel_s_gradient_is_autograd_s(
    count: int,
    channels: int,
    size: tuple[int, int],
    padding: tuple[int, int],
    more: tuple[int, int],
    last: bool,
) -> None:
    """Any width above three, even or odd, with any padding, also where columns never meet the map."""
    torch.manual_seed(0)
    height, width = (
        max(side - 2 * pad, 1) + extra for side, pad, extra in zip(size, padding, more, strict=True)
    )
    layout = torch.channels_last if last else torch.contiguous_format
    x = torch.randn(count, channels, height, width, dtype=torch.float64).to(memory_format=layout)
    weight = torch.randn(channels, 1, *size, dtype=torch.float64, requires_grad=True)
    y = functional.conv2d(x, weight, None, 1, padding, 1, channels)
    gradient = torch.randn_like(y)
    y.backward(gradient)
    found = depthwise_gradient(x, gradient, weight.detach(), padding)
    torch.testing.assert_close(found, weight.grad)


@pytest.mark.parametrize("bias", [True, False])
def test_all_gradients_and_the_output_are_pytorch_s(bias: bool) -> None:
    """Output to the bit, and the gradients of maps, kernel and bias."""

    def tensors() -> list[Tensor | None]:
        torch.manual_seed(1)
        made = [torch.randn(3, 16, 7, 6), torch.randn(16, 1, 5, 5), torch.randn(16)]
        leaves = [made[0].to(memory_format=torch.channels_last), *made[1:]]
        return [one.requires_grad_() for one in leaves[: 3 if bias else 2]] + [None] * (not bias)

    ours, theirs = tensors(), tensors()
    found = DepthConv.apply(*ours, (2, 2))
    expected = functional.conv2d(*theirs, padding=2, groups=16)  # type: ignore[arg-type]
    assert torch.equal(found, expected)
    gradient = torch.randn_like(expected)
    found.backward(gradient)
    expected.backward(gradient)
    for one, other in zip(ours, theirs, strict=True):
        if one is not None and other is not None:
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


def test_no_part_is_wider_than_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five columns are three in the middle and two at the edges; eight are two in the middle and six."""
    seen: list[int] = []
    real = depthwise._backward

    def noted(gradient: Tensor, x: Tensor, weight: Tensor, padding: tuple[int, int], *, of_x: bool) -> Tensor:
        seen.append(weight.shape[3])
        return real(gradient, x, weight, padding, of_x=of_x)

    monkeypatch.setattr(depthwise, "_backward", noted)
    for wide, padding in ((5, 2), (8, 4)):
        places = 7 + 2 * padding - wide + 1
        depthwise_gradient(
            torch.ones(1, 8, 7, 7), torch.ones(1, 8, 7, places), torch.ones(8, 1, 1, wide), (0, padding)
        )
    assert seen == [3, 1, 1, 2, *[1] * 6]


def test_only_wide_kernels_that_slide_one_by_one() -> None:
    """Three columns are fast as they are; strides and dilations were not measured to gain."""
    one, two = (1, 1), (2, 2)
    assert [worth_while((5, wide), one, one) for wide in (1, 3, 4, 5, 7)] == [False, False, True, True, True]
    assert not worth_while((5, 5), two, one)
    assert not worth_while((5, 5), one, two)
