"""Networks small enough to check by hand."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn


class Ones(nn.Module):
    """All-ones kernels, a mean over the map, and one dense layer with a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, bias=False)
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dense = nn.Linear(2, 2)
        with torch.no_grad():
            self.conv.weight.fill_(1.0)
            self.conv.weight[1] = -1.0
            self.dense.weight.copy_(torch.tensor([[2.0, 5.0], [-1.0, 0.0]]))
            self.dense.bias.copy_(torch.tensor([0.25, 0.5]))

    def forward(self, x_NCHW: Tensor) -> Tensor:
        """(N, 1, H, W) -> logits (N, 2)."""
        return self.dense(self.flatten(self.pool(self.relu(self.conv(x_NCHW)))))


@pytest.fixture
def ones() -> Ones:
    """On 0 to 15 in four rows its first channel is 45 54 / 81 90, and its second is dead."""
    return Ones().eval()


@pytest.fixture
def sixteen() -> Tensor:
    """The numbers 0 to 15 in four rows: (1, 4, 4)."""
    return torch.arange(16.0).reshape(1, 4, 4)


@pytest.fixture
def convnet() -> Callable[[int], nn.Module]:
    """A small convolutional network for pictures (3, 16, 16) with numbers drawn by chance, by seed."""

    def make(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Flatten(),
            nn.Linear(8 * 64, 4),
            nn.Softmax(dim=1),
        ).eval()

    return make
