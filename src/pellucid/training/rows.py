"""Features as blocks of rows, so that a table larger than memory can be gone through many times.

It knows arrays and their scale; where features come from, and what is learnt from them, are others' business.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import PellucidError

BLOCK = (
    512  # rows at a time (2.6 MB of 1,280 features); fixed, since the order of a sum decides its last bits
)
GATHER_BYTES = 64 * 1024 * 1024  # a table up to this size is held in memory


class FeaturesError(PellucidError):
    """Features that nothing can be learnt from: there are none, or some are not finite numbers."""


class Rows(Protocol):
    """A table of features, (N, D) float32, that is read in blocks, over and over, in the same order."""

    @property
    def shape(self) -> tuple[int, int]:
        """N rows and D features."""
        ...

    def blocks(self, size: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Consecutive blocks of at most ``size`` rows, each with its place; a block is not written to."""
        ...


@dataclass(frozen=True)
class ArrayRows:
    """The rows of an array (N, D) float32, in memory or a memory map."""

    features_ND: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        """N rows and D features."""
        rows, columns = self.features_ND.shape
        return rows, columns

    def blocks(self, size: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Slices of the array."""
        for start in range(0, len(self.features_ND), size):
            block_BD = self.features_ND[start : start + size]
            yield slice(start, start + len(block_BD)), block_BD


@dataclass(frozen=True)
class JoinedRows:
    """The rows of one table after those of another of equal width."""

    first: Rows
    second: Rows

    @property
    def shape(self) -> tuple[int, int]:
        """The rows of both."""
        return self.first.shape[0] + self.second.shape[0], self.first.shape[1]

    def blocks(self, size: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """The blocks of the first, then those of the second; no block spans both."""
        yield from self.first.blocks(size)
        offset = self.first.shape[0]
        for place, block_BD in self.second.blocks(size):
            yield slice(place.start + offset, place.stop + offset), block_BD


@dataclass(frozen=True)
class Scale:
    """How raw features become learnable ones: ``(raw - mean_D) * factor_D``; both (D,) float64."""

    mean_D: NDArray[np.float64]
    factor_D: NDArray[np.float64]

    def apply(self, block_BD: NDArray[np.float32], out_BD: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scaled block, float32, written into the first rows of ``out_BD``."""
        into_BD = out_BD[: len(block_BD)]
        np.subtract(block_BD, self.mean_D.astype(np.float32), out=into_BD)
        np.multiply(into_BD, self.factor_D.astype(np.float32), out=into_BD)
        return into_BD


def measure_scale(rows: Rows) -> Scale:
    """The mean of each feature, and what to multiply it by, in one pass over ``rows``.

    A feature is divided by its standard deviation or by the root mean square of all features' standard
    deviations, whichever is larger: one that hardly varies in these pictures (a channel that answers to
    nothing in them) is not blown up to drown the others in the next picture. A constant feature gets
    factor 0, so that its weight stays 0. Block means and variances are merged by Chan, Golub and LeVeque's
    formula ("Algorithms for computing the sample variance", The American Statistician 37, 1983).

    Raises:
        FeaturesError: where there are no rows, or a feature is NaN or infinite.
    """
    if rows.shape[0] == 0 or rows.shape[1] == 0:
        raise FeaturesError(
            f"There are {rows.shape[0]} pictures with {rows.shape[1]} features each to learn from.",
            "At least one picture and one feature was expected.",
            "Look at what was skipped: 'pellucid check' names it.",
        )
    count, mean_D, square_D = 0, np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
    for place, block_BD in rows.blocks(BLOCK):
        check_finite(place, block_BD)
        wide_BD = block_BD.astype(np.float64)
        here, mean_here_D = len(wide_BD), wide_BD.mean(axis=0)
        wide_BD -= mean_here_D
        shift_D = mean_here_D - mean_D
        square_D += np.einsum("bd,bd->d", wide_BD, wide_BD) + shift_D**2 * (count * here / (count + here))
        mean_D = mean_D + shift_D * (here / (count + here))
        count += here
    spread_D = np.sqrt(square_D / count)
    varies_D = spread_D > 1e-6 * np.abs(mean_D)  # less is the rounding of float32
    typical = np.sqrt(np.mean(spread_D**2))
    factor_D = np.divide(1.0, np.maximum(spread_D, typical), out=np.zeros_like(spread_D), where=varies_D)
    return Scale(mean_D, factor_D)


def check_finite(place: slice, block_BD: NDArray[np.float32]) -> None:
    """Raise a FeaturesError that names the first row of the block with a NaN or infinite feature."""
    finite_BD = np.isfinite(block_BD)
    if not finite_BD.all():
        row, feature = (int(index) for index in np.argwhere(~finite_BD)[0])
        raise FeaturesError(
            f"Feature {feature} of picture {place.start + row} is {block_BD[row, feature]}.",
            "Finite numbers were expected of the frozen layers.",
            "Check the backbone's weights; 'pellucid cache --clear' has the features computed afresh.",
        )


def check_all_finite(rows: Rows) -> None:
    """Raise a FeaturesError for the first row of the table with a NaN or infinite feature."""
    for place, block_BD in rows.blocks(BLOCK):
        check_finite(place, block_BD)


class ScaledRows:
    """Scaled rows: a table of at most 64 MB is scaled once and held, a larger one is scaled in passing."""

    def __init__(self, rows: Rows, scale: Scale) -> None:
        self._rows = rows
        self._scale = scale
        self._held_ND: NDArray[np.float32] | None = None
        count, width = rows.shape
        if count * width * 4 <= GATHER_BYTES:
            held_ND = np.empty((count, width), np.float32)
            for place, block_BD in rows.blocks(BLOCK):
                scale.apply(block_BD, held_ND[place])
            self._held_ND = held_ND

    @property
    def shape(self) -> tuple[int, int]:
        """N rows and D features."""
        return self._rows.shape

    def blocks(self, size: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Scaled blocks; one block of a streamed table is overwritten by the next."""
        if self._held_ND is not None:
            yield from ArrayRows(self._held_ND).blocks(size)
            return
        out_BD = np.empty((size, self.shape[1]), np.float32)
        for place, block_BD in self._rows.blocks(size):
            yield place, self._scale.apply(block_BD, out_BD)
