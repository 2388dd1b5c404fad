"""Folders of JPEGs to measure with: painted from noise and shapes, or cut out of photographs that are given.

The same order gives the same pictures. A folder is made once, under the system's temporary folder, and kept.
"""

import argparse
import hashlib
import os
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

WIDTH, HEIGHT = 500, 400
KINDS = ("discs", "squares", "stripes", "triangles")
_MAKING = 1  # raised when the same order comes to give other pictures
_FIELD = 540  # pixels: the side of a field of noise; 2^2 x 3^3 x 5, quick to transform
_COARSE = 4  # how much smaller the fields are that have no detail
_LEAST_CUT = 0.6  # of a photograph's sides
_CHUNK = 20

Random = np.random.Generator


@dataclass(frozen=True)
class Order:
    """Which pictures to make.

    Attributes:
        number: How many in all, spread evenly over the classes.
        seed: Another seed gives other pictures.
        photographs: A folder of class folders to cut them from; None paints them.
    """

    number: int
    seed: int = 0
    photographs: Path | None = None

    def sources(self) -> dict[str, tuple[Path, ...]]:
        """Class -> the photographs to cut its pictures from; none where they are painted."""
        if self.photographs is None:
            return dict.fromkeys(KINDS, ())
        folders = sorted(path for path in self.photographs.iterdir() if path.is_dir())
        found = {folder.name: tuple(sorted(folder.glob("*.jpg"))) for folder in folders}
        if len(found) < 2 or not all(found.values()):
            raise SystemExit(f"{self.photographs} should hold two or more folders with .jpg files in each.")
        return found

    def folder(self) -> Path:
        """Where these pictures lie, or will."""
        name = f"painted-{self.number}-{self.seed}-{_MAKING}"
        if self.photographs is not None:
            files = [
                f"{path.name} {path.stat().st_size}" for paths in self.sources().values() for path in paths
            ]
            digest = hashlib.blake2b("\n".join(files).encode(), digest_size=4).hexdigest()
            name = f"cut-{digest}-{self.number}-{self.seed}-{_MAKING}"
        return Path(tempfile.gettempdir()) / "pellucid-benchmarks" / name


def make(order: Order) -> Path:
    """The folder of class folders with the pictures of an order; they are made now if they are not there."""
    folder, sources = order.folder(), order.sources()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=folder.parent))
    parts = [range(start, min(start + _CHUNK, order.number)) for start in range(0, order.number, _CHUNK)]
    try:
        for name in sources:
            (partial / name).mkdir()
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            jobs = [pool.submit(_make_part, part, order.seed, sources, partial) for part in parts]
            for job in jobs:
                job.result()
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return folder


def _make_part(part: range, seed: int, sources: dict[str, tuple[Path, ...]], folder: Path) -> None:
    for number in part:
        name = list(sources)[number % len(sources)]
        random = np.random.default_rng([_MAKING, seed, number])
        data = cut(sources[name], number // len(sources), random) if sources[name] else paint(name, random)
        (folder / name / f"{number:06d}.jpg").write_bytes(data)


def paint(kind: str, random: Random) -> bytes:
    """A JPEG of a few shapes of a kind before a background, all with the spectrum of a photograph."""
    shapes = Image.new("L", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(shapes)
    for _ in range(random.integers(2, 6)):
        _draw(kind, draw, random)
    mask_HW1 = np.asarray(shapes.filter(ImageFilter.GaussianBlur(1)), np.float32)[:, :, None] / 255
    pixels_HWC = mask_HW1 * _surface(random) + (1 - mask_HW1) * _surface(random)
    image = Image.fromarray(pixels_HWC.clip(0, 255).astype(np.uint8))
    return _encoded(image, random)


def cut(photographs: tuple[Path, ...], turn: int, random: Random) -> bytes:
    """A JPEG of a random part of the photograph whose turn it is, perhaps mirrored, brighter or darker."""
    with Image.open(photographs[turn % len(photographs)]) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    share = random.uniform(_LEAST_CUT, 1)
    scale = share * min(image.width / WIDTH, image.height / HEIGHT)
    width, height = WIDTH * scale, HEIGHT * scale
    left, top = random.uniform(0, image.width - width), random.uniform(0, image.height - height)
    box = (left, top, left + width, top + height)
    image = image.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box)
    if random.random() < 0.5:
        image = ImageOps.mirror(image)
    return _encoded(ImageEnhance.Brightness(image).enhance(random.uniform(0.85, 1.15)), random)


def _encoded(image: Image.Image, random: Random) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=int(random.integers(86, 95)))
    return buffer.getvalue()


def _draw(kind: str, draw: ImageDraw.ImageDraw, random: Random) -> None:
    """One shape of a kind at a random place."""
    x, y = random.uniform(0, WIDTH), random.uniform(0, HEIGHT)
    size, angle = random.uniform(30, 110), random.uniform(0, 360)
    match kind:
        case "discs":
            draw.ellipse((x - size, y - size, x + size, y + size), fill=255)
        case "squares":
            draw.regular_polygon((x, y, size), 4, rotation=angle, fill=255)
        case "triangles":
            draw.regular_polygon((x, y, size), 3, rotation=angle, fill=255)
        case "stripes":
            along, width = np.radians(angle), int(size / 5)
            dx, dy = 2 * WIDTH * np.cos(along), 2 * WIDTH * np.sin(along)
            draw.line((x - dx, y - dy, x + dx, y + dy), fill=255, width=width)


def _surface(random: Random) -> NDArray[np.float32]:
    """Float32 (HEIGHT, WIDTH, 3): a base colour, shading, and detail that is sharp in some places only."""
    shading_HW1, tint_HW1, focus_HW1 = (_enlarged(_noise(_FIELD // _COARSE, 1.6, random)) for _ in range(3))
    detail_HW1 = _noise(_FIELD, 0.9, random)[:HEIGHT, :WIDTH] * (focus_HW1 + 1).clip(0.1, 2)
    base_C = random.uniform(50, 200, 3).astype(np.float32)
    tone_C = random.uniform(-25, 25, 3).astype(np.float32)
    depth = np.float32(random.uniform(8, 22))
    return base_C + 30 * shading_HW1 + depth * detail_HW1 + tone_C * tint_HW1


def _noise(side: int, slope: float, random: Random) -> NDArray[np.float32]:
    """Float32 (side, side, 1) of mean 0 and deviation 1 whose amplitude falls as 1 / frequency^slope."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    white = random.standard_normal((2, *frequency.shape), np.float32)
    spectrum = (white[0] + 1j * white[1]) * (frequency**-slope).astype(np.float32)
    field_HW1 = np.fft.irfft2(spectrum, (side, side))[:, :, None]
    return np.asarray((field_HW1 - field_HW1.mean()) / field_HW1.std(), np.float32)


def _enlarged(field_HW1: NDArray[np.float32]) -> NDArray[np.float32]:
    """A coarse field at a picture's size: where nothing is sharp anyway, it costs a sixteenth."""
    box = (0, 0, WIDTH / _COARSE, HEIGHT / _COARSE)
    image = Image.fromarray(field_HW1[:, :, 0])
    return np.asarray(image.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box))[:, :, None]


def main() -> None:
    """Make the pictures and print their folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pictures", description=__doc__)
    parser.add_argument("number", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--photographs", type=Path)
    given = parser.parse_args()
    print(make(Order(given.number, given.seed, given.photographs)))


if __name__ == "__main__":
    main()
