"""Kernels, and the patches that excite channels, as a PNG: squares with their numbers on white paper."""

import io
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pellucid.errors import printable
from pellucid.insight.filters.kernels import Kernels
from pellucid.insight.filters.patches import Excitement

TILE = 72
_GAP, _LINE, _SIDE, _HEAD, _EDGE = 6, 16, 96, 40, 14
_PAPER, _INK, _QUIET = (255, 255, 255), (27, 30, 34), (89, 97, 106)
_ACROSS = 12
# Purple below 0, orange above it, white between (ColorBrewer's PuOr): the colour-blind can tell them apart.
_AGAINST, _MIDDLE, _FOR = (84, 39, 136), (247, 247, 247), (179, 88, 6)


def kernel_sheet(kernels: Kernels) -> bytes:
    """The PNG of the kernels, in rows of twelve, each with its number."""
    pictures_OHWC = kernels.pictures()
    colours = pictures_OHWC.shape[3] == 3
    tiles = [_coloured(one_HWC) for one_HWC in pictures_OHWC]
    lines = math.ceil(len(tiles) / _ACROSS)
    across = min(len(tiles), _ACROSS)
    width = max(2 * _EDGE + across * (TILE + _GAP), 420)
    paper = Image.new("RGB", (width, _HEAD + lines * (TILE + _LINE + _GAP) + _EDGE), _PAPER)
    _, height, wide, channels = kernels.weight_OHWI.shape
    said = "red, green and blue as they are weighed; grey is 0" if colours else "orange above 0, purple below"
    under = f"{len(tiles)} kernels of {height} x {wide} x {channels}: {said}; each to its own largest"
    draw = _headed(paper, f"The kernels of {kernels.layer}", under)
    for number, tile in enumerate(tiles):
        left = _EDGE + number % _ACROSS * (TILE + _GAP)
        top = _HEAD + number // _ACROSS * (TILE + _LINE + _GAP)
        paper.paste(_square(tile), (left, top))
        draw.text((left, top + TILE + 1), str(number), _QUIET, _font(11))
    return _png(paper)


def patch_sheet(found: Excitement) -> bytes:
    """The PNG of the patches: a row for each channel, the strongest first, each with its number."""
    most = max((len(one.patches) for one in found.channels), default=0)
    width = max(2 * _EDGE + _SIDE + most * (TILE + _GAP), 460)
    paper = Image.new("RGB", (width, _HEAD + len(found.channels) * (TILE + _LINE + _GAP) + _EDGE), _PAPER)
    under = (
        f"of {found.pictures:,} pictures, the patches that excite each channel most, and its numbers there"
    )
    draw = _headed(paper, f"What excites {found.layer.name}", under)
    for line, channel in enumerate(found.channels):
        top = _HEAD + line * (TILE + _LINE + _GAP)
        draw.text((_EDGE, top + 2), f"channel {channel.channel}", _INK, _font(13))
        if not channel.patches:
            draw.text((_EDGE, top + 22), "nothing does", _QUIET, _font(11))
        for place, patch in enumerate(channel.patches):
            left = _EDGE + _SIDE + place * (TILE + _GAP)
            paper.paste(_square(patch.pixels_HWC), (left, top))
            draw.text((left, top + TILE + 1), f"{patch.value:.3g}", _QUIET, _font(11))
    return _png(paper)


def _headed(paper: Image.Image, title: str, under: str) -> ImageDraw.ImageDraw:
    draw = ImageDraw.Draw(paper)
    draw.text((_EDGE, 4), printable(title), _INK, _font(14))
    draw.text((_EDGE, 22), under, _QUIET, _font(11))
    return draw


def _coloured(picture_HWC: NDArray[np.float64]) -> NDArray[np.uint8]:
    """0..1 as colours: of three channels their own, of one from purple over white to orange."""
    if picture_HWC.shape[2] == 3:
        return np.asarray(np.rint(255 * picture_HWC), np.uint8)
    share_HW = 2 * picture_HWC[:, :, 0] - 1
    ends = np.where(share_HW[:, :, None] < 0, _AGAINST, _FOR)
    mixed_HWC = _MIDDLE + np.abs(share_HW)[:, :, None] * (ends - np.array(_MIDDLE))
    return np.asarray(np.rint(mixed_HWC), np.uint8)


def _square(pixels_HWC: NDArray[np.uint8]) -> Image.Image:
    """At the tile's size, its aspect kept; few pixels are shown as squares."""
    image = Image.fromarray(pixels_HWC)
    scale = TILE / max(image.size)
    size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    small = image.resize(size, Image.Resampling.NEAREST if scale > 2 else Image.Resampling.BILINEAR)
    tile = Image.new("RGB", (TILE, TILE), _PAPER)
    tile.paste(small, ((TILE - size[0]) // 2, (TILE - size[1]) // 2))
    return tile


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _png(paper: Image.Image) -> bytes:
    file = io.BytesIO()
    paper.save(file, "PNG", optimize=True)
    return file.getvalue()
