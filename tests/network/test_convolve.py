"""Which way a convolution that learns goes, and that all ways end in the same numbers."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from pellucid.network import convolve as room
from pellucid.network.convolve import convolve
from pellucid.network.depthwise import DepthConv
from pellucid.network.gradients import PatchConv
from pellucid.network.pointwise import PointConv

WAYS = {"PointConv": PointConv, "PatchConv": PatchConv, "DepthConv": DepthConv}
ONE, NONE = (1, 1), (0, 0)


def way(monkeypatch: pytest.MonkeyPatch, x: torch.Tensor, weight: torch.Tensor, *settings: object) -> str:
    """The name of the way that was taken: PyTorch's own where it is none of ours."""
    taken = ["PyTorch"]
    for name in WAYS:

        class Noted:
            @staticmethod
            def apply(*given: torch.Tensor, name: str = name) -> torch.Tensor:
                taken.append(name)
                return given[0]

        monkeypatch.setattr(room, name, Noted)
    convolve(x, weight, None, *settings)  # type: ignore[arg-type]
    return taken[-1]


def maps(channels: int, **settings: torch.dtype) -> torch.Tensor:
    return torch.zeros(1, channels, 8, 8, **settings)


def kernel(filters: int, channels: int, side: int) -> torch.Tensor:
    return torch.zeros(filters, channels, side, side)


@pytest.fixture(autouse=True)
def _avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX2")


@pytest.mark.parametrize(
    ("channels", "weight", "settings", "expected"),
    [
        (3, (4, 3, 1), (ONE, NONE, ONE, 1), "PointConv"),
        (32, (4, 32, 3), (ONE, ONE, ONE, 1), "PatchConv"),
        (32, (4, 32, 1), ((2, 2), NONE, ONE, 1), "PatchConv"),
        (3, (4, 3, 3), (ONE, ONE, ONE, 1), "PyTorch"),
        (8, (8, 1, 5), (ONE, (2, 2), ONE, 8), "DepthConv"),
        (8, (8, 1, 3), (ONE, ONE, ONE, 8), "PyTorch"),
        (8, (16, 1, 5), (ONE, (2, 2), ONE, 8), "PyTorch"),
        (8, (8, 2, 5), (ONE, (2, 2), ONE, 4), "PyTorch"),
        (32, (4, 32, 3), (ONE, "same", ONE, 1), "PyTorch"),
    ],
)
def test_each_goes_its_way(
    monkeypatch: pytest.MonkeyPatch,
    channels: int,
    weight: tuple[int, int, int],
    settings: tuple[object, ...],
    expected: str,
) -> None:
    """One place, many channels, each channel by itself with a wide kernel; all else is PyTorch's."""
    assert way(monkeypatch, maps(channels), kernel(*weight), *settings) == expected


def test_only_where_it_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """float32 on AVX2 while learning: in float64, without gradients, in half precision it is PyTorch's."""
    given = (kernel(4, 3, 1), ONE, NONE, ONE, 1)
    assert way(monkeypatch, maps(3, dtype=torch.float64), given[0].double(), *given[1:]) == "PyTorch"
    with torch.no_grad():
        assert way(monkeypatch, maps(3), *given) == "PyTorch"
    with torch.autocast("cpu", torch.bfloat16):
        assert way(monkeypatch, maps(3), *given) == "PyTorch"
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX512")
    assert way(monkeypatch, maps(3), *given) == "PyTorch"


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(32, 8, 1),
        nn.Conv2d(32, 8, 3, stride=2, padding=1, dilation=2),
        nn.Conv2d(32, 32, 5, padding=2, groups=32),
        nn.Conv2d(32, 64, 5, padding="same", groups=32),
    ],
    ids=["point", "patch", "depth", "PyTorch"],
)
def test_all_ways_end_in_pytorch_s_numbers(layer: nn.Conv2d) -> None:
    """The outputs, and the gradients of maps, kernel and bias."""
    found = {}
    for own in (True, False):
        torch.manual_seed(0)
        x = torch.randn(2, 32, 8, 8).to(memory_format=torch.channels_last).requires_grad_()
        settings = layer.stride, layer.padding, layer.dilation, layer.groups
        function = convolve if own else functional.conv2d
        layer.zero_grad()
        y = function(x, layer.weight, layer.bias, *settings)  # type: ignore[operator, arg-type]
        y.sin().sum().backward()
        found[own] = [y.detach(), x.grad, *(one.grad for one in layer.parameters())]
    torch.testing.assert_close(found[True], found[False], rtol=1e-4, atol=1e-4)
