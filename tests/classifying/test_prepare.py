"""The browser's preprocessing beside Pellucid's own: the same pixels but for a rounding."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pellucid.pictures.preprocess import Preprocess

pytestmark = pytest.mark.slow

CODE = """async ([height, width, data, wanted]) => {
  const { fitted, normalised } = await import("/prepare.js");
  const rgba = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const rgb = fitted({ height, width, data: rgba }, wanted);
  return [Array.from(rgb), Array.from(normalised(rgb, wanted))];
}"""


@pytest.mark.parametrize("fit", ["squash", "letterbox", "crop"])
@pytest.mark.parametrize("size", [(16, 16), (9, 31), (40, 23), (80, 75), (17, 16)])
def test_pixels_and_numbers_are_pillow_s(
    evaluate: Callable[..., Any], fit: Any, size: tuple[int, int]
) -> None:
    """Larger, smaller and equal pictures of any aspect, in every fit, number by number.

    Which side Pillow shrinks first, and so what it rounds in between, depends on the sizes: 1 of 255 at most.
    """
    pixels_HWC = np.random.default_rng(size[0]).integers(0, 256, (*size, 3), np.uint8)
    preprocess = Preprocess(16, 16, fit, (120.5, 110.0, 90.0), (60.0, 50.0, 70.0))
    rgba = np.dstack([pixels_HWC, np.full(size, 255, np.uint8)])
    given = [*size, base64.b64encode(rgba.tobytes()).decode(), preprocess.to_json()]
    rgb, numbers = evaluate(CODE, given)
    expected_HWC, found_HWC = preprocess.view(pixels_HWC), np.array(rgb, np.uint8).reshape(16, 16, 3)
    off = np.abs(found_HWC.astype(int) - expected_HWC)
    assert off.max() <= (0 if size in [(16, 16), (9, 31)] else 1)
    assert off.mean() < 0.25
    np.testing.assert_array_equal(
        np.array(numbers, np.float32).reshape(3, 16, 16), preprocess.normalise(found_HWC)
    )


def test_a_network_that_sees_grey_gets_grey(evaluate: Callable[..., Any]) -> None:
    """By the same weights as Pillow's."""
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    preprocess = Preprocess(8, 8, "squash", (33.0,), (78.0,))
    rgba = np.dstack([pixels_HWC, np.full((8, 8), 255, np.uint8)])
    _, numbers = evaluate(CODE, [8, 8, base64.b64encode(rgba.tobytes()).decode(), preprocess.to_json()])
    expected = preprocess.normalise(preprocess.view(pixels_HWC))
    np.testing.assert_array_equal(np.array(numbers, np.float32).reshape(1, 8, 8), expected)


def test_a_much_larger_picture_is_off_by_little(evaluate: Callable[..., Any]) -> None:
    """Pillow averages it down first, which this does not: at most 2 of 255 in a picture without noise."""
    rows, columns = np.mgrid[0:300, 0:260]
    pixels_HWC = np.stack([rows * 0.8, columns * 0.9, (rows + columns) * 0.4], axis=2).astype(np.uint8)
    preprocess = Preprocess(16, 16, "squash", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    rgba = np.dstack([pixels_HWC, np.full((300, 260), 255, np.uint8)])
    rgb, _ = evaluate(CODE, [300, 260, base64.b64encode(rgba.tobytes()).decode(), preprocess.to_json()])
    difference = np.abs(np.array(rgb).reshape(16, 16, 3) - preprocess.view(pixels_HWC).astype(int))
    assert difference.max() <= 2
