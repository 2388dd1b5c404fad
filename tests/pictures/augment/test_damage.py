"""Transforms that spoil a picture, with SciPy, Pillow and hand-counted rectangles as referees."""

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage, stats

from pellucid.errors import RequestError
from pellucid.pictures.augment.chance import Chance
from pellucid.pictures.augment.damage import (
    RandomErasing,
    RandomGaussianBlur,
    RandomGaussianNoise,
    RandomJpegQuality,
)
from pellucid.pictures.augment.transform import Transform

N = 10_000


def noisy(channels: int = 3, height: int = 24, width: int = 33) -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 256, (height, width, channels), np.uint8)


def drawn(transform: Transform, name: str) -> np.ndarray:
    chance = Chance(type(transform).__name__, 0)
    return np.array([transform.draw(chance.lot(b"", view))[name] for view in range(N)])


def test_noise_has_the_deviation_that_was_drawn() -> None:
    """On mid grey, where nothing is cut: mean 0, the deviation, and a normal distribution."""
    grey = np.full((200, 200, 3), 128, np.uint8)
    numbers = {"deviation": 0.1, "noise": 5}
    noise = RandomGaussianNoise().paint(numbers, grey).astype(float) - 128
    assert abs(noise.mean()) < 0.3
    assert noise.std() == pytest.approx(25.5, rel=0.01)
    assert (
        stats.kstest(
            (noise + np.random.default_rng(0).random(noise.shape) - 0.5).ravel()[:5000] / 25.5, "norm"
        ).pvalue
        > 0.001
    )
    assert np.array_equal(noise, RandomGaussianNoise().paint(numbers, grey).astype(float) - 128)
    assert not np.array_equal(noise, RandomGaussianNoise().paint(numbers | {"noise": 6}, grey))


@pytest.mark.parametrize("channels", [1, 3])
def test_blur_is_scipys(channels: int) -> None:
    """A Gaussian of its own deviation each way, cut at the kernel's edge, edges reflected."""
    pixels_HWC = noisy(channels)
    numbers = {"blurred": True, "sigma_x": 0.9, "sigma_y": 0.5}
    found = RandomGaussianBlur(kernel_size=5).paint(numbers, pixels_HWC)
    expected = pixels_HWC.astype(float)
    for axis, sigma in ((0, 0.5), (1, 0.9)):
        expected = ndimage.gaussian_filter1d(expected, sigma, axis, mode="reflect", radius=2)
    assert np.abs(found - expected).max() <= 1.01
    assert RandomGaussianBlur().paint(numbers | {"blurred": False}, pixels_HWC) is pixels_HWC


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_what_pillow_writes(channels: int) -> None:
    """The same picture saved by Pillow at that quality, and read again, is within a few levels."""
    smooth = ndimage.gaussian_filter(noisy(channels, 64, 48).astype(float), (4, 4, 0))
    pixels_HWC = ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)
    found = RandomJpegQuality().paint({"quality": 40}, pixels_HWC)
    file = io.BytesIO()
    flat = pixels_HWC[:, :, 0] if channels == 1 else pixels_HWC
    Image.fromarray(flat).save(file, "JPEG", quality=40)
    expected = np.array(Image.open(file)).reshape(pixels_HWC.shape).astype(int)
    assert np.abs(found - expected).max() <= 8
    assert np.abs(found - expected).mean() < 0.5
    assert 0.5 < np.abs(found - pixels_HWC.astype(int)).mean() < 12


def test_the_hidden_rectangle_by_hand() -> None:
    """Half of 24 rows from a quarter of the free 12: rows 3 to 14; a third of 33 columns at the right."""
    numbers = {"erased": True, "height": 0.5, "width": 1 / 3, "top": 0.25, "left": 1.0, "noise": 1}
    pixels_HWC = np.full((24, 33, 3), 100, np.uint8)
    found = RandomErasing(fill_value=7).paint(numbers, pixels_HWC)
    expected = pixels_HWC.copy()
    expected[3:15, 22:33] = 7
    assert np.array_equal(found, expected)
    assert (pixels_HWC == 100).all()
    # 12.5 of 25 rows from 3.125 on: those whose number r is 3.125 <= r < 15.625.
    odd = RandomErasing(fill_value=7).paint(numbers, np.full((25, 33, 1), 100, np.uint8))
    assert np.flatnonzero((odd == 7).any((1, 2))).tolist() == list(range(4, 16))
    noise = RandomErasing().paint(numbers, pixels_HWC)[3:15, 22:33]
    assert 0.35 < (noise == 0).mean() < 0.65
    assert len(np.unique(noise)) > 50
    assert RandomErasing().paint(numbers | {"erased": False}, pixels_HWC) is pixels_HWC


