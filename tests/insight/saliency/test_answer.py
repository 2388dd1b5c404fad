"""What a network answers, which class is meant, and gradients that belong to the step that was asked for."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pellucid.errors import RequestError
from pellucid.insight.inside import open_module
from pellucid.insight.modules import Calibrated
from pellucid.insight.saliency.answer import answer_of
from pellucid.network.modules import Distance

X = torch.tensor([1.0, -2.0, 0.5])


def dense(*after: nn.Module, units: int = 4) -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(3, units), *after).eval()


@pytest.mark.parametrize(
    ("after", "chances"),
    [
        ((), lambda z: functional.softmax(z, -1)),
        ((nn.Softmax(dim=1),), lambda z: functional.softmax(z, -1)),
        ((nn.Dropout(0.5), nn.Softmax(dim=1), nn.Identity()), lambda z: functional.softmax(z, -1)),
        ((Calibrated(2.0),), lambda z: functional.softmax(z / 2, -1)),
        ((nn.Sigmoid(),), torch.sigmoid),
    ],
)
@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_logits_stand_before_the_last_softmax_or_sigmoid(
    after: tuple[nn.Module, ...], chances: Callable[[Tensor], Tensor], temperature: float
) -> None:
    """Wherever it ends, the scores are the dense layer's numbers, and the confidence the calibrated one."""
    net = dense(*after)
    answer = answer_of(open_module(net, X), temperature=temperature)
    logits_K = net[0](X).detach()
    np.testing.assert_allclose(answer.logits_K, logits_K, atol=1e-6)
    expected_K = chances(logits_K / temperature)
    for index in range(4):
        assert answer.confidence(index) == pytest.approx(float(expected_K[index]), abs=1e-6)
    batch_NK = answer.chances(np.stack([X.numpy(), 2 * X.numpy()]))
    np.testing.assert_allclose(batch_NK[0], expected_K, atol=1e-6)
    np.testing.assert_allclose(batch_NK[1], chances(net[0](2 * X).detach() / temperature), atol=1e-6)


def test_the_nearest_point_wins_where_the_network_ends_in_distances() -> None:
    """LeNet-5's output: the logits are minus the distances, and the gradient has their sign."""
    net = nn.Sequential(Distance(3, 2))
    net[0].points.copy_(torch.tensor([[1.0, 9.0], [-2.0, 9.0], [0.0, 9.0]]))
    answer = answer_of(open_module(net, X))
    np.testing.assert_allclose(answer.logits_K, [-0.25, -(8**2 + 11**2 + 8.5**2)])
    assert answer.choose(None) == 0
    score, gradient = answer.gradients_at(0, X.numpy())
    assert score == -0.25
    np.testing.assert_allclose(gradient, [0, 0, -1.0])


def test_one_number_is_no_probability() -> None:
    """A network that ends in a single number has a score and no confidence."""
    answer = answer_of(open_module(dense(units=1), X))
    assert (answer.link, answer.choose(None), answer.confidence(0)) == ("none", 0, None)
    assert answer.chances(X.numpy()[None]).shape == (1, 1)
    assert answer_of(open_module(dense(nn.Sigmoid(), units=1), X)).confidence(0) is not None


def test_a_class_by_name_by_one_of_its_names_or_by_number() -> None:
    """ImageNet's classes hold several names, of which one is enough."""
    names = ("koala, koala bear", "crane (bird)", "tub, vat", "bathtub, tub")
    answer = answer_of(open_module(dense(), X), names)
    assert [answer.choose(one) for one in ("koala bear", "crane (bird)", "tub, vat", 3)] == [0, 1, 2, 3]
    assert answer.choose(None) == int(answer.logits_K.argmax())
    assert answer.label(1) == "crane (bird)"
    unnamed = answer_of(open_module(dense(), X), names[:3])  # of another network
    assert (unnamed.choose("2"), unnamed.label(2)) == (2, "2")


@pytest.mark.parametrize(
    ("names", "target", "said"),
    [
        (
            ("ant", "bee", "wasp", "fly"),
            "bees",
            "The network has no class 'bees'. It has 4 classes: 'ant'; 'bee'; 'wasp'; 'fly'. Did you mean "
            "'bee'?",
        ),
        (
            ("ant", "bee", "wasp", "fly"),
            "quux",
            "The network has no class 'quux'. It has 4 classes: 'ant'; 'bee'; 'wasp'; 'fly'. Choose one of "
            "them.",
        ),
        (
            ("a\x1b[2Jb", "tub, vat", "c", "d"),
            "quux",
            "The network has no class 'quux'. It has 4 classes: 'a\\x1b[2Jb'; 'tub, vat'; 'c'; 'd'. Choose "
            "one of them.",
        ),
        (
            ("tub, vat", "b", "c", "bathtub, tub"),
            "tub",
            "The network has 2 classes that are called 'tub'. One was expected: 'tub, vat'; 'bathtub, tub'. "
            "Give the whole name of one.",
        ),
        (
            (),
            "4",
            "The network has no class '4'. It has 4 classes: 0 to 3, without names. Choose one of them.",
        ),
        (
            (),
            -1,
            "The network has no class '-1'. It has 4 classes: 0 to 3, without names. Choose one of them.",
        ),
    ],
)
def test_a_class_that_is_not_known(names: tuple[str, ...], target: str | int, said: str) -> None:
    """The message names the nearest, or all."""
    with pytest.raises(RequestError) as caught:
        answer_of(open_module(dense(), X), names).choose(target)
    assert str(caught.value) == said


