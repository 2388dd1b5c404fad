"""The factors of each augmentation as a page's sliders have them: from where to where, in which steps.

A slider ends where a change is still a view of the picture; the number beside it may be all that the
transform takes. What is out of its range, ``pictures.augment`` refuses.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pellucid.pictures.augment.geometry import FlipMode
from pellucid.pictures.augment.kinds import KINDS
from pellucid.pictures.augment.transform import Transform


@dataclass(frozen=True)
class Slider:
    """The slider of one factor.

    Attributes:
        least, most: What the transform takes.
        low, high: Where the slider ends; of a single number that is drawn both ways it begins at 0.
        step: The slider's.
        both_ways: Whether one number f means from -f to f.
    """

    least: float
    most: float
    low: float
    high: float
    step: float
    both_ways: bool = False


_SHARE = Slider(0, 1, 0, 1, 0.01)
_SIDE = Slider(1, 4096, 8, 256, 1)
SLIDERS: Mapping[str, Mapping[str, Slider]] = {
    "RandomFlip": {},
    "RandomRotation": {"factor": Slider(-1, 1, -0.5, 0.5, 0.01, True)},
    "RandomZoom": dict.fromkeys(("height_factor", "width_factor"), Slider(-0.99, 1, -0.9, 0.9, 0.01, True)),
    "RandomTranslation": dict.fromkeys(
        ("height_factor", "width_factor"), Slider(-1, 1, -0.5, 0.5, 0.01, True)
    ),
    "RandomShear": dict.fromkeys(("x_factor", "y_factor"), _SHARE),
    "RandomCrop": {"height": _SIDE, "width": _SIDE, "padding": Slider(0, 4096, 0, 64, 1)},
    "RandomResizedCrop": {
        "crop_area_factor": Slider(0.01, 1, 0.01, 1, 0.01),
        "aspect_ratio_factor": Slider(0.01, 100, 0.25, 4, 0.01),
    },
    "RandomBrightness": {"factor": Slider(-1, 1, -1, 1, 0.01, True)},
    "RandomContrast": {"factor": _SHARE},
    "RandomSaturation": {"factor": _SHARE},
    "RandomHue": {"factor": _SHARE},
    "RandomGrayscale": {"factor": _SHARE},
    "RandomGaussianNoise": {"factor": Slider(0, 1, 0, 0.5, 0.01)},
    "RandomGaussianBlur": {
        "factor": _SHARE,
        "kernel_size": Slider(1, 99, 1, 31, 2),
        "sigma": Slider(0, 10, 0, 10, 0.1),
    },
    "RandomJpegQuality": {"quality": Slider(1, 100, 1, 100, 1)},
    "RandomErasing": {"factor": _SHARE, "scale": _SHARE, "fill_value": Slider(0, 255, 0, 255, 1)},
    "TrivialAugment": {},
}
"""Transform -> factor -> its slider."""

BEGUN: Mapping[str, Mapping[str, Any]] = {
    "RandomFlip": {"mode": "horizontal"},
    "RandomRotation": {"factor": 0.1},
    "RandomZoom": {"height_factor": 0.2},
    "RandomTranslation": {"height_factor": 0.1, "width_factor": 0.1},
    "RandomShear": {"x_factor": 0.3},
    "RandomCrop": {"padding": 8},
    "RandomResizedCrop": {"crop_area_factor": (0.4, 1.0)},
    "RandomBrightness": {"factor": 0.2},
    "RandomContrast": {"factor": 0.3},
    "RandomSaturation": {"factor": (0.3, 0.7)},
    "RandomHue": {"factor": 0.1},
    "RandomGrayscale": {"factor": 0.5},
    "RandomGaussianNoise": {"factor": 0.1},
    "RandomGaussianBlur": {"factor": (1.0, 1.0), "kernel_size": 9, "sigma": 2.0},
    "RandomJpegQuality": {"quality": (5, 50)},
    "RandomErasing": {"factor": (1.0, 1.0), "scale": (0.02, 0.2)},
    "TrivialAugment": {},
}
"""Transform -> what it has when it is added, so that something is to be seen."""

_CHOICES = {("RandomFlip", "mode"): get_args(FlipMode)}


def begun(name: str) -> Transform:
    """The transform of that name as it is added."""
    return KINDS[name](**BEGUN[name])


def controls(transform: Transform) -> list[dict[str, Any]]:
    """What changes the transform's factors: of each its name, and its choices or its sliders with values.

    A factor that is not set (None) has no control; it can be set in the text.
    """
    kind = type(transform).__name__
    told: list[dict[str, Any]] = []
    for field in dataclasses.fields(transform):  # type: ignore[arg-type]
        value = getattr(transform, field.name) if field.init else None
        if value is None:
            continue
        choices = _CHOICES.get((kind, field.name))
        if choices:
            told.append({"name": field.name, "value": value, "choices": list(choices), "parts": []})
            continue
        slider = SLIDERS[kind][field.name]
        pair = value if isinstance(value, tuple) else (value,)
        parts = [_part(slider, one, single=len(pair) == 1) for one in pair]
        told.append({"name": field.name, "parts": parts, "choices": []})
    return told


def _part(slider: Slider, value: float, *, single: bool) -> dict[str, float]:
    low = 0.0 if single and slider.both_ways else slider.low
    return {
        "value": value,
        "low": min(low, value),
        "high": max(slider.high, value),
        "step": slider.step,
        "least": slider.least,
        "most": slider.most,
    }
