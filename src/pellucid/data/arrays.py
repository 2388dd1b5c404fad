"""Pictures that lie in arrays: each is given as a binary PGM or PPM file, so that one decoder serves all.

It also finds them in `.npz` archives; `idx` finds them in IDX files.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.item import Item, Listing, Skipped, SplitName, Stack, label_text, make_item, split_named
from pellucid.errors import SourceError, printable, shown
from pellucid.pictures.decode import WHOLE_LIMIT
from pellucid.pictures.digest import picture_digests

Part = tuple[NDArray[Any], NDArray[Any], SplitName | None]  # pictures, labels, split

_WORDS = {"x": True, "images": True, "y": False, "labels": False}  # in an array's name: pictures, or labels
_OF = {True: "pictures", False: "labels"}
_ORDER: tuple[SplitName | None, ...] = (None, "train", "val", "test")
_EXPECTED = (
    "Arrays named x and y, or images and labels, were expected, or such a pair for each of train, val and"
    " test: x_train and y_train, or train_images and train_labels."
)
_SHAPES = (
    "Pictures of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3), as whole numbers 0 to 255 or fractions 0 to"
    " 1, and N labels were expected."
)
_UNLABELLED = "it has no label"
_CHUNK = 1024


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """One picture, uint8 (H, W), (H, W, 1) or (H, W, 3), as the bytes of a PGM or PPM file."""
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    return _head(pixels.shape[0], pixels.shape[1], channels) + pixels.tobytes()


def encoded_digests(pixels_NHWC: NDArray[np.uint8]) -> list[str]:
    """The digest of what ``encode`` gives of each picture, uint8 (N, H, W, 1) or (N, H, W, 3)."""
    return picture_digests(_head(*pixels_NHWC.shape[1:]), np.ascontiguousarray(pixels_NHWC))


def _head(height: int, width: int, channels: int) -> bytes:
    return b"P%d %d %d 255\n" % (6 if channels == 3 else 5, width, height)


def list_arrays(name: str, parts: Iterable[Part]) -> Listing:
    """A listing of pictures (N, H, W), (N, H, W, 1) or (N, H, W, 3), 0..255 or 0..1, with labels (N,).

    The items are called ``train/17``, or ``17`` where there is no split; a further part of the same split
    goes on counting. A picture whose label is missing (NaN, or no text) is named as skipped.

    Raises:
        SourceError: where shapes, types, ranges or lengths do not fit, or there is no picture.
    """
    items: list[Item] = []
    skipped: list[Skipped] = []
    arrays: list[NDArray[Any]] = []
    starts: list[int] = []
    counted: Counter[SplitName | None] = Counter()
    for pictures, labels, split in parts:
        labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
        _refuse_misfits(name, pictures, labels)
        starts.append(len(items))
        values, prefix = labels.tolist(), f"{split}/" if split else ""
        names = {value: label_text(value) for value in set(values)}  # few, of which each stands there often
        labelled = [names[value] != "" for value in values]
        for n, value in enumerate(values, counted[split]):
            path, label = f"{prefix}{n}", names[value]
            if label:
                items.append(make_item(path, label, split))
            else:
                skipped.append(Skipped(path, _UNLABELLED))
        counted[split] += len(values)
        arrays.append(pictures if all(labelled) else pictures[labelled])
    if not items:
        raise SourceError(f"{shown(name)} holds no picture.", _EXPECTED, "Check how it was written.")

    def read(index: int) -> bytes:
        part = int(np.searchsorted(starts, index, side="right")) - 1
        return encode(_eight_bits(arrays[part][index - starts[part]]))

    stacks = [_stack(array, start) for array, start in zip(arrays, starts, strict=True) if len(array)]
    few = all(stack.shape[0] * stack.shape[1] <= WHOLE_LIMIT for stack in stacks)  # else decoding refuses
    return Listing(tuple(items), read, tuple(skipped), tuple(stacks) if few else ())


def _stack(pictures: NDArray[Any], start: int) -> Stack:
    height, width = pictures.shape[1:3]
    channels = pictures.shape[3] if pictures.ndim == 4 else 1

    def take(places_B: NDArray[np.integer]) -> NDArray[np.uint8]:
        return _eight_bits(pictures[places_B - start]).reshape(-1, height, width, channels)

    return Stack(range(start, start + len(pictures)), (height, width, channels), take)


def list_npz(path: Path) -> Listing:
    """The pictures of an archive as `numpy.savez` writes it; nothing in it is unpickled.

    Raises:
        SourceError: where the archive is damaged, or holds no arrays that are named and shaped as expected.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            parts, unused = _parts(name, archive)
            listing = list_arrays(name, parts)
            return replace(listing, skipped=listing.skipped + unused)
    except SourceError:
        raise
    # zipfile, zlib and numpy raise whatever hostile bytes lead them to; here it is one thing: damage.
    except Exception as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise SourceError(
            f"The archive {shown(name)} cannot be read ({printable(reason)}).",
            "A file as numpy.savez writes it, with plain numbers and text, was expected.",
            "Write it again.",
        ) from error


