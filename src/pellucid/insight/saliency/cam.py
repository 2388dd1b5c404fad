"""Class activation maps: a layer's channels, weighted by how much each speaks for a class, and added.

Both are arithmetic on a layer's output and on the gradient of the class's logit with respect to it; where
these come from is left to ``answer``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """What one channel does in Grad-CAM.

    Attributes:
        channel: Its place in the layer's output.
        weight: The mean of its gradients.
        adds: The weight times the sum of its cells: its part of the sum of the whole map; where the map is
            exact, its part of the logit.
    """

    channel: int
    weight: float
    adds: float


@dataclass(frozen=True, eq=False)
class GradCam:
    """Grad-CAM (Selvaraju et al. 2017, equations 1 and 2) with its numbers.

    Attributes:
        activations_CHW: The layer's output, float64.
        gradients_CHW: Of the class's logit with respect to it.
        weights_C: Of each channel: the mean of its gradients (alpha in the paper).
        signed_HW: The weighted sum of the channels, before the negative is left out.
        bias: Where what follows the layer is a mean over its rows and columns and one dense layer, that
            layer's bias of the class: the map is then exact, as CAM (Zhou et al. 2016), and ``signed_HW``
            sums to the logit less this bias. None elsewhere.
    """

    activations_CHW: Numbers
    gradients_CHW: Numbers
    weights_C: Numbers
    signed_HW: Numbers
    bias: float | None = None

    def largest(self, number: int = 10) -> list[tuple[int, float]]:
        """The channels of the largest weights either way, with these, the largest first."""
        order = np.argsort(-np.abs(self.weights_C), kind="stable")[:number]
        return [(int(channel), float(self.weights_C[channel])) for channel in order]

    def parts(self, number: int = 10) -> list[Part]:
        """The channels that add or take most, the largest first."""
        parts_C = self.weights_C * self.activations_CHW.sum(axis=(1, 2))
        order = np.argsort(-np.abs(parts_C), kind="stable")[:number]
        return [Part(int(one), float(self.weights_C[one]), float(parts_C[one])) for one in order]


@dataclass(frozen=True, eq=False)
class LayerCam:
    """LayerCAM (Jiang et al. 2021, equations 5 and 6): each cell of each channel has a weight of its own.

    Attributes:
        activations_CHW: The layer's output, float64.
        gradients_CHW: Of the class's logit with respect to it; each cell's weight is what is positive of it.
        signed_HW: The weighted sum of the channels, before the negative is left out.
    """

    activations_CHW: Numbers
    gradients_CHW: Numbers
    signed_HW: Numbers


def grad_cam(
    activations_CHW: NDArray[Any], gradients_CHW: NDArray[Any], bias: float | None = None
) -> GradCam:
    """Weigh each channel by the mean of its gradients, and add: float64 (H, W)."""
    weights_C = gradients_CHW.mean(axis=(1, 2))
    signed_HW = np.tensordot(weights_C, activations_CHW, 1)
    return GradCam(activations_CHW, gradients_CHW, weights_C, signed_HW, bias)


def layer_cam(activations_CHW: NDArray[Any], gradients_CHW: NDArray[Any]) -> LayerCam:
    """Weigh each cell by what is positive of its gradient, and add the channels: float64 (H, W)."""
    signed_HW = (np.maximum(gradients_CHW, 0) * activations_CHW).sum(axis=0)
    return LayerCam(activations_CHW, gradients_CHW, signed_HW)
