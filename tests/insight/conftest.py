"""Random networks of every kind that is opened, and the bound that every cell of them keeps."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from timm.layers import Conv2dSame
from timm.layers.norm_act import BatchNormAct2d
from timm.layers.pool2d_same import AvgPool2dSame, MaxPool2dSame
from torch import Tensor, nn
from torch.nn import functional

from pellucid.insight.cell import Cell
from pellucid.network.blueprint import (
    ACTIVATIONS,
    Activation,
    AvgPool,
    BatchNorm,
    Blueprint,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    Input,
    MaxPool,
    RandomFlip,
    Rbf,
    Rescale,
    ScaledAvgPool,
    ZeroPad,
)
from pellucid.network.build import Network, build
from pellucid.network.parameters import parameter_shapes
from pellucid.network.shapes import ShapeError, shapes
from pellucid.network.threads import threads_of_torch

_few = st.integers(1, 3)
_size = st.tuples(_few, _few)
_padding = st.sampled_from(["valid", "same"])
_activation = st.sampled_from([None, *ACTIVATIONS])
_sliding = {"kernel": _size, "stride": _size, "padding": _padding, "activation": _activation}
_sliding |= {"bias": st.booleans()}
_pool = {"window": _size, "stride": st.one_of(st.none(), _size), "padding": _padding}
_side = st.integers(0, 2)
MAPS = (
    st.builds(Conv, filters=st.sampled_from([2, 4]), groups=st.sampled_from([1, 2]), **_sliding),
    st.builds(Conv, filters=_few, kernel=_size, dilation=_size, padding=_padding),
    st.builds(DepthwiseConv, multiplier=st.integers(1, 2), **_sliding),
    st.builds(MaxPool, **_pool),
    st.builds(AvgPool, **_pool),
    st.builds(ScaledAvgPool, activation=_activation, **_pool),
    st.builds(ZeroPad, _side, _side, _side, _side),
    st.just(RandomFlip()),
)
ANYWHERE = (
    st.just(Dropout(0.5)),
    st.builds(BatchNorm, st.just(0.9), st.sampled_from([1e-3, 0.1])),
    st.builds(Rescale, st.sampled_from([1 / 255, -2.0]), st.sampled_from([0.0, -1.5])),
    st.builds(Activation, st.sampled_from(ACTIVATIONS)),
)
FLATTENING = (st.just(Flatten()), st.just(GlobalAvgPool()), st.just(GlobalMaxPool()))
FLAT = (st.builds(Dense, st.integers(1, 9), _activation, st.booleans()), st.builds(Rbf, st.integers(1, 5)))


@st.composite
def _chains(draw: Any, largest: int = 12) -> Blueprint:
    """A blueprint of some layers of every kind; those that would not fit are left out."""
    side = st.integers(3, largest)
    source = Input(draw(side), draw(side), draw(st.sampled_from([1, 2, 4])))
    wanted = draw(st.lists(st.one_of(*MAPS, *ANYWHERE), min_size=1, max_size=5))
    if draw(st.booleans()):
        wanted += [draw(st.one_of(*FLATTENING)), *draw(st.lists(st.one_of(*FLAT, *ANYWHERE), max_size=3))]
    blueprint = Blueprint(source, ())
    for layer in wanted:
        longer = Blueprint(source, (*blueprint.layers, layer))
        try:
            shapes(longer)
        except ShapeError:
            continue
        blueprint = longer
    return blueprint if blueprint.layers else Blueprint(source, (Flatten(),))


def _built(blueprint: Blueprint, seed: int = 0) -> Network:
    """The network with numbers that leave no bias or statistic at its beginning."""
    draw = np.random.default_rng(seed)
    parameters = {}
    for name, shape in parameter_shapes(blueprint).items():
        parameters[name] = draw.normal(0, 0.5, shape).astype(np.float32)
        if name.endswith("moving_variance"):
            parameters[name] = np.abs(parameters[name]) + np.float32(0.1)
    return build(blueprint, parameters).eval()


class Residual(nn.Module):
    """What many networks do between their modules, all in one block that keeps the shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv2dSame(channels, channels, 3, stride=1, groups=channels, bias=False)
        self.norm = BatchNormAct2d(channels, act_layer=nn.ReLU6, inplace=True)
        self.gate = nn.Conv2d(channels, channels, 1)
        self.mix = nn.Conv2d(2 * channels, channels, 1)
        self.scale = nn.Parameter(torch.randn(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x))
        y = y * self.gate(y.mean((2, 3), keepdim=True)).sigmoid()
        y = self.mix(torch.cat([x, functional.leaky_relu(y, 0.1)], dim=1)) * self.scale
        y = functional.dropout(y, 0.3, self.training)
        return functional.relu(2 - y + x, inplace=True) - x / 3


