"""What learns in fine-tuning: its start is the head that was fitted, its statistics stay unless asked."""

import numpy as np
import torch
from torch import nn

from pellucid.network.tail import Tail


def tail(*, update: bool = False) -> Tail:
    torch.manual_seed(0)
    top = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    top.requires_grad_(False)
    weight_DK = np.arange(6, dtype=np.float32).reshape(3, 2)
    return Tail(top, weight_DK, np.array([1.0, -1.0], np.float32), update=update)


def test_it_begins_as_the_head_on_the_layers() -> None:
    """Logits are features @ weights + biases, and head_out gives back what came in."""
    one, maps_NCHW = tail(), torch.randn(4, 2, 5, 5)
    weight_DK, bias_K = one.head_out()
    features_ND = one.eval().top(maps_NCHW).detach().numpy()
    np.testing.assert_allclose(one(maps_NCHW).detach().numpy(), features_ND @ weight_DK + bias_K, rtol=1e-5)
    np.testing.assert_array_equal(weight_DK, np.arange(6, dtype=np.float32).reshape(3, 2))


def test_batch_normalisation_keeps_its_statistics_in_training() -> None:
    """After a pass in training mode they are what they were, and all parameters have gradients."""
    one = tail().train()
    before = {name: value.clone() for name, value in one.named_buffers()}
    one(torch.randn(8, 2, 5, 5)).square().mean().backward()
    assert all(torch.equal(value, before[name]) for name, value in one.named_buffers())
    assert all(parameter.grad is not None for parameter in one.parameters())
    assert one.training
    assert not any(module.training for module in one.modules() if isinstance(module, nn.BatchNorm2d))


def test_statistics_move_towards_each_batch_where_it_was_asked() -> None:
    """A tenth of the way to the batch's mean and unbiased variance (Ioffe, Szegedy 2015); training only."""
    one, maps_NCHW = tail(update=True).train(), torch.randn(8, 2, 5, 5)
    norm = one.top[1]
    assert isinstance(norm, nn.BatchNorm2d)
    places_PC = one.top[0](maps_NCHW).detach().permute(0, 2, 3, 1).reshape(-1, 3)
    one(maps_NCHW)
    torch.testing.assert_close(norm.running_mean, 0.1 * places_PC.mean(0))
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * places_PC.var(0, unbiased=True))
    before = {name: value.clone() for name, value in one.named_buffers()}
    one.eval()(maps_NCHW)
    assert all(torch.equal(value, before[name]) for name, value in one.named_buffers())
