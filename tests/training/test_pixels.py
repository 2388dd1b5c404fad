"""Pictures at the network's size, held in memory or read anew: the same pixels either way."""

from pathlib import Path

import numpy as np
import pytest

from pellucid.data.arrays import list_arrays
from pellucid.data.scan import scan
from pellucid.data.source import Source, open_source
from pellucid.errors import SourceError
from pellucid.events import Advanced, Event
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.pixels import HeldPixels, StreamedPixels, load_pixels

GREY = Preprocess(8, 10, "squash", (0.0,), (255.0,))


def test_held_and_streamed_pictures_have_the_same_pixels(colours: Path) -> None:
    """Where memory does not suffice each picture is read when it is asked for, to the same bytes."""
    looked = scan(open_source(colours))
    held = load_pixels(looked.pictures, looked.source.read, GREY)
    streamed = load_pixels(looked.pictures, looked.source.read, GREY, most_bytes=100)
    assert isinstance(held.pixels, HeldPixels)
    assert isinstance(streamed.pixels, StreamedPixels)
    assert held.pixels.shape == streamed.pixels.shape == (72, 8, 10, 1)
    rows_B = np.array([5, 70, 5, 0])
    np.testing.assert_array_equal(held.pixels.take(rows_B), streamed.pixels.take(rows_B))
    some = np.array([3, 9])
    np.testing.assert_array_equal(held.pixels.part(some).take(np.array([1])), held.pixels.take(some[1:]))
    np.testing.assert_array_equal(streamed.pixels.part(some).take(np.array([1])), held.pixels.take(some[1:]))


def test_a_picture_that_cannot_be_read_any_more_is_skipped_or_named(colours: Path) -> None:
    """On loading it is set aside with its reason; while streaming, training stops and names it."""
    looked = scan(open_source(colours))
    streamed = load_pixels(looked.pictures, looked.source.read, GREY, most_bytes=100)
    gone = looked.pictures[2]
    (colours / gone.path).write_bytes(b"")
    held = load_pixels(looked.pictures, looked.source.read, GREY)
    assert held.positions.tolist() == [0, 1, *range(3, 72)]
    assert held.pixels.shape[0] == 71
    assert [(one.path, one.reason) for one in held.skipped] == [(gone.path, "it is empty")]
    with pytest.raises(SourceError) as caught:
        streamed.pixels.take(np.array([2]))
    assert str(caught.value) == (
        f"The picture '{gone.path}' cannot be read any more: it is empty. Pictures that stay as they are "
        "while they are learnt from were expected. Bring it back, or take it away and train again."
    )


@pytest.mark.parametrize("size", [(6, 5), (8, 10)], ids=["the network's size", "another size"])
def test_pictures_in_arrays_have_the_same_pixels_as_one_by_one(size: tuple[int, int]) -> None:
    """Taken out of their arrays at once or decoded one by one: the same pixels, in the order asked for."""
    rng = np.random.default_rng(2)
    listing = list_arrays(
        "memory",
        [
            (rng.integers(0, 256, (30, 6, 5), np.uint8), np.zeros(30, int), "train"),
            (rng.integers(0, 256, (20, 6, 5, 3), np.uint8), np.zeros(20, int), "test"),
        ],
    )
    source = Source("memory", listing.items, listing.read, stacks=listing.stacks)
    pictures = [scan(source).pictures[place] for place in (49, 3, 31, 0, 7)]
    preprocess = Preprocess(*size, "squash", (0.0,), (255.0,))
    told: list[Event] = []
    quick = load_pixels(pictures, source.read, preprocess, told.append, stacks=source.stacks)
    slow = load_pixels(pictures, source.read, preprocess)
    assert isinstance(quick.pixels, HeldPixels)
    np.testing.assert_array_equal(quick.pixels.take(np.arange(5)), slow.pixels.take(np.arange(5)))
    np.testing.assert_array_equal(quick.positions, slow.positions)
    assert quick.skipped == ()
    assert sum(event.count for event in told if isinstance(event, Advanced)) == 5
