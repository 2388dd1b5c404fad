"""The page's colours can be read."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

Make = Callable[..., Any]


def luminance(red: float, green: float, blue: float) -> float:
    """Relative luminance of WCAG 2.2, channels of 0..255."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (red / 255, green / 255, blue / 255)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    dark, light = sorted((luminance(*one), luminance(*other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_a_contrast_of_at_least_four_and_a_half(make: Make, theme: int) -> None:
    """Ink, quiet text and accent on paper, and ink on the strongest tints of the confusion matrix."""
    css = make().page()
    block = re.findall(r":root \{(.*?)\}", css, re.DOTALL)[theme]
    colours = {
        name: np.array([int(code[at : at + 2], 16) for at in (0, 2, 4)], float)
        for name, code in re.findall(r"--(\w+): #([0-9a-f]{6})", block)
    }
    tints = {
        name: np.array(code.split(), float) for name, code in re.findall(r"--(\w+)-rgb: ([\d ]+)", block)
    }
    strongest = {
        name: float(base) + float(more)
        for name, base, more in re.findall(r"var\(--(\w+)-rgb\) / calc\(([\d.]+) \+ ([\d.]+) \*", css)
    }
    assert set(strongest) == {"accent", "wrong"}
    for text in ("ink", "quiet", "accent"):
        assert contrast(colours[text], colours["paper"]) >= 4.5, text
    for tint, alpha in strongest.items():
        cell = alpha * tints[tint] + (1 - alpha) * colours["paper"]
        assert contrast(colours["ink"], cell) >= 4.5, tint
