"""One pass through a module: by torch.fx and under hooks, which are each other's referee."""

import numpy as np
import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from pellucid.insight import trace as room
from pellucid.insight.record import INPUT, Record
from pellucid.insight.trace import trace, watching
from pellucid.network.traced import TraceError


def hooks(module: nn.Module) -> int:
    return sum(len(one._forward_hooks) + len(one._forward_pre_hooks) for one in module.modules())


def by_hooks(module: nn.Module, x: Tensor, monkeypatch: pytest.MonkeyPatch) -> room.Trace:
    """The same pass where torch.fx is of no use."""

    def fails(*_: object) -> None:
        raise ValueError("fx cannot follow it")

    with monkeypatch.context() as patch:
        patch.setattr(room, "_by_fx", fails)
        found = trace(module, x)
    assert found.how == "hooks"
    return found


class Turns(nn.Module):
    """What torch.fx cannot follow: its way depends on the numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return functional.relu(y) + 1 if x.sum() > 0 else -y


def test_the_steps_of_a_small_network() -> None:
    """Modules by path, functions by the path of their caller, inputs by name; identities leave no step."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.drop = nn.Conv2d(2, 2, 1), nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.drop(self.conv(x)) + x, x], 1)

    net = nn.Sequential(nn.Conv2d(1, 2, 3), Block(), nn.Flatten())
    found = trace(net, torch.randn(1, 4, 5))
    assert found.how == "fx"
    assert [(one.name, one.kind, one.inputs, one.shape) for one in found.steps.values()] == [
        (INPUT, "Input", (), (1, 4, 5)),
        ("0", "Conv2d", ("input",), (2, 2, 3)),
        ("1.conv", "Conv2d", ("0",), (2, 2, 3)),
        ("1.add", "add", ("1.conv", "0"), (2, 2, 3)),
        ("1.cat", "cat", ("1.add", "0"), (4, 2, 3)),
        ("2", "Flatten", ("1.cat",), (24,)),
    ]
    assert found.output == "2"
    assert [one.name for one in found.users("0")] == ["1.conv", "1.add", "1.cat"]


def test_what_fx_cannot_follow_is_watched() -> None:
    """A network whose way depends on its numbers is seen as it went, functions and all."""
    net = Turns()
    found = trace(net, torch.ones(1, 3, 3))
    assert found.how == "hooks"
    assert [*found.steps][:2] == [INPUT, "conv"]
    assert [*found.steps][-2:] == ["relu", "add"]
    assert [*trace(net, -torch.ones(1, 3, 3)).steps][-1] == "neg"
    assert hooks(net) == 0


def test_fx_is_not_believed_where_it_gives_other_numbers() -> None:
    """A network that counts its calls is one that torch.fx freezes: hooks tell what happened."""

    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act, self.calls = nn.ReLU(), 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return self.act(x) * min(self.calls, 2)

    found = trace(Counts(), torch.ones(1, 2, 2))
    assert found.how == "hooks"
    assert found.value("mul").max() == 2


@settings(max_examples=40)
@given(data=st.data())
def test_both_ways_see_the_same(data, nets) -> None:
    """Names, kinds, inputs, shapes and numbers are equal, in random networks with branches."""
    net, x = data.draw(nets())
    with pytest.MonkeyPatch.context() as patch:
        one, other = trace(net, x), by_hooks(net, x, patch)
    assert one.how == "fx"
    assert [(s.name, s.kind, s.inputs, s.shape, s.constant) for s in one.steps.values()] == [
        (s.name, s.kind, s.inputs, s.shape, s.constant) for s in other.steps.values()
    ]
    assert one.output == other.output
    for name in one.steps:
        np.testing.assert_array_equal(one.value(name), other.value(name))
    assert hooks(net) == 0


@pytest.mark.parametrize("way", ["fx", "hooks"])
def test_efficientnet_lite0_shows_all_it_does(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """49 convolutions, as many batch norms, nine residual additions, five asymmetric strides of two."""
    net = timm.create_model("tf_efficientnet_lite0").eval()
    x = torch.randn(3, 64, 64)
    found = trace(net, x) if way == "fx" else by_hooks(net, x, monkeypatch)
    assert found.how == way
    kinds = [step.kind for step in found.steps.values()]
    assert [kinds.count(one) for one in ("Conv2d", "Conv2dSame", "BatchNormAct2d", "add", "Linear")] == [
        *(44, 5, 49, 9, 1)
    ]
    assert [one.name for one in found.steps.values() if one.kind == "add"][:3] == [
        "blocks.1.1.add",
        "blocks.2.1.add",
        "blocks.3.1.add",
    ]
    assert found.steps["blocks.1.1.add"].inputs == ("blocks.1.1.bn3", "blocks.1.0.bn3")
    with torch.inference_mode():
        np.testing.assert_array_equal(found.value("classifier"), net(x[None])[0].numpy())


def test_an_activation_in_place_does_not_hide_what_came_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The convolution's output is kept as it was before ReLU wrote over it, whichever way it is seen."""
    net = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.ReLU(inplace=True))
    nn.init.ones_(net[0].weight)
    x = torch.tensor([[[-1.0, 2.0]]])
    for found in (trace(net, x), by_hooks(net, x, monkeypatch)):
        assert found.value("0").tolist() == [[[-1, 2]]]
        assert found.value("1").tolist() == [[[0, 2]]]
    assert x.tolist() == [[[-1, 2]]]


