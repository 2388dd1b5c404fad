"""Augmentation as a value: one warp, seeds, batches, JSON."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pellucid.errors import RequestError
from pellucid.pictures.augment import plan as room
from pellucid.pictures.augment.colour import RandomBrightness, RandomContrast
from pellucid.pictures.augment.damage import RandomGaussianNoise
from pellucid.pictures.augment.geometry import (
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from pellucid.pictures.augment.plan import Augment
from pellucid.pictures.augment.presets import PRESETS, preset
from pellucid.pictures.augment.transform import Transform
from pellucid.pictures.augment.warp import FILL_MODES


def noisy(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    return np.array(Image.fromarray(noisy(5, 6, 3)).resize((width, height), Image.Resampling.BICUBIC))


STILL: tuple[Transform, ...] = (
    RandomRotation((0.0, 0.0)),
    RandomZoom((0.0, 0.0), (0.0, 0.0)),
    RandomTranslation((0.0, 0.0), (0.0, 0.0)),
    RandomShear(0.0, 0.0),
    RandomCrop(),
    RandomBrightness((0.0, 0.0)),
    RandomContrast(0.0),
    RandomGaussianNoise((0.0, 0.0)),
)


@settings(deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from((1, 3)),
    st.sampled_from(FILL_MODES),
    st.lists(st.sampled_from(STILL), max_size=6),
)
def test_factors_of_nothing_change_no_byte(
    height: int, width: int, channels: int, mode: Any, transforms: list[Transform]
) -> None:
    """Any number of them, in any order, on a picture of any size."""
    pixels_HWC = noisy(height, width, channels)
    plan = Augment(tuple(transforms), mode)
    assert np.array_equal(plan.view(pixels_HWC, 0, "key", 0), pixels_HWC)
    assert plan.said(plan.draw(0, "key", 0)) == "unchanged"


@given(st.integers(0, 10**6), st.sampled_from(("horizontal", "vertical", "horizontal_and_vertical")))
def test_mirrored_twice_is_not_mirrored(view: int, mode: Any) -> None:
    """The same flip of its own view gives the picture back."""
    plan, pixels_HWC = Augment((RandomFlip(mode),)), noisy(7, 10, 3)
    drawn = plan.draw(0, "key", view)
    assert np.array_equal(plan.apply(plan.apply(pixels_HWC, drawn), drawn), pixels_HWC)


@pytest.mark.parametrize("side", [1, 8, 31])
def test_four_quarter_turns_are_none(side: int) -> None:
    """And one is NumPy's rot90, counter-clockwise, to the bit."""
    plan = Augment((RandomRotation((0.25, 0.25)),))
    turned = pixels_HWC = noisy(side, side, 3)
    for times in range(1, 5):
        turned = plan.view(turned, 0, "key", times)
        assert np.array_equal(turned, np.rot90(pixels_HWC, times))


def test_four_quarter_turns_in_one_warp_are_none() -> None:
    """Composed, they are the identity."""
    pixels_HWC, turn = noisy(9, 12, 3), RandomRotation((0.25, 0.25))
    assert np.array_equal(Augment((turn,) * 4).view(pixels_HWC, 0, "key", 0), pixels_HWC)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            (
                RandomRotation((0.03, 0.03)),
                RandomRotation((-0.08, -0.08)),
                RandomZoom((-0.2, -0.2)),
                RandomZoom((-0.1, -0.1), (-0.3, -0.3)),
                RandomTranslation((0.03, 0.03), (-0.05, -0.05)),
                RandomShear((0.05, 0.05)),
                RandomFlip("horizontal"),
            )
        ),
        min_size=2,
        max_size=3,
    ),
    st.integers(0, 1000),
)
def test_one_warp_shows_what_several_show(transforms: list[Transform], view: int) -> None:
    """Away from the edges, on a smooth picture: composing the maps is doing one after another."""
    plan, pixels_HWC = Augment(tuple(transforms)), smooth(90, 110)
    drawn = plan.draw(0, "key", view)
    at_once = plan.apply(pixels_HWC, drawn).astype(int)
    one_by_one = pixels_HWC
    for transform, numbers in zip(transforms, drawn.numbers, strict=True):
        one_by_one = Augment((transform,)).apply(one_by_one, room.Drawn((numbers,)))
    middle = (slice(25, -25), slice(30, -30))
    assert np.abs(at_once - one_by_one)[middle].max() <= 5
    assert np.abs(at_once - one_by_one)[middle].mean() <= 1


