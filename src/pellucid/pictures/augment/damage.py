"""The transforms that spoil a picture as cameras and networks do: noise, blur, JPEG, what is hidden."""

from dataclasses import dataclass, field
from math import ceil
from typing import cast

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from pellucid.errors import RequestError
from pellucid.pictures.augment.chance import Lot, generator
from pellucid.pictures.augment.factor import Factor, Limits, Span, between, bounds, check_number
from pellucid.pictures.augment.transform import Numbers, Transform, percent

_SHARES = Limits(0.0, 1.0, "from nought")
_SIGMAS = Limits(0.0, 10.0, "from nought")
_LEVELS = Limits(0.0, 255.0)


@dataclass(frozen=True)
class RandomGaussianNoise(Transform):
    """Noise of its own at every value.

    Attributes:
        factor: The standard deviation as a share of the range of values; (lower, upper) draws from that
            range, one number f from 0 to f; 0..1.
    """

    factor: Factor = 0.05
    _range: Span = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "0.05 has a standard deviation of at most 13 of 255."
        object.__setattr__(self, "_range", bounds(self, "factor", self.factor, _SHARES, advice))

    def draw(self, lot: Lot) -> Numbers:
        """``deviation`` as a share of 255, and ``noise``, from which the field is made."""
        return {"deviation": between(self._range, lot.shares[0]), "noise": lot.noise}

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """x + 255 deviation N(0, 1), rounded and cut to 0..255."""
        deviation = float(numbers["deviation"])
        if deviation == 0:
            return pixels_HWC
        noise_HWC = generator(int(numbers["noise"])).standard_normal(pixels_HWC.shape, np.float32)
        noise_HWC *= np.float32(255 * deviation)
        noise_HWC += pixels_HWC
        return np.rint(noise_HWC).clip(0, 255).astype(np.uint8)

    def said(self, numbers: Numbers) -> str:
        """``noise of 3 %``."""
        deviation = float(numbers["deviation"])
        return f"noise of {percent(deviation)}" if deviation else ""


@dataclass(frozen=True)
class RandomGaussianBlur(Transform):
    """Blurred by a Gaussian, in some of all views.

    Attributes:
        factor: The probability is itself drawn, as Keras does: from (lower, upper), or from 0 to one
            number; (1, 1) blurs every view.
        kernel_size: Pixels of the kernel's side, odd, 1..99.
        sigma: The standard deviations along rows and columns are drawn from (lower, upper), or from 0 to
            one number; 0..10 pixels. Edges are reflected, where Keras darkens them.
    """

    factor: Factor = 1.0
    kernel_size: int = 3
    sigma: Factor = 1.0
    _ranges: tuple[Span, Span] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        advice = "(0.2, 0.2) blurs a fifth of the views."
        factor = bounds(self, "factor", self.factor, _SHARES, advice)
        if type(self.kernel_size) is not int or self.kernel_size not in range(1, 100, 2):
            raise RequestError(
                f"RandomGaussianBlur's kernel_size is {self.kernel_size!r}.",
                "An odd whole number from 1 to 99 was expected.",
                "3 is Keras' own; larger sigmas want about six times sigma.",
            )
        sigma = bounds(self, "sigma", self.sigma, _SIGMAS, "1 is Keras' own.")
        object.__setattr__(self, "_ranges", (factor, sigma))

    def draw(self, lot: Lot) -> Numbers:
        """``blurred``: whether; ``sigma_x`` and ``sigma_y``: how much, in pixels."""
        factor, sigma = self._ranges
        return {
            "blurred": lot.shares[0] < between(factor, lot.shares[1]),
            "sigma_x": between(sigma, lot.shares[2]),
            "sigma_y": between(sigma, lot.shares[3]),
        }

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The convolution with exp(-x^2 / 2 sigma^2), whose sum is 1."""
        if not numbers["blurred"]:
            return pixels_HWC
        x, y = (
            cv2.getGaussianKernel(self.kernel_size, float(numbers[name]) + 1e-6, cv2.CV_32F)
            for name in ("sigma_x", "sigma_y")
        )
        blurred = cv2.sepFilter2D(np.ascontiguousarray(pixels_HWC), -1, x, y, borderType=cv2.BORDER_REFLECT)
        return cast(NDArray[np.uint8], blurred.reshape(pixels_HWC.shape))

    def said(self, numbers: Numbers) -> str:
        """``blurred by 0.8 pixels``."""
        if not numbers["blurred"]:
            return ""
        return f"blurred by {(float(numbers['sigma_x']) + float(numbers['sigma_y'])) / 2:.1f} pixels"


@dataclass(frozen=True)
class RandomJpegQuality(Transform):
    """Saved as a JPEG of random quality and read again.

    Attributes:
        quality: (lowest, highest), whole numbers 1..100.
    """

    quality: tuple[int, int] = (50, 95)

    def __post_init__(self) -> None:
        pair = self.quality if isinstance(self.quality, tuple) else ()
        if len(pair) != 2 or not all(type(one) is int and 1 <= one <= 100 for one in pair):
            raise RequestError(
                f"RandomJpegQuality's quality is {self.quality!r}.",
                "Two whole numbers from 1 to 100, (lowest, highest), were expected.",
                "(50, 95) is what cameras and web sites write.",
            )

    def draw(self, lot: Lot) -> Numbers:
        """``quality``, a whole number."""
        lowest, highest = sorted(self.quality)
        return {"quality": lowest + int(lot.shares[0] * (highest - lowest + 1))}

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Baseline JPEG, with its colours at half resolution as most files have them."""
        grey = pixels_HWC.shape[2] == 1
        space, subsampling = ("GRAY", "Gray") if grey else ("RGB", "420")
        data = simplejpeg.encode_jpeg(
            np.ascontiguousarray(pixels_HWC), int(numbers["quality"]), space, subsampling, fastdct=False
        )
        found = simplejpeg.decode_jpeg(data, space, fastdct=False, fastupsample=False)
        return cast(NDArray[np.uint8], found.reshape(pixels_HWC.shape))

    def said(self, numbers: Numbers) -> str:
        """``JPEG of quality 60``."""
        return f"JPEG of quality {numbers['quality']}"