@pytest.mark.parametrize("way", ["fx", "hooks"])
def test_large_maps_are_made_again_on_demand(way: str, nine, lecture, monkeypatch) -> None:
    """With a budget of nothing, nothing is held and every output is the same."""
    if way == "hooks":
        monkeypatch.setattr(room, "_by_fx", lambda *_: 1 / 0)
    net = nn.Sequential(lecture, nn.ReLU(), nn.Flatten(), nn.ReLU6())
    kept, again = trace(net, nine), trace(net, nine, budget=0)
    assert len(again._kept) == 0
    assert again.how == way
    for name in kept.steps:
        np.testing.assert_array_equal(again.value(name), kept.value(name))
    assert len(kept.steps) == 7
    assert len(again._fetched) == 4


@pytest.mark.parametrize("way", ["fx", "hooks"])
def test_the_module_is_left_as_it_was(way: str, residual, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part's mode, every statistic, every bit, and no hook."""
    if way == "hooks":
        monkeypatch.setattr(room, "_by_fx", lambda *_: 1 / 0)
    net = nn.Sequential(residual(4), nn.Dropout(0.5)).train()
    net[0].norm.eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    assert trace(net, torch.randn(4, 5, 5)).how == way
    assert (net.training, net[0].norm.training, net[1].training) == (True, False, True)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert hooks(net) == 0
    assert not torch.is_inference(next(net.parameters()))


def test_torch_fx_leaves_no_constant_on_the_module() -> None:
    """It hangs tensors made on the way on the module: they are taken off again, and are constants."""

    class Makes(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return functional.linear(x, torch.ones(2, 3))

    net = Makes()
    before = set(vars(net))
    found = trace(net, torch.ones(3))
    assert found.how == "fx"
    assert found.steps["linear"].inputs == (INPUT,)
    assert set(vars(net)) == before


def test_hooks_are_gone_after_a_failure() -> None:
    """Two of three convolutions run, the third cannot: it is told, and the module is as before."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Conv2d(2, 2, 1), nn.Conv2d(3, 1, 1)).train()
    with pytest.raises(TraceError) as caught:
        trace(net, torch.ones(1, 4, 4))
    said = str(caught.value)
    assert said.startswith("The network 'Sequential' does not run on an input of 1x4x4 (Given groups=1, ")
    assert said.endswith(
        "A module that takes one batch of pictures (N, C, H, W) was expected. "
        "Give a picture of the channels, height and width that it was made for."
    )
    assert hooks(net) == 0
    assert net.training


def test_watching_takes_its_hooks_out_whatever_happens() -> None:
    """An exception in the block leaves no hook, and functions are not watched any more."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU())
    record = Record(net, lambda *_: True)
    with pytest.raises(KeyboardInterrupt), watching(net, record):
        assert hooks(net) == 6
        raise KeyboardInterrupt
    assert hooks(net) == 0
    torch.ones(1) + 1
    assert record.steps == {}


def test_a_single_layer_is_a_network() -> None:
    """It has its class' name, since it has no path."""
    assert [*trace(nn.Conv2d(1, 1, 1), torch.ones(1, 2, 2)).steps] == [INPUT, "conv2d"]


def test_a_module_that_runs_twice_is_two_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second has a number."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.one(self.one(x))

    for found in (trace(Twice(), torch.ones(2)), by_hooks(Twice(), torch.ones(2), monkeypatch)):
        assert [*found.steps] == [INPUT, "one", "one_1"]
        assert found.steps["one_1"].inputs == ("one",)


def test_a_network_of_another_precision_is_fed_its_own() -> None:
    """float64 stays float64, and half precision is kept without loss."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1))
    assert trace(net.double(), torch.ones(1, 2, 2)).value("0").dtype == np.float64
    half = trace(net.bfloat16(), torch.ones(1, 2, 2)).value("0")
    assert half.dtype == np.float64
    assert np.isfinite(half).all()


def test_a_pass_can_be_run_again_with_gradients(residual: type[nn.Module]) -> None:
    """Every step is heard of under its name with its number; run gives the output alone, of any batch."""
    torch.manual_seed(0)
    net, x_CHW = nn.Sequential(residual(2), nn.ReLU(inplace=True)), torch.rand(2, 5, 5)
    found = trace(net, x_CHW)
    heard: dict[str, Tensor] = {}
    leaf = x_CHW[None].clone().requires_grad_()
    threads = torch.get_num_threads()
    output = found.replay(leaf * 1, lambda name, made: heard.update({name: made.detach().clone()}))
    assert list(heard) == list(found.steps)
    for name, made in heard.items():
        np.testing.assert_array_equal(made.reshape(found.steps[name].shape), found.value(name))
    output.sum().backward()
    assert leaf.grad.any()
    batch = found.run(torch.stack([x_CHW, 2 * x_CHW]))
    assert not batch.requires_grad
    np.testing.assert_allclose(batch[0], output[0].detach(), atol=1e-6)
    assert torch.get_num_threads() == threads
