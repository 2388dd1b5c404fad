"""One affine map in words: what it does to a picture, as a person who looks at the view would tell it.

How such a map comes about and is carried out is ``pictures.augment``'s business.
"""

from math import atan2, degrees, hypot

from pellucid.pictures.augment.affine import Affine, Frame
from pellucid.pictures.augment.transform import percent

_LEAST = 0.05  # degrees and pixels: less is not seen
_ALIKE = 0.002  # a share


def told(placed: Affine, taken: Frame, given: Frame) -> str:
    """``mirrored, turned left by 14 degrees, zoomed out by 11 %, its middle moved 3 pixels right``.

    The map leads from the view to the picture, so the picture is changed by its inverse P. P is taken apart
    into a mirroring M, a shear and a zoom Z (upper triangular), and a turn R: P = R Z M.

    Args:
        placed: From a place in the view to the place in the picture that is shown there.
        taken: (height, width) of the picture.
        given: (height, width) of the view.
    """
    a, b, c, d, e, f = placed
    area = a * e - b * d
    if area == 0:
        return "all of the view shows one line of the picture"
    # The inverse, by Cramer's rule; columns of x and y.
    xx, xy, yx, yy = e / area, -b / area, -d / area, a / area
    mirrored = area < 0
    if mirrored:
        xx, yx = -xx, -yx
    across = hypot(xx, yx)
    slant = (xx * xy + yx * yy) / across
    down = (xx * yy - xy * yx) / across
    turn = -degrees(atan2(yx, xx))  # rows are counted downwards
    middle_x, middle_y = (taken[1] - 1) / 2 - c, (taken[0] - 1) / 2 - f
    right = (e * middle_x - b * middle_y) / area - (given[1] - 1) / 2
    low = (a * middle_y - d * middle_x) / area - (given[0] - 1) / 2
    parts = [
        *_turned(mirrored, turn),
        *_zoomed(across, down),
        f"sheared by {abs(100 * slant / down):.0f} %" if abs(slant / down) >= 0.005 else "",
        _moved(right, low),
    ]
    return ", ".join(part for part in parts if part) or "as it is"


def _turned(mirrored: bool, turn: float) -> list[str]:
    if mirrored and abs(abs(turn) - 180) < _LEAST:
        return ["mirrored top to bottom"]
    way = "left" if turn > 0 else "right"
    return [
        "mirrored" if mirrored else "",
        f"turned {way} by {_rounded(abs(turn))} degrees" if abs(turn) >= _LEAST else "",
    ]


def _zoomed(across: float, down: float) -> list[str]:
    """By how much more or less of the picture is seen, as the transforms themselves tell what they drew."""
    if abs(across / down - 1) < _ALIKE:
        return [_zoom(1 / across - 1, "")]
    return [_zoom(1 / down - 1, " in height"), _zoom(1 / across - 1, " in width")]


def _zoom(more: float, which: str) -> str:
    way = "out" if more > 0 else "in"
    return f"zoomed {way} by {percent(more)}{which}" if abs(more) >= _ALIKE else ""


def _moved(right: float, low: float) -> str:
    parts = [
        f"{_rounded(abs(low))} {'down' if low > 0 else 'up'}" if abs(low) >= _LEAST else "",
        f"{_rounded(abs(right))} {'right' if right > 0 else 'left'}" if abs(right) >= _LEAST else "",
    ]
    moved = " and ".join(part for part in parts if part)
    return f"its middle moved by pixels: {moved}" if moved else ""


def _rounded(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")
