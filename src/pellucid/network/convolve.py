"""A convolution that learns, by the way that was measured to be the fastest.

The ways themselves are ``gradients``' (products of patches), ``pointwise``'s and ``depthwise``'s. Where none
of them was measured, it is PyTorch's.
"""

from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from pellucid.network import depthwise, gradients, pointwise
from pellucid.network.depthwise import DepthConv
from pellucid.network.gradients import PatchConv
from pellucid.network.pointwise import PointConv

Pair = tuple[int, int]


def convolve(
    x_NCHW: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Pair,
    padding: Pair | str,
    dilation: Pair,
    groups: int,
) -> Tensor:
    """What ``torch.nn.functional.conv2d`` gives, up to rounding, and its gradients.

    Args:
        x_NCHW: The maps.
        weight: (F, C / groups, h, w).
        bias: (F,); None for none.
        stride: Vertically and horizontally, like the following.
        padding: The same at both ends, or a word of PyTorch's.
        dilation: Of the kernel.
        groups: Of channels that do not see one another.
    """
    size = (int(weight.shape[2]), int(weight.shape[3]))
    if isinstance(padding, str) or not _measured(x_NCHW):
        return functional.conv2d(x_NCHW, weight, bias, stride, padding, dilation, groups)
    if groups == 1 and pointwise.worth_while(size, stride, padding):
        return cast(Tensor, PointConv.apply(x_NCHW, weight, bias))
    if groups == 1 and gradients.worth_while(x_NCHW.shape[1]):
        return cast(Tensor, PatchConv.apply(x_NCHW, weight, bias, stride, padding, dilation))
    if groups == len(weight) == x_NCHW.shape[1] and depthwise.worth_while(size, stride, dilation):
        return cast(Tensor, DepthConv.apply(x_NCHW, weight, bias, padding))
    return functional.conv2d(x_NCHW, weight, bias, stride, padding, dilation, groups)


def _measured(x_NCHW: Tensor) -> bool:
    """Whether this is where the ways were measured: float32 on a processor with AVX2, while learning."""
    return (
        x_NCHW.device.type == "cpu"
        and x_NCHW.dtype == torch.float32
        and torch.is_grad_enabled()
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.cpu.get_cpu_capability() == "AVX2"
    )
