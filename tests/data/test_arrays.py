"""Pictures in arrays, and `.npz` archives of them."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pellucid.data.arrays import encode, encoded_digests, list_arrays, list_npz
from pellucid.errors import SourceError
from pellucid.pictures.decode import decode
from pellucid.pictures.digest import picture_digest

NAMES = (
    "Arrays named x and y, or images and labels, were expected, or such a pair for each of train, val and"
    " test: x_train and y_train, or train_images and train_labels."
)
SHAPES = (
    "Pictures of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3), as whole numbers 0 to 255 or fractions 0 to"
    " 1, and N labels were expected."
)
rng = np.random.default_rng(0)
GREY = rng.integers(0, 256, (3, 5, 7), np.uint8)
COLOUR = rng.integers(0, 256, (3, 5, 7, 3), np.uint8)


def spread(low: int, high: int, kind: str) -> NDArray[np.generic]:
    return np.array([low, high] * 6, kind).reshape(3, 2, 2)


@pytest.mark.parametrize("pixels", [GREY[0], GREY[0][:, :, None], COLOUR[0], COLOUR[0].transpose(1, 0, 2)])
def test_an_encoded_array_is_a_file_that_pillow_reads(pixels: NDArray[np.uint8]) -> None:
    """Pillow, as a second reader, gets back every pixel, also of an array that is not contiguous."""
    with Image.open(io.BytesIO(encode(pixels))) as image:
        assert image.mode == ("RGB" if pixels.ndim == 3 and pixels.shape[2] == 3 else "L")
        np.testing.assert_array_equal(np.asarray(image), pixels.squeeze())


@pytest.mark.parametrize("pictures", [GREY, GREY[..., None], COLOUR], ids=["N H W", "N H W 1", "N H W 3"])
@pytest.mark.parametrize("kind", ["uint8", "int64", "float32", "float16"])
def test_every_shape_and_type_gives_the_same_pixels(pictures: NDArray[np.uint8], kind: str) -> None:
    """Whole numbers 0 to 255 and fractions 0 to 1 come out as the bytes that they were made of."""
    given = pictures / np.array(255, kind) if kind.startswith("float") else pictures.astype(kind)
    listing = list_arrays("set", [(given.astype(kind), np.arange(3), None)])
    for index in range(3):
        expected_HWC = np.broadcast_to(pictures[index].reshape(5, 7, -1), (5, 7, 3))
        np.testing.assert_array_equal(decode(listing.read(index)), expected_HWC)


def test_parts_follow_one_another_also_empty_ones() -> None:
    """Each item reads from its own part; names count within a split."""
    parts = [
        (GREY[:0], np.zeros(0, int), "val"),
        (GREY[:2], np.array([7, 8]), "train"),
        (GREY[:0], np.zeros(0, int), "val"),
        (GREY[2:], np.array([9]), "test"),
        (GREY[:0], np.zeros(0, int), "val"),
    ]
    listing = list_arrays("set", parts)  # type: ignore[arg-type]
    found = [(item.path, item.label, item.split) for item in listing.items]
    assert found == [("train/0", "7", "train"), ("train/1", "8", "train"), ("test/0", "9", "test")]
    assert [listing.read(index) for index in range(3)] == [encode(picture) for picture in GREY]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array([3, 10, 3]), ["3", "10", "3"]),
        (np.array([[3], [10], [3]], np.uint8), ["3", "10", "3"]),
        (np.array([1.0, 2.5, 3.0]), ["1", "2.5", "3"]),
        (np.array(["cat", "dog", "ö"]), ["cat", "dog", "ö"]),
        (np.array([b"cat", b"caf\xe9", b"no"]), ["cat", "caf\udce9", "no"]),
    ],
)
def test_labels_of_every_type_become_names(labels: NDArray[np.generic], names: list[str]) -> None:
    """Numbers, text and bytes are named as a person would write them; a column counts as a row."""
    assert [item.label for item in list_arrays("set", [(GREY, labels, None)]).items] == names


@pytest.mark.parametrize(
    ("pictures", "labels", "what"),
    [
        (GREY, np.arange(2), "3 pictures and 2 labels"),
        (GREY[0], np.arange(5), "pictures of shape (5, 7)"),
        (GREY[..., None, None], np.arange(3), "pictures of shape (3, 5, 7, 1, 1)"),
        (COLOUR[..., :2], np.arange(3), "pictures of shape (3, 5, 7, 2)"),
        (COLOUR[:, :0], np.arange(3), "pictures of shape (3, 0, 7, 3)"),
        (GREY, np.eye(3), "labels of shape (3, 3)"),
        (GREY > 9, np.arange(3), "pictures of type bool"),
        (GREY.astype(str), np.arange(3), "pictures of type <U3"),
        (spread(-300, -48, "int64"), np.arange(3), "pictures of type int64 with values from -300 to -48"),
        (spread(0, 255, "float32"), np.arange(3), "pictures of type float32 with values from 0 to 255"),
        (spread(0, 256, "uint16"), np.arange(3), "pictures of type uint16 with values from 0 to 256"),
        (np.full((3, 2, 2), np.nan), np.arange(3), "pictures of type float64 with values from nan to nan"),
    ],
)
def test_what_does_not_fit_is_said(
    pictures: NDArray[np.generic], labels: NDArray[np.generic], what: str
) -> None:
    """Shapes, types, ranges and lengths that do not fit are refused with what came."""
    with pytest.raises(SourceError) as caught:
        list_arrays("a.npz", [(pictures, labels, None)])
    assert str(caught.value) == f"'a.npz' holds {what}. {SHAPES} Write it again with arrays that fit."


def test_arrays_without_a_picture_are_an_error() -> None:
    """Arrays of length 0 are no source."""
    with pytest.raises(SourceError) as caught:
        list_arrays("a.npz", [(GREY[:0], np.zeros(0), None)])
    assert str(caught.value) == f"'a.npz' holds no picture. {NAMES} Check how it was written."


@pytest.mark.parametrize("names", [("x", "y"), ("images", "labels")])
def test_an_archive_of_one_pair_has_no_split(tmp_path: Path, names: tuple[str, str]) -> None:
    """x and y, or images and labels, among other arrays."""
    np.savez(tmp_path / "a.npz", **{names[0]: GREY, names[1]: np.arange(3), "other": np.zeros(1)})
    listing = list_npz(tmp_path / "a.npz")
    assert [(item.path, item.split) for item in listing.items] == [("0", None), ("1", None), ("2", None)]
    assert listing.read(2) == encode(GREY[2])


@pytest.mark.parametrize("val", [False, True])
def test_an_archive_as_keras_ships_mnist_has_its_splits(tmp_path: Path, val: bool) -> None:
    """x_train, y_train, x_test, y_test, and x_val and y_val where they are."""
    arrays = {"x_test": COLOUR[:1], "y_test": [0], "x_train": COLOUR[1:], "y_train": [1, 2]}
    np.savez_compressed(tmp_path / "a.npz", **arrays, **({"x_val": COLOUR[:1], "y_val": [0]} if val else {}))
    listing = list_npz(tmp_path / "a.npz")
    expected = ["train/0", "train/1", *(["val/0"] if val else []), "test/0"]
    assert [item.path for item in listing.items] == expected
    assert listing.read(0) == encode(COLOUR[1])


@pytest.mark.parametrize("names", ["{0}_{1}", "{1}_{0}"])
@pytest.mark.parametrize("pair", [("x", "y"), ("images", "labels"), ("X", "Y")])
@pytest.mark.parametrize("val", ["val", "valid", "dev"])
def test_splits_are_named_as_in_folders(tmp_path: Path, names: str, pair: tuple[str, str], val: str) -> None:
    """Every spelling that folders may have, before or after the word, as MedMNIST has it too."""
    arrays: dict[str, Any] = {}
    for split, number in ((val, 1), ("train", 2)):
        arrays[names.format(pair[0], split)] = GREY[:number]
        arrays[names.format(pair[1], split)] = np.arange(number).reshape(-1, 1)
    np.savez(tmp_path / "a.npz", **arrays)
    listing = list_npz(tmp_path / "a.npz")
    assert [item.path for item in listing.items] == ["train/0", "train/1", "val/0"]
    assert listing.skipped == ()


def test_half_of_a_pair_is_an_error(tmp_path: Path) -> None:
    """Pictures whose labels have another name are not lost in silence."""
    np.savez(tmp_path / "a.npz", x_train=GREY, y_train=np.arange(3), x_test=GREY, y_tst=np.arange(3))
    with pytest.raises(SourceError) as caught:
        list_npz(tmp_path / "a.npz")
    assert str(caught.value) == (
        f"The archive '{tmp_path}/a.npz' holds 'x_test' and no labels for it. {NAMES} Write it again "
        "with such names."
    )


def test_arrays_of_an_unknown_split_are_named(tmp_path: Path) -> None:
    """They are left out, and that is said."""
    np.savez(tmp_path / "a.npz", x=GREY, y=np.arange(3), x_extra=GREY, y_extra=np.arange(3))
    listing = list_npz(tmp_path / "a.npz")
    assert len(listing.items) == 3
    assert [(one.path, one.reason) for one in listing.skipped] == [
        ("x_extra", "an array of no split that is known: train, val or test"),
        ("y_extra", "an array of no split that is known: train, val or test"),
    ]


@pytest.mark.parametrize("labels", [np.array([1.0, np.nan, 2.0]), np.array(["a", "", "b"])])
def test_a_picture_without_a_label_is_named_and_skipped(labels: NDArray[np.generic]) -> None:
    """The others keep their names and their pixels, one by one and many at once."""
    listing = list_arrays("set", [(GREY, labels, None)])
    assert [item.path for item in listing.items] == ["0", "2"]
    assert [(one.path, one.reason) for one in listing.skipped] == [("1", "it has no label")]
    assert [listing.read(index) for index in (0, 1)] == [encode(GREY[0]), encode(GREY[2])]
    (stack,) = listing.stacks
    np.testing.assert_array_equal(stack.take(np.array([1]))[0, :, :, 0], GREY[2])


def test_further_parts_of_a_split_go_on_counting() -> None:
    """No two pictures have one name."""
    listing = list_arrays("set", [(GREY[:2], np.arange(2), None), (GREY[2:], np.arange(1), None)])
    assert [item.path for item in listing.items] == ["0", "1", "2"]
    assert listing.read(2) == encode(GREY[2])


def test_an_archive_of_other_names_lists_them(tmp_path: Path) -> None:
    """Names that are not known are refused with the names that are there."""
    np.savez(tmp_path / "a.npz", data=GREY, target=np.arange(3))
    with pytest.raises(SourceError) as caught:
        list_npz(tmp_path / "a.npz")
    assert str(caught.value) == (
        f"The archive '{tmp_path}/a.npz' holds 'data', 'target'. {NAMES} Write it again with such names."
    )


def test_an_empty_archive_is_an_error(tmp_path: Path) -> None:
    """An archive without arrays says so."""
    np.savez(tmp_path / "a.npz")
    with pytest.raises(SourceError) as caught:
        list_npz(tmp_path / "a.npz")
    assert caught.value.came == f"The archive '{tmp_path}/a.npz' holds no array."


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    """An archive of Python objects is refused before any of them comes to life."""
    np.savez(tmp_path / "a.npz", x=GREY, y=np.array([{"a": 1}, None, "b"], object))
    with pytest.raises(SourceError) as caught:
        list_npz(tmp_path / "a.npz")
    assert str(caught.value) == (
        f"The archive '{tmp_path}/a.npz' cannot be read (Object arrays cannot be loaded when"
        " allow_pickle=False). A file as numpy.savez writes it, with plain numbers and text, was expected."
        " Write it again."
    )


@pytest.mark.parametrize("keep", [0, 10, 300, 0.5, 0.9])
def test_a_damaged_archive_is_an_error(tmp_path: Path, keep: float) -> None:
    """An archive that was cut short, anywhere, is one clear paragraph."""
    np.savez_compressed(tmp_path / "a.npz", x=rng.integers(0, 256, (20, 9, 9), np.uint8), y=np.arange(20))
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data[: int(keep * len(data)) if keep < 1 else int(keep)])
    with pytest.raises(SourceError, match=r"^The archive '.*a\.npz' cannot be read \(.*\)\. "):
        list_npz(tmp_path / "a.npz")


def test_every_flipped_byte_is_read_or_refused(tmp_path: Path) -> None:
    """Damage inside an archive never escapes as another error."""
    np.savez_compressed(tmp_path / "a.npz", x=GREY, y=np.arange(3))
    data = (tmp_path / "a.npz").read_bytes()
    refused = 0
    for place in range(0, len(data), 7):
        (tmp_path / "a.npz").write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        try:
            list_npz(tmp_path / "a.npz")
        except SourceError:
            refused += 1
    assert refused > 20


def test_a_text_file_called_npz_is_an_error(tmp_path: Path) -> None:
    """What is no archive at all is refused."""
    (tmp_path / "a.npz").write_text("path,label\n")
    with pytest.raises(SourceError, match=r"^The archive '.*a\.npz' cannot be read "):
        list_npz(tmp_path / "a.npz")


def test_a_single_array_called_npz_is_an_error(tmp_path: Path) -> None:
    """An .npy file under the wrong name has no named arrays."""
    np.save(tmp_path / "a.npy", GREY)
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(SourceError, match=r"^The archive '.*a\.npz' "):
        list_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("pictures", [GREY, GREY[..., None], COLOUR], ids=["N H W", "N H W 1", "N H W 3"])
@pytest.mark.parametrize("kind", ["uint8", "int64", "float32"])
def test_stacks_hold_what_reading_and_decoding_gives(pictures: NDArray[np.uint8], kind: str) -> None:
    """All items stand in the stacks in their order, with the pixels and digests of their encoded bytes."""
    given = pictures / np.array(255, kind) if kind == "float32" else pictures
    parts = [
        (given[:0].astype(kind), np.zeros(0, int), "val"),
        (given.astype(kind), np.arange(3), "train"),
        (given[1:].astype(kind), np.arange(2), "test"),
    ]
    listing = list_arrays("set", parts)  # type: ignore[arg-type]
    assert [place for stack in listing.stacks for place in stack.places] == list(range(5))
    for stack in listing.stacks:
        places_B = np.asarray(stack.places)[::-1]
        pixels_BHWC = stack.take(places_B)
        assert pixels_BHWC.dtype == np.uint8
        assert pixels_BHWC.shape[1:] == stack.shape == (5, 7, 3 if pictures is COLOUR else 1)
        encoded = [listing.read(place) for place in places_B.tolist()]
        assert encoded_digests(pixels_BHWC) == [picture_digest(data) for data in encoded]
        for pixels_HWC, data in zip(pixels_BHWC, encoded, strict=True):
            np.testing.assert_array_equal(np.broadcast_to(pixels_HWC, (5, 7, 3)), decode(data))


def test_pictures_too_large_to_decode_make_no_stack() -> None:
    """What decoding refuses is not let in by another door."""
    huge_NHW = np.broadcast_to(np.uint8(0), (2, 2**14, 2**13 + 1))
    assert list_arrays("set", [(huge_NHW, np.arange(2), None)]).stacks == ()
    assert len(list_arrays("set", [(huge_NHW[:, :, :-1], np.arange(2), None)]).stacks) == 1