@dataclass(frozen=True)
class RandomErasing(Transform):
    """A rectangle hidden, in some of all views.

    Attributes:
        factor: The probability is itself drawn, as Keras does: from (lower, upper), or from 0 to one
            number; (1, 1) hides something in every view.
        scale: The rectangle's height and width are the square roots of two numbers drawn from this range,
            as shares of the picture's; 0..1.
        fill_value: 0..255; None fills with noise, half of which is black, as Keras does.
    """

    factor: Factor = 1.0
    scale: Factor = (0.02, 0.33)
    fill_value: float | None = None
    _ranges: tuple[Span, Span] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        factor = bounds(self, "factor", self.factor, _SHARES, "(0.25, 0.25) hides part of every fourth view.")
        scale = bounds(self, "scale", self.scale, _SHARES, "(0.02, 0.33) is Keras' own.")
        if self.fill_value is not None:
            check_number(self, "fill_value", self.fill_value, _LEVELS, "None fills with noise.")
        object.__setattr__(self, "_ranges", (factor, scale))

    def draw(self, lot: Lot) -> Numbers:
        """``erased``: whether; the rectangle as shares of the picture; ``noise``, from which it is filled."""
        factor, scale = self._ranges
        return {
            "erased": lot.shares[0] < between(factor, lot.shares[1]),
            "height": between(scale, lot.shares[2]) ** 0.5,
            "width": between(scale, lot.shares[3]) ** 0.5,
            "top": lot.shares[4],
            "left": lot.shares[5],
            "noise": lot.noise,
        }

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Rows and columns r with start <= r < start + length are replaced; both are fractions of a pixel."""
        if not numbers["erased"]:
            return pixels_HWC
        rows = _hidden(pixels_HWC.shape[0], float(numbers["height"]), float(numbers["top"]))
        columns = _hidden(pixels_HWC.shape[1], float(numbers["width"]), float(numbers["left"]))
        painted_HWC = pixels_HWC.copy()
        hidden_HWC = painted_HWC[rows, columns]
        if self.fill_value is not None:
            hidden_HWC[:] = round(self.fill_value)
        else:
            noise_HWC = generator(int(numbers["noise"])).standard_normal(hidden_HWC.shape, np.float32)
            hidden_HWC[:] = np.rint(noise_HWC * 255).clip(0, 255)
        return painted_HWC

    def said(self, numbers: Numbers) -> str:
        """``12 % hidden``."""
        return (
            f"{percent(float(numbers['height']) * float(numbers['width']))} hidden"
            if numbers["erased"]
            else ""
        )


def _hidden(length: int, share: float, place: float) -> slice:
    hidden = share * length
    start = place * (length - hidden)
    return slice(ceil(start), ceil(start + hidden))
