"""Folders of IDX files, as MNIST comes."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from pellucid.data.arrays import encode
from pellucid.data.idx import holds_idx, list_idx
from pellucid.errors import SourceError

rng = np.random.default_rng(0)
TRAIN, TEST = rng.integers(0, 256, (4, 3, 5), np.uint8), rng.integers(0, 256, (2, 3, 5), np.uint8)
TRAIN_LABELS, TEST_LABELS = np.array([7, 0, 7, 9], np.uint8), np.array([0, 9], np.uint8)


def idx(array: np.ndarray) -> bytes:
    """The format as its page defines it: two zeros, the type, the number of axes, the sizes, the data."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def write(root: Path, separator: str = "-", gz: bool = False) -> Path:
    for name, array in (
        (f"train-images{separator}idx3-ubyte", TRAIN),
        (f"train-labels{separator}idx1-ubyte", TRAIN_LABELS),
        (f"t10k-images{separator}idx3-ubyte", TEST),
        (f"t10k-labels{separator}idx1-ubyte", TEST_LABELS),
    ):
        path = root / (name + ".gz" * gz)
        path.write_bytes(gzip.compress(idx(array)) if gz else idx(array))
    return root


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("separator", ["-", "."])
def test_mnist_is_read_as_it_comes(tmp_path: Path, separator: str, gz: bool) -> None:
    """Gzipped or not, with either spelling: train is train, t10k is test, and pixels are as written."""
    assert holds_idx(write(tmp_path, separator, gz))
    listing = list_idx(tmp_path)
    found = {(item.path, item.label, item.split): listing.read(n) for n, item in enumerate(listing.items)}
    assert found == {
        **{(f"train/{n}", str(TRAIN_LABELS[n]), "train"): encode(TRAIN[n]) for n in range(4)},
        **{(f"test/{n}", str(TEST_LABELS[n]), "test"): encode(TEST[n]) for n in range(2)},
    }


def test_a_file_wins_over_its_gzipped_copy(tmp_path: Path) -> None:
    """Where both are there, the one that can be mapped is read."""
    write(tmp_path)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"damaged")
    assert len(list_idx(tmp_path).items) == 6


def test_a_folder_of_other_files_holds_no_idx(tmp_path: Path) -> None:
    """Labels alone, or files of other names, are no IDX folder; nor is what cannot be listed."""
    for name in ("train-labels-idx1-ubyte", "train-images-idx1-ubyte", "notes-images.txt"):
        (tmp_path / name).touch()
    assert not holds_idx(tmp_path)
    assert not holds_idx(tmp_path / "gone")


def test_missing_labels_are_an_error(tmp_path: Path) -> None:
    """Pictures without their labels are refused by the name of their file."""
    write(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(SourceError) as caught:
        list_idx(tmp_path)
    assert str(caught.value) == (
        f"'{tmp_path}/t10k-images-idx3-ubyte' has no file of labels beside it. Files as MNIST comes in, such"
        " as train-images-idx3-ubyte and train-labels-idx1-ubyte, were expected. Copy the labels there too."
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (idx(TRAIN)[:-1], "its head says 60 bytes, 59 follow"),
        (idx(TRAIN) + b"x", "its head says 60 bytes, 61 follow"),
        (b"\x00\x00\x0d\x03" + idx(TRAIN)[4:], "it begins with 00 00 0d 03"),
        (b"\x00\x00\x08\x01", "it begins with 00 00 08 01"),
        (b"\x89PNG\r\n\x1a\n" * 9, "it begins with 89 50 4e 47"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "its head says 79228162458924105385300197375 bytes, 0 follow"),
        (b"", "it cannot be read: cannot mmap an empty file"),
    ],
)
def test_a_damaged_file_says_why(tmp_path: Path, data: bytes, why: str) -> None:
    """A file that is cut, longer, of another type or of absurd sizes is refused with the reason."""
    write(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(data)
    with pytest.raises(SourceError) as caught:
        list_idx(tmp_path)
    assert str(caught.value) == (
        f"The IDX file '{tmp_path}/train-images-idx3-ubyte' is damaged ({why}). An IDX file of unsigned"
        " bytes, whole, was expected. Copy or download it again."
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"not gzip", gzip.compress(idx(TRAIN))[:-9], gzip.compress(b"")],
    ids=["empty", "text", "cut short", "of nothing"],
)
def test_a_damaged_gzip_file_is_an_error(tmp_path: Path, data: bytes) -> None:
    """A gzipped file that is cut short or is none is refused in one paragraph."""
    write(tmp_path, gz=True)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(data)
    with pytest.raises(SourceError, match=r"train-images-idx3-ubyte\.gz' is damaged \(it "):
        list_idx(tmp_path)


def test_lengths_that_differ_are_an_error(tmp_path: Path) -> None:
    """More pictures than labels are refused with both numbers."""
    write(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(TRAIN_LABELS[:3]))
    with pytest.raises(SourceError) as caught:
        list_idx(tmp_path)
    assert caught.value.came == f"'{tmp_path}' holds 4 pictures and 3 labels."
