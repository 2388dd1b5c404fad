"""One affine warp of a picture: whole shifts are copied, everything else is interpolated once.

Which map it is, ``plan`` composes from what the transforms drew.
"""

from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from pellucid.pictures.augment.affine import Affine, Frame

FillMode = Literal["reflect", "wrap", "constant", "nearest"]
FILL_MODES: tuple[FillMode, ...] = get_args(FillMode)

_BORDERS: dict[FillMode, int] = {
    "reflect": cv2.BORDER_REFLECT,  # d c b a | a b c d | d c b a
    "wrap": cv2.BORDER_WRAP,  # a b c d | a b c d | a b c d
    "constant": cv2.BORDER_CONSTANT,  # k k k k | a b c d | k k k k
    "nearest": cv2.BORDER_REPLICATE,  # a a a a | a b c d | d d d d
}
_LINEAR = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def warp(
    pixels_HWC: NDArray[np.uint8],
    placed: Affine,
    given: Frame,
    fill_mode: FillMode = "reflect",
    fill_value: float = 0.0,
) -> NDArray[np.uint8]:
    """What a map shows of a picture.

    Args:
        pixels_HWC: uint8 (H, W, 1 or 3), neither side above 32,767, which is as far as OpenCV counts.
        placed: From the output to the picture.
        given: (height, width) of the output.
        fill_mode: What lies beyond the edges, as Keras has it.
        fill_value: The value there, 0..255, where the mode is ``constant``.

    Returns:
        uint8 (given height, given width, channels), in memory of its own.
    """
    shift = placed.shift()
    if shift is not None:
        return _shifted(pixels_HWC, shift, given, fill_mode, fill_value)
    warped = cv2.warpAffine(
        np.ascontiguousarray(pixels_HWC),
        np.array((placed[:3], placed[3:])),
        (given[1], given[0]),
        flags=_LINEAR,
        borderMode=_BORDERS[fill_mode],
        borderValue=(fill_value, fill_value, fill_value),
    )
    return _with_channels(warped)


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
    """OpenCV drops the axis of a single channel."""
    return pixels if pixels.ndim == 3 else pixels[:, :, None]
