"""Saliency by its method's name: maps by hand, exact CAM, which layer is meant, what chance does to a map."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn import functional

from pellucid.errors import RequestError
from pellucid.insight.inside import open_module
from pellucid.insight.saliency import METHODS
from pellucid.insight.saliency.answer import answer_of
from pellucid.insight.saliency.method import layers_with_map, saliency
from pellucid.insight.subject import Subject, of_run
from pellucid.run import Run


def test_grad_cam_of_all_ones_kernels_on_sixteen_numbers(ones: nn.Module, sixteen: Tensor) -> None:
    """Every number of it, by hand: 0 to 15 under ones, the dense weight 2, divided by four cells."""
    found = saliency(open_module(ones, sixteen), layer="conv", target=0)
    activations_HW = np.array([[45.0, 54.0], [81.0, 90.0]])
    np.testing.assert_array_equal(found.evidence.activations_CHW, [activations_HW, -activations_HW])
    np.testing.assert_array_equal(found.evidence.gradients_CHW, [np.full((2, 2), 0.5), np.zeros((2, 2))])
    np.testing.assert_array_equal(found.evidence.weights_C, [0.5, 0])
    np.testing.assert_array_equal(found.evidence.signed_HW, activations_HW / 2)
    np.testing.assert_allclose(found.map_HW, activations_HW / 90)
    assert (found.scale, found.logit, found.evidence.bias) == (45.0, 2 * 67.5 + 0.25, None)
    assert (found.label, found.predicted, found.peak, found.notes) == ("0", "0", (1, 1), ())


def test_a_mean_and_a_dense_layer_make_grad_cam_exact(ones: nn.Module, sixteen: Tensor) -> None:
    """CAM: the dense layer's own weights over the cells, and all cells add up to the logit less its bias."""
    inside = open_module(ones, sixteen)
    for target in (0, 1):
        found = saliency(inside, target=target)
        assert found.layer == "relu"
        cam_HW = np.tensordot(ones.dense.weight[target].detach().double(), inside.value("relu"), 1) / 4
        np.testing.assert_allclose(found.evidence.signed_HW, cam_HW)
        assert found.evidence.bias == ones.dense.bias[target]
        assert found.evidence.signed_HW.sum() + found.evidence.bias == pytest.approx(found.logit)
        assert found.notes[0].startswith("What follows the layer is a mean over its rows and columns")
    assert found.map_HW.tolist() == [[0, 0], [0, 0]]
    assert (found.scale, found.region()) == (0.0, None)


def test_layer_cam_against_its_definition(convnet: Callable[[int], nn.Module]) -> None:
    """The gradients are PyTorch's own, taken here in another way."""
    net, x_CHW = convnet(0), torch.rand(3, 16, 16)
    found = saliency(open_module(net, x_CHW), "layer-cam", layer="3", target=2)
    maps_NCHW = net[:4](x_CHW[None]).detach().requires_grad_()
    logits_NK = net[6](net[5](functional.relu(maps_NCHW)))
    (gradients_NCHW,) = torch.autograd.grad(logits_NK[0, 2], maps_NCHW)
    expected_HW = (gradients_NCHW.relu() * maps_NCHW)[0].sum(0).detach()
    np.testing.assert_allclose(found.evidence.signed_HW, expected_HW, atol=1e-6)
    assert found.logit == pytest.approx(logits_NK[0, 2].item(), abs=1e-6)


def test_the_last_layer_with_a_map_is_chosen(convnet: Callable[[int], nn.Module]) -> None:
    """What is flat, and what has a single cell, is no map."""
    inside = open_module(convnet(0), torch.rand(3, 16, 16))
    assert [one.name for one in layers_with_map(inside)] == ["0", "1", "2", "3", "4"]
    assert saliency(inside).layer == "4"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"layer": "6"},
            "The layer '6' has no map: its output is a flat row of 4. A layer with rows and columns was "
            "expected: 0, 1, 2, 3, 4. Choose one of them, or none for the last.",
        ),
        (
            {"layer": "9"},
            "The network has no layer '9'. It has 8 layers: 0, 1, 2, 3, 4, 5, 6, 7. Choose one of them.",
        ),
        (
            {"method": "gradcam"},
            "There is no method 'gradcam'. grad-cam, layer-cam, occlusion, integrated-gradients are known. "
            "Did you mean 'grad-cam' or 'layer-cam'?",
        ),
        (
            {"method": "occlusion", "layer": "3"},
            "The method 'occlusion' was given the layer '3'. No layer was expected: it works on the pixels "
            "themselves. Leave the layer out, or choose the method grad-cam or layer-cam.",
        ),
        (
            {"target": "ant"},
            "The network has no class 'ant'. It has 4 classes: 0 to 3, without names. Choose one of them.",
        ),
    ],
)
def test_what_does_not_exist(convnet: Callable[[int], nn.Module], options: dict[str, str], said: str) -> None:
    """A layer without a map, no such layer, no such method, no such class."""
    with pytest.raises(RequestError) as caught:
        saliency(open_module(convnet(0), torch.rand(3, 16, 16)), **options)
    assert str(caught.value) == said


