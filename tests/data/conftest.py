"""Pictures, folders of them, and scans that need no files, for the tests of `data`."""

import hashlib
import io
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.data.item import Item
from pellucid.data.scan import Picture, Scan
from pellucid.data.source import Source

Draw = Callable[..., bytes]
Fill = Callable[[Path, Mapping[str, int]], Path]
Entry = tuple[str, str, str | None]  # what it shows, its class, its split
MakeScan = Callable[[Iterable[Entry]], Scan]


def _draw(seed: int, height: int = 24, width: int = 32, kind: str = "PNG") -> bytes:
    blocks_HWC = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    picture = Image.fromarray(blocks_HWC).resize((width, height), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


@pytest.fixture
def draw() -> Draw:
    """``draw(seed, height, width, kind)``: an encoded picture of soft blots, another for each seed."""
    return _draw


@pytest.fixture
def fill() -> Fill:
    """``fill(root, {"cats": 3, "dogs/old": 2})``: folders with that many pictures, no two alike."""

    def fill(root: Path, numbers: Mapping[str, int]) -> Path:
        for name, number in numbers.items():
            (root / name).mkdir(parents=True, exist_ok=True)
            for n in range(number):
                seed = int.from_bytes(
                    hashlib.blake2b(os.fsencode(f"{name} {n}"), digest_size=6).digest(), "big"
                )
                (root / name / f"{n}.png").write_bytes(_draw(seed))
        return root

    return fill


@pytest.fixture(scope="session")
def make_scan() -> MakeScan:
    """A scan made of (what it shows, class, split).

    What it shows is "motif" or "motif/copy": equal texts are equal bytes, equal motifs are nearly equal.
    """

    def make_scan(entries: Iterable[Entry]) -> Scan:
        items, pictures, thumbnails = [], [], []
        for index, (shows, label, split) in enumerate(entries):
            motif, _, copy = shows.partition("/")
            path = f"{label}/{shows}-{index}.png"
            items.append(Item(path, label, split))  # type: ignore[arg-type]
            digest = hashlib.blake2b(shows.encode(), digest_size=16).hexdigest()
            pictures.append(Picture(index, path, label, split, digest, 64, 64))  # type: ignore[arg-type]
            thumbnails.append(_thumbnail(motif, copy))
        return Scan(
            Source("pictures", tuple(items), lambda index: b""),
            tuple(pictures),
            np.array(thumbnails, np.uint8).reshape(-1, 16, 16),
            (),
            tuple(sorted({item.label for item in items})),
            "",
        )

    return make_scan


def _thumbnail(motif: str, copy: str) -> np.ndarray:
    drawn = hashlib.blake2b(motif.encode(), digest_size=32).digest()
    near = hashlib.blake2b(copy.encode(), digest_size=32).digest()
    grey = np.random.default_rng(list(drawn)).integers(20, 230, (16, 16))
    return grey + np.random.default_rng(list(near)).integers(-1, 2, (16, 16))
