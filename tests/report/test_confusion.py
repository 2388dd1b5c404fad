"""The confusion matrix laid out."""

import numpy as np
import pytest

from pellucid.report.confusion import FOLDED_UP_TO, OPEN_UP_TO, confusion


def test_the_counts_add_up() -> None:
    """Rows, columns and the whole have the totals of their cells, and shares are of the row."""
    laid = confusion(["a", "b", "c"], [[5, 1, 0], [0, 0, 0], [2, 0, 3]])
    assert [row.total for row in laid.rows] == [6, 0, 5]
    assert laid.columns == (7, 1, 3)
    assert laid.total == sum(laid.columns) == sum(row.total for row in laid.rows) == 11
    assert [cell.share for cell in laid.rows[0].cells] == pytest.approx([5 / 6, 1 / 6, 0])
    assert [cell.share for cell in laid.rows[1].cells] == [0, 0, 0]
    assert [[cell.right for cell in row.cells] for row in laid.rows] == np.eye(3, dtype=bool).tolist()


def test_the_most_confused_pairs_come_first() -> None:
    """More pictures first; of as many, the larger share of its class; the diagonal is no confusion."""
    laid = confusion(["a", "b", "c"], [[90, 2, 0], [3, 9, 0], [2, 0, 1]])
    assert [(pair.truth, pair.said, pair.count, pair.total) for pair in laid.pairs] == [
        ("b", "a", 3, 12),
        ("c", "a", 2, 3),
        ("a", "b", 2, 92),
    ]


@pytest.mark.parametrize(
    ("classes", "rows", "folded"),
    [
        (2, 2, False),
        (OPEN_UP_TO, OPEN_UP_TO, False),
        (OPEN_UP_TO + 1, OPEN_UP_TO + 1, True),
        (FOLDED_UP_TO + 1, 0, True),
    ],
)
def test_a_large_matrix_is_folded_and_a_huge_one_left_out(classes: int, rows: int, folded: bool) -> None:
    """Up to 20 classes it is open, up to 100 folded, above that only its pairs are there."""
    laid = confusion([str(number) for number in range(classes)], np.ones((classes, classes), int).tolist())
    assert (len(laid.rows), laid.folded) == (rows, folded)
    assert laid.pairs_in_all == classes * (classes - 1)
    assert len(laid.pairs) == min(15, laid.pairs_in_all)