def test_a_network_without_a_map() -> None:
    """Dense layers alone have none."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 2)).eval()
    with pytest.raises(RequestError) as caught:
        saliency(open_module(net, torch.rand(1, 4, 4)))
    assert str(caught.value) == (
        "The network has no layer with a map of more than one cell. A convolutional network was expected. "
        "Choose a method that works on the pixels: occlusion or integrated-gradients."
    )


def test_a_dense_network_is_explained_by_its_pixels() -> None:
    """Where the network is linear, a pixel's part is weight times pixel, and covering takes it away."""
    net, x_CHW = nn.Sequential(nn.Flatten(), nn.Linear(16, 1)).eval(), torch.rand(1, 4, 4)
    inside = open_module(net, x_CHW)
    wanted_HW = (net[1].weight.detach() * x_CHW.reshape(-1)).reshape(4, 4)
    path = saliency(inside, "integrated-gradients")
    np.testing.assert_allclose(path.evidence.signed_HW, wanted_HW, atol=1e-6)
    assert (path.layer, path.confidence, path.notes) == (None, None, ())
    assert path.evidence.baseline_score == pytest.approx(net[1].bias.item())
    assert abs(path.evidence.residue) < 1e-5
    covered = saliency(inside, "occlusion")
    assert covered.evidence.window == 3
    inner_HW = [
        [wanted_HW[row - 1 : row + 2, column - 1 : column + 2].sum() for column in (1, 2)] for row in (1, 2)
    ]
    np.testing.assert_allclose(covered.evidence.signed_HW[1:3, 1:3], inner_HW, atol=1e-6)
    np.testing.assert_allclose(covered.map_HW, covered.evidence.signed_HW.clip(0) / covered.scale, atol=1e-6)


def test_occlusion_counts_probabilities(convnet: Callable[[int], nn.Module]) -> None:
    """They are calibrated ones, and it hears of its progress."""
    net, x_CHW, heard = convnet(0), torch.rand(3, 16, 16), []
    found = saliency(open_module(net, x_CHW), "occlusion", target=1, temperature=2.0, listen=heard.append)
    logits_K = net[:7](x_CHW[None])[0].detach()
    assert found.evidence.whole == pytest.approx((logits_K / 2).softmax(0)[1].item(), abs=1e-6)
    assert found.confidence == pytest.approx(found.evidence.whole, abs=1e-6)
    covered_CHW = x_CHW.clone()
    covered_CHW[:, 3:7, 5:9] = 0
    middles = [found.grid[0].middle(place) for place in range(found.map_HW.shape[0])]
    assert (found.evidence.window, middles[2], middles[3]) == (4, 5.0, 7.0)
    expected = (net[:7](covered_CHW[None])[0].detach() / 2).softmax(0)[1].item()
    assert found.evidence.covered_HW[2, 3] == pytest.approx(expected, abs=1e-6)
    assert heard


def test_a_rough_integral_says_so(convnet: Callable[[int], nn.Module]) -> None:
    """Where the parts do not add up to the score, the note has both numbers."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 1), nn.Hardtanh(-0.001, 0.001)).eval()
    with torch.no_grad():
        net[1].weight.fill_(1.0)
        net[1].bias.fill_(0.0)
    found = saliency(open_module(net, torch.ones(1, 2, 2)), "integrated-gradients")
    assert found.evidence.residue == pytest.approx(-0.001)
    assert found.notes == (
        "The parts of all pixels add up to 0, and not to the 0.001 by which the score differs from that of "
        "an empty picture: the map is rough.",
    )


@pytest.mark.parametrize("method", METHODS)
def test_chance_in_the_weights_changes_the_map(convnet: Callable[[int], nn.Module], method: str) -> None:
    """Adebayo et al. 2018: a map that stays when the network's numbers are drawn anew says nothing of it."""
    alike = []
    for number in range(8):
        x_CHW = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(number))
        maps = [
            saliency(open_module(convnet(seed), x_CHW), method, target=0).evidence.signed_HW.ravel()
            for seed in (number, 100 + number)
        ]
        alike.append(spearmanr(*maps).statistic)
    assert abs(np.mean(alike)) < 0.3
    again = saliency(open_module(convnet(7), x_CHW), method, target=0).evidence.signed_HW.ravel()
    assert spearmanr(again, maps[0]).statistic == pytest.approx(1)


def deleted(subject: Subject, x_CHW: np.ndarray, index: int, order: np.ndarray, side: int) -> float:
    """The mean probability of a class while squares are taken away one by one, half of them in all."""
    fill = np.median(x_CHW)
    answer = answer_of(subject.look(x_CHW), subject.classes, subject.temperature)
    part, steps = x_CHW.shape[1] // side, [x_CHW.copy()]
    for cell in order[: side * side // 2]:
        row, column = divmod(int(cell), side)
        steps.append(steps[-1].copy())
        steps[-1][:, row * part : (row + 1) * part, column * part : (column + 1) * part] = fill
    return float(answer.chances(np.stack(steps[1 :: max(len(steps) // 8, 1)]))[:, index].mean())


@pytest.mark.parametrize("method", METHODS)
def test_what_the_map_shows_matters_more_than_chance(scratched: Run, strokes: Path, method: str) -> None:
    """Taking away what a map shows costs the answer more than taking any squares (Petsiuk et al. 2018)."""
    subject, chance, means = of_run(scratched), np.random.default_rng(0), []
    for name in scratched.classes:
        for number in range(4):
            data = (strokes / name / f"{number:02d}.png").read_bytes()
            x_CHW = subject.preprocess.read(data)
            found = saliency(
                subject.look(x_CHW), method, classes=subject.classes, temperature=subject.temperature
            )
            best_first = np.argsort(-found.upsampled(6, 6).ravel(), kind="stable")
            orders = [best_first, best_first[::-1], *(chance.permutation(36) for _ in range(3))]
            means.append([deleted(subject, x_CHW, found.index, order, 6) for order in orders])
    best, worst, *random = np.mean(means, axis=0)
    assert best < min(random)
    assert worst > max(random)
