"""The transforms that move pixels, each as an affine map with Keras' meaning of its factors.

None of them touches a pixel: ``plan`` composes the maps of all, and ``warp`` carries out what results.
"""

from dataclasses import dataclass, field
from math import floor, sqrt
from typing import Literal, get_args

from pellucid.pictures.augment.affine import Affine, Frame, about_centre, rotation
from pellucid.pictures.augment.chance import Lot
from pellucid.pictures.augment.factor import Factor, Limits, Span, between, bounds, check_whole, check_word
from pellucid.pictures.augment.transform import Numbers, Transform, joined, percent

FlipMode = Literal["horizontal", "vertical", "horizontal_and_vertical"]

_LARGEST = 4096
_EITHER_WAY = Limits(-1.0, 1.0)
_ZOOMS = Limits(-1.0, 1.0, open_below=True)
_SHEARS = Limits(0.0, 1.0)
_AREAS = Limits(0.0, 1.0, "from nought", open_below=True)
_RATIOS = Limits(0.0, 100.0, "from nought", open_below=True)


@dataclass(frozen=True)
class RandomFlip(Transform):
    """Mirrored with probability 1/2, in each direction that the mode names.

    Keras throws one coin for ``horizontal_and_vertical`` and so turns half of the pictures upside down and
    mirrors none; here each direction has a coin of its own.
    """

    mode: FlipMode = "horizontal_and_vertical"

    def __post_init__(self) -> None:
        check_word("mode of RandomFlip", self.mode, get_args(FlipMode))

    def draw(self, lot: Lot) -> Numbers:
        """``horizontal`` and ``vertical``: whether it is mirrored that way."""
        return {
            "horizontal": self.mode != "vertical" and lot.shares[0] < 0.5,
            "vertical": self.mode != "horizontal" and lot.shares[1] < 0.5,
        }

    def place(self, numbers: Numbers, frame: Frame) -> tuple[Affine, Frame]:
        """Columns or rows counted from the other edge."""
        across, down = -1 if numbers["horizontal"] else 1, -1 if numbers["vertical"] else 1
        return about_centre(frame, across, 0, 0, down), frame

    def said(self, numbers: Numbers) -> str:
        """``mirrored``, ``upside down``."""
        return joined(
            "mirrored" if numbers["horizontal"] else "",
            "mirrored top to bottom" if numbers["vertical"] else "",
        )


@dataclass(frozen=True)
class RandomRotation(Transform):
    """Turned about the middle by a share of a full turn; positive is counter-clockwise.

    Attributes:
        factor: 0.1 draws from -36 to 36 degrees; (lower, upper) from that range; -1..1.
    """

    factor: Factor
    _range: Span = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "0.1 turns by at most 36 degrees either way."
        object.__setattr__(self, "_range", bounds(self, "factor", self.factor, _EITHER_WAY, advice))

    def draw(self, lot: Lot) -> Numbers:
        """``turn``: the share of a full turn."""
        return {"turn": between(self._range, lot.shares[0])}

    def place(self, numbers: Numbers, frame: Frame) -> tuple[Affine, Frame]:
        """A rotation about the middle."""
        return rotation(frame, float(numbers["turn"])), frame

    def said(self, numbers: Numbers) -> str:
        """``turned left by 12 degrees``."""
        degrees = 360 * float(numbers["turn"])
        shown = f"{abs(degrees):.0f}" if abs(degrees) >= 1.95 else f"{abs(degrees):.1f}"
        return f"turned {'left' if degrees > 0 else 'right'} by {shown} degrees" if degrees else ""


@dataclass(frozen=True)
class RandomZoom(Transform):
    """Zoomed about the middle. As in Keras, positive zooms out and negative zooms in.

    Attributes:
        height_factor: 0.2 draws from -20 % to 20 %; (lower, upper) from that range; above -1, at most 1.
        width_factor: The same for the width; None keeps the aspect.
    """

    height_factor: Factor
    width_factor: Factor | None = None
    _height: Span = field(init=False, repr=False, compare=False)
    _width: Span | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "0.2 zooms in or out by at most 20 %."
        height = bounds(self, "height_factor", self.height_factor, _ZOOMS, advice)
        width = (
            None
            if self.width_factor is None
            else bounds(self, "width_factor", self.width_factor, _ZOOMS, advice)
        )
        object.__setattr__(self, "_height", height)
        object.__setattr__(self, "_width", width)

    def draw(self, lot: Lot) -> Numbers:
        """``height`` and ``width``: 0.1 shows 1.1 times as much of the picture, -0.1 shows 0.9 times."""
        height = between(self._height, lot.shares[0])
        return {"height": height, "width": between(self._width, lot.shares[1]) if self._width else height}

    def place(self, numbers: Numbers, frame: Frame) -> tuple[Affine, Frame]:
        """A step of one pixel in the output is 1 + factor pixels in the input."""
        return about_centre(frame, 1 + float(numbers["width"]), 0, 0, 1 + float(numbers["height"])), frame

    def said(self, numbers: Numbers) -> str:
        """``zoomed in by 8 %``."""
        height, width = float(numbers["height"]), float(numbers["width"])
        if height == width:
            return _zoomed(height, "")
        return joined(_zoomed(height, " in height"), _zoomed(width, " in width"))