_torch_layers: tuple[Callable[[Any, int], nn.Module], ...] = (
    lambda draw, c: nn.Conv2d(c, 4, draw(_size), draw(_size), draw(st.integers(0, 2)), groups=2),
    lambda draw, c: nn.Conv2d(c, 4, 3, padding="same", dilation=draw(_few)),
    lambda draw, c: Conv2dSame(c, 4, draw(_size), stride=draw(_few), dilation=1),
    lambda draw, c: nn.MaxPool2d(3, draw(_few), 1, draw(st.integers(1, 2)), ceil_mode=draw(st.booleans())),
    lambda draw, c: nn.AvgPool2d(
        3, draw(_few), 1, ceil_mode=draw(st.booleans()), count_include_pad=draw(st.booleans())
    ),
    lambda draw, c: nn.AvgPool2d(2, 1, divisor_override=3),
    lambda draw, c: draw(st.sampled_from([MaxPool2dSame, AvgPool2dSame]))(draw(_size), draw(_few)),
    lambda draw, c: nn.AdaptiveAvgPool2d(draw(_size)),
    lambda draw, c: nn.AdaptiveMaxPool2d(draw(_size)),
    lambda draw, c: nn.BatchNorm2d(c, affine=draw(st.booleans())),
    lambda draw, c: BatchNormAct2d(c, act_layer=draw(st.sampled_from([nn.ReLU, nn.SiLU, nn.Identity]))),
    lambda draw, c: nn.ConstantPad2d(draw(st.tuples(_side, _side, _side, _side)), 0.5),
    lambda draw, c: nn.Softmax(dim=draw(st.sampled_from([1, 2, -1]))),
    lambda draw, c: draw(st.sampled_from([nn.ReLU(inplace=True), nn.ReLU6(inplace=True), nn.Dropout(0.4)])),
    lambda draw, c: draw(st.sampled_from([nn.LeakyReLU(0.3), nn.ELU(0.7), nn.Hardtanh(-0.5, 1), nn.PReLU()])),
    lambda draw, c: draw(st.sampled_from([nn.SiLU(), nn.Hardswish(), nn.Hardsigmoid(), nn.Mish()])),
    lambda draw, c: draw(st.sampled_from([nn.GELU(), nn.GELU("tanh"), nn.Tanh(), nn.Softsign()])),
    lambda draw, c: Residual(c),
)


@st.composite
def _nets(draw: Any, largest: int = 9) -> tuple[nn.Module, Tensor]:
    """A person's own module, with in-place activations and branches, and a picture for it."""
    torch.manual_seed(draw(st.integers(0, 2**16)))
    x_CHW = torch.randn(4, draw(st.integers(4, largest)), draw(st.integers(4, largest)))
    layers: list[nn.Module] = []
    for make in draw(st.lists(st.sampled_from(_torch_layers), min_size=1, max_size=5)):
        layer = make(draw, 4)
        try:
            with torch.inference_mode():
                nn.Sequential(*layers, layer).eval()(x_CHW[None])
        except RuntimeError:  # the map has become too small for it
            continue
        layers.append(layer)
    if draw(st.booleans()):
        layers += [nn.Flatten(), nn.LazyLinear(5)]
    net = nn.Sequential(*layers or [nn.Identity(), nn.ReLU()])
    with torch.no_grad():
        net.eval()(x_CHW[None])
        for one in net.modules():
            if isinstance(one, nn.BatchNorm2d):
                one.running_mean.normal_()
                one.running_var.uniform_(0.1, 2)
                if one.affine:
                    one.weight.normal_()
                    one.bias.normal_()
    return net, x_CHW


def _within(cell: Cell) -> bool:
    """|sum - framework's value| <= 1e-5 x (sum of |products| + 1), before and after the activation."""
    bound = 1e-5 * (sum(abs(term.product) for term in cell.worked.terms) + 1)
    if cell.activation is not None and cell.activation.framework_input is not None:
        before = abs(cell.worked.sum - cell.activation.framework_input)
        return before <= bound and abs(cell.residue) <= bound
    return cell.worked.known and abs(cell.residue) <= bound


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """PyTorch on one thread: its threads cost tiny networks more than they save."""
    with threads_of_torch(1):
        yield


@pytest.fixture(scope="session")
def chains() -> Any:
    """The strategy for random blueprints: ``data.draw(chains())``."""
    return _chains


@pytest.fixture(scope="session")
def nets() -> Any:
    """The strategy for a person's own modules, each with a picture: ``data.draw(nets())``."""
    return _nets


@pytest.fixture(scope="session")
def built() -> Callable[..., Network]:
    """A blueprint as a module whose every number was drawn."""
    return _built


@pytest.fixture(scope="session")
def within() -> Callable[[Cell], bool]:
    """Whether a cell's arithmetic gives the framework's number."""
    return _within


NINE = """
-1  1  1  1 -1
-1  1 -1  1 -1
-1  1  1  1 -1
-1 -1 -1  1 -1
-1 -1 -1  1 -1
-1 -1  1 -1 -1
-1  1 -1 -1 -1
"""
FILTERS = ([1, 1, 1, 1, -1, 1, 1, 1, 1], [-1, 1, -1] * 3, [-1, -1, 1, -1, 1, -1, 1, -1, -1])


@pytest.fixture
def nine() -> Tensor:
    """The lecture's nine, (1, 7, 5): ink is 1 and paper -1."""
    return torch.tensor([[[float(one) for one in line.split()] for line in NINE.strip().splitlines()]])


@pytest.fixture
def lecture() -> nn.Sequential:
    """The lecture's three filters, each the mean of its products, then ReLU and max pooling of stride 1."""
    conv = nn.Conv2d(1, 3, 3, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor(FILTERS, dtype=torch.float32).reshape(3, 1, 3, 3) / 9)
    return nn.Sequential(conv, nn.ReLU(), nn.MaxPool2d(2, 1))


@pytest.fixture
def residual() -> type[nn.Module]:
    """A block with a residual addition, a concatenation, a gate and functions between its modules."""
    return Residual
