"""The confusion matrix as a reader meets it: its cells with their shares, or only the pairs most confused."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

OPEN_UP_TO = 20  # classes: more columns than this do not fit on a page
FOLDED_UP_TO = 100  # classes: more cells than this do not fit in a file that opens at once
PAIRS = 15


@dataclass(frozen=True)
class Cell:
    """How many pictures of the row's class were taken for the column's, and which share of the row (0..1)."""

    count: int
    share: float
    right: bool


@dataclass(frozen=True)
class Row:
    """All pictures of one true class."""

    name: str
    cells: tuple[Cell, ...]
    total: int


@dataclass(frozen=True)
class Pair:
    """``count`` of ``total`` pictures of the class ``truth`` were taken for ``said``."""

    truth: str
    said: str
    count: int
    total: int


@dataclass(frozen=True)
class Confusion:
    """The matrix in rows (empty where it is too large to show), its column totals, and its worst pairs."""

    classes: tuple[str, ...]
    rows: tuple[Row, ...]
    columns: tuple[int, ...]
    total: int
    pairs: tuple[Pair, ...]
    pairs_in_all: int
    folded: bool


def confusion(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Confusion:
    """Lay out ``counts`` (K rows of true classes, K columns of predicted ones)."""
    counts_KK = np.asarray(counts, dtype=np.int64).reshape(len(classes), len(classes))
    totals_K = counts_KK.sum(axis=1)
    errors_KK = counts_KK - np.diag(counts_KK.diagonal())
    # Most pictures first, then the larger share of its class, then the classes' own order.
    confused = sorted(
        zip(*(axis.tolist() for axis in errors_KK.nonzero()), strict=True),
        key=lambda at: (-errors_KK[at], -errors_KK[at] / totals_K[at[0]], at),
    )
    pairs = tuple(
        Pair(classes[true], classes[said], int(errors_KK[true, said]), int(totals_K[true]))
        for true, said in confused[:PAIRS]
    )
    return Confusion(
        classes=tuple(classes),
        rows=_rows(classes, counts_KK) if len(classes) <= FOLDED_UP_TO else (),
        columns=tuple(counts_KK.sum(axis=0).tolist()),
        total=int(counts_KK.sum()),
        pairs=pairs,
        pairs_in_all=len(confused),
        folded=len(classes) > OPEN_UP_TO,
    )


def _rows(
    classes: Sequence[str], counts_KK: np.ndarray[tuple[int, int], np.dtype[np.int64]]
) -> tuple[Row, ...]:
    return tuple(
        Row(
            name,
            tuple(
                Cell(count, count / max(1, sum(counts)), number == column)
                for column, count in enumerate(counts)
            ),
            sum(counts),
        )
        for number, (name, counts) in enumerate(zip(classes, counts_KK.tolist(), strict=True))
    )
