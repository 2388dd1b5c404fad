"""What a map's own numbers say: each method's sentence, from a network that can be worked out by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from pellucid.insight.inside import open_module
from pellucid.insight.saliency.method import saliency
from pellucid.insight.saliency.sentences import details


class Sum(nn.Module):
    """The sum of all pixels for one class, and minus it for the other, behind a 1x1 convolution of ones."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        self.dense = nn.Linear(16, 2, bias=False)
        with torch.no_grad():
            self.conv.weight.fill_(1)
            self.dense.weight.copy_(torch.tensor([[1.0], [-1.0]]).expand(2, 16))

    def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.dense(torch.flatten(self.conv(x_NCHW), 1))
        return out


@pytest.mark.parametrize(
    ("method", "wanted"),
    [
        # The gradient is 1 everywhere, so its only channel has the weight 1, and adds the map's positive sum.
        ("grad-cam", ["The channels with the largest parts in it: 0 (+0.16)."]),
        ("layer-cam", []),
        # 16 pixels of 0.01: the logits are 0.16 and -0.16, the first class has 1 / (1 + e**-0.32) = 57.9 %.
        # A window of 3 x 3 takes 0.09 off the first, and twice that off the difference: 53.5 %.
        (
            "occlusion",
            [
                "Squares of 3 x 3 of the 4 x 4 pixels that the network sees were covered, one by one: the "
                "answer is 57.9 % with none and 53.5 % at least."
            ],
        ),
        (
            "integrated-gradients",
            [
                "The score is 0.16, and 0 for a picture of nothing; the parts of all pixels add up to the "
                "difference but for +0."
            ],
        ),
    ],
)
def test_each_method_says_what_it_found(method: str, wanted: list[str]) -> None:
    """The numbers are those of the sum that the network is."""
    found = saliency(open_module(Sum().eval(), np.full((1, 4, 4), 0.01, np.float32)), method, target=0)
    told = details(found)
    if method == "integrated-gradients":  # what rounding leaves is no number to write down
        assert abs(found.evidence.residue) < 1e-7
        told = [f"{told[0].rpartition(' ')[0]} +0."]
    assert told == wanted