@pytest.mark.parametrize(
    ("transform", "name", "often"),
    [
        (RandomErasing((0.25, 0.25)), "erased", 0.25),
        (RandomErasing(1.0), "erased", 0.5),  # the probability is drawn from 0 to 1, as Keras does
        (RandomErasing((1.0, 1.0)), "erased", 1.0),
        (RandomGaussianBlur((0.1, 0.3)), "blurred", 0.2),
        (RandomGaussianBlur(0.0), "blurred", 0.0),
    ],
    ids=str,
)
def test_it_happens_as_often_as_was_said(transform: Transform, name: str, often: float) -> None:
    """By a binomial test over 10,000 views."""
    assert stats.binomtest(int(drawn(transform, name).sum()), N, often).pvalue > 0.001


@pytest.mark.parametrize(
    ("values", "lower", "upper"),
    [
        (lambda: drawn(RandomGaussianNoise(0.2), "deviation"), 0, 0.2),
        (lambda: drawn(RandomGaussianBlur(sigma=(0.5, 2)), "sigma_x"), 0.5, 2),
        (lambda: drawn(RandomErasing(scale=(0.1, 0.3)), "height") ** 2, 0.1, 0.3),
        (lambda: drawn(RandomErasing(scale=(0.1, 0.3)), "width") ** 2, 0.1, 0.3),
        (lambda: drawn(RandomErasing(), "left"), 0, 1),
    ],
)
def test_ten_thousand_draws_are_uniform_over_the_stated_range(
    values: Any, lower: float, upper: float
) -> None:
    """Kolmogorov and Smirnov find nothing, and no draw is outside."""
    found = values()
    assert lower - 1e-12 <= found.min() < found.max() <= upper + 1e-12
    assert stats.kstest(found, "uniform", (lower, upper - lower)).pvalue > 0.001


def test_each_quality_is_as_likely_as_another() -> None:
    """Both ends included."""
    qualities, counts = np.unique(drawn(RandomJpegQuality((60, 64)), "quality"), return_counts=True)
    assert qualities.tolist() == [60, 61, 62, 63, 64]
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize(
    ("transform", "numbers", "text"),
    [
        (RandomGaussianNoise(), {"deviation": 0.031}, "noise of 3 %"),
        (RandomGaussianNoise(), {"deviation": 0.0}, ""),
        (RandomGaussianBlur(), {"blurred": True, "sigma_x": 0.8, "sigma_y": 0.6}, "blurred by 0.7 pixels"),
        (RandomGaussianBlur(), {"blurred": False, "sigma_x": 0.8, "sigma_y": 0.6}, ""),
        (RandomJpegQuality(), {"quality": 60}, "JPEG of quality 60"),
        (RandomErasing(), {"erased": True, "height": 0.3, "width": 0.4}, "12 % hidden"),
        (RandomErasing(), {"erased": False, "height": 0.3, "width": 0.4}, ""),
    ],
)
def test_what_was_drawn_in_words(transform: Transform, numbers: dict[str, Any], text: str) -> None:
    """As a person would say it."""
    assert transform.said(numbers) == text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: RandomGaussianNoise(1.5),
            "RandomGaussianNoise's factor is 1.5. A number from 0 to 1, or a pair of them (lower, upper), "
            "was expected. 0.05 has a standard deviation of at most 13 of 255.",
        ),
        (
            lambda: RandomGaussianBlur(kernel_size=4),
            "RandomGaussianBlur's kernel_size is 4. An odd whole number from 1 to 99 was expected. 3 is "
            "Keras' own; larger sigmas want about six times sigma.",
        ),
        (
            lambda: RandomJpegQuality((0, 90)),
            "RandomJpegQuality's quality is (0, 90). Two whole numbers from 1 to 100, (lowest, highest), "
            "were expected. (50, 95) is what cameras and web sites write.",
        ),
        (
            lambda: RandomJpegQuality(80),  # type: ignore[arg-type]
            "RandomJpegQuality's quality is 80. Two whole numbers from 1 to 100, (lowest, highest), were "
            "expected. (50, 95) is what cameras and web sites write.",
        ),
        (
            lambda: RandomErasing(fill_value=256),
            "RandomErasing's fill_value is 256. A number from 0 to 255 was expected. None fills with noise.",
        ),
        (
            lambda: RandomErasing(scale=(0.1, 2)),
            "RandomErasing's scale is (0.1, 2). A number from 0 to 1, or a pair of them (lower, upper), was "
            "expected. (0.02, 0.33) is Keras' own.",
        ),
    ],
)
def test_a_factor_out_of_range_is_refused(make: Any, message: str) -> None:
    """The message says what came, what was expected and what would do."""
    with pytest.raises(RequestError) as caught:
        make()
    assert str(caught.value) == message