def test_one_interpolation_is_sharper_than_three() -> None:
    """What one warp is for: three steps that cancel leave the picture as it was."""
    pixels_HWC = noisy(40, 40, 3)
    there_and_back = (
        RandomRotation((0.06, 0.06)),
        RandomRotation((-0.03, -0.03)),
        RandomRotation((-0.03, -0.03)),
    )
    at_once = Augment(there_and_back).view(pixels_HWC, 0, "key", 0)
    assert np.abs(at_once.astype(int) - pixels_HWC).max() <= 1
    one_by_one = pixels_HWC
    for turn in there_and_back:
        one_by_one = Augment((turn,)).view(one_by_one, 0, "key", 0)
    assert np.abs(one_by_one.astype(int) - pixels_HWC)[10:-10, 10:-10].mean() > 20


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("shape", [(28, 28, 1), (20, 33, 3)])
def test_a_batch_is_its_pictures_one_by_one(name: str, shape: tuple[int, int, int]) -> None:
    """Bit for bit, into memory that was given too, in reverse order, and in threads."""
    pixels_NHWC, keys = noisy(12, *shape), [f"picture {index}" for index in range(12)]
    plan = preset(name)
    found = plan.view_batch(pixels_NHWC, 5, keys, 3)
    one_by_one = [plan.view(pixels, 5, key, 3) for pixels, key in zip(pixels_NHWC, keys, strict=True)]
    assert np.array_equal(found, np.stack(one_by_one))
    out = np.zeros_like(found)
    assert plan.view_batch(pixels_NHWC[::-1], 5, keys[::-1], 3, out=out) is out
    assert np.array_equal(out[::-1], found)
    with ThreadPoolExecutor(4) as threads:
        made = threads.map(lambda index: plan.view(pixels_NHWC[index], 5, keys[index], 3), range(12))
        assert np.array_equal(np.stack(list(made)), found)


def test_an_empty_batch_stays_empty() -> None:
    """Nothing is drawn."""
    assert preset("lecture").view_batch(noisy(0, 8, 8, 3), 0, [], 0).shape == (0, 8, 8, 3)


def test_a_view_belongs_to_seed_picture_and_number() -> None:
    """Whichever of the three changes, the view changes; the same three give it again."""
    plan, pixels_HWC = preset("lecture"), noisy(30, 30, 3)
    views = [plan.view(pixels_HWC, *place) for place in ((0, "a", 0), (1, "a", 0), (0, "b", 0), (0, "a", 1))]
    assert len({view.tobytes() for view in views}) == 4
    assert np.array_equal(plan.view(pixels_HWC, 0, "a", 0), views[0])
    assert plan.view(pixels_HWC, 0, "\udcff", 0).shape == pixels_HWC.shape


def test_what_one_transform_draws_does_not_depend_on_the_others() -> None:
    """Taking the flip away leaves every turn and zoom as it was; a second turn has a stream of its own."""
    whole, part = preset("lecture"), Augment((RandomZoom(0.2), RandomRotation(0.1), RandomRotation(0.1)))
    for view in range(20):
        flip, turn, zoom = whole.draw(0, "key", view).numbers
        assert part.draw(0, "key", view).numbers[:2] == (zoom, turn)
        assert part.draw(0, "key", view).numbers[2] != turn
    del flip


