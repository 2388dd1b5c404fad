"""Which operation a call of a function is: every spelling, against PyTorch's own number."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pellucid.insight.calls import spelled, tensors_in
from pellucid.insight.inside import open_module

WEIGHT, BIAS, MATRIX = torch.randn(2, 2, 3, 3), torch.randn(2), torch.randn(3, 5)
KNOWN: dict[str, Callable[[Tensor], Tensor]] = {
    "x + x": lambda x: x + x,
    "x - y": lambda x: x - x.relu(),
    "1 - x": lambda x: 1 - x,
    "x - 1": lambda x: x - 1,
    "x * 2": lambda x: x * 2,
    "2 * x": lambda x: 2 * x,
    "x / 4": lambda x: x / 4,
    "-x": lambda x: -x,
    "x += 1": lambda x: x.clone().add_(1),
    "torch.add": lambda x: torch.add(x, x),
    "mul of a gate": lambda x: x * x.mean((2, 3), keepdim=True).sigmoid(),
    "cat": lambda x: torch.cat((x, 2 * x), dim=1),
    "cat of rows": lambda x: torch.cat([x, x], -2),
    "conv2d": lambda x: functional.conv2d(x, WEIGHT, BIAS, 2, 1),
    "conv2d by name": lambda x: functional.conv2d(input=x, weight=WEIGHT, padding="same"),
    "linear": lambda x: functional.linear(x, MATRIX),
    "linear on a row": lambda x: functional.linear(x.mean((2, 3)), torch.ones(4, 2), torch.ones(4)),
    "batch_norm": lambda x: functional.batch_norm(x, BIAS, BIAS.abs() + 1, weight=BIAS, bias=BIAS, eps=0.1),
    "max_pool2d": lambda x: functional.max_pool2d(x, 2, padding=1),
    "avg_pool2d": lambda x: functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    "adaptive": lambda x: functional.adaptive_avg_pool2d(x, (2, None)),
    "amax": lambda x: torch.amax(x, (-1, -2)),
    "pad": lambda x: functional.pad(x, (1, 0), value=2.0),
    "softmax": lambda x: x.softmax(-1),
    "F.softmax": lambda x: functional.softmax(x, dim=1),
    "dropout": lambda x: functional.dropout(x, 0.5, training=False),
    "flatten": lambda x: torch.flatten(x, 1),
    "reshape": lambda x: x.reshape(1, -1),
    "view": lambda x: x.view(1, 5, 4, 2),
    "squeeze": lambda x: x.mean((2, 3), keepdim=True).squeeze(-1).squeeze(-1),
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "permute by name": lambda x: torch.permute(input=x, dims=(0, 3, 1, 2)),
    "permute a list": lambda x: torch.permute(x, (0, 3, 1, 2)),
    "transpose": lambda x: x.transpose(1, -1),
    "contiguous": lambda x: x.permute(0, 2, 3, 1).contiguous(),
    "relu in place": lambda x: functional.relu(x * 1, inplace=True),
    "relu6": functional.relu6,
    "hardtanh": functional.hardtanh,
    "clamp": lambda x: x.clamp(min=0.1),
    "leaky_relu": lambda x: functional.leaky_relu(x, 0.3),
    "elu": lambda x: functional.elu(x, alpha=0.4),
    "gelu": functional.gelu,
    "gelu by tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "softplus": lambda x: functional.softplus(x, beta=1),
    "tanh": torch.tanh,
    "weights made on the way": lambda x: functional.conv2d(x, WEIGHT * 2 + 1),
}
UNKNOWN: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "x / y": (lambda x: x / (x + 1), "There is no arithmetic for one map divided by another here."),
    "1 / x": (lambda x: 1 / x, "There is no arithmetic for a number divided by a map here."),
    "a scaled sum": (
        lambda x: torch.add(x, x, alpha=2),
        "It is called in a way that this house does not know.",
    ),
    "exp": (torch.exp, "There is no arithmetic for the function exp here."),
    "mean of channels": (lambda x: x.mean(1), "It goes over other axes than rows and columns."),
    "reflection": (
        lambda x: functional.pad(x, (1, 1, 0, 0), mode="reflect"),
        "There is no arithmetic for reflect padding here.",
    ),
    "own statistics": (
        lambda x: functional.batch_norm(x, None, None, training=True),
        "It normalises by the statistics of the picture itself.",
    ),
    "another order": (
        lambda x: torch.batch_norm(x, BIAS, BIAS, BIAS, BIAS.abs() + 1, False, 0.1, 1e-5, False),
        "It is called in a way that this house does not know.",
    ),
    "a steeper softplus": (
        lambda x: functional.softplus(x, beta=2),
        "There is no arithmetic for a softplus with a beta or threshold of its own here.",
    ),
    "a softplus that ends": (
        lambda x: functional.softplus(x, 1, 0.5),
        "There is no arithmetic for a softplus with a beta or threshold of its own here.",
    ),
    "weights of the picture": (
        lambda x: functional.conv2d(x, x.transpose(0, 1).reshape(2, 1, 5, 4)[:, :, :2, :2], groups=2),
        "The weights of this conv2d depend on the picture.",
    ),
    "moved batch": (lambda x: x.reshape(2, -1), "It moves the batch, which this house does not follow."),
}


class Calls(nn.Module):
    """A network that is one function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.weight, self.bias, self.matrix = WEIGHT, BIAS, MATRIX
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def test_the_spellings_of_a_function() -> None:
    """In place, reversed and aliased ones are one."""
    assert spelled("__iadd__", (1, 2)) == ("add", (1, 2))
    assert spelled("relu_", (1,)) == ("relu", (1,))
    assert spelled("__rsub__", (1, 2)) == ("sub", (2, 1))
    assert spelled("concat", ([],)) == ("cat", ([],))
    assert spelled("truediv", (1, 2)) == ("div", (1, 2))


def test_tensors_are_found_in_any_arguments() -> None:
    """In lists, tuples and dictionaries, in order."""
    one, two, three = (torch.zeros(size) for size in (1, 2, 3))
    assert [len(x) for x in tensors_in([one, {"a": (two, 5), "b": None}, [three]])] == [1, 2, 3]


@pytest.mark.parametrize("name", KNOWN)
def test_a_call_gives_pytorchs_number(name: str, within) -> None:
    """Every cell of the function's output, within the bound."""
    x = torch.randn(2, 4, 5, generator=torch.manual_seed(3))
    inside = open_module(Calls(KNOWN[name]), x)
    for layer in inside.layers:
        numbers = inside.value(layer.name)
        for place in range(0, numbers.size, 3):
            index = torch.unravel_index(torch.tensor(place), numbers.shape)
            assert within(inside.cell(layer.name, *map(int, index))), (layer.name, place)


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_call_that_is_not_known_says_why(name: str) -> None:
    """And its value is shown all the same."""
    function, reason = UNKNOWN[name]
    inside = open_module(Calls(function), torch.rand(2, 5, 4) + 0.5)
    layer = inside.layers[-1]
    cell = inside.cell(layer.name, *(0 for _ in layer.shape))
    assert (cell.worked.known, cell.worked.formula) == (False, reason)
    assert cell.value == inside.value(layer.name).flat[0]


def test_dropout_that_never_sleeps_is_told() -> None:
    """A functional dropout without its training flag draws even when the network answers."""
    inside = open_module(Calls(lambda x: functional.dropout(x, 0.5)), torch.ones(2, 4, 5))
    assert inside.trace.how == "hooks"
    said = inside.cell("dropout", 0, 0, 0).worked.formula
    assert said == "It drops numbers by chance even when the network answers."
