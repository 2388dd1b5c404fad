"""Modules that stand in a network only so that it can be looked into as a run answers."""

from torch import Tensor, nn


class Calibrated(nn.Module):
    """The softmax of a run's head: its logits are divided by the temperature first."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, logits_NK: Tensor) -> Tensor:
        """(N, K) -> probabilities (N, K)."""
        return (logits_NK / self.temperature).softmax(dim=1)


class Asleep(nn.Module):
    """An augmentation layer when a network answers: it changes pictures in training only."""

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """The same."""
        return x_NCHW
