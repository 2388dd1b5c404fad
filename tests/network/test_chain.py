"""How far fields are known along a chain: against gradients, and against what breaks a chain."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pellucid.network.account import Row
from pellucid.network.traced import trace

_size = st.tuples(st.integers(1, 4), st.integers(1, 4))
_step = st.tuples(st.integers(1, 3), st.integers(1, 3))


@st.composite
def _chains(draw: Any) -> nn.Sequential:
    """Windows of all sorts, one after the other, in float64; weights of 1 let every gradient through."""
    layers: list[nn.Module] = []
    for kind in draw(
        st.lists(st.sampled_from(["conv", "same", "pool", "pad", "flat"]), min_size=1, max_size=4)
    ):
        size, step, dilation = draw(_size), draw(_step), draw(_step)
        pad = (draw(st.integers(0, size[0] // 2)), draw(st.integers(0, size[1] // 2)))
        if kind == "conv":
            layers.append(nn.Conv2d(1, 1, size, step, pad, dilation))
        elif kind == "same":
            layers.append(nn.Conv2d(1, 1, (3, 4), 1, "same", dilation))
        elif kind == "pool":
            layers.append(nn.AvgPool2d(size, step, pad, ceil_mode=draw(st.booleans())))
        elif kind == "pad":
            layers.append(nn.ZeroPad2d(draw(st.tuples(*[st.integers(0, 2)] * 4))))
        else:
            layers += [nn.BatchNorm2d(1), nn.ReLU()]
    net = nn.Sequential(*layers).double().eval()
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    return net


@settings(max_examples=60, deadline=None)
@given(_chains(), st.integers(12, 24), st.integers(12, 24), st.data())
@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_a_field_is_where_the_gradient_is(net: nn.Sequential, height: int, width: int, data: Any) -> None:
    """The pixels that any one number depends on span the field, as far as it lies on the picture."""
    x_NCHW = torch.rand(1, 1, height, width, dtype=torch.float64, requires_grad=True)
    try:
        y_NCHW = net(x_NCHW)
    except RuntimeError:  # a window larger than its map
        return
    row = trace(net, (height, width, 1)).rows[-1]
    assert row.receptive_field and row.stride and row.start
    place = [data.draw(st.integers(0, size - 1)) for size in y_NCHW.shape[2:]]
    y_NCHW[0, 0, place[0], place[1]].backward()
    assert x_NCHW.grad is not None
    touched = x_NCHW.grad[0, 0].nonzero()
    for axis, whole in enumerate((height, width)):
        first = row.start[axis] + place[axis] * row.stride[axis] - (row.receptive_field[axis] - 1) / 2
        last = first + row.receptive_field[axis] - 1
        if len(touched):
            assert max(first, 0) <= touched[:, axis].min()
            assert touched[:, axis].max() <= min(last, whole - 1)
            # Holes of dilated windows, and padding at the edges, may hide the outermost pixels.
            inside = first >= 0 and last <= whole - 1
            assert not inside or (touched[:, axis].min(), touched[:, axis].max()) == (first, last)


def told(*modules: nn.Module, shape: tuple[int, int, int] = (16, 16, 2)) -> list[Row]:
    return list(trace(nn.Sequential(*modules), shape).rows)


class Does(nn.Module):
    """A module that does something between its modules."""

    def __init__(self, act: Callable[..., torch.Tensor], *inner: nn.Module) -> None:
        super().__init__()
        self.inner, self._act = nn.ModuleList(inner), act

    def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
        return self._act(x_NCHW, *self.inner)


def conv() -> nn.Conv2d:
    return nn.Conv2d(2, 2, 3, padding=1)


@pytest.mark.parametrize(
    "act",
    [
        lambda x, a, b: b(a(x).flip(3)),
        lambda x, a, b: b(a(x) + 0),
        lambda x, a, b: b(a(x).transpose(2, 3)),
        lambda x, a, b: b(a(x).add_(x)),
        lambda x, a, b: b(a(x)[:, :, ::2]),
        lambda x, a, b: [a(x), b(x)][1],
        lambda x, a, b: torch.inference_mode()(lambda: b(a(x)))(),
    ],
    ids=["a new tensor", "a sum", "another view", "a sum in place", "a part", "a branch", "inference mode"],
)
def test_what_is_done_between_modules_ends_the_chain(act: Callable[..., torch.Tensor]) -> None:
    """The field is known of the first convolution, not of what comes after something was done."""
    first, second, third = told(Does(act, conv(), conv()), conv())
    assert first.receptive_field == (3, 3)
    assert (second.receptive_field, second.stride, second.start) == (None, None, None)
    assert third.receptive_field is None


@pytest.mark.parametrize(
    "breaker",
    [
        nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"),
        nn.GroupNorm(1, 2),
        nn.BatchNorm2d(2, track_running_stats=False),
        nn.AdaptiveAvgPool2d((5, 3)),
        nn.Softmax(dim=3),
        nn.Linear(16, 16),
        nn.Upsample(scale_factor=2),
        type("Own", (nn.Conv2d,), {})(2, 2, 3),
    ],
    ids=lambda module: type(module).__name__,
)
def test_a_kind_that_is_not_known_ends_the_chain(breaker: nn.Module) -> None:
    """What sees all of a map or another axis, or is somebody's own: neither it nor what follows is told."""
    rows = told(conv(), breaker, nn.ReLU())
    assert [row.receptive_field for row in rows] == [(3, 3), None, None]