def _parts(name: str, archive: Any) -> tuple[list[Part], tuple[Skipped, ...]]:
    """Pictures and labels by their arrays' names, and arrays of a split that is not known."""
    found = list(getattr(archive, "files", []))
    pairs: dict[SplitName | None, dict[bool, str]] = {}
    unused: list[Skipped] = []
    for key in found:
        pictures, part = _meaning(key)
        split = split_named(part)
        if part and pictures is not None and split is None:
            unused.append(Skipped(key, "an array of no split that is known: train, val or test"))
        elif pictures is not None:
            pairs.setdefault(split, {}).setdefault(pictures, key)
    if not pairs:
        arrays = ", ".join(shown(key) for key in found) or "no array"
        raise SourceError(
            f"The archive {shown(name)} holds {arrays}.", _EXPECTED, "Write it again with such names."
        )
    for pair in pairs.values():
        if len(pair) == 1:
            ((holds_pictures, key),) = pair.items()
            raise SourceError(
                f"The archive {shown(name)} holds {shown(key)} and no {_OF[not holds_pictures]} for it.",
                _EXPECTED,
                "Write it again with such names.",
            )
    here = [(pairs[split], split) for split in _ORDER if split in pairs]
    return [(archive[pair[True]], archive[pair[False]], split) for pair, split in here], tuple(unused)


def _meaning(key: str) -> tuple[bool | None, str]:
    """Whether an array's name means pictures or labels, None for neither; and of which part, "" for all."""
    first, _, last = key.lower().partition("_")
    for word, part in ((first, last), (last, first)):
        if word in _WORDS:
            return _WORDS[word], part
    return None, ""


def _refuse_misfits(name: str, pictures: NDArray[Any], labels: NDArray[Any]) -> None:
    colours = pictures.ndim == 3 or (pictures.ndim == 4 and pictures.shape[3] in (1, 3))
    if not colours or 0 in pictures.shape[1:]:
        raise _misfit(name, f"pictures of shape {pictures.shape}")
    if labels.ndim != 1:
        raise _misfit(name, f"labels of shape {labels.shape}")
    if len(pictures) != len(labels):
        raise _misfit(name, f"{len(pictures)} pictures and {len(labels)} labels")
    if pictures.dtype == np.uint8:
        return
    if pictures.dtype.kind not in "iuf":
        raise _misfit(name, f"pictures of type {pictures.dtype}")
    most = 1 if pictures.dtype.kind == "f" else 255
    for start in range(0, len(pictures), _CHUNK):
        part = pictures[start : start + _CHUNK]
        low, high = part.min(), part.max()
        if not (low >= 0 and high <= most):  # also where they are not numbers
            raise _misfit(name, f"pictures of type {pictures.dtype} with values from {low:g} to {high:g}")


def _misfit(name: str, what: str) -> SourceError:
    return SourceError(f"{shown(name)} holds {what}.", _SHAPES, "Write it again with arrays that fit.")


def _eight_bits(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype.kind == "f":
        pixels = np.rint(pixels.astype(np.float64) * 255)
    return pixels.astype(np.uint8)
