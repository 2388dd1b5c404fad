"""The transforms that change values and leave pixels where they are, with Keras' meaning of each factor.

Grey pictures have no saturation and no hue, so the transforms of these leave them alone.
"""

from dataclasses import dataclass, field
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from pellucid.pictures.augment.chance import Lot
from pellucid.pictures.augment.factor import Factor, Limits, Span, between, bounds, check_number
from pellucid.pictures.augment.transform import Numbers, Transform, percent

_EITHER_WAY = Limits(-1.0, 1.0)
_SYMMETRIC = Limits(0.0, 1.0)
_SHARES = Limits(0.0, 1.0, "from nought")
_LEVELS = np.arange(256, dtype=np.float64)
_UNCHANGED = 0.5  # Keras' saturation that changes nothing


@dataclass(frozen=True)
class RandomBrightness(Transform):
    """Brighter or darker by a share of the range of values.

    Attributes:
        factor: 0.2 draws from -0.2 to 0.2, which are 51 of 255 levels; (lower, upper) from that range; -1
            is black and 1 white.
    """

    factor: Factor
    _range: Span = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "0.2 adds or takes at most a fifth of the range."
        object.__setattr__(self, "_range", bounds(self, "factor", self.factor, _EITHER_WAY, advice))

    def draw(self, lot: Lot) -> Numbers:
        """``delta``: what is added, as a share of 255."""
        return {"delta": between(self._range, lot.shares[0])}

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """x + 255 delta, cut to 0..255."""
        return through(_LEVELS + 255 * float(numbers["delta"]), pixels_HWC)

    def said(self, numbers: Numbers) -> str:
        """``brighter by 8 %``."""
        delta = float(numbers["delta"])
        return f"{'brighter' if delta > 0 else 'darker'} by {percent(delta)}" if delta else ""


@dataclass(frozen=True)
class RandomContrast(Transform):
    """Each channel spread about its mean, or drawn together.

    Attributes:
        factor: 0.2 draws from 0.8 to 1.2; (lower, upper) from 1 - lower to 1 + upper; 0..1. That is what
            Keras documents; its release 3.15 takes one number f for 1 to 1 + f.
    """

    factor: Factor
    _range: Span = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "0.2 multiplies the contrast by 0.8 to 1.2."
        given = self.factor
        if not isinstance(given, tuple):
            _, upper = bounds(self, "factor", given, _SYMMETRIC, advice)
            given = (upper, upper)
        lower, upper = bounds(self, "factor", given, _SYMMETRIC, advice)
        object.__setattr__(self, "_range", (1 - lower, 1 + upper))

    def draw(self, lot: Lot) -> Numbers:
        """``contrast``: what distances from the mean are multiplied by."""
        return {"contrast": between(self._range, lot.shares[0])}

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(x - mean) contrast + mean for each channel, cut to 0..255."""
        means_C = np.array(cv2.mean(pixels_HWC)[: pixels_HWC.shape[2]])
        return through((_LEVELS[:, None] - means_C) * float(numbers["contrast"]) + means_C, pixels_HWC)

    def said(self, numbers: Numbers) -> str:
        """``contrast up by 8 %``."""
        change = float(numbers["contrast"]) - 1
        return f"contrast {'up' if change > 0 else 'down'} by {percent(change)}" if change else ""


@dataclass(frozen=True)
class RandomSaturation(Transform):
    """Colours made stronger or paler: HSV's saturation times factor / (1 - factor).

    Attributes:
        factor: 0.5 changes nothing, 0 takes all colour, 1 gives the most; (lower, upper) draws from that
            range, one number f from 0 to f; 0..1.
    """

    factor: Factor
    _range: Span = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "(0.4, 0.6) is gentle; 0.5 changes nothing."
        object.__setattr__(self, "_range", bounds(self, "factor", self.factor, _SHARES, advice))

    def draw(self, lot: Lot) -> Numbers:
        """``saturation``: the factor."""
        return {"saturation": between(self._range, lot.shares[0])}

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Towards or away from the largest of the three values, which stays as it is."""
        factor = float(numbers["saturation"])
        if pixels_HWC.shape[2] == 1 or factor == _UNCHANGED:
            return pixels_HWC
        hsv_HWC = _hsv(pixels_HWC)
        hsv_HWC[:, :, 1] *= factor / (1 - factor + 1e-7)
        np.minimum(hsv_HWC[:, :, 1], 1, out=hsv_HWC[:, :, 1])
        return _rgb(hsv_HWC)

    def said(self, numbers: Numbers) -> str:
        """``colours stronger``, with the factor that saturation was multiplied by."""
        factor = float(numbers["saturation"])
        if factor == _UNCHANGED:
            return ""
        return (
            f"colours {'stronger' if factor > _UNCHANGED else 'paler'} ({factor / (1 - factor + 1e-7):.2f} x)"
        )


