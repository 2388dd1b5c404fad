"""Pictures at the network's size as uint8 arrays, held in memory where they fit and read anew where not.

How they become a network's numbers is the preprocessing's business; which of them make a batch the loop's.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pellucid.data.item import Skipped, Stack
from pellucid.data.scan import Picture
from pellucid.errors import PictureError, SourceError, shown
from pellucid.events import Listener, phase, silent
from pellucid.pictures.preprocess import Preprocess
from pellucid.workers import in_order

_CHUNK = 32
_BLOCK = 1024
_MOST_HELD = 4 * 2**30


class Pixels(Protocol):
    """N pictures of one size."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, height, width, channels)."""
        ...

    def take(self, rows_B: NDArray[np.integer]) -> NDArray[np.uint8]:
        """The pictures at these places, uint8 (B, height, width, channels); from any thread."""
        ...

    def part(self, rows_M: NDArray[np.integer]) -> "Pixels":
        """Some of them, in this order."""
        ...


@dataclass(frozen=True)
class HeldPixels:
    """All pictures in memory, uint8 (N, H, W, C)."""

    pixels_NHWC: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, height, width, channels)."""
        count, height, width, channels = self.pixels_NHWC.shape
        return count, height, width, channels

    def take(self, rows_B: NDArray[np.integer]) -> NDArray[np.uint8]:
        """A copy of the pictures at these places."""
        return np.take(self.pixels_NHWC, rows_B, axis=0)

    def part(self, rows_M: NDArray[np.integer]) -> "HeldPixels":
        """A copy of some of them."""
        return HeldPixels(self.take(rows_M))


@dataclass(frozen=True)
class StreamedPixels:
    """Pictures that are read and decoded whenever they are asked for, by whoever asks."""

    pictures: tuple[Picture, ...]
    read: Callable[[int], bytes]
    preprocess: Preprocess

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, height, width, channels)."""
        return len(self.pictures), *_size(self.preprocess)

    def part(self, rows_M: NDArray[np.integer]) -> "StreamedPixels":
        """Some of them."""
        return StreamedPixels(tuple(self.pictures[row] for row in rows_M), self.read, self.preprocess)

    def take(self, rows_B: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Read the pictures at these places.

        Raises:
            SourceError: one of them could be read when the source was looked at, and cannot any more.
        """
        pixels_BHWC = np.empty((len(rows_B), *_size(self.preprocess)), np.uint8)
        for place, row in enumerate(rows_B):
            picture = self.pictures[row]
            try:
                pixels_BHWC[place] = self.preprocess.pixels(self.read(picture.index))
            except (OSError, PictureError) as error:
                raise SourceError(
                    f"The picture {shown(picture.path)} cannot be read any more: {error}.",
                    "Pictures that stay as they are while they are learnt from were expected.",
                    "Bring it back, or take it away and train again.",
                ) from error
        return pixels_BHWC


@dataclass(frozen=True)
class Loaded:
    """What ``load_pixels`` gives: the pictures that can be read, where they stand, and the others."""

    pixels: Pixels
    positions: NDArray[np.int64]
    skipped: tuple[Skipped, ...]


def load_pixels(
    pictures: Sequence[Picture],
    read: Callable[[int], bytes],
    preprocess: Preprocess,
    listen: Listener = silent,
    *,
    stacks: Sequence[Stack] = (),
    most_bytes: int | None = None,
) -> Loaded:
    """Bring pictures to size: once and for all where they fit in memory, else each time they are needed.

    Args:
        pictures: What the scan found.
        read: Gives the encoded picture at ``Picture.index``.
        preprocess: Decides the size and the channels.
        listen: Told of the progress.
        stacks: The pictures as arrays, where the source has them so; those that have the network's size are
            taken as they lie there, many at once.
        most_bytes: How much memory they may take; by default a quarter of the machine's, at most 4 GiB.
    """
    held_NHWC_shape = (len(pictures), *_size(preprocess))
    limit = _memory() if most_bytes is None else most_bytes
    if int(np.prod(held_NHWC_shape, dtype=np.int64)) > limit:
        everyone = np.arange(len(pictures), dtype=np.int64)
        return Loaded(StreamedPixels(tuple(pictures), read, preprocess), everyone, ())
    pixels_NHWC = np.empty(held_NHWC_shape, np.uint8)
    if stacks and {stack.shape[:2] for stack in stacks} == {held_NHWC_shape[1:3]}:
        with phase(listen, "Decoding", len(pictures)) as advance:
            _fill(pixels_NHWC, pictures, preprocess, stacks, advance)
        return Loaded(HeldPixels(pixels_NHWC), np.arange(len(pictures), dtype=np.int64), ())

    def work(part: range) -> list[tuple[int, str]]:
        failures = []
        for place in part:
            try:
                pixels_NHWC[place] = preprocess.pixels(read(pictures[place].index))
            except (OSError, PictureError) as error:
                failures.append((place, str(error)))
        return failures

    failed: dict[int, str] = {}
    with phase(listen, "Decoding", len(pictures)) as advance:
        for part, failures in in_order(work, len(pictures), _CHUNK):
            failed.update(failures)
            advance(len(part))
    positions = np.array([place for place in range(len(pictures)) if place not in failed], np.int64)
    return Loaded(
        HeldPixels(pixels_NHWC[positions] if failed else pixels_NHWC),
        positions,
        tuple(Skipped(pictures[place].path, reason) for place, reason in failed.items()),
    )


def _fill(
    pixels_NHWC: NDArray[np.uint8],
    pictures: Sequence[Picture],
    preprocess: Preprocess,
    stacks: Sequence[Stack],
    advance: Callable[[int], None],
) -> None:
    """Take pictures that have the network's size out of the arrays they lie in."""
    index_N = np.array([picture.index for picture in pictures], np.int64)
    for stack in stacks:
        here_M = np.flatnonzero((index_N >= stack.places.start) & (index_N < stack.places.stop))
        for start in range(0, len(here_M), _BLOCK):
            some_B = here_M[start : start + _BLOCK]
            pixels_NHWC[some_B] = preprocess.views(stack.take(index_N[some_B]))
            advance(len(some_B))


def _size(preprocess: Preprocess) -> tuple[int, int, int]:
    return preprocess.height, preprocess.width, preprocess.channels


def machine_memory() -> int | None:
    """Bytes of this machine's memory; None where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _memory() -> int:
    """Bytes that pictures may take."""
    whole = machine_memory()
    return 2**30 if whole is None else min(whole // 4, _MOST_HELD)
