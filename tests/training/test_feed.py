"""A batch as a network takes it."""

import numpy as np

from pellucid.pictures.augment.presets import preset
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.feed import Feed
from pellucid.training.pixels import HeldPixels

PIXELS_NHWC = np.random.default_rng(0).integers(0, 256, (6, 5, 4, 3), np.uint8)
PRE = Preprocess(5, 4, "squash", (10.0, 20.0, 30.0), (50.0, 60.0, 70.0))


def test_a_batch_is_what_the_preprocessing_says() -> None:
    """The numbers are those of Preprocess.normalise, the channels at the end."""
    feed = Feed(HeldPixels(PIXELS_NHWC), np.arange(6), PRE)
    x_BHWC = feed.batch(np.array([4, 1]), 0)
    assert x_BHWC.dtype == np.float32
    expected = np.stack([PRE.normalise(PIXELS_NHWC[n]) for n in (4, 1)]).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(x_BHWC, expected)
    assert len(feed) == 6


def test_views_differ_by_epoch_and_come_again() -> None:
    """Another epoch shows another view; the same epoch the same, whatever the batch."""
    keys = [f"picture {n}" for n in range(6)]
    feed = Feed(HeldPixels(PIXELS_NHWC), np.arange(6), PRE, preset("lecture"), keys, seed=3)
    first, second = feed.batch(np.array([4, 1]), 0), feed.batch(np.array([4, 1]), 1)
    assert (first != second).any()
    np.testing.assert_array_equal(feed.batch(np.array([1, 0, 4]), 0)[[2, 0]], first)


def test_few_views_are_shown_in_turn() -> None:
    """Of two views the third epoch shows the first again; some of the pictures keep their own."""
    keys = [f"picture {n}" for n in range(6)]
    feed = Feed(HeldPixels(PIXELS_NHWC), np.arange(6), PRE, preset("lecture"), keys, seed=3, views=2)
    fresh = Feed(HeldPixels(PIXELS_NHWC), np.arange(6), PRE, preset("lecture"), keys, seed=3)
    rows = np.array([4, 1])
    for epoch in range(4):
        np.testing.assert_array_equal(feed.batch(rows, epoch), fresh.batch(rows, epoch % 2))
    some = feed.take(np.array([1, 5, 4]))
    assert (len(some), some.labels_N.tolist()) == (3, [1, 5, 4])
    np.testing.assert_array_equal(some.batch(np.array([2, 0]), 1), feed.batch(rows, 1))
    plain = Feed(HeldPixels(PIXELS_NHWC), np.arange(6), PRE).take(np.array([2]))
    np.testing.assert_array_equal(
        plain.batch(np.array([0]), 0)[0], PRE.normalise(PIXELS_NHWC[2]).transpose(1, 2, 0)
    )
