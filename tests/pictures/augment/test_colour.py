"""Transforms that change values, with the formulas written out and colorsys as referees."""

import colorsys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from pellucid.errors import RequestError
from pellucid.pictures.augment.chance import Chance
from pellucid.pictures.augment.colour import (
    RandomBrightness,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from pellucid.pictures.augment.transform import Transform

N = 10_000


def noisy(channels: int = 3, side: int = 12) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (side, side + 1, channels), np.uint8)


def drawn(transform: Transform, name: str) -> np.ndarray:
    chance = Chance(type(transform).__name__, 0)
    return np.array([transform.draw(chance.lot(b"", view))[name] for view in range(N)])


@pytest.mark.parametrize(
    ("transform", "name", "lower", "upper"),
    [
        (RandomBrightness(0.2), "delta", -0.2, 0.2),
        (RandomBrightness((0.1, 0.4)), "delta", 0.1, 0.4),
        (RandomContrast(0.3), "contrast", 0.7, 1.3),
        (RandomContrast((0.1, 0.4)), "contrast", 0.9, 1.4),
        (RandomSaturation((0.3, 0.7)), "saturation", 0.3, 0.7),
        (RandomSaturation(0.4), "saturation", 0, 0.4),
        (RandomHue(0.2), "hue", -0.2, 0.2),
    ],
    ids=lambda value: repr(value) if isinstance(value, Transform) else "",
)
def test_ten_thousand_draws_are_uniform_over_the_stated_range(
    transform: Transform, name: str, lower: float, upper: float
) -> None:
    """Kolmogorov and Smirnov find nothing, and no draw is outside."""
    values = drawn(transform, name)
    assert lower <= values.min() < values.max() <= upper
    assert stats.kstest(values, "uniform", (lower, upper - lower)).pvalue > 0.001


def test_colour_goes_as_often_as_was_said() -> None:
    """A tenth of 10,000, by a binomial test."""
    assert stats.binomtest(int(drawn(RandomGrayscale(0.1), "grey").sum()), N, 0.1).pvalue > 0.001
    assert not drawn(RandomGrayscale(0.0), "grey").any()
    assert drawn(RandomGrayscale(1.0), "grey").all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("delta", [-1.0, -0.3, 0.1, 1.0])
def test_brightness_adds_a_share_of_the_range(delta: float, channels: int) -> None:
    """255 times the number, rounded and cut; -1 is black and 1 is white."""
    pixels_HWC = noisy(channels)
    expected = np.rint(pixels_HWC + 255 * delta).clip(0, 255)
    assert np.array_equal(RandomBrightness(1.0).paint({"delta": delta}, pixels_HWC), expected)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("contrast", [0.0, 0.5, 1.4])
def test_contrast_spreads_each_channel_about_its_mean(contrast: float, channels: int) -> None:
    """(x - mean) contrast + mean; 0 leaves the mean colour."""
    pixels_HWC = noisy(channels)
    mean = pixels_HWC.mean((0, 1))
    expected = np.rint((pixels_HWC - mean) * contrast + mean).clip(0, 255)
    found = RandomContrast(1.0).paint({"contrast": contrast}, pixels_HWC)
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 0.01


@pytest.mark.parametrize("saturation", [0.0, 0.2, 0.4, 0.7, 1.0])
def test_saturation_is_that_of_hsv(saturation: float) -> None:
    """HSV's saturation times f / (1 - f), at most 1, with Python's own colorsys as referee."""
    pixels_HWC = noisy()
    found = RandomSaturation(1.0).paint({"saturation": saturation}, pixels_HWC)

    def changed(rgb: NDArray[np.uint8]) -> list[float]:
        h, s, v = colorsys.rgb_to_hsv(*(rgb / 255))
        return [
            255 * one for one in colorsys.hsv_to_rgb(h, min(s * saturation / (1 - saturation + 1e-7), 1), v)
        ]

    expected = np.array([changed(rgb) for rgb in pixels_HWC.reshape(-1, 3)])
    assert np.abs(found.reshape(-1, 3) - expected).max() <= 0.51


