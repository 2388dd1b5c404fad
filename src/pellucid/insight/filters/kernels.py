"""The kernels of a network's first convolution, as pictures.

Only the first layer's can be seen so: they lie over the picture's own colours. What later layers look for is
seen by what excites them (``patches``).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import RequestError
from pellucid.insight.inside import Inside
from pellucid.insight.operation import Convolution


@dataclass(frozen=True, eq=False)
class Kernels:
    """The kernels of one layer.

    Attributes:
        layer: Its name.
        weight_OHWI: The weights, float64: (kernels, height, width, input channels).
    """

    layer: str
    weight_OHWI: NDArray[np.float64]

    def pictures(self) -> NDArray[np.float64]:
        """In 0..1 with 0.5 for a weight of 0, each kernel to its own largest: (kernels, height, width, C).

        C is 3 where the network sees colours: red, green and blue of the pixel are the weights of these
        channels. Elsewhere it is 1: the mean over the input channels.
        """
        seen_OHWC = self.weight_OHWI
        if seen_OHWC.shape[3] != 3:
            seen_OHWC = seen_OHWC.mean(axis=3, keepdims=True)
        largest_O = np.abs(seen_OHWC).max(axis=(1, 2, 3), keepdims=True)
        return np.asarray(0.5 + 0.5 * seen_OHWC / np.where(largest_O > 0, largest_O, 1))


def first_kernels(inside: Inside) -> Kernels:
    """The kernels of the first convolution that ran.

    Raises:
        RequestError: The network has none.
    """
    steps = inside.trace.steps
    for layer in inside.layers:
        operation = steps[layer.steps[0]].operation
        if isinstance(operation, Convolution):
            return Kernels(layer.name, operation.weight_OIHW.transpose(0, 2, 3, 1))
    raise RequestError(
        "The network has no convolution.",
        "A network with kernels to be shown was expected.",
        "Choose a convolutional network.",
    )
