"""The gradient of a convolution's kernel as matrix products of patches, in pieces that stay in the cache.

oneDNN computes it in float32 with AVX2 at half the pace of a matrix product (benchmarks/LOG.md). All else of
a convolution, its output and the gradient of its input, is PyTorch's.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_MANY = 32  # channels
_PIECE = 2**18  # numbers in the patches of a piece: 1 MB


def worth_while(channels: int) -> bool:
    """Whether the gradient of a kernel on so many channels is better taken here.

    With 1 channel, or 32 and more, it takes 0.5 to 0.9 of oneDNN's time; with 3 to 16 it takes longer.
    """
    return channels == 1 or channels >= _MANY


class PatchConv(torch.autograd.Function):
    """A convolution in one group; ``apply(x, weight, bias, stride, padding, dilation)``.

    x (N, C, H, W), weight (F, C, h, w), bias (F,) or None; the others are pairs of whole numbers, the
    padding the same at both ends.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x_NCHW: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
    ) -> Tensor:
        """The convolution, as ``torch.nn.functional.conv2d`` has it."""
        ctx.save_for_backward(x_NCHW, weight)
        ctx.settings = stride, padding, dilation
        return functional.conv2d(x_NCHW, weight, bias, stride, padding, dilation)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of x, weight and bias where they are needed."""
        (gradient_NFHW,) = gradients
        x_NCHW, weight = ctx.saved_tensors
        stride, padding, dilation = ctx.settings
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            wanted = [True, False, False]
            of_x = torch.ops.aten.convolution_backward(
                gradient_NFHW, x_NCHW, weight, None, stride, padding, dilation, False, (0, 0), 1, wanted
            )[0]
        if ctx.needs_input_grad[1]:
            size = (int(weight.shape[2]), int(weight.shape[3]))
            of_weight = kernel_gradient(x_NCHW, gradient_NFHW, size, stride, padding, dilation)
        if ctx.needs_input_grad[2]:
            of_bias = gradient_NFHW.sum((0, 2, 3))
        return of_x, of_weight, of_bias, None, None, None


def kernel_gradient(
    x_NCHW: Tensor,
    gradient_NFHW: Tensor,
    size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
) -> Tensor:
    """How a loss changes with each number of a kernel: (F, C, h, w) in channels-last memory.

    Args:
        x_NCHW: What was convolved.
        gradient_NFHW: How the loss changes with each output.
        size: Of the kernel, (h, w).
        stride, padding, dilation: Of the convolution.
    """
    top, left = padding
    padded_NCHW = functional.pad(x_NCHW, (left, left, top, top)) if top or left else x_NCHW
    x_NHWC = padded_NCHW.permute(0, 2, 3, 1).contiguous()
    gradient_NHWF = gradient_NFHW.permute(0, 2, 3, 1).contiguous()
    channels, filters = x_NHWC.shape[3], gradient_NHWF.shape[3]
    if channels == 1:
        found = _of_one_channel(x_NHWC[..., 0], gradient_NHWF, size, stride, dilation)
    else:
        found = _of_patches(x_NHWC, gradient_NHWF, size, stride, dilation)
    return (
        found.view(*size, channels, filters).permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    )


def _of_patches(
    x_NHWC: Tensor,
    gradient_NHWF: Tensor,
    size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> Tensor:
    """(h * w * C, F): patches and gradients, piece by piece of some pictures or some rows of one."""
    count, rows, columns, filters = gradient_NHWF.shape
    channels = x_NHWC.shape[3]
    inputs = size[0] * size[1] * channels
    per_row = columns * inputs
    pictures = max(_PIECE // (rows * per_row), 1)
    high = min(max(_PIECE // per_row, 1), rows) if pictures == 1 else rows
    pictures = min(pictures, count)
    of_n, of_row, of_column, _ = x_NHWC.stride()
    strides = (
        of_n,
        stride[0] * of_row,
        stride[1] * of_column,
        dilation[0] * of_row,
        dilation[1] * of_column,
        1,
    )
    room = x_NHWC.new_empty(pictures * high * per_row)
    sums = x_NHWC.new_zeros(inputs, filters)
    for first in range(0, count, pictures):
        some = min(pictures, count - first)
        for top in range(0, rows, high):
            tall = min(high, rows - top)
            start = x_NHWC.storage_offset() + first * of_n + top * stride[0] * of_row
            shape = (some, tall, columns, *size, channels)
            patches = room[: some * tall * per_row].view(shape)
            patches.copy_(x_NHWC.as_strided(shape, strides, start))
            gradient = gradient_NHWF[first : first + some, top : top + tall].reshape(-1, filters)
            sums.addmm_(patches.view(-1, inputs).T, gradient)
    return sums


def _of_one_channel(
    x_NHW: Tensor,
    gradient_NHWF: Tensor,
    size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> Tensor:
    """(h * w, F): one plane of inputs for each place in the kernel, copied in runs as long as a row.

    A product for each picture, and their sum: two cores share these, and not one long row of products.
    """
    count, rows, columns, filters = gradient_NHWF.shape
    of_n, of_row, of_column = x_NHW.stride()
    strides = (
        dilation[0] * of_row,
        dilation[1] * of_column,
        of_n,
        stride[0] * of_row,
        stride[1] * of_column,
    )
    planes = x_NHW.as_strided((*size, count, rows, columns), strides, x_NHW.storage_offset()).contiguous()
    planes_NPK = planes.view(size[0] * size[1], count, -1).transpose(0, 1)
    return torch.bmm(planes_NPK, gradient_NHWF.view(count, -1, filters)).sum(0)