def _zoomed(factor: float, which: str) -> str:
    return f"zoomed {'out' if factor > 0 else 'in'} by {percent(factor)}{which}" if factor else ""


@dataclass(frozen=True)
class RandomTranslation(Transform):
    """Moved by shares of the height and the width; positive is down and right.

    Attributes:
        height_factor, width_factor: 0.2 draws from -20 % to 20 %; (lower, upper) from that range; -1..1.
    """

    height_factor: Factor
    width_factor: Factor
    _ranges: tuple[Span, Span] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "0.1 moves by at most a tenth of the picture."
        height = bounds(self, "height_factor", self.height_factor, _EITHER_WAY, advice)
        width = bounds(self, "width_factor", self.width_factor, _EITHER_WAY, advice)
        object.__setattr__(self, "_ranges", (height, width))

    def draw(self, lot: Lot) -> Numbers:
        """``height`` and ``width``: the shares."""
        return {
            "height": between(self._ranges[0], lot.shares[0]),
            "width": between(self._ranges[1], lot.shares[1]),
        }

    def place(self, numbers: Numbers, frame: Frame) -> tuple[Affine, Frame]:
        """What is shown at a place stood further up and left by the shift."""
        across, down = float(numbers["width"]) * frame[1], float(numbers["height"]) * frame[0]
        return Affine(c=-across, f=-down), frame

    def said(self, numbers: Numbers) -> str:
        """``moved 5 % down, 8 % left``."""
        height, width = float(numbers["height"]), float(numbers["width"])
        parts = joined(
            f"{percent(height)} {'down' if height > 0 else 'up'}" if height else "",
            f"{percent(width)} {'right' if width > 0 else 'left'}" if width else "",
        )
        return f"moved {parts}" if parts else ""


@dataclass(frozen=True)
class RandomShear(Transform):
    """Sheared from the upper left corner, as Keras does it.

    Attributes:
        x_factor: How far rows slide, in pixels a row: 0.3 draws from -0.3 to 0.3; (lower, upper) from that
            range, then with a sign that both factors share; 0..1.
        y_factor: The same for columns.
    """

    x_factor: Factor = 0.0
    y_factor: Factor = 0.0
    _ranges: tuple[Span, Span] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "0.1 slides each row by at most a tenth of a pixel against the one above it."
        x = bounds(self, "x_factor", self.x_factor, _SHEARS, advice)
        y = bounds(self, "y_factor", self.y_factor, _SHEARS, advice)
        object.__setattr__(self, "_ranges", (x, y))

    def draw(self, lot: Lot) -> Numbers:
        """``x`` and ``y``, with their sign."""
        sign = -1 if lot.shares[2] > 0.5 else 1
        x, y = self._ranges
        return {"x": sign * between(x, lot.shares[0]), "y": sign * between(y, lot.shares[1])}

    def place(self, numbers: Numbers, frame: Frame) -> tuple[Affine, Frame]:
        """x' = x + s y and y' = y + t x."""
        return Affine(b=float(numbers["x"]), d=float(numbers["y"])), frame

    def said(self, numbers: Numbers) -> str:
        """``sheared by 5 % along rows``."""
        x, y = float(numbers["x"]), float(numbers["y"])
        return joined(
            f"sheared by {percent(x)} along rows" if x else "",
            f"sheared by {percent(y)} along columns" if y else "",
        )


