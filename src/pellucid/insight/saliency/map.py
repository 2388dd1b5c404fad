"""A saliency map: where a picture speaks for a class, with the numbers that it was made of.

How it is made is the methods' business, and how it is drawn is left to ``overlay``.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pellucid.insight.saliency import Method
from pellucid.insight.saliency.grid import Grid, drawn_out

_STRONG = 0.5  # of the peak: what belongs to the strongest region
_SMOOTH = 1 / 56  # of a side: how far a map of single pixels is blurred before its region is sought


class Evidence(Protocol):
    """The numbers of a method: ``GradCam``, ``LayerCam``, ``Occlusion``, ``IntegratedGradients``."""

    @property
    def signed_HW(self) -> NDArray[np.float64]:  # noqa: N802 - as the attribute is called
        """For the class where positive, against it where negative."""


@dataclass(frozen=True)
class Region:
    """A box on the picture as the network sees it, in its pixels; fractions of a pixel count.

    Attributes:
        top: Its upper edge.
        left: Its left edge.
        bottom: Its lower edge, outside the box.
        right: Its right edge, outside the box.
        share: How much of the whole map lies inside, 0 to 1.
    """

    top: float
    left: float
    bottom: float
    right: float
    share: float


@dataclass(frozen=True, eq=False)
class Saliency:
    """Where a picture speaks for a class.

    Attributes:
        method: How it was found.
        layer: The layer whose map it is; None where it is of the pixels themselves.
        index: The class's place among the logits.
        label: Its name, or its number where it has none.
        logit: Its score for this picture.
        confidence: Its probability, 0 to 1; None where the network gives none.
        predicted: The class that the network answers.
        predicted_confidence: Its probability.
        map_HW: float32 in 0..1, at the layer's resolution: what is positive of ``evidence.signed_HW``,
            divided by ``scale``. All zeros where nothing speaks for the class.
        scale: The largest number of ``evidence.signed_HW``; 0 where none is positive.
        grid: Where the map's rows and columns lie on the network's input.
        evidence: The method's own numbers.
        notes: What a reader must know besides.
    """

    method: Method
    layer: str | None
    index: int
    label: str
    logit: float
    confidence: float | None
    predicted: str
    predicted_confidence: float | None
    map_HW: NDArray[np.float32]
    scale: float
    grid: Grid
    evidence: Any
    notes: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """How much of the work went into it; at a layer it comes at once."""
        return getattr(self.evidence, "done", 1)

    @property
    def total(self) -> int:
        """How much work there is."""
        return getattr(self.evidence, "total", 1)

    def upsampled(self, height: int, width: int) -> NDArray[np.float32]:
        """The map over the whole of the network's input, float32 (height, width) in 0..1."""
        return drawn_out(self.map_HW, self.grid, height, width)

    @property
    def peak(self) -> tuple[int, int]:
        """Row and column of the map's largest number."""
        row, column = np.unravel_index(int(self.map_HW.argmax()), self.map_HW.shape)
        return int(row), int(column)

    def region(self) -> Region | None:
        """The box around the strongest part: what hangs together with the peak at half of its height.

        None where nothing speaks for the class. A map of single pixels is blurred a little first.
        """
        height, width = (axis.length for axis in self.grid)
        drawn_HW = self.upsampled(height, width).astype(np.float64)
        if not drawn_HW.any():
            return None
        if self.map_HW.shape == (height, width):
            drawn_HW = blurred(drawn_HW)
        parts_HW, _ = ndimage.label(drawn_HW >= _STRONG * drawn_HW.max())
        strongest = parts_HW == parts_HW[np.unravel_index(int(drawn_HW.argmax()), drawn_HW.shape)]
        rows, columns = (np.flatnonzero(strongest.any(axis=axis)) for axis in (1, 0))
        box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        share = float(drawn_HW[box].sum() / drawn_HW.sum())
        top, left, bottom, right = map(float, (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1))
        return Region(top, left, bottom, right, share)


def blurred(map_HW: NDArray[np.float64]) -> NDArray[np.float64]:
    """A map of single pixels, each the mean of those around it by a bell curve: a 56th of a side wide."""
    return np.asarray(ndimage.gaussian_filter(map_HW, [side * _SMOOTH for side in map_HW.shape]))


def scaled(signed_HW: NDArray[np.float64]) -> tuple[NDArray[np.float32], float]:
    """What is positive, divided by the largest, and the largest: float32 in 0..1; zeros where none is."""
    largest = max(float(signed_HW.max()), 0.0)
    if not largest > 0:
        return np.zeros(signed_HW.shape, np.float32), 0.0
    return np.asarray(np.maximum(signed_HW, 0) / largest, np.float32), largest