@dataclass(frozen=True)
class RandomHue(Transform):
    """All colours turned round the colour circle, one way or the other.

    Attributes:
        factor: 1 is half of the circle, which is the most; (lower, upper) draws from that range, one number
            f from 0 to f, then with a random sign; 0..1.
    """

    factor: Factor
    _range: Span = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "0.05 turns by at most 9 degrees of the colour circle."
        object.__setattr__(self, "_range", bounds(self, "factor", self.factor, _SHARES, advice))

    def draw(self, lot: Lot) -> Numbers:
        """``hue``: the share of half the circle, with its sign."""
        drawn = between(self._range, lot.shares[0])
        return {"hue": -drawn if lot.shares[1] > 0.5 else drawn}

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """HSV's hue plus 180 degrees times the number."""
        hue = float(numbers["hue"])
        if pixels_HWC.shape[2] == 1 or hue == 0:
            return pixels_HWC
        hsv_HWC = _hsv(pixels_HWC)
        hsv_HWC[:, :, 0] = np.mod(hsv_HWC[:, :, 0] + np.float32(180 * hue), np.float32(360))
        return _rgb(hsv_HWC)

    def said(self, numbers: Numbers) -> str:
        """``hue turned by 9 degrees``."""
        degrees = 180 * float(numbers["hue"])
        return f"hue turned by {degrees:.0f} degrees" if degrees else ""


@dataclass(frozen=True)
class RandomGrayscale(Transform):
    """Without colour, in so many of all views.

    Attributes:
        factor: The probability, 0..1.
    """

    factor: float = 0.5

    def __post_init__(self) -> None:
        check_number(self, "factor", self.factor, _SHARES, "0.1 takes the colour from a tenth of the views.")

    def draw(self, lot: Lot) -> Numbers:
        """``grey``: whether the colour goes."""
        return {"grey": lot.shares[0] < self.factor}

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601) in all three channels."""
        if pixels_HWC.shape[2] == 1 or not numbers["grey"]:
            return pixels_HWC
        grey_HW = cv2.cvtColor(np.ascontiguousarray(pixels_HWC), cv2.COLOR_RGB2GRAY)
        return np.repeat(grey_HW[:, :, None], 3, axis=2)

    def said(self, numbers: Numbers) -> str:
        """``grey``."""
        return "grey" if numbers["grey"] else ""


def through(table: NDArray[np.float64], pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each value replaced by what stands in its row of a table, rounded and cut to 0..255.

    Args:
        table: (256,) for all channels, or (256, channels).
        pixels_HWC: uint8 (H, W, channels).
    """
    levels = np.rint(table).clip(0, 255).astype(np.uint8)
    if levels.ndim == 2:
        levels = levels[:, 0] if levels.shape[1] == 1 else levels[None]
    found = cv2.LUT(np.ascontiguousarray(pixels_HWC), levels)
    return cast(NDArray[np.uint8], found.reshape(pixels_HWC.shape))


def _hsv(pixels_HWC: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Hue in degrees, saturation 0..1 and value 0..1."""
    scaled_HWC = np.multiply(pixels_HWC, np.float32(1 / 255), dtype=np.float32)
    return cast(NDArray[np.float32], cv2.cvtColor(scaled_HWC, cv2.COLOR_RGB2HSV))


def _rgb(hsv_HWC: NDArray[np.float32]) -> NDArray[np.uint8]:
    rgb_HWC = cv2.cvtColor(hsv_HWC, cv2.COLOR_HSV2RGB)
    return cast(NDArray[np.uint8], np.rint(rgb_HWC * np.float32(255)).clip(0, 255).astype(np.uint8))
