"""Every picture of a source read once: its digest, its true size, a thumbnail, or why it is unreadable.

It decides nothing about the pictures; `duplicates`, `check` and `split` do, from what stands here.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pellucid.data.arrays import encoded_digests
from pellucid.data.facts import SIDE, Facts, FactsCache, measure, thumbnails
from pellucid.data.item import Skipped as Skipped
from pellucid.data.item import SplitName, Stack
from pellucid.data.source import Source
from pellucid.errors import PictureError
from pellucid.events import Listener, Notice, phase, silent
from pellucid.pictures.digest import picture_digest
from pellucid.pictures.file import why_unread
from pellucid.workers import in_order

_DIGEST_BYTES = 16
_CHUNK = 32
_HELD_BYTES = 4_000_000
_TINY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Picture:
    """A readable picture.

    Attributes:
        index: Its place in ``source.items``.
        digest: blake2b of the encoded bytes, 16 bytes, in hex.
        height, width: In pixels, upright, before any scaling.
    """

    index: int
    path: str
    label: str
    split: SplitName | None
    digest: str
    height: int
    width: int


@dataclass(frozen=True)
class Scan:
    """All readable pictures of a source, in the order of its items.

    Attributes:
        thumbnails: uint8 (N, 16, 16), the grey levels of ``pictures[n]``, squashed to a square.
        skipped: What listing set aside, then what could not be read.
        classes: The labels of all items, sorted: the class order.
        digest: Of all digests, labels and given splits, whatever their order; hex.
    """

    source: Source
    pictures: tuple[Picture, ...]
    thumbnails: NDArray[np.uint8]
    skipped: tuple[Skipped, ...]
    classes: tuple[str, ...]
    digest: str


def scan(source: Source, listen: Listener = silent) -> Scan:
    """Read every picture of ``source`` once, in a few threads; facts come from the user's cache by content.

    Where pictures lie in arrays, many are looked at at once and no cache is asked: that would take longer.
    A picture that cannot be read or decoded is named in ``skipped``. Events: the phase "Looking at the
    pictures", and a Notice where the cache cannot be used.
    """
    with phase(listen, "Looking at the pictures", len(source.items)) as advance:
        look = _in_arrays if source.stacks else _in_files
        pictures, small_NSS, skipped, trouble = look(source, advance)
    if trouble:
        listen(Notice(trouble))
    return Scan(
        source,
        tuple(pictures),
        small_NSS,
        source.skipped + tuple(skipped),
        tuple(sorted({item.label for item in source.items})),
        _digest_of(pictures),
    )


_Looked = tuple[list[Picture], NDArray[np.uint8], list[Skipped], str]
"""Pictures, their thumbnails, what cannot be read, and why the cache is not used where it is not."""


def _in_arrays(source: Source, advance: Callable[[int], None]) -> _Looked:
    pictures: list[Picture] = []
    small_NSS = np.empty((len(source.items), SIDE, SIDE), np.uint8)

    def work(stack: Stack, part: range) -> list[str]:
        places_B = np.asarray(stack.places)[part.start : part.stop]
        pixels_BHWC = stack.take(places_B)
        small_NSS[places_B] = thumbnails(pixels_BHWC)
        return encoded_digests(pixels_BHWC)

    for stack in source.stacks:
        height, width, channels = stack.shape
        chunk = max(_HELD_BYTES // (height * width * channels), 1)
        for part, digests in in_order(partial(work, stack), len(stack.places), chunk):
            for index, digest in zip(stack.places[part.start : part.stop], digests, strict=True):
                item = source.items[index]
                pictures.append(Picture(index, item.path, item.label, item.split, digest, height, width))
            advance(len(part))
    return pictures, small_NSS, [], ""


def _in_files(source: Source, advance: Callable[[int], None]) -> _Looked:
    total = len(source.items)
    pictures: list[Picture] = []
    skipped: list[Skipped] = []
    small_NSS = np.empty((total, SIDE, SIDE), np.uint8)
    cache = FactsCache()
    work = partial(_look_at, source, cache)
    try:
        for part, looked in in_order(work, total, _CHUNK, _threads(source)):
            for index, (digest, facts) in zip(part, looked, strict=True):
                item = source.items[index]
                if facts.reason:
                    skipped.append(Skipped(item.path, facts.reason))
                    continue
                small_NSS[len(pictures)] = np.frombuffer(facts.thumbnail, np.uint8).reshape(SIDE, SIDE)
                pictures.append(
                    Picture(index, item.path, item.label, item.split, digest, facts.height, facts.width)
                )
            advance(len(looked))
    finally:
        cache.close()
    return pictures, small_NSS[: len(pictures)], skipped, cache.trouble


def _look_at(source: Source, cache: FactsCache, part: range) -> list[tuple[str, Facts]]:
    """The digest and facts of each item of a chunk; few encoded bytes are held at a time."""
    looked: dict[int, tuple[str, Facts]] = {}
    held: dict[int, bytes] = {}
    for index in part:
        try:
            held[index] = source.read(index)
        except (OSError, PictureError) as error:
            looked[index] = ("", Facts(reason=why_unread(error)))
        if sum(map(len, held.values())) > _HELD_BYTES:
            looked |= _measured(held, cache)
            held.clear()
    looked |= _measured(held, cache)
    return [looked[index] for index in part]


def _measured(held: dict[int, bytes], cache: FactsCache) -> dict[int, tuple[str, Facts]]:
    digests = {index: picture_digest(data) for index, data in held.items()}
    known = cache.get(digests.values())
    new: dict[str, Facts] = {}
    for index, digest in digests.items():
        if digest not in known:
            known[digest] = new[digest] = measure(held[index])
    cache.put(new)
    return {index: (digest, known[digest]) for index, digest in digests.items()}


def _threads(source: Source) -> int | None:
    """One thread for tiny pictures: handing them over costs more than reading them."""
    sizes = []
    for index in range(0, len(source.items), max(len(source.items) // 5, 1)):
        with suppress(OSError, PictureError):
            sizes.append(len(source.read(index)))
    return 1 if sizes and sorted(sizes)[len(sizes) // 2] < _TINY_BYTES else None


def _digest_of(pictures: list[Picture]) -> str:
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for line in sorted(
        f"{picture.digest} {picture.split} {picture.label}".encode("utf-8", "surrogateescape")
        for picture in pictures
    ):
        digest.update(len(line).to_bytes(4, "big") + line)
    return digest.hexdigest()