def test_a_network_that_does_not_classify() -> None:
    """One row of numbers is expected at its end."""
    with pytest.raises(RequestError) as caught:
        answer_of(open_module(nn.Sequential(nn.Conv2d(1, 3, 2)), torch.rand(1, 4, 5)))
    assert str(caught.value) == (
        "The network ends in 3x4x3. One row of numbers was expected at its end, one number for each class. "
        "Give a network that classifies; 'pellucid explain --cell' opens the numbers of any network."
    )


def test_a_gradient_is_that_of_the_step_although_a_later_one_writes_over_it() -> None:
    """Behind an in-place ReLU, the convolution's output and gradient are those from before it."""
    torch.manual_seed(0)
    conv, x_CHW = nn.Conv2d(1, 2, 3), torch.randn(1, 5, 5)
    net = nn.Sequential(conv, nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(18, 2)).eval()
    answer = answer_of(open_module(net, x_CHW))
    values_CHW, gradients_CHW = answer.gradients(1, "0")
    before_CHW = conv(x_CHW).detach()
    wanted_CHW = net[3].weight[1].detach().reshape(2, 3, 3) * (before_CHW > 0)
    assert (before_CHW < 0).any()
    np.testing.assert_allclose(values_CHW, before_CHW, atol=1e-6)
    np.testing.assert_allclose(gradients_CHW, wanted_CHW, atol=1e-6)
    np.testing.assert_allclose(answer.gradients(1, "1")[0], before_CHW.relu(), atol=1e-6)


class Blind(nn.Module):
    """A network whose answer PyTorch cannot follow back."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(3, 2)

    def forward(self, x_ND: Tensor) -> Tensor:
        return self.dense(torch.from_numpy(x_ND.detach().numpy() * 2))


def test_a_network_without_a_gradient() -> None:
    """It is said in a paragraph."""
    answer = answer_of(open_module(Blind(), X))
    with pytest.raises(RequestError) as caught:
        answer.gradients_at(0, X.numpy())
    assert str(caught.value) == (
        "The network's answer has no gradient with respect to its picture. A network whose answer PyTorch "
        "can follow back to there was expected. Choose the method 'occlusion', which needs no gradient, or "
        "another layer."
    )


SCALE = nn.Parameter(torch.ones(2))


class Followed(nn.Module):
    """A network that asks a function which runs without gradients only."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.dense, self.function = nn.Linear(3, 2), function

    def forward(self, x_ND: Tensor) -> Tensor:
        return self.function(self.dense(x_ND))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda z: z * SCALE.mul_(1), "a leaf Variable that requires grad is being used in an in-place"),
        (lambda z: z.sigmoid().mul_(2) * z.sigmoid_(), "one of the variables needed for gradient"),
    ],
)
def test_a_network_that_pytorch_cannot_differentiate(
    function: Callable[[Tensor], Tensor], reason: str
) -> None:
    """It fails on the way there or on the way back, and that is said in a paragraph with PyTorch's reason."""
    answer = answer_of(open_module(Followed(function), X))
    with pytest.raises(RequestError) as caught:
        answer.gradients_at(0, X.numpy())
    assert str(caught.value).startswith(
        f"The network's answer has no gradient with respect to its picture ({reason}"
    )
    assert caught.value.advice == (
        "Choose the method 'occlusion', which needs no gradient, or another layer."
    )


def test_the_network_is_left_as_it_was(residual: type[nn.Module]) -> None:
    """No hook, no gradient, the same mode, numbers and threads; also where the network fails half-way."""
    torch.manual_seed(1)
    net = nn.Sequential(residual(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3)).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    inside = open_module(net, torch.rand(2, 6, 6))
    answer = answer_of(inside)
    assert answer.gradients(0, inside.layers[-4].steps[-1])[1].any()
    threads = torch.get_num_threads()
    with pytest.raises(RequestError):
        answer.gradients_at(0, np.zeros((5, 6, 6), np.float32))
    for one in net.modules():
        assert not (one._forward_hooks or one._forward_pre_hooks or one._backward_hooks)
        assert one.training
    assert all(one.grad is None and one.requires_grad for one in net.parameters())
    assert torch.get_num_threads() == threads
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name])
