"""One affine warp of a picture: whole shifts are copied, everything else is interpolated once.

Which map it is, ``plan`` composes from what the transforms drew.
"""

from math import hypot
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid.pictures.augment.affine import IDENTITY, Affine, Frame, resize

FillMode = Literal["reflect", "wrap", "constant", "nearest"]
FILL_MODES: tuple[FillMode, ...] = get_args(FillMode)

_BORDERS: dict[FillMode, int] = {
    "reflect": cv2.BORDER_REFLECT,  # d c b a | a b c d | d c b a
    "wrap": cv2.BORDER_WRAP,  # a b c d | a b c d | a b c d
    "constant": cv2.BORDER_CONSTANT,  # k k k k | a b c d | k k k k
    "nearest": cv2.BORDER_REPLICATE,  # a a a a | a b c d | d d d d
}
_LINEAR = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
_LONGEST = 32_000  # OpenCV counts the pixels of a side in 16 bits
_REDUCING_GAP = 3.0  # as in ``preprocess``, so that both bring a picture to the same pixels


def warp(
    pixels_HWC: NDArray[np.uint8],
    size: Frame,
    placed: Affine,
    given: Frame,
    fill_mode: FillMode = "reflect",
    fill_value: float = 0.0,
) -> NDArray[np.uint8]:
    """What a map shows of a picture that is brought to a size.

    Both happen in one interpolation. Only where the picture is larger than it will be shown is it first
    shrunk to that scale, by Pillow's antialiased filter as ``Preprocess`` does it; so a zoom into a large
    picture shows detail that the picture has, and no zoom gives what ``Preprocess`` gives.

    Args:
        pixels_HWC: uint8 (H, W, 1 or 3).
        size: (height, width) that the picture is squashed to, in whose pixels the map counts.
        placed: From the output to the picture of that size.
        given: (height, width) of the output.
        fill_mode: What lies beyond the edges, as Keras has it.
        fill_value: The value there, 0..255, where the mode is ``constant``.

    Returns:
        uint8 (given height, given width, channels), in memory of its own.
    """
    source: Frame = (pixels_HWC.shape[0], pixels_HWC.shape[1])
    shift = placed.shift()
    if shift == (0, 0) and given == size:
        return _resized(pixels_HWC, size)
    if shift and source == size:
        return _shifted(pixels_HWC, shift, given, fill_mode, fill_value)
    shrunk = source if source == size and max(source) <= _LONGEST else _enough(source, size, placed)
    pixels_HWC = np.ascontiguousarray(pixels_HWC) if shrunk == source else _resized(pixels_HWC, shrunk)
    base = IDENTITY if shrunk == size else resize(shrunk, size)
    a, b, c, d, e, f = base.after(placed)
    warped = cv2.warpAffine(
        pixels_HWC,
        np.array(((a, b, c), (d, e, f))),
        (given[1], given[0]),
        flags=_LINEAR,
        borderMode=_BORDERS[fill_mode],
        borderValue=(fill_value, fill_value, fill_value),
    )
    return _with_channels(warped)


def _enough(source: Frame, size: Frame, placed: Affine) -> Frame:
    """The size at which a picture holds all that will be seen of it, and no more than it has."""
    steps = hypot(placed.b, placed.e), hypot(placed.a, placed.d)  # rows and columns a pixel of the output
    wanted = []
    for length, base, step in zip(source, size, steps, strict=True):
        # Where the picture is not larger than its size, a zoom out is left to the one interpolation.
        scale = max(length / base, 1.0) * min(step, 1.0)
        wanted.append(min(round(length / scale) if scale > 1 else length, _LONGEST))
    return wanted[0], wanted[1]


def _resized(pixels_HWC: NDArray[np.uint8], size: Frame) -> NDArray[np.uint8]:
    """The whole picture at another size, by the filter of ``Preprocess``; a copy where it has that size."""
    if pixels_HWC.shape[:2] == size:
        return pixels_HWC.copy()
    flat = pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC
    image = Image.fromarray(np.ascontiguousarray(flat))
    resized = image.resize((size[1], size[0]), Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)
    return _with_channels(np.array(resized))


def _shifted(
    pixels_HWC: NDArray[np.uint8], shift: Frame, given: Frame, fill_mode: FillMode, fill_value: float
) -> NDArray[np.uint8]:
    """A window that begins so many rows and columns into the picture, or before it."""
    height, width = pixels_HWC.shape[:2]
    (top, left), (bottom, right) = shift, (shift[0] + given[0], shift[1] + given[1])
    if top >= 0 and left >= 0 and bottom <= height and right <= width:
        return pixels_HWC[top:bottom, left:right].copy()
    above, below = max(-top, 0), max(bottom - height, 0)
    before, behind = max(-left, 0), max(right - width, 0)
    widened = cv2.copyMakeBorder(
        np.ascontiguousarray(pixels_HWC),
        above,
        below,
        before,
        behind,
        _BORDERS[fill_mode],
        value=(fill_value, fill_value, fill_value),
    )
    top, left = top + above, left + before
    return _with_channels(np.ascontiguousarray(widened[top : top + given[0], left : left + given[1]]))


def _with_channels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """OpenCV and Pillow drop the axis of a single channel."""
    return pixels if pixels.ndim == 3 else pixels[:, :, None]
