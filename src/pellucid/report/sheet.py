"""Pictures and views of them on one PNG, with what was drawn under each; ``views`` makes them."""

import io
import textwrap
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pellucid.errors import printable
from pellucid.report import wording
from pellucid.report.views import Row

TILE = 160  # pixels a side
GAP = 8
ACROSS = 8  # views beside a picture; more go under them
_LINE = 14
_LETTERS = 27  # a line of a caption
_LINES = 9
_PAPER, _INK, _QUIET = (255, 255, 255), (27, 30, 34), (89, 97, 106)

Tile = tuple[NDArray[np.uint8], str]


def sheet(rows: Sequence[Row]) -> bytes:
    """The PNG: a row of tiles for each picture, the picture first, on white paper."""
    walls = [(printable(f"{row.path}  ({row.label})"), _lines_of(row)) for row in rows]
    widest = max((len(line) for _, wall in walls for line in wall), default=1)
    width = GAP + widest * (TILE + GAP)
    height = GAP + sum(_LINE + GAP + sum(_height(line) for line in wall) for _, wall in walls)
    paper = Image.new("RGB", (width, height), _PAPER)
    draw, font = ImageDraw.Draw(paper), ImageFont.load_default(11)
    top = GAP
    for title, wall in walls:
        draw.text((GAP, top), _fitting(title, width), _INK, font)
        top += _LINE + GAP
        for line in wall:
            for column, (pixels_HWC, words) in enumerate(line):
                left = GAP + column * (TILE + GAP)
                paper.paste(_tile(pixels_HWC), (left, top))
                draw.multiline_text((left, top + TILE + 2), _caption(words), _QUIET, font, spacing=1)
            top += _height(line)
    file = io.BytesIO()
    paper.save(file, "PNG", optimize=True)
    return file.getvalue()


def _lines_of(row: Row) -> list[list[Tile]]:
    views: list[Tile] = [(view.pixels_HWC, view.said) for view in row.views]
    first: list[Tile] = [(row.pixels_HWC, "the picture"), *views[:ACROSS]]
    rest = views[ACROSS:]
    return [first, *(rest[start : start + ACROSS + 1] for start in range(0, len(rest), ACROSS + 1))]


def _height(line: Sequence[Tile]) -> int:
    return TILE + max(_caption(words).count("\n") + 1 for _, words in line) * _LINE + 2 * GAP


def _caption(words: str) -> str:
    # A number stays with its unit: textwrap breaks at plain spaces only.
    lines = textwrap.wrap(words.replace(" %", f"{wording.NO_BREAK}%"), _LETTERS)
    return "\n".join(lines if len(lines) <= _LINES else [*lines[: _LINES - 1], "..."])


def _fitting(title: str, width: int) -> str:
    letters = (width - 2 * GAP) // 7
    return title if len(title) <= letters else f"{title[: letters - 3]}..."


def _tile(pixels_HWC: NDArray[np.uint8]) -> Image.Image:
    """The picture at the tile's size; a small one shows its pixels as squares."""
    image = Image.fromarray(pixels_HWC)
    scale = TILE / max(image.size)
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    return image.resize(size, Image.Resampling.NEAREST if scale > 2 else Image.Resampling.BILINEAR)
