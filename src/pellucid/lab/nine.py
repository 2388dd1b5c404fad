"""The lecture's worked example as data: the nine, its other tails, the filters, and where the slides err.

What comes out of them is computed by ``lab.filters``, never stored.
"""

from dataclasses import dataclass

Grid = tuple[tuple[int, ...], ...]
"""Rows of numbers."""

PAPER, INK = -1, 1


def _drawn(*rows: str) -> Grid:
    return tuple(tuple(INK if letter == "#" else PAPER for letter in row) for row in rows)


NINE = _drawn(".###.", ".#.#.", ".###.", "...#.", "...#.", "..#..", ".#...")

_POOLED = ((5, 1, 3, 4), (8, 2, 9, 2), (1, 3, 0, 1), (2, 2, 2, 0))


@dataclass(frozen=True)
class Example:
    """A picture to begin with.

    Attributes:
        name: Its name in the page's address.
        title: What it is called on the page.
        grid: Its numbers.
        settings: What else the page sets when it is chosen.
    """

    name: str
    title: str
    grid: Grid
    settings: tuple[tuple[str, str | int], ...] = ()


EXAMPLES: tuple[Example, ...] = (
    Example("nine", "The lecture's nine", NINE),
    Example(
        "straight",
        "Variation 1: a straight tail",
        (*NINE[:5], *_drawn("...#.", "...#.")),
    ),
    Example(
        "hooked",
        "Variation 2: a hooked tail",
        (*NINE[:5], *_drawn(".#.#.", ".###.")),
    ),
    Example(
        "roomy",
        "The nine on larger paper",
        (
            *(((PAPER,) * 9,) * 2),
            *((PAPER, PAPER, *row, PAPER, PAPER) for row in NINE),
            *(((PAPER,) * 9,) * 2),
        ),
    ),
    Example(
        "numbers",
        "The lecture's numbers for pooling",
        _POOLED,
        (("filter", "own"), ("padding", "same"), ("take", "sum"), ("window", 2), ("poolstep", 2)),
    ),
)


@dataclass(frozen=True)
class Filter:
    """A filter of the lecture, at the lecture's size 3 and the same idea at size 5."""

    name: str
    title: str
    small: Grid
    large: Grid


FILTERS: tuple[Filter, ...] = (
    Filter(
        "loopy",
        "Loopy pattern",
        _drawn("###", "#.#", "###"),
        _drawn("#####", "#...#", "#...#", "#...#", "#####"),
    ),
    Filter(
        "vertical",
        "Vertical line",
        _drawn(*(".#.",) * 3),
        _drawn(*("..#..",) * 5),
    ),
    Filter(
        "diagonal",
        "Diagonal line",
        _drawn("..#", ".#.", "#.."),
        _drawn("....#", "...#.", "..#..", ".#...", "#...."),
    ),
)

IDENTITY: Grid = ((0, 0, 0), (0, 1, 0), (0, 0, 0))
"""A filter that leaves a picture as it is; an own filter begins with it."""

ERRATA: dict[tuple[int, int], str] = {
    (1, 0): "The slides print -0.55 here: they cut -0.5556, which rounds to -0.56.",
    (3, 0): "The slides print -0.22 here. It is -5/9 = -0.56.",
    (3, 2): "The slides print -0.22 here. It is -5/9 = -0.56.",
    (4, 1): "The slides leave this cell out. It is -5/9 = -0.56.",
}
"""(row, column) of the loopy feature map of the nine -> what the lecture's slides have there."""
