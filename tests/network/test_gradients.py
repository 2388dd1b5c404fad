"""The gradient of a kernel by matrix products, with PyTorch's autograd in float64 as the referee."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from pellucid.network import gradients
from pellucid.network.blueprint import Blueprint, Conv, Flatten, Input
from pellucid.network.build import build
from pellucid.network.gradients import PatchConv, kernel_gradient, worth_while
from pellucid.network.modules import PaddedConv2d
from pellucid.network.parameters import initial_parameters

sides = st.integers(1, 3)


@given(
    count=st.integers(1, 5),
    channels=st.sampled_from([1, 2, 5]),
    filters=st.integers(1, 4),
    size=st.tuples(sides, sides),
    stride=st.tuples(sides, sides),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(sides, sides),
    more=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    piece=st.sampled_from([1, 40, 300, 2**18]),
    last=st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_a_kernel_s_gradient_is_autograd_s(
    count: int,
    channels: int,
    filters: int,
    size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    more: tuple[int, int],
    piece: int,
    last: bool,
) -> None:
    """Any size, stride, padding, dilation and memory layout, in pieces of pictures, of rows, or in one."""
    torch.manual_seed(0)
    spans = [step * (side - 1) + 1 for step, side in zip(dilation, size, strict=True)]
    height, width = (
        max(span - 2 * pad, 1) + extra for span, pad, extra in zip(spans, padding, more, strict=True)
    )
    layout = torch.channels_last if last else torch.contiguous_format
    x = torch.randn(count, channels, height, width, dtype=torch.float64).to(memory_format=layout)
    weight = torch.randn(filters, channels, *size, dtype=torch.float64, requires_grad=True)
    y = functional.conv2d(x, weight, None, stride, padding, dilation)
    gradient = torch.randn_like(y)
    y.backward(gradient)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gradients, "_PIECE", piece)
        found = kernel_gradient(x, gradient, size, stride, padding, dilation)
    assert found.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, weight.grad)


@pytest.mark.parametrize("channels", [1, 32])
@pytest.mark.parametrize("bias", [True, False])
def test_all_gradients_and_the_output_are_pytorch_s(channels: int, bias: bool) -> None:
    """Output to the bit, and the gradients of pictures, kernel and bias up to rounding."""
    torch.manual_seed(1)

    def tensors() -> list[Tensor | None]:
        torch.manual_seed(1)
        made = [torch.randn(3, channels, 7, 6), torch.randn(4, channels, 3, 2), torch.randn(4)]
        leaves = [one.to(memory_format=torch.channels_last) if one.dim() == 4 else one for one in made]
        return [one.requires_grad_() for one in leaves[: 3 if bias else 2]] + [None] * (not bias)

    ours, theirs = tensors(), tensors()
    settings_of_it = ((2, 1), (1, 0), (1, 2))
    found = PatchConv.apply(*ours, *settings_of_it)
    expected = functional.conv2d(*theirs, *settings_of_it)  # type: ignore[arg-type]
    assert torch.equal(found, expected)
    gradient = torch.randn_like(expected)
    found.backward(gradient)
    expected.backward(gradient)
    for one, other in zip(ours, theirs, strict=True):
        if one is not None and other is not None:
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)


def test_it_is_used_where_it_was_measured_to_be_faster() -> None:
    """With 1 channel, or 32 and more; all else is left to PyTorch."""
    assert [n for n in (1, 2, 3, 16, 31, 32, 64) if worth_while(n)] == [1, 32, 64]


def test_a_network_that_trains_fast_takes_its_gradients_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Built to train fast, its gradients come from here; built plainly, or in groups, from PyTorch."""
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX2")
    blueprint = Blueprint(Input(6, 6, 1), (Conv(32, (3, 3)), Conv(32, (3, 3), groups=2), Flatten()))
    parameters = initial_parameters(blueprint, 0)
    seen: list[int] = []
    real = gradients.kernel_gradient
    monkeypatch.setattr(
        gradients, "kernel_gradient", lambda x, *more: (seen.append(x.shape[1]), real(x, *more))[1]
    )
    found = {}
    for fast in (True, False):
        network = build(blueprint, parameters, fast=fast)
        assert [one.own_gradient for one in network.modules() if isinstance(one, PaddedConv2d)] == [fast] * 2
        network(torch.ones(2, 1, 6, 6)).square().sum().backward()
        found[fast] = [one.grad for one in network.parameters()]
    assert seen == [1]
    torch.testing.assert_close(found[True], found[False], rtol=1e-4, atol=1e-4)
