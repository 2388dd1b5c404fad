"""The gradient of a depthwise kernel in parts that are at most three columns wide.

oneDNN takes seven times as long for five columns as for three, on AVX2 (benchmarks/LOG.md). All else of a
convolution, its output and the gradient of its input, is PyTorch's.
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

_WIDE = 3  # columns, the most that are fast


def worth_while(size: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]) -> bool:
    """Whether a kernel is wide enough for this, and slides as was measured."""
    return size[1] > _WIDE and stride == (1, 1) and dilation == (1, 1)


class DepthConv(torch.autograd.Function):
    """A depthwise convolution without stride or dilation; ``apply(x, weight, bias, padding)``.

    x (N, C, H, W), weight (C, 1, h, w), bias (C,) or None; the padding is the same at both ends.
    """

    @staticmethod
    def forward(
        ctx: Any, x_NCHW: Tensor, weight: Tensor, bias: Tensor | None, padding: tuple[int, int]
    ) -> Tensor:
        """The convolution, as ``torch.nn.functional.conv2d`` has it."""
        ctx.save_for_backward(x_NCHW, weight)
        ctx.padding = padding
        return functional.conv2d(x_NCHW, weight, bias, padding=padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of x, weight and bias where they are needed."""
        (gradient_NCHW,) = gradients
        x_NCHW, weight = ctx.saved_tensors
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = _backward(gradient_NCHW, x_NCHW, weight, ctx.padding, of_x=True)
        if ctx.needs_input_grad[1]:
            of_weight = depthwise_gradient(x_NCHW, gradient_NCHW, weight, ctx.padding)
        if ctx.needs_input_grad[2]:
            of_bias = gradient_NCHW.sum((0, 2, 3))
        return of_x, of_weight, of_bias, None


def depthwise_gradient(
    x_NCHW: Tensor, gradient_NCHW: Tensor, weight: Tensor, padding: tuple[int, int]
) -> Tensor:
    """How a loss changes with each number of a depthwise kernel: (C, 1, h, w).

    The two or three columns in the middle slide over the whole map, with less padding. Of each other column
    only those places count at which it met the map, and over these it slides without padding.

    Args:
        x_NCHW: What was convolved.
        gradient_NCHW: How the loss changes with each output.
        weight: The kernel, of which only the shape counts.
        padding: At the top and the bottom, at the left and the right.
    """
    (_, _, _, wide), (high, left) = weight.shape, padding
    width, places = x_NCHW.shape[3], gradient_NCHW.shape[3]
    middle = _WIDE if wide % 2 else _WIDE - 1
    first = (wide - middle) // 2
    if left < first:  # then the middle would need less padding than none
        middle = 0
    found = torch.zeros_like(weight)
    if middle:
        some, inside = slice(first, first + middle), (high, left - first)
        found[..., some] = _backward(gradient_NCHW, x_NCHW, weight[..., some], inside, of_x=False)
    for column in range(wide):
        moved = column - left
        begin, end = max(0, -moved), min(places, width - moved)
        if first <= column < first + middle or begin >= end:
            continue
        one, met_NCHW = slice(column, column + 1), x_NCHW[..., begin + moved : end + moved]
        found[..., one] = _backward(
            gradient_NCHW[..., begin:end], met_NCHW, weight[..., one], (high, 0), of_x=False
        )
    return found


def _backward(
    gradient_NCHW: Tensor, x_NCHW: Tensor, weight: Tensor, padding: tuple[int, int], *, of_x: bool
) -> Tensor:
    """PyTorch's own gradient of the input, or of the kernel."""
    layout = torch.channels_last
    found = torch.ops.aten.convolution_backward(
        gradient_NCHW.contiguous(memory_format=layout),
        x_NCHW.contiguous(memory_format=layout),
        weight,
        None,
        (1, 1),
        padding,
        (1, 1),
        False,
        (0, 0),
        len(weight),
        [of_x, not of_x, False],
    )
    return cast(Tensor, found[0] if of_x else found[1])
