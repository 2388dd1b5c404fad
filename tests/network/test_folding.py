"""Layers with their batch statistics folded in: the same numbers and the same gradients, in fewer steps."""

import copy

import pytest
import torch
from torch import Tensor, fx, nn

from pellucid.network.backbone import untrained_backbone
from pellucid.network.convolve import convolve
from pellucid.network.folding import clipped, convolution, folded, mean_of_places
from pellucid.network.top import top_of

pytestmark = pytest.mark.slow


def kinds(module: fx.GraphModule) -> list[object]:
    """What the graph calls, in order: functions, and the types of modules."""
    return [
        type(module.get_submodule(str(node.target))) if node.op == "call_module" else node.target
        for node in module.graph.nodes
        if node.op in ("call_module", "call_function")
    ]


def shaken(module: nn.Module) -> nn.Module:
    """With statistics, factors and shifts that are not those of the beginning."""
    generator = torch.Generator().manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for tensor in (layer.running_mean, layer.bias):
                assert tensor is not None
                tensor.data = torch.randn(tensor.shape, generator=generator) / 4
            for tensor in (layer.running_var, layer.weight):
                assert tensor is not None
                tensor.data = torch.rand(tensor.shape, generator=generator) + 0.5
    return module.eval()


def outcome(module: nn.Module, maps_NCHW: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The output, and the gradient of a function of it with respect to each parameter."""
    for parameter in module.parameters():
        parameter.grad = None
        parameter.requires_grad_(True)
    output = module(maps_NCHW)
    (output * torch.arange(output.numel()).reshape(output.shape).sin()).sum().backward()
    return output.detach(), {
        name: one.grad.clone() for name, one in module.named_parameters() if one.grad is not None
    }


@pytest.mark.parametrize("settings", [{}, {"stride": 2, "groups": 4, "bias": True}, {"dilation": 2}])
def test_one_convolution_stands_for_two_layers(settings: dict[str, int]) -> None:
    """Outputs and all gradients are those of the convolution and the normalisation behind it."""
    plain = shaken(
        nn.Sequential(nn.Conv2d(4, 8, 3, padding=1, **settings), nn.BatchNorm2d(8, eps=0.01), nn.ReLU6())
    )
    top = folded(fx.symbolic_trace(copy.deepcopy(plain)))
    assert kinds(top) == [convolution, nn.ReLU6]
    maps_NCHW = torch.randn(3, 4, 9, 7, generator=torch.Generator().manual_seed(1))
    (found, slopes), (expected, true) = outcome(top, maps_NCHW), outcome(plain, maps_NCHW)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert set(slopes) == set(true) == set(dict(plain.named_parameters()))
    for name, slope in slopes.items():
        torch.testing.assert_close(slope, true[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "boundary"), [("efficientnet_lite0", "blocks.4"), ("resnet18", "layer3")])
def test_the_layers_of_a_backbone_keep_their_numbers(name: str, boundary: str) -> None:
    """Above a boundary of a real network the folded layers answer alike, and their tensors are its own."""
    torch.manual_seed(0)
    backbone = untrained_backbone(name)
    shaken(backbone.module)
    plain = top_of(backbone, boundary)
    top = folded(top_of(backbone, boundary))
    assert convolution in kinds(top)
    own = dict(plain.named_parameters())
    assert {one: tensor.data_ptr() for one, tensor in top.named_parameters()} == {
        one: tensor.data_ptr() for one, tensor in own.items()
    }
    shape = backbone.cut(boundary)(torch.zeros(1, 3, 224, 224)).shape[1:]
    maps_NCHW = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    (found, slopes), (expected, true) = outcome(top, maps_NCHW), outcome(plain, maps_NCHW)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))
    for one, slope in slopes.items():
        assert (slope - true[one]).norm() <= 1e-3 * true[one].norm(), one


def test_what_does_not_follow_the_pattern_stays() -> None:
    """Padding by reflection stays; what is used twice, or has statistics of batches, is not folded."""

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mirrored = nn.Conv2d(2, 2, 3, padding=1, padding_mode="reflect")
            self.twice = nn.Conv2d(2, 2, 1)
            self.first, self.second = nn.BatchNorm2d(2), nn.BatchNorm2d(2)
            self.third = nn.BatchNorm2d(2, track_running_stats=False)
            self.last = nn.Conv2d(2, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.twice(self.first(self.mirrored(x)))
            return self.third(self.last(self.second(y) + y))

    odd = Odd().eval()
    before = kinds(fx.symbolic_trace(odd))
    after = [convolve if one is nn.Conv2d else one for one in before]
    after[before.index(nn.Conv2d)] = nn.Conv2d  # the one with mirrors
    assert kinds(folded(fx.symbolic_trace(odd))) == after


def test_an_activation_with_two_bounds_needs_no_copy() -> None:
    """timm's normalisation with ReLU6 in it: clipped in place, with the gradients that PyTorch's own has."""
    from timm.layers import BatchNormAct2d

    plain = shaken(nn.Sequential(nn.Conv2d(3, 32, 1), BatchNormAct2d(32, act_layer=nn.ReLU6)))

    class Leaves(fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
            return not isinstance(m, nn.Sequential)

    other = copy.deepcopy(plain)
    top = folded(fx.GraphModule(other, Leaves().trace(other)))
    assert kinds(top) == [convolution, nn.Identity, clipped]
    maps_NCHW = 5 * torch.randn(3, 3, 9, 7, generator=torch.Generator().manual_seed(1))
    (found, slopes), (expected, true) = outcome(top, maps_NCHW), outcome(plain, maps_NCHW)
    assert (found.min(), found.max()) == (0, 6)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    for name, slope in slopes.items():
        torch.testing.assert_close(slope, true[name], rtol=1e-4, atol=1e-4)


def test_the_mean_s_gradient_keeps_the_layout() -> None:
    """A map in channels-last has a gradient in channels-last, which is the mean's."""
    maps_NCHW = torch.randn(2, 8, 5, 3).to(memory_format=torch.channels_last).requires_grad_(True)
    pooled = mean_of_places(nn.functional.relu6(maps_NCHW))
    torch.testing.assert_close(pooled, nn.functional.adaptive_avg_pool2d(nn.functional.relu6(maps_NCHW), 1))
    pooled.sum().backward()
    assert maps_NCHW.grad is not None
    assert maps_NCHW.grad.is_contiguous(memory_format=torch.channels_last)
    inside = (maps_NCHW > 0) & (maps_NCHW < 6)
    torch.testing.assert_close(maps_NCHW.grad, inside.float() / 15)


def test_normalisations_that_learn_their_statistics_stay() -> None:
    """Where these are to follow the pictures, only convolutions by themselves go another way."""
    plain = nn.Sequential(nn.Conv2d(4, 8, 1), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3))
    assert kinds(folded(fx.symbolic_trace(plain), norms=False)) == [convolve, nn.BatchNorm2d, convolve]
