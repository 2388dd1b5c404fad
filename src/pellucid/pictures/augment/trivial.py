"""TrivialAugment: one change of fourteen, at a strength that is drawn too, and nothing to tune.

S. Müller and F. Hutter, "TrivialAugment: Tuning-free yet State-of-the-Art Data Augmentation" (ICCV 2021), in
its wide space, as torchvision's TrivialAugmentWide has it; changes of value are Pillow's, as in the paper.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from pellucid.pictures.augment.affine import IDENTITY, Affine, Frame, rotation
from pellucid.pictures.augment.chance import Lot
from pellucid.pictures.augment.transform import Numbers, Transform, percent

_BINS = 31  # strengths that are drawn from, evenly spaced from none to the most

_PLACES: dict[str, tuple[float, Callable[[float, Frame], Affine]]] = {
    "identity": (0.0, lambda strength, frame: IDENTITY),
    "shear along rows": (0.99, lambda strength, frame: Affine(b=strength)),
    "shear along columns": (0.99, lambda strength, frame: Affine(d=strength)),
    "move across": (32.0, lambda strength, frame: Affine(c=-int(strength))),
    "move down": (32.0, lambda strength, frame: Affine(f=-int(strength))),
    "turn": (135.0, lambda strength, frame: rotation(frame, strength / 360)),
}
_BLENDS: dict[str, Callable[[Image.Image], ImageEnhance._Enhance]] = {
    "brightness": ImageEnhance.Brightness,
    "colour": ImageEnhance.Color,
    "contrast": ImageEnhance.Contrast,
    "sharpness": ImageEnhance.Sharpness,
}
_TABLES: dict[str, Callable[[Image.Image, float], Image.Image]] = {
    "posterize": lambda image, share: ImageOps.posterize(image, round(8 - 6 * share)),
    "solarize": lambda image, share: ImageOps.solarize(image, ceil(255 * (1 - share))),
    "autocontrast": lambda image, share: ImageOps.autocontrast(image),
    "equalize": lambda image, share: ImageOps.equalize(image),
}
CHANGES = (*_PLACES, *_BLENDS, *_TABLES)


@dataclass(frozen=True)
class TrivialAugment(Transform):
    """One of fourteen changes, each as likely as another, at one of 31 strengths."""

    def draw(self, lot: Lot) -> Numbers:
        """``change``: which; ``strength``: with its sign, in the unit of the change."""
        change = CHANGES[int(lot.shares[0] * len(CHANGES))]
        share = int(lot.shares[1] * _BINS) / (_BINS - 1)
        sign = -1 if lot.shares[2] < 0.5 else 1
        if change in _PLACES:
            return {"change": change, "strength": sign * share * _PLACES[change][0]}
        return {"change": change, "strength": sign * share * 0.99 if change in _BLENDS else share}

    def place(self, numbers: Numbers, frame: Frame) -> tuple[Affine, Frame]:
        """The map of a change that moves pixels."""
        change, strength = str(numbers["change"]), float(numbers["strength"])
        return (_PLACES[change][1](strength, frame) if change in _PLACES else IDENTITY), frame

    def paint(self, numbers: Numbers, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture after a change of values."""
        change, strength = str(numbers["change"]), float(numbers["strength"])
        if change in _PLACES:
            return pixels_HWC
        flat = pixels_HWC[:, :, 0] if pixels_HWC.shape[2] == 1 else pixels_HWC
        image = Image.fromarray(np.ascontiguousarray(flat))
        changed = (
            _BLENDS[change](image).enhance(1 + strength)
            if change in _BLENDS
            else _TABLES[change](image, strength)
        )
        return np.array(changed).reshape(pixels_HWC.shape)

    def said(self, numbers: Numbers) -> str:
        """The change and its strength, such as ``sharpness up by 30 %``."""
        change, strength = str(numbers["change"]), float(numbers["strength"])
        if change == "identity" or (strength == 0 and change not in _TABLES):
            return ""
        if change in _BLENDS:
            return f"{change} {'up' if strength > 0 else 'down'} by {percent(strength)}"
        return {
            "shear along rows": f"sheared by {percent(strength)} along rows",
            "shear along columns": f"sheared by {percent(strength)} along columns",
            "move across": f"moved {abs(int(strength))} pixels {'right' if strength > 0 else 'left'}",
            "move down": f"moved {abs(int(strength))} pixels {'down' if strength > 0 else 'up'}",
            "turn": f"turned {'left' if strength > 0 else 'right'} by {abs(strength):.0f} degrees",
            "posterize": f"{round(8 - 6 * strength)} bits a value" if strength else "",
            "solarize": f"inverted from {ceil(255 * (1 - strength))} up",
            "autocontrast": "contrast stretched",
            "equalize": "histogram equalised",
        }[change]
