"""A convolution of single places as matrix products: its output, and its gradients.

oneDNN takes longer for the same numbers on AVX2 (benchmarks/LOG.md).
"""

from typing import Any

import torch
from torch import Tensor


def worth_while(size: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int]) -> bool:
    """Whether each output is made of one place, and of each place an output."""
    return size == (1, 1) and stride == (1, 1) and padding == (0, 0)


class PointConv(torch.autograd.Function):
    """A convolution with a kernel of 1 x 1, in one group; ``apply(x, weight, bias)``.

    x (N, C, H, W), weight (F, C, 1, 1), bias (F,) or None. The output is in channels-last memory.
    """

    @staticmethod
    def forward(ctx: Any, x_NCHW: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution (N, F, H, W), as ``torch.nn.functional.conv2d`` has it, up to rounding."""
        x_PC, weight_FC = _places(x_NCHW), weight.flatten(1)
        ctx.save_for_backward(x_PC, weight_FC)
        y_NFHW = _room(x_NCHW, len(weight))
        y_PF = torch.mm(x_PC, weight_FC.T, out=_places(y_NFHW))
        if bias is not None:
            y_PF.add_(bias)
        return y_NFHW

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of x, weight and bias where they are needed."""
        (gradient_NFHW,) = gradients
        x_PC, weight_FC = ctx.saved_tensors
        gradient_PF = _places(gradient_NFHW)
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = _room(gradient_NFHW, weight_FC.shape[1])
            torch.mm(gradient_PF, weight_FC, out=_places(of_x))
        if ctx.needs_input_grad[1]:
            of_weight = torch.mm(gradient_PF.T, x_PC)[:, :, None, None]
        if ctx.needs_input_grad[2]:
            of_bias = gradient_PF.sum(0)
        return of_x, of_weight, of_bias


def _places(x_NCHW: Tensor) -> Tensor:
    """(N * H * W, C), which of channels-last memory is no copy."""
    return x_NCHW.permute(0, 2, 3, 1).reshape(-1, x_NCHW.shape[1])


def _room(like_NCHW: Tensor, filters: int) -> Tensor:
    """(N, F, H, W) to be filled, in channels-last memory: no view, so that it can be changed in place."""
    count, _, height, width = like_NCHW.shape
    size = (count, filters, height, width)
    return torch.empty(size, dtype=like_NCHW.dtype, memory_format=torch.channels_last)