@dataclass(frozen=True)
class RandomCrop(Transform):
    """A window at a random place, in whole pixels and at the picture's own scale.

    With ``padding`` the picture is first continued on all sides by the fill mode; a window of its own size
    is then a random shift. Where the window does not fit, the largest one of its aspect is taken from the
    middle and brought to size, as Keras documents it.

    Attributes:
        height, width: Of the window and of what comes out, 1..4096; None is the picture's own.
        padding: Pixels on each side, 0..4096.
    """

    height: int | None = None
    width: int | None = None
    padding: int = 0

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            if getattr(self, name) is not None:
                check_whole(self, name, getattr(self, name), 1, _LARGEST, "None keeps the picture's own.")
        check_whole(self, "padding", self.padding, 0, _LARGEST, "4 is usual for pictures of 32 pixels.")

    def draw(self, lot: Lot) -> Numbers:
        """``top`` and ``left``: where the window stands among all places, as shares 0 <= u < 1."""
        return {"top": lot.shares[0], "left": lot.shares[1]}

    def place(self, numbers: Numbers, frame: Frame) -> tuple[Affine, Frame]:
        """A shift by whole pixels; see the class for a window that does not fit."""
        height, width = self.height or frame[0], self.width or frame[1]
        down, across = frame[0] + 2 * self.padding - height, frame[1] + 2 * self.padding - width
        if min(down, across) >= 0:
            top = floor(float(numbers["top"]) * (down + 1)) - self.padding
            left = floor(float(numbers["left"]) * (across + 1)) - self.padding
            return Affine(c=left, f=top), (height, width)
        step = min(frame[0] / height, frame[1] / width)
        return _about_middles(frame, (height, width), step, step), (height, width)

    def said(self, numbers: Numbers) -> str:
        """Where the window stands; how far that moves the picture depends on its size."""
        window = "" if self.height is None and self.width is None else f"{self.height or 'full'} x "
        window += "" if not window else f"{self.width or 'full'} window "
        top, left = float(numbers["top"]), float(numbers["left"])
        if window:
            return (
                f"{window}at {100 * top:.0f} % from the top, {100 * left:.0f} % from the left, where it fits"
            )
        if not self.padding:
            return ""
        steps = 2 * self.padding + 1
        down, right = self.padding - floor(top * steps), self.padding - floor(left * steps)
        parts = joined(
            f"{_pixels(down)} {'down' if down > 0 else 'up'}" if down else "",
            f"{_pixels(right)} {'right' if right > 0 else 'left'}" if right else "",
        )
        return f"moved {parts}" if parts else ""


def _pixels(number: int) -> str:
    return f"{abs(number)} pixel" if abs(number) == 1 else f"{abs(number)} pixels"


def _about_middles(taken: Frame, given: Frame, across: float, down: float) -> Affine:
    """A scaling that puts the middle of a picture of size ``taken`` upon the middle of one of ``given``."""
    y, x = (taken[0] - 1) / 2, (taken[1] - 1) / 2
    return Affine(across, 0.0, x - across * (given[1] - 1) / 2, 0.0, down, y - down * (given[0] - 1) / 2)


@dataclass(frozen=True)
class RandomResizedCrop(Transform):
    """A window of random area, aspect and place, brought back to the picture's size (KerasCV's layer).

    Attributes:
        crop_area_factor: Shares of the picture's area, above 0 and at most 1; one number is (0, number).
        aspect_ratio_factor: How much wider than the picture the window is, above 0 and at most 100.
    """

    crop_area_factor: Factor = (0.08, 1.0)
    aspect_ratio_factor: Factor = (3 / 4, 4 / 3)
    _ranges: tuple[Span, Span] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "(0.5, 1) shows at least half of the picture."
        area = bounds(self, "crop_area_factor", self.crop_area_factor, _AREAS, advice)
        advice = "(0.75, 1.33) is usual."
        ratio = bounds(self, "aspect_ratio_factor", self.aspect_ratio_factor, _RATIOS, advice)
        object.__setattr__(self, "_ranges", (area, ratio))

    def draw(self, lot: Lot) -> Numbers:
        """``height`` and ``width`` of the window and ``top`` and ``left`` of its place, as shares."""
        areas, (low, high) = self._ranges
        area = max(between(areas, lot.shares[0]), 1e-6)
        # Uniform in the logarithm, so that 3/4 and 4/3 are equally likely.
        low = max(low, 1e-3)
        ratio = low * (max(high, low) / low) ** lot.shares[1]
        height, width = min(sqrt(area / ratio), 1.0), min(sqrt(area * ratio), 1.0)
        return {"height": height, "width": width, "top": lot.shares[2], "left": lot.shares[3]}

    def place(self, numbers: Numbers, frame: Frame) -> tuple[Affine, Frame]:
        """The window's edges become the picture's."""
        down, across = float(numbers["height"]), float(numbers["width"])
        top = float(numbers["top"]) * (1 - down) * frame[0]
        left = float(numbers["left"]) * (1 - across) * frame[1]
        return Affine(across, 0.0, left + (across - 1) / 2, 0.0, down, top + (down - 1) / 2), frame

    def said(self, numbers: Numbers) -> str:
        """``a window of 70 % of the height and 80 % of the width``."""
        height, width = float(numbers["height"]), float(numbers["width"])
        if height == width == 1:
            return ""
        return f"a window of {percent(height)} of the height and {percent(width)} of the width"
