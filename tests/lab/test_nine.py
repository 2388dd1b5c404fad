"""The lecture's example as data: what FACTS.md prints, and that each example can be drawn."""

import numpy as np

from pellucid.lab.nine import ERRATA, EXAMPLES, FILTERS, IDENTITY, NINE

DECK = """
-1  1  1  1 -1
-1  1 -1  1 -1
-1  1  1  1 -1
-1 -1 -1  1 -1
-1 -1 -1  1 -1
-1 -1  1 -1 -1
-1  1 -1 -1 -1
"""


def test_the_nine_is_the_lectures() -> None:
    """Seven rows of five, as the slides have them."""
    assert list(NINE) == [tuple(map(int, line.split())) for line in DECK.strip().splitlines()]


def test_the_filters_are_the_lectures() -> None:
    """Loopy, vertical, diagonal at size 3; at size 5 the same idea, square."""
    assert [one.small for one in FILTERS] == [
        ((1, 1, 1), (1, -1, 1), (1, 1, 1)),
        ((-1, 1, -1),) * 3,
        ((-1, -1, 1), (-1, 1, -1), (1, -1, -1)),
    ]
    assert {np.shape(one.large) for one in FILTERS} == {(5, 5)}
    assert np.shape(IDENTITY) == (3, 3)


def test_each_example_is_even_and_the_tails_keep_the_loop() -> None:
    """Rows are of one length; the variations differ from the nine in their last two rows only."""
    by_name = {one.name: one.grid for one in EXAMPLES}
    assert all(len({len(row) for row in grid}) == 1 for grid in by_name.values())
    for name in ("straight", "hooked"):
        assert by_name[name][:5] == NINE[:5]
        assert by_name[name][5:] != NINE[5:]
    assert tuple(row[2:7] for row in by_name["roomy"][2:9]) == NINE


def test_the_errata_stand_where_the_slides_err() -> None:
    """The cells of FACTS.md: -0.55 for -0.56, -0.22 twice, and the one left out."""
    assert set(ERRATA) == {(1, 0), (3, 0), (3, 2), (4, 1)}
    assert all("-0.56" in text for text in ERRATA.values())
