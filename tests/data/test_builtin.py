"""The shipped digits and clip art: counts, balance, sizes, names and sources, with Pillow as the referee."""

import csv
import io
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from pellucid.data import builtin

CLASSES = {"animals": 100, "buildings": 63, "food": 100, "plants": 66, "tools": 82, "transportation": 60}


@pytest.fixture(scope="module")
def grey_by_name() -> dict[str, np.ndarray]:
    """Every clip-art picture as 16 x 16 grey levels, 0 to 255, flattened."""
    thumbnails = {}
    for name in builtin.clipart_names():
        with Image.open(io.BytesIO(builtin.clipart_bytes(name))) as picture:
            small = picture.convert("L").resize((16, 16), Image.Resampling.BOX)
        thumbnails[name] = np.asarray(small, float).ravel()
    return thumbnails


def test_digits_are_balanced_uint8_pictures() -> None:
    """There are 500 training and 100 test digits of each of the ten classes, 28 x 28 in uint8."""
    train_NHW, train_labels_N, test_NHW, test_labels_N = builtin.digits()
    assert train_NHW.shape == (5000, 28, 28)
    assert test_NHW.shape == (1000, 28, 28)
    assert {array.dtype for array in builtin.digits()} == {np.dtype(np.uint8)}
    assert np.bincount(train_labels_N).tolist() == [500] * 10
    assert np.bincount(test_labels_N).tolist() == [100] * 10


def test_digits_are_white_on_black_and_fill_the_range() -> None:
    """Corners are black, every digit has bright ink, and the mean brightness is MNIST's, 33 of 255."""
    train_NHW, _, test_NHW, _ = builtin.digits()
    pixels_NHW = np.concatenate([train_NHW, test_NHW])
    assert pixels_NHW[:, [0, 0, -1, -1], [0, -1, 0, -1]].max() == 0
    assert pixels_NHW.max(axis=(1, 2)).min() > 200
    assert pixels_NHW.mean() == pytest.approx(33.3, abs=1)


def test_no_digit_is_there_twice() -> None:
    """No two of the 6,000 digits are the same, so that none of the test set was trained on."""
    train_NHW, _, test_NHW, _ = builtin.digits()
    assert len({pixels.tobytes() for pixels in np.concatenate([train_NHW, test_NHW])}) == 6000


def test_labels_belong_to_their_digits() -> None:
    """The nearest class mean names 81 % of the test digits; with labels out of step it would be 10 %."""
    train_NHW, train_labels_N, test_NHW, test_labels_N = builtin.digits()
    means_KD = np.stack([train_NHW[train_labels_N == label].mean(axis=0).ravel() for label in range(10)])
    distances_NK = ((test_NHW.reshape(1000, 1, -1) - means_KD) ** 2).sum(axis=2)
    assert (distances_NK.argmin(axis=1) == test_labels_N).mean() > 0.78


def test_clipart_has_six_classes() -> None:
    """Names are a class and a plain file name, sorted, and each class has the number that is documented."""
    names = builtin.clipart_names()
    assert list(names) == sorted(names)
    assert all(re.fullmatch(r"[a-z]+/[a-z0-9-]+\.jpg", name) for name in names)
    assert Counter(name.split("/")[0] for name in names) == CLASSES


def test_every_clipart_picture_decodes() -> None:
    """Pillow reads each picture as an RGB JPEG of at most 192 pixels, at most twice as long as wide."""
    for name in builtin.clipart_names():
        with Image.open(io.BytesIO(builtin.clipart_bytes(name))) as picture:
            picture.load()
            assert (picture.format, picture.mode) == ("JPEG", "RGB"), name
            shorter, longer = sorted(picture.size)
            assert 64 <= longer <= 192, name
            assert longer <= 2 * shorter + 1, name


def test_no_clipart_picture_is_nearly_blank(grey_by_name: dict[str, np.ndarray]) -> None:
    """On average every picture is darker than white by at least 4 of 255 grey levels."""
    assert [name for name, grey_D in grey_by_name.items() if 255 - grey_D.mean() < 4] == []


def test_no_clipart_picture_is_there_twice(grey_by_name: dict[str, np.ndarray]) -> None:
    """No two pictures have the same bytes, or thumbnails whose correlation is above 0.97."""
    names = builtin.clipart_names()
    assert len({sha256(builtin.clipart_bytes(name)).digest() for name in names}) == len(names)
    correlation_NN = np.triu(np.corrcoef([grey_by_name[name] for name in names]), 1)
    assert [(names[one], names[other]) for one, other in np.argwhere(correlation_NN > 0.97)] == []


def test_every_clipart_picture_has_a_source() -> None:
    """SOURCES.csv has one row for each picture, in order, with its file in the original and its author."""
    with io.StringIO(builtin.clipart_bytes("SOURCES.csv").decode(), newline="") as table:
        rows = list(csv.DictReader(table))
    assert tuple(row["picture"] for row in rows) == builtin.clipart_names()
    assert len({row["original"] for row in rows}) == len(rows)
    assert all(re.fullmatch(r"[a-z].*/.+\.png", row["original"]) and row["author"].strip() for row in rows)


def test_clipart_reads_the_same_from_many_threads() -> None:
    """Eight threads that read at once get what one gets."""
    builtin._clipart.cache_clear()
    names = builtin.clipart_names() * 4
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(builtin.clipart_bytes, names)) == [builtin.clipart_bytes(name) for name in names]


def test_unknown_clipart_picture_is_a_key_error() -> None:
    """A name that is not there raises KeyError with the name."""
    with pytest.raises(KeyError, match=re.escape("animals/unicorn.jpg")):
        builtin.clipart_bytes("animals/unicorn.jpg")


def test_the_files_are_small_and_documented() -> None:
    """The clip art takes at most 4 MB, the digits 1 MB, and SOURCES.md speaks of both and of their number."""
    folder = files(builtin)
    assert len(folder.joinpath("clipart.zip").read_bytes()) <= 4_000_000
    assert len(folder.joinpath("digits.idx.xz").read_bytes()) <= 1_000_000
    sources = folder.joinpath("SOURCES.md").read_text(encoding="utf-8")
    assert "## digits.idx.xz" in sources
    assert "## clipart.zip" in sources
    assert f"{len(builtin.clipart_names())} drawings in {len(CLASSES)} classes" in sources
