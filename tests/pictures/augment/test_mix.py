"""MixUp and CutMix, with their formulas written out."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from pellucid.errors import RequestError
from pellucid.pictures.augment.mix import CutMix, Mix, Mixture, MixUp


def batch(number: int = 16) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    pixels_NHWC = np.random.default_rng(0).integers(0, 256, (number, 20, 30, 3), np.uint8)
    return pixels_NHWC, np.eye(4, dtype=np.float32)[np.arange(number) % 4]


def test_a_blend_by_hand() -> None:
    """A quarter of 200 and three quarters of 100 are 125, and so are the targets shared."""
    pixels_NHWC = np.stack([np.full((2, 2, 1), 200, np.uint8), np.full((2, 2, 1), 100, np.uint8)])
    mixture = Mixture(np.array([1, 0]), np.array([0.25, 1.0]))
    assert mixture.pixels(pixels_NHWC)[:, 0, 0, 0].tolist() == [125, 100]
    assert mixture.targets(np.eye(2, dtype=np.float32)).tolist() == [[0.25, 0.75], [0, 1]]


def test_a_cut_by_hand() -> None:
    """Rows 1 and 2 and columns 2 and 3 of 4 x 4 come from the partner, a quarter of the area."""
    pixels_NHWC = np.stack([np.full((4, 4, 1), value, np.uint8) for value in (10, 20)])
    mixture = Mixture(np.array([1, 1]), np.array([0.75, 1]), np.array([[0.25, 0.5, 0.5, 0.5]] * 2))
    expected = np.full((4, 4), 10)
    expected[1:3, 2:4] = 20
    assert mixture.pixels(pixels_NHWC)[0, :, :, 0].tolist() == expected.tolist()
    assert (pixels_NHWC[0] == 10).all()


@pytest.mark.parametrize("mix", [MixUp(), CutMix(), MixUp(1.0), CutMix((1, 1))], ids=repr)
def test_a_mixture_belongs_to_its_seed_and_batch(mix: Mix) -> None:
    """The same comes again; another seed or batch gives another; partners are a permutation."""
    pixels_NHWC, targets_NK = batch()
    one, same = mix.draw(16, 3, 7), mix.draw(16, 3, 7)
    assert np.array_equal(one.pixels(pixels_NHWC), same.pixels(pixels_NHWC))
    assert sorted(one.partners) == list(range(16))
    for other in (mix.draw(16, 4, 7), mix.draw(16, 3, 8)):
        assert not np.array_equal(one.weights, other.weights)
    mixed, shared = one.pixels(pixels_NHWC), one.targets(targets_NK)
    assert (mixed.shape, mixed.dtype) == (pixels_NHWC.shape, np.uint8)
    assert shared.dtype == np.float32
    assert shared.sum(1) == pytest.approx(np.ones(16))


def test_weights_have_the_distribution_that_was_asked_for() -> None:
    """Beta(0.2, 0.2) for MixUp; with a factor of (1, 1) the area that CutMix leaves is uniform."""
    weights = MixUp(0.2).draw(5000, 0, 0).weights
    assert stats.kstest(weights, "beta", (0.2, 0.2)).pvalue > 0.001
    assert stats.kstest(CutMix((1, 1)).draw(5000, 0, 0).weights, "uniform").pvalue > 0.001


def test_the_target_is_what_is_seen() -> None:
    """CutMix: the share of pixels that stay is the weight, to the pixels that a rectangle is rounded to."""
    pixels_NHWC = np.arange(16, dtype=np.uint8)[:, None, None, None] * np.ones((1, 200, 200, 1), np.uint8)
    mixture = CutMix((1, 1)).draw(16, 0, 0)
    mixed = mixture.pixels(pixels_NHWC)
    for index in range(16):
        if mixture.partners[index] != index:
            kept = (mixed[index] == index).mean()
            assert kept == pytest.approx(mixture.weights[index], abs=0.011)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: MixUp(0),
            "MixUp's alpha is 0. A number above 0 and at most 1 was expected. 0.2 is Keras' own.",
        ),
        (
            lambda: CutMix(1.5),
            "CutMix's factor is 1.5. A number from 0 to 1, or a pair of them (lower, upper), was expected. "
            "(1, 1) makes every size of rectangle as likely as another.",
        ),
    ],
)
def test_a_factor_out_of_range_is_refused(make: Any, message: str) -> None:
    """The message says what came, what was expected and what would do."""
    with pytest.raises(RequestError) as caught:
        make()
    assert str(caught.value) == message
