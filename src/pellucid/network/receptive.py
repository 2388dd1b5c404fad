"""The receptive field: what part of the picture one number of a layer's output is made from.

It knows windows and maps, and neither a blueprint's layers nor PyTorch's modules: ``account`` and ``chain``
lead it through these.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """What part of the picture an output sees, as it grows from layer to layer.

    By the recurrences of Araujo, Norris and Sim, "Computing Receptive Fields of Convolutional Neural
    Networks", Distill 2019: the field grows by (reach - 1) steps of the map below, and the step is
    multiplied by the layer's stride; padding moves the first field outwards. After flatten, dense and global
    pooling an output may see what any place of the map saw.
    """

    size: tuple[int, int]
    stride: tuple[int, int] | None
    first: tuple[int, int]  # row and column of the first field's first pixel
    whole: tuple[int, int]  # height and width of the picture

    @classmethod
    def of_input(cls, height: int, width: int) -> "Field":
        """One pixel, one pixel from the next."""
        return cls((1, 1), (1, 1), (0, 0), (height, width))

    @property
    def start(self) -> tuple[float, float]:
        """Centre of the first output's field, (row, column); the first pixel's centre is (0, 0)."""
        return self.first[0] + (self.size[0] - 1) / 2, self.first[1] + (self.size[1] - 1) / 2

    def joined(self, places: Sequence[int]) -> "Field":
        """The field of an output without a place: from the first field to the last, inside the picture.

        It is empty where they all lie in the padding.

        Args:
            places: Rows and columns of the map.
        """
        stride = self.stride
        if stride is None:
            return self
        first = max(self.first[0], 0), max(self.first[1], 0)
        ends = self.first[0] + self.size[0], self.first[1] + self.size[1]
        height, width = (
            max(min(ends[axis] + (places[axis] - 1) * stride[axis], self.whole[axis]) - first[axis], 0)
            for axis in (0, 1)
        )
        return Field((height, width), None, first, self.whole)

    def slid(self, reach: tuple[int, int], step: tuple[int, int], before: tuple[int, int]) -> "Field":
        """The field after a window has slid over the map.

        Args:
            reach: Rows and columns that the window spans, holes included.
            step: The window's own stride.
            before: Rows above and columns to the left that padding added.
        """
        stride = self.stride
        if stride is None:
            return self

        def both(change: Callable[[int], int]) -> tuple[int, int]:
            return change(0), change(1)

        return Field(
            both(lambda axis: self.size[axis] + (reach[axis] - 1) * stride[axis]),
            both(lambda axis: stride[axis] * step[axis]),
            both(lambda axis: self.first[axis] - before[axis] * stride[axis]),
            self.whole,
        )
