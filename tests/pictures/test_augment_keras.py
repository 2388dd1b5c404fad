"""Augmentation beside Keras' own layers at fixed factors; run wherever Keras can be imported.

Pixels are compared to rounding: Keras gives floats, a view is uint8. Where it is said, the rim is left out,
because one warp continues the picture itself where a chain of layers continues what the layer before made.
"""

import os
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="Keras is not installed here")

from pellucid.pictures.augment.colour import (  # noqa: E402
    RandomBrightness,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from pellucid.pictures.augment.damage import RandomErasing, RandomGaussianBlur  # noqa: E402
from pellucid.pictures.augment.geometry import (  # noqa: E402
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from pellucid.pictures.augment.mix import CutMix, Mixture, MixUp  # noqa: E402
from pellucid.pictures.augment.plan import Augment, Drawn  # noqa: E402
from pellucid.pictures.augment.transform import Transform  # noqa: E402

layers = keras.layers
# Keras 3.15 asks torch 2.13 for an array in a way that NumPy 2 will not know for ever.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
ROUNDING = 0.51  # half a level, and what 32 bits lose in a place times a step of 255 levels
SHAPES = ((64, 64, 3), (45, 70, 3), (28, 28, 1))
MODES = ("reflect", "wrap", "constant", "nearest")


def noisy(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    return np.array(Image.fromarray(noisy(5, 6, 3)).resize((width, height), Image.Resampling.BICUBIC))


def kerass(pixels_HWC: NDArray[np.uint8], *chain: Any) -> NDArray[np.floating]:
    """What a chain of layers makes of a picture in training."""
    x_NHWC = pixels_HWC[None].astype("float32")
    for layer in chain:
        x_NHWC = layer(x_NHWC, training=True)
    return np.asarray(keras.ops.convert_to_numpy(x_NHWC))[0]


def fixed(numbers: Any) -> Drawn:
    return Drawn((numbers,))


PAIRS: tuple[tuple[Transform, str, dict[str, Any]], ...] = (
    (RandomRotation((0.07, 0.07)), "RandomRotation", {"factor": (0.07, 0.07)}),
    (RandomRotation((-0.31, -0.31)), "RandomRotation", {"factor": (-0.31, -0.31)}),
    (RandomRotation((0.25, 0.25)), "RandomRotation", {"factor": (0.25, 0.25)}),
    (RandomZoom((0.3, 0.3)), "RandomZoom", {"height_factor": (0.3, 0.3)}),
    (RandomZoom((1.0, 1.0)), "RandomZoom", {"height_factor": (1.0, 1.0)}),
    (
        RandomZoom((-0.2, -0.2), (0.1, 0.1)),
        "RandomZoom",
        {"height_factor": (-0.2, -0.2), "width_factor": (0.1, 0.1)},
    ),
    (
        RandomTranslation((0.21, 0.21), (-0.13, -0.13)),
        "RandomTranslation",
        {"height_factor": (0.21, 0.21), "width_factor": (-0.13, -0.13)},
    ),
    (
        RandomTranslation((-1.0, -1.0), (0.5, 0.5)),
        "RandomTranslation",
        {"height_factor": (-1.0, -1.0), "width_factor": (0.5, 0.5)},
    ),
)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("transform", "name", "factors"), PAIRS, ids=lambda value: repr(value)[:60])
def test_geometry_is_kerass(
    transform: Transform, name: str, factors: dict[str, Any], mode: Any, shape: tuple[int, int, int]
) -> None:
    """Every pixel, rim and corners included, in every fill mode, on noise: to rounding."""
    pixels_HWC = noisy(*shape)
    layer = getattr(layers, name)(**factors, fill_mode=mode, fill_value=40.0)
    plan = Augment((transform,), mode, 40.0)
    away = np.abs(plan.view(pixels_HWC, 0, "key", 0) - kerass(pixels_HWC, layer))
    assert away.max() <= ROUNDING


@pytest.mark.parametrize("mode", MODES)
def test_shear_is_kerass(mode: Any) -> None:
    """Keras draws a sign for both factors; with each sign the pixels are the same to rounding."""
    pixels_HWC = noisy(50, 40, 3)
    layer = layers.RandomShear(x_factor=(0.2, 0.2), y_factor=(0.1, 0.1), fill_mode=mode, fill_value=0.0)
    expected = kerass(pixels_HWC, layer)
    away = [
        np.abs(
            Augment((RandomShear(0.2, 0.1),), mode).apply(
                pixels_HWC, fixed({"x": sign * 0.2, "y": sign * 0.1})
            )
            - expected
        ).max()
        for sign in (1, -1)
    ]
    assert min(away) <= ROUNDING < max(away)


@pytest.mark.parametrize("mode", ["horizontal", "vertical"])
def test_flips_are_kerass(mode: Any) -> None:
    """To the bit, where Keras' coin falls so."""
    pixels_HWC = noisy(20, 31, 3)
    layer = layers.RandomFlip(mode, seed=1)
    flipped = {kerass(pixels_HWC, layer).astype(np.uint8).tobytes() for _ in range(40)}
    ours = {Augment((RandomFlip(mode),)).view(pixels_HWC, 0, "key", view).tobytes() for view in range(40)}
    assert ours == flipped
    assert len(ours) == 2


def test_a_window_is_kerass_when_it_fits_and_when_it_does_not() -> None:
    """A window of the picture's own pixels; too large a one is the middle, brought to size."""
    pixels_HWC = noisy(20, 30, 3)
    windows = {kerass(pixels_HWC, layers.RandomCrop(18, 28)).astype(np.uint8).tobytes() for _ in range(200)}
    plan = Augment((RandomCrop(18, 28),))
    assert {plan.view(pixels_HWC, 0, "key", view).tobytes() for view in range(200)} == windows
    soft = smooth(20, 30)
    expected = kerass(soft[:, 5:25], layers.Resizing(40, 40))
    found = Augment((RandomCrop(40, 40),)).view(soft, 0, "key", 0)
    assert np.abs(found - expected)[:, 1:-1].max() <= ROUNDING


def test_the_lectures_three_layers_are_one_warp() -> None:
    """Flip, rotation and zoom on a smooth picture: away from the rim within two levels of the chain."""
    pixels_HWC = smooth(96, 120)
    plan = Augment((RandomRotation((0.06, 0.06)), RandomZoom((-0.15, -0.15))))
    chain = (layers.RandomRotation((0.06, 0.06)), layers.RandomZoom((-0.15, -0.15)))
    away = np.abs(plan.view(pixels_HWC, 0, "key", 0) - kerass(pixels_HWC, *chain))
    assert away[24:-24, 24:-24].max() <= 2.0
    assert away.mean() <= 1.0
    mirrored = Augment((RandomFlip("horizontal"), *plan.transforms))
    numbers = ({"horizontal": True, "vertical": False}, *plan.draw(0, "key", 0).numbers)
    away = np.abs(mirrored.apply(pixels_HWC, Drawn(numbers)) - kerass(pixels_HWC[:, ::-1], *chain))
    assert away[24:-24, 24:-24].max() <= 2.0


@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_is_kerass(channels: int) -> None:
    """To rounding."""
    pixels_HWC = noisy(30, 20, channels)
    for factor in (-0.4, 0.13):
        found = Augment((RandomBrightness((factor, factor)),)).view(pixels_HWC, 0, "key", 0)
        expected = kerass(pixels_HWC, layers.RandomBrightness((factor, factor)))
        assert np.abs(found - expected).max() <= 0.51


@pytest.mark.parametrize("channels", [1, 3])
def test_contrast_is_kerass(channels: int) -> None:
    """To rounding, at a contrast that the layer is told: its own draw is another range than it documents."""
    pixels_HWC = noisy(30, 20, channels)
    for contrast in (0.6, 1.3):
        layer = layers.RandomContrast(0.5)
        told = {"contrast_factor": keras.ops.full((1, 1, 1, 1), contrast)}
        x_NHWC = keras.ops.convert_to_tensor(pixels_HWC[None].astype("float32"))
        expected = keras.ops.convert_to_numpy(layer.transform_images(x_NHWC, told))[0]
        found = RandomContrast(0.5).paint({"contrast": contrast}, pixels_HWC)
        assert np.abs(found - expected).max() <= 0.51


def test_saturation_and_grey_are_kerass() -> None:
    """Saturation to rounding; grey to a level, whose weights Keras rounds to 0.2989, 0.587 and 0.114."""
    pixels_HWC = noisy(30, 20, 3)
    for factor in (0.0, 0.3, 0.5, 0.7):
        layer = layers.RandomSaturation((factor, factor), value_range=(0, 1))
        expected = kerass(pixels_HWC, layers.Rescaling(1 / 255), layer, layers.Rescaling(255))
        found = Augment((RandomSaturation((factor, factor)),)).view(pixels_HWC, 0, "key", 0)
        assert np.abs(found - expected).max() <= 0.51
    expected = kerass(pixels_HWC, layers.RandomGrayscale(1.0))
    assert np.abs(Augment((RandomGrayscale(1.0),)).view(pixels_HWC, 0, "key", 0) - expected).max() <= 1


def test_hue_is_kerass() -> None:
    """Keras draws a sign; with one of the two signs the pixels are the same to rounding."""
    pixels_HWC = noisy(30, 20, 3)
    expected = kerass(pixels_HWC, layers.RandomHue((0.4, 0.4), value_range=(0, 255)))
    away = [
        np.abs(RandomHue(1.0).paint({"hue": sign * 0.4}, pixels_HWC) - expected).max() for sign in (1, -1)
    ]
    assert min(away) <= 0.51 < max(away)


def test_blur_is_kerass_away_from_the_edges() -> None:
    """At the edges Keras counts what lies beyond as black, and this reflects."""
    pixels_HWC = noisy(30, 20, 3)
    layer = layers.RandomGaussianBlur(factor=(1.0, 1.0), kernel_size=5, sigma=(0.8, 0.8))
    plan = Augment((RandomGaussianBlur((1.0, 1.0), 5, (0.8, 0.8)),))
    away = np.abs(plan.view(pixels_HWC, 0, "key", 0) - kerass(pixels_HWC, layer))
    assert away[2:-2, 2:-2].max() <= 1.01


def test_a_hidden_rectangle_has_the_size_of_kerass() -> None:
    """At a fixed scale both hide the same number of rows and columns, to one, filled with the value."""
    pixels_HWC = np.full((40, 50, 3), 100, np.uint8)
    layer = layers.RandomErasing(factor=(1.0, 1.0), scale=(0.2, 0.2), fill_value=7)
    plan = Augment((RandomErasing((1.0, 1.0), (0.2, 0.2), 7),))
    for view in range(10):
        ours = plan.view(pixels_HWC, 0, "key", view) == 7
        theirs = kerass(pixels_HWC, layer) == 7
        for axis in ((1, 2), (0, 2)):
            assert abs(int(ours.any(axis).sum()) - int(theirs.any(axis).sum())) <= 1


def test_mixtures_are_kerass() -> None:
    """Told the same partners, weights and boxes, Keras mixes pixels and targets the same."""
    pixels_NHWC = noisy(6, 20, 30, 3)
    targets_NK = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    x_NHWC = keras.ops.convert_to_tensor(pixels_NHWC.astype("float32"))
    y_NK = keras.ops.convert_to_tensor(targets_NK)
    mixture = MixUp(0.4).draw(6, 0, 0)
    told = {
        "mix_weight": keras.ops.convert_to_tensor(mixture.weights.astype("float32")),
        "permutation_order": keras.ops.convert_to_tensor(mixture.partners),
    }
    layer = layers.MixUp(alpha=0.4)
    expected = keras.ops.convert_to_numpy(layer.transform_images(x_NHWC, told))
    assert np.abs(mixture.pixels(pixels_NHWC) - expected).max() <= 0.51
    expected = keras.ops.convert_to_numpy(layer.transform_labels(y_NK, told))
    assert mixture.targets(targets_NK) == pytest.approx(expected, abs=1e-6)
    _same_cuts(pixels_NHWC, CutMix((1.0, 1.0)).draw(6, 0, 0))


def _same_cuts(pixels_NHWC: NDArray[np.uint8], mixture: Mixture) -> None:
    """Keras' own mask for our boxes, and its own mixing with that mask."""
    layer = layers.CutMix((1.0, 1.0))
    number, height, width, _ = pixels_NHWC.shape
    assert mixture.boxes is not None
    top, left, tall, broad = (keras.ops.convert_to_tensor(one) for one in mixture.boxes.T.astype("float32"))
    corners = (left * width, (left + broad) * width, top * height, (top + tall) * height)
    masks, weights = layer._generate_batch_mask(pixels_NHWC.shape, corners)
    assert keras.ops.convert_to_numpy(weights).ravel() == pytest.approx(mixture.weights, abs=1e-5)
    told = {
        "permutation_order": keras.ops.convert_to_tensor(mixture.partners),
        "batch_masks": masks,
        "mix_weight": weights,
    }
    x_NHWC = keras.ops.convert_to_tensor(pixels_NHWC.astype("float32"))
    expected = keras.ops.convert_to_numpy(layer.transform_images(x_NHWC, told))
    assert number == len(expected)
    assert np.array_equal(mixture.pixels(pixels_NHWC), expected)
