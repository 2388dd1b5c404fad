"""What stands in a network only so that it can be looked into."""

import torch

from pellucid.insight.modules import Asleep, Calibrated


def test_a_calibrated_softmax_divides_first() -> None:
    """The logits 0 and 2 at a temperature of 2 are the softmax of 0 and 1."""
    found = Calibrated(2.0)(torch.tensor([[0.0, 2.0]]))
    torch.testing.assert_close(found, torch.tensor([[0.0, 1.0]]).softmax(dim=1))


def test_an_augmentation_layer_sleeps() -> None:
    """It gives what it gets."""
    x = torch.randn(1, 3, 2, 2)
    assert Asleep()(x) is x