def test_what_changes_no_place_keeps_the_chain() -> None:
    """In place or not, flattened by a module or a function: the field goes on."""
    rows = told(
        conv(),
        nn.ReLU(inplace=True),
        nn.Identity(),
        nn.Softmax(dim=1),
        nn.AdaptiveAvgPool2d((16, 16)),
        nn.MaxPool2d(2, dilation=3),
        Does(lambda x, last: last(torch.flatten(x, 1)), nn.Linear(2 * 7 * 7, 4)),
    )
    assert [row.receptive_field for row in rows] == [*[(3, 3)] * 4, (6, 6), (16, 16)]
    assert [row.stride for row in rows] == [*[(1, 1)] * 4, (2, 2), None]


def test_one_row_of_a_map_is_not_all_of_it() -> None:
    """A dense layer on a part of the numbers sees what is not known."""
    rows = told(Does(lambda x, a, b: b(a(x)[:, 0, 0]), conv(), nn.Linear(16, 3)))
    assert [row.receptive_field for row in rows] == [(3, 3), None]


def test_all_of_the_picture_stays_all_of_it() -> None:
    """After pooling to one number a channel, a convolution of 1x1 sees no more than the picture."""
    rows = told(nn.AdaptiveAvgPool2d(1), nn.Conv2d(2, 3, 1), nn.Flatten())
    assert [(row.receptive_field, row.stride, row.start) for row in rows] == [
        ((16, 16), None, (7.5, 7.5))
    ] * 3


def test_a_module_that_runs_twice_has_no_one_field() -> None:
    """Its row tells none; the chain goes on behind it."""
    twice = conv()
    rows = told(twice, nn.ReLU(), twice, nn.Tanh())
    assert [row.receptive_field for row in rows] == [None, (3, 3), (5, 5)]


def test_an_activation_inside_a_normalisation_is_pointwise() -> None:
    """As timm's batch normalisation has it; a window in there ends the chain."""

    class NormAct(nn.BatchNorm2d):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__(2)
            self.act = inner

        def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
            return self.act(super().forward(x_NCHW))

    rows = told(conv(), NormAct(nn.ReLU()), conv())
    assert [(row.name, row.receptive_field) for row in rows] == [
        ("0", (3, 3)),
        ("1", (3, 3)),
        ("1.act", (3, 3)),
        ("2", (5, 5)),
    ]
    rows = told(conv(), NormAct(nn.MaxPool2d(3, 1, 1)), conv())
    assert [row.receptive_field for row in rows] == [(3, 3), None, None, None]