def test_colour_follows_the_warp_in_order() -> None:
    """Brightness, then contrast: the mean is that of the brighter picture."""
    plan, pixels_HWC = Augment((RandomBrightness((0.2, 0.2)), RandomContrast((0.5, 0.0)))), noisy(9, 9, 3)
    drawn = plan.draw(0, "key", 0)
    brighter = np.rint(pixels_HWC + 51.0).clip(0, 255)
    contrast = float(drawn.numbers[1]["contrast"])
    expected = (brighter - brighter.mean((0, 1))) * contrast + brighter.mean((0, 1))
    assert np.abs(plan.apply(pixels_HWC, drawn) - expected.clip(0, 255)).max() <= 1


def test_a_window_decides_the_size() -> None:
    """Of a picture of any size 32 x 32 are taken, and that is told without a picture."""
    plan = Augment((RandomCrop(32, 32), RandomFlip("horizontal")))
    assert plan.view(noisy(50, 70, 3), 0, "key", 0).shape == (32, 32, 3)
    assert plan.view(noisy(20, 70, 1), 0, "key", 0).shape == (32, 32, 1)
    assert plan.gives((50, 70)) == plan.gives((20, 70)) == (32, 32)
    assert preset("strong").gives((50, 70)) == (50, 70)


def test_an_augmentation_is_written_and_read() -> None:
    """Through JSON and back it is equal and has the same digest."""
    for plan in (*PRESETS.values(), Augment((RandomFlip(),), "constant", 127.5)):
        told = json.loads(json.dumps(plan.to_json(), allow_nan=False))
        assert Augment.from_json(told) == plan
        assert Augment.from_json(told).digest == plan.digest


def test_the_digest_is_written_down_for_what_it_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It changes with a factor, the fill mode, and the release of what computes."""
    plan = Augment((RandomRotation(0.1),))
    digests = {
        plan.digest,
        Augment((RandomRotation(0.2),)).digest,
        Augment((RandomRotation(0.1),), "wrap").digest,
        Augment((RandomRotation(0.1),), "constant", 1).digest,
    }
    for where, name in (("cv2", "OpenCV"), ("np", "NumPy"), ("PIL", "Pillow"), ("simplejpeg", "simplejpeg")):
        with monkeypatch.context() as patch:
            patch.setattr(getattr(room, where), "__version__", name)
            digests.add(plan.digest)
    assert len(digests) == 8
    assert all(len(digest) == 32 for digest in digests)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Augment(fill_mode="reflct"),  # type: ignore[arg-type]
            "There is no fill mode 'reflct'. reflect, wrap, constant, nearest are known. "
            "Did you mean reflect?",
        ),
        (
            lambda: Augment(fill_value=300),
            "Augment's fill_value is 300. A number from 0 to 255 was expected. 0 is black and 255 white.",
        ),
        (
            lambda: Augment(("flip",)),  # type: ignore[arg-type]
            "Augment's transforms are ('flip',). A tuple of transforms was expected. Write for example "
            "(RandomFlip('horizontal'), RandomRotation(0.1)).",
        ),
        (
            lambda: preset("none").draw(0, "key", -1),
            "Augment's view is -1. A whole number from 0 to 9223372036854775808 was expected. Views are "
            "counted from 0.",
        ),
        (
            lambda: Augment.from_json({"transform": []}),
            "There is no field of an augmentation 'transform'. version, transforms, fill_mode, fill_value "
            "are known. Did you mean transforms?",
        ),
        (
            lambda: Augment.from_json({"version": 99}),
            "The augmentation is of version 99. This Pellucid carries out version 1, and another gives other "
            "views. Use the Pellucid that wrote it, or write it anew.",
        ),
    ],
)
def test_what_cannot_be_is_refused(make: Any, message: str) -> None:
    """The message says what came, what was expected and what would do."""
    with pytest.raises(RequestError) as caught:
        make()
    assert str(caught.value) == message
