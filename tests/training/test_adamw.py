"""AdamW, with PyTorch's own optimiser as the referee, bit for bit."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from pellucid.training.adamw import AdamW


def network() -> nn.Sequential:
    """A convolution and a dense layer in channels-last memory, always with the same numbers."""
    torch.manual_seed(3)
    layers = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(), nn.Linear(5 * 4, 2))
    return layers.to(memory_format=torch.channels_last)


def loss(one: nn.Module, step: int) -> torch.Tensor:
    x_NCHW = torch.randn(4, 3, 4, 4, generator=torch.Generator().manual_seed(step))
    return one(x_NCHW).square().mean()


def learn(one: nn.Module, optimiser: AdamW, steps: range) -> None:
    for step in steps:
        one.zero_grad()
        loss(one, step).backward()
        optimiser.step(0.01 * (step + 1))


def bits(one: nn.Module) -> list[bytes]:
    return [values.detach().numpy().tobytes() for values in one.parameters()]


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_every_bit_is_that_of_pytorch_s_optimiser(decay: float) -> None:
    """Five steps at changing rates end in the weights of torch.optim.AdamW; biases are not decayed."""
    ours, theirs = network(), network()
    learn(ours, AdamW(ours, decay), range(5))
    kernels = [one for one in theirs.parameters() if one.dim() > 1]
    biases = [one for one in theirs.parameters() if one.dim() <= 1]
    groups = [{"params": kernels, "weight_decay": decay}, {"params": biases, "weight_decay": 0.0}]
    referee = torch.optim.AdamW(groups, fused=True)
    for step in range(5):
        referee.zero_grad()
        loss(theirs, step).backward()
        for group in referee.param_groups:
            group["lr"] = 0.01 * (step + 1)
        referee.step()
    assert bits(ours) == bits(theirs)
    assert bits(ours) != bits(network())


def test_it_goes_on_from_what_it_remembers() -> None:
    """Two steps, a copy of network and moments, and three more: the bits of five steps."""
    whole, begun, later = network(), network(), network()
    learn(whole, AdamW(whole, 0.1), range(5))
    first = AdamW(begun, 0.1)
    learn(begun, first, range(2))
    second = AdamW(later, 0.1)
    later.load_state_dict(begun.state_dict())
    second.remember(
        {name: value.clone(memory_format=torch.contiguous_format) for name, value in first.moments().items()}
    )
    learn(later, second, range(2, 5))
    assert bits(later) == bits(whole)


def test_moments_of_another_network_are_refused() -> None:
    """A missing name or another shape is an error, not a silent start from nothing."""
    one = network()
    moments = AdamW(one, 0.1).moments()
    with pytest.raises(KeyError, match=r"2\.bias\.step"):
        AdamW(one, 0.1).remember({name: value for name, value in moments.items() if name != "2.bias.step"})
    with pytest.raises(RuntimeError):
        AdamW(one, 0.1).remember(moments | {"2.bias.exp_avg": torch.zeros(7)})


def test_what_has_no_gradient_or_does_not_learn_stays() -> None:
    """A frozen parameter and one that the loss does not reach keep their bits."""
    one = network()
    one[0].weight.requires_grad_(False)
    before = bits(one)
    optimiser = AdamW(one, 0.5)
    one[2].bias.square().sum().backward()
    optimiser.step(0.1)
    after = bits(one)
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, True, False]


def test_learning_does_not_load_the_compiler() -> None:
    """A whole step loads neither torch._dynamo nor sympy, which take seconds to import."""
    code = (
        "import sys, torch\nfrom torch import nn\nfrom pellucid.training.adamw import AdamW\n"
        "one = nn.Linear(2, 2)\nstep = AdamW(one, 0.1)\none(torch.ones(1, 2)).sum().backward()\n"
        "step.step(0.1)\nprint({'torch._dynamo', 'sympy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