@pytest.mark.parametrize("hue", [-1.0, -0.3, 0.01, 0.5])
def test_hue_is_turned_round_the_circle(hue: float) -> None:
    """HSV's hue plus half of the circle times the number, with colorsys as referee."""
    pixels_HWC = noisy()
    found = RandomHue(1.0).paint({"hue": hue}, pixels_HWC)

    def changed(rgb: NDArray[np.uint8]) -> list[float]:
        h, s, v = colorsys.rgb_to_hsv(*(rgb / 255))
        return [255 * one for one in colorsys.hsv_to_rgb((h + hue / 2) % 1, s, v)]

    expected = np.array([changed(rgb) for rgb in pixels_HWC.reshape(-1, 3)])
    assert np.abs(found.reshape(-1, 3) - expected).max() <= 0.51


def test_grey_is_luma_in_all_three_channels() -> None:
    """0.299, 0.587 and 0.114 of red, green and blue."""
    pixels_HWC = noisy()
    found = RandomGrayscale().paint({"grey": True}, pixels_HWC)
    assert np.ptp(found, axis=2).max() == 0
    assert np.abs(found[:, :, 0] - pixels_HWC @ [0.299, 0.587, 0.114]).max() <= 0.51


@pytest.mark.parametrize(
    ("transform", "numbers"),
    [
        (RandomBrightness(0.1), {"delta": 0.0}),
        (RandomContrast(0.1), {"contrast": 1.0}),
        (RandomSaturation(0.5), {"saturation": 0.5}),
        (RandomHue(0.1), {"hue": 0.0}),
        (RandomGrayscale(), {"grey": False}),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_what_changes_nothing_gives_the_same_bytes(
    transform: Transform, numbers: dict[str, Any], channels: int
) -> None:
    """And says nothing."""
    pixels_HWC = noisy(channels)
    assert np.array_equal(transform.paint(numbers, pixels_HWC), pixels_HWC)
    assert transform.said(numbers) == ""


@pytest.mark.parametrize(
    ("transform", "numbers"),
    [
        (RandomBrightness(0.1), {"delta": 0.3}),
        (RandomContrast(0.1), {"contrast": 1.4}),
        (RandomSaturation(0.5), {"saturation": 0.2}),
        (RandomHue(0.1), {"hue": 0.3}),
        (RandomGrayscale(), {"grey": True}),
    ],
)
def test_what_came_is_left_as_it_is(transform: Transform, numbers: dict[str, Any]) -> None:
    """Even where it cannot be written to; and a grey picture has no colour to change."""
    pixels_HWC, before = noisy(), noisy()
    pixels_HWC.setflags(write=False)
    assert not np.array_equal(transform.paint(numbers, pixels_HWC), before)
    assert np.array_equal(pixels_HWC, before)
    if isinstance(transform, RandomSaturation | RandomHue | RandomGrayscale):
        assert np.array_equal(transform.paint(numbers, noisy(1)), noisy(1))


@pytest.mark.parametrize(
    ("transform", "numbers", "text"),
    [
        (RandomBrightness(1), {"delta": -0.08}, "darker by 8 %"),
        (RandomContrast(1), {"contrast": 1.25}, "contrast up by 25 %"),
        (RandomSaturation(1), {"saturation": 0.6}, "colours stronger (1.50 x)"),
        (RandomSaturation(1), {"saturation": 0.0}, "colours paler (0.00 x)"),
        (RandomHue(1), {"hue": -0.05}, "hue turned by -9 degrees"),
        (RandomGrayscale(), {"grey": True}, "grey"),
    ],
)
def test_what_was_drawn_in_words(transform: Transform, numbers: dict[str, Any], text: str) -> None:
    """As a person would say it."""
    assert transform.said(numbers) == text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: RandomBrightness(2),
            "RandomBrightness's factor is 2. A number from -1 to 1, or a pair of them (lower, upper), was "
            "expected. 0.2 adds or takes at most a fifth of the range.",
        ),
        (
            lambda: RandomContrast(-0.2),
            "RandomContrast's factor is -0.2. A number from 0 to 1, or a pair of them (lower, upper), was "
            "expected. 0.2 multiplies the contrast by 0.8 to 1.2.",
        ),
        (
            lambda: RandomGrayscale(1.5),
            "RandomGrayscale's factor is 1.5. A number from 0 to 1 was expected. 0.1 takes the colour from a "
            "tenth of the views.",
        ),
    ],
)
def test_a_factor_out_of_range_is_refused(make: Any, message: str) -> None:
    """The message says what came, what was expected and what would do."""
    with pytest.raises(RequestError) as caught:
        make()
    assert str(caught.value) == message
