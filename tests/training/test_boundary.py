"""Cached maps as batches: the right picture, the right view, the right layout."""

from pathlib import Path

import numpy as np

from pellucid.training.activations import ActivationCache, SegmentWriter
from pellucid.training.boundary import BoundaryFeed

SHAPE = (2, 3, 4)


def views(folder: Path, kind: type) -> tuple[list, np.ndarray]:
    chance = np.random.default_rng(0)
    maps_VNCHW = chance.normal(size=(2, 5, *SHAPE)).astype(np.float32)
    found = []
    for number, maps_NCHW in enumerate(maps_VNCHW):
        with SegmentWriter(folder / str(number), kind) as writer:
            for row, maps_CHW in enumerate(maps_NCHW):
                writer.append(f"{row:032x}", maps_CHW.reshape(-1))
        cache = ActivationCache(24, kind)
        cache.add(folder / str(number))
        found.append(cache.rows([f"{row:032x}" for row in range(5)]))
    return found, maps_VNCHW


def test_an_epoch_shows_its_view_channels_last(tmp_path: Path) -> None:
    """Epochs 0, 2, 4 show view 0 and the others view 1, as (B, H, W, C) of the rows that were asked for."""
    found, maps_VNCHW = views(tmp_path, np.float32)
    feed = BoundaryFeed(found, SHAPE, np.arange(5))
    for epoch in range(4):
        batch_BHWC = feed.batch(np.array([3, 0]), epoch)
        expected = maps_VNCHW[epoch % 2][[3, 0]].transpose(0, 2, 3, 1)
        np.testing.assert_array_equal(batch_BHWC, expected)
        assert batch_BHWC.flags.c_contiguous
    part = feed.take(np.array([4, 2]))
    assert len(part) == 2
    np.testing.assert_array_equal(part.labels_N, [4, 2])
    np.testing.assert_array_equal(part.batch(np.array([0]), 1), feed.batch(np.array([4]), 1))


def test_half_precision_halves_the_disk_and_keeps_three_digits(tmp_path: Path) -> None:
    """A float16 cache takes two bytes a number and gives float32 back within half a part in a thousand."""
    found, maps_VNCHW = views(tmp_path, np.float16)
    batch_BHWC = BoundaryFeed(found, SHAPE, np.arange(5)).batch(np.arange(5), 1)
    assert batch_BHWC.dtype == np.float32
    np.testing.assert_allclose(batch_BHWC, maps_VNCHW[1].transpose(0, 2, 3, 1), rtol=5e-4, atol=1e-7)
    assert sum(path.stat().st_size for path in tmp_path.glob("0/*.rows")) == 5 * 24 * 2
