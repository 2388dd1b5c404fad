"""What PyTorch lacks of Keras' layers: TensorFlow's padding, dropout of one's own chance, LeNet-5's layers.

Each takes and gives (N, C, H, W) or (N, units) float32; which layer becomes which module is ``build``'s.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from pellucid.network.convolve import Pair, convolve
from pellucid.network.shapes import Pads


def torch_pads(pads: Pads) -> tuple[int, int, int, int]:
    """((top, bottom), (left, right)) in the order of ``torch.nn.functional.pad``."""
    (top, bottom), (left, right) = pads
    return left, right, top, bottom


class Crop(nn.Module):
    """The top left of a map."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, *size) in channels-last memory."""
        height, width = self.size
        return x_NCHW[:, :, :height, :width].contiguous(memory_format=torch.channels_last)


class PaddedConv2d(nn.Conv2d):
    """A convolution with any padding on each side, and a mask on its weights where a table says so."""

    mask: Tensor | None
    own_gradient = False  # whether to go the ways of ``network.convolve``, which are for learning

    def __init__(
        self,
        channels: int,
        filters: int,
        kernel: tuple[int, int],
        *,
        stride: tuple[int, int],
        dilation: tuple[int, int],
        pads: Pads,
        groups: int,
        bias: bool,
    ) -> None:
        (top, bottom), (left, right) = pads
        even = top == bottom and left == right
        super().__init__(
            channels,
            filters,
            kernel,
            stride=stride,
            dilation=dilation,
            padding=(top, left) if even else 0,
            groups=groups,
            bias=bias,
        )
        self.pads = None if even else torch_pads(pads)
        self.register_buffer("mask", None, persistent=False)

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - PyTorch's own name
        """(N, C, H, W) -> (N, filters, H', W')."""
        x_NCHW = input if self.pads is None else functional.pad(input, self.pads)
        weight = self.weight if self.mask is None else self.weight * self.mask
        if self.own_gradient:
            stride, dilation = cast(Pair, self.stride), cast(Pair, self.dilation)
            padding = cast(Pair | str, self.padding)
            return convolve(x_NCHW, weight, self.bias, stride, padding, dilation, self.groups)
        return cast(Tensor, self._conv_forward(x_NCHW, weight, self.bias))


class PaddedMaxPool2d(nn.Module):
    """Max pooling in which padding never wins."""

    def __init__(self, window: tuple[int, int], stride: tuple[int, int], pads: Pads) -> None:
        super().__init__()
        self.window, self.stride, self.pads = window, stride, torch_pads(pads)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H', W')."""
        if any(self.pads):
            x_NCHW = functional.pad(x_NCHW, self.pads, value=-torch.inf)
        return functional.max_pool2d(x_NCHW, self.window, self.stride)


class PaddedAvgPool2d(nn.Module):
    """Average pooling in which padding is not counted."""

    counted: Tensor | None

    def __init__(
        self, window: tuple[int, int], stride: tuple[int, int], pads: Pads, size: tuple[int, int]
    ) -> None:
        super().__init__()
        self.window, self.stride, self.pads = window, stride, torch_pads(pads)
        counted = None
        if any(self.pads):
            ones = functional.pad(torch.ones(1, 1, *size), self.pads)
            counted = functional.avg_pool2d(ones, window, stride, divisor_override=1)
        self.register_buffer("counted", counted, persistent=False)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H', W')."""
        if self.counted is None:
            return functional.avg_pool2d(x_NCHW, self.window, self.stride)
        padded_NCHW = functional.pad(x_NCHW, self.pads)
        sums_NCHW = functional.avg_pool2d(padded_NCHW, self.window, self.stride, divisor_override=1)
        return sums_NCHW / self.counted


class ChannelScale(nn.Module):
    """Each channel times a number of its own, plus another."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        return x_NCHW * self.scale[:, None, None] + self.bias[:, None, None]


class Distance(nn.Module):
    """Squared Euclidean distance to fixed points (LeCun et al. 1998, equation 7)."""

    points: Tensor

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.register_buffer("points", torch.zeros(inputs, units))

    def forward(self, x_ND: Tensor) -> Tensor:
        """(N, D) -> (N, units)."""
        return (x_ND[:, :, None] - self.points).square().sum(dim=1)


class ChannelsLastFlatten(nn.Module):
    """All numbers of a picture in Keras' order: height, width, channels. Free in channels-last memory."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, H W C); a flat row stays."""
        return x if x.dim() == 2 else x.permute(0, 2, 3, 1).flatten(1)


class OwnDropout(nn.Module):
    """Dropout whose chance is a generator of its own, so that its state can be kept and nobody else draws."""

    def __init__(self, rate: float, generator: torch.Generator) -> None:
        super().__init__()
        self.rate, self.generator = rate, generator

    def forward(self, x: Tensor) -> Tensor:
        """In training, zeros with probability ``rate`` and the rest divided by 1 - rate."""
        if not self.training or self.rate == 0:
            return x
        drawn = torch.rand(x.shape, generator=self.generator, device=self.generator.device)
        keep = (drawn >= self.rate).to(x.device)
        return x * keep / (1 - self.rate)


class Affine(nn.Module):
    """Keras' Rescaling: x * scale + offset."""

    def __init__(self, scale: float, offset: float) -> None:
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return x * self.scale + self.offset


class ScaledTanh(nn.Module):
    """LeNet-5's squashing function, 1.7159 tanh(2 x / 3)."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return 1.7159 * torch.tanh(x * (2 / 3))


class Global(nn.Module):
    """One number a channel: the mean or the maximum over the map."""

    def __init__(self, maximum: bool) -> None:
        super().__init__()
        self.maximum = maximum

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C)."""
        return x_NCHW.amax((2, 3)) if self.maximum else x_NCHW.mean((2, 3))
