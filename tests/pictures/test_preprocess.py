"""The one preprocessing, with Pillow, hand-computed numbers and known geometry as referees."""

import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import PIL
import pytest
import simplejpeg
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pellucid.errors import PictureError, RequestError, RunError
from pellucid.pictures import preprocess as room
from pellucid.pictures.decode import decode
from pellucid.pictures.preprocess import Fit, Preprocess

LITE = Preprocess(224, 224, "squash", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
FITS = ("squash", "letterbox", "crop")
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def small(fit: Fit, height: int = 20, width: int = 20, mean: float = 100.0) -> Preprocess:
    return Preprocess(height, width, fit, (mean, mean, mean), (50.0, 60.0, 70.0))


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    """A picture without sharp edges."""
    rng = np.random.default_rng(3)
    blocks = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    return np.array(blocks.resize((width, height), Image.Resampling.BICUBIC))


def ramps(height: int, width: int) -> NDArray[np.uint8]:
    """Red tells the row and green the column: 0 at the first edge, 255 at the last."""
    pixels_HWC = np.zeros((height, width, 3), np.uint8)
    pixels_HWC[:, :, 0] = np.rint((np.arange(height) + 0.5)[:, None] / height * 255)
    pixels_HWC[:, :, 1] = np.rint((np.arange(width) + 0.5) / width * 255)
    return pixels_HWC


def jpeg(pixels_HWC: NDArray[np.uint8], **options: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels_HWC).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("size", [(291, 500), (500, 333), (100, 90), (224, 224), (1, 1)])
def test_squash_is_pillows_resize(size: tuple[int, int]) -> None:
    """Squash gives what Pillow's antialiased bilinear resize gives, to the bit."""
    pixels_HWC = smooth(*size)
    expected = Image.fromarray(pixels_HWC).resize((224, 224), Image.Resampling.BILINEAR)
    assert np.array_equal(LITE.view(pixels_HWC), np.array(expected))


def test_squash_of_a_huge_picture_stays_near_pillows_plain_resize() -> None:
    """A picture that shrinks more than six times is first averaged, which moves no value by more than 2."""
    pixels_HWC = smooth(1500, 2000)
    expected = Image.fromarray(pixels_HWC).resize((224, 224), Image.Resampling.BILINEAR)
    assert np.abs(LITE.view(pixels_HWC).astype(int) - np.array(expected)).max() <= 2


@pytest.mark.parametrize("fit", FITS)
def test_a_picture_of_the_right_size_is_left_alone(fit: Fit) -> None:
    """A picture that has the input's size already comes through every fit to the bit."""
    pixels_HWC = smooth(20, 30)
    view_HWC = small(fit, 20, 30).view(pixels_HWC)
    assert np.array_equal(view_HWC, pixels_HWC)
    assert not np.shares_memory(view_HWC, pixels_HWC)


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from(FITS),
    st.integers(1, 90),
    st.integers(1, 90),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([BLACK, WHITE, (1, 2, 3)]),
)
@example("letterbox", 1, 5000, 7, 7, WHITE)
@example("crop", 5000, 1, 7, 7, WHITE)
def test_every_fit_gives_the_inputs_size(
    fit: Fit, rows: int, columns: int, height: int, width: int, colour: tuple[int, int, int]
) -> None:
    """A flat picture of any size stays flat, at the input's size; only letterbox adds the mean colour."""
    view_HWC = small(fit, height, width).view(np.full((rows, columns, 3), colour, np.uint8))
    assert view_HWC.shape == (height, width, 3)
    assert view_HWC.dtype == np.uint8
    assert view_HWC.flags.c_contiguous
    expected = {colour, (100, 100, 100)} if fit == "letterbox" else {colour}
    found = set(map(tuple, view_HWC.reshape(-1, 3).tolist()))
    assert colour in found
    assert found <= expected


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40), st.integers(1, 40))
def test_letterbox_is_whole_centred_and_keeps_the_aspect(
    rows: int, columns: int, height: int, width: int
) -> None:
    """A letterboxed picture touches two edges, is centred to a pixel, and keeps its aspect to half of one."""
    view_HWC = small("letterbox", height, width).view(np.full((rows, columns, 3), 255, np.uint8))
    inside = view_HWC[:, :, 0] == 255
    down, across = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    assert inside[down[0] : down[-1] + 1, across[0] : across[-1] + 1].all()
    tall, broad = len(down), len(across)
    assert tall == height or broad == width
    assert 0 <= (height - 1 - down[-1]) - down[0] <= 1
    assert 0 <= (width - 1 - across[-1]) - across[0] <= 1
    scale = min(height / rows, width / columns)
    assert abs(tall - max(rows * scale, 1)) <= 0.5
    assert abs(broad - max(columns * scale, 1)) <= 0.5


def test_letterbox_by_hand() -> None:
    """A picture of 10 x 20 stands in rows 5 to 15 of 20 x 20, and the rest is the rounded mean colour."""
    pre = Preprocess(20, 20, "letterbox", (99.6, 0.0, 255.0), (1.0, 1.0, 1.0))
    view_HWC = pre.view(smooth(10, 20))
    assert np.array_equal(view_HWC[5:15], smooth(10, 20))
    for band in (view_HWC[:5], view_HWC[15:]):
        assert (band == (100, 0, 255)).all()
        assert np.abs(pre.normalise(band)).max() < 0.5


@pytest.mark.parametrize("fit", ["squash", "letterbox"])
@pytest.mark.parametrize("corner", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_what_stands_at_the_edge_survives(fit: Fit, corner: tuple[int, int]) -> None:
    """A marker of a twentieth of each side in a corner is still there after squash and letterbox."""
    pixels_HWC = np.zeros((400, 800, 3), np.uint8)
    top, left = corner[0] * 380, corner[1] * 760
    pixels_HWC[top : top + 20, left : left + 40] = 255
    view_HWC = replace(LITE, fit=fit, mean=(0.0, 0.0, 0.0)).view(pixels_HWC)
    assert view_HWC.max() == 255
    seen = np.argwhere(view_HWC[:, :, 0] > 127)
    share = 20 / 400 * 40 / 800 * (224 * 224 if fit == "squash" else 224 * 112)
    assert share * 0.7 < len(seen) < share * 1.3


def test_crop_loses_the_far_edges_and_nothing_else() -> None:
    """Crop takes the centred part of the input's aspect: of 100 x 200 for 20 x 20, columns 50 to 150."""
    view_HWC = small("crop").view(ramps(100, 200)).astype(float)
    expected_rows = (np.arange(20) + 0.5) / 20 * 255
    expected_columns = (0.25 + (np.arange(20) + 0.5) / 20 * 0.5) * 255
    # A widened filter leans inwards at the picture's own edge, by a quarter of a step.
    assert np.abs(view_HWC[:, 10, 0] - expected_rows).max() < 4
    assert np.abs(view_HWC[10, :, 1] - expected_columns).max() < 2


@pytest.mark.parametrize("size", [(291, 500), (500, 333), (120, 400)])
def test_crop_is_shorter_side_then_centre(size: tuple[int, int]) -> None:
    """Crop gives what resizing the shorter side and cutting the centre gives, to within half a pixel."""
    pixels_HWC = smooth(*size)
    scale = 224 / min(size)
    height, width = round(size[0] * scale), round(size[1] * scale)
    resized = Image.fromarray(pixels_HWC).resize((width, height), Image.Resampling.BILINEAR)
    top, left = round((height - 224) / 2), round((width - 224) / 2)
    expected = np.array(resized.crop((left, top, left + 224, top + 224))).astype(int)
    difference = np.abs(replace(LITE, fit="crop").view(pixels_HWC) - expected)
    assert difference.mean() < 1
    assert difference.max() <= 6


def test_normalise_by_hand() -> None:
    """EfficientNet-Lite's 127.5 and 127.5 turn 0 into -1 and 255 into 1 exactly; channels come first."""
    view_HWC = np.array([[[0, 255, 127], [128, 51, 204]]], np.uint8)
    x_CHW = LITE.normalise(view_HWC)
    assert x_CHW.dtype == np.float32
    assert x_CHW.shape == (3, 1, 2)
    assert x_CHW.flags.c_contiguous
    assert x_CHW[0, 0, 0] == -1
    assert x_CHW[1, 0, 0] == 1
    assert x_CHW.ravel().tolist() == pytest.approx([-1, 0.5 / 127.5, 1, -0.6, -0.5 / 127.5, 0.6])


def test_normalise_takes_each_channels_own_numbers() -> None:
    """Red, green and blue are normalised by their own mean and deviation, as float64 does it, to 1e-6."""
    pre = Preprocess(16, 16, "squash", (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    view_HWC = np.arange(768, dtype=np.uint8).reshape(16, 16, 3)
    expected = (view_HWC.astype(float) - pre.mean) / pre.std
    assert np.abs(pre.normalise(view_HWC) - expected.transpose(2, 0, 1)).max() < 1e-6


def test_a_batch_is_filled_in_place() -> None:
    """Given a row of a batch, read fills it, returns it, and leaves the other rows alone."""
    batch_NCHW = np.full((3, 3, 20, 20), 7, np.float32)
    data = jpeg(smooth(50, 60))
    filled = small("squash").read(data, out=batch_NCHW[1])
    assert np.shares_memory(filled, batch_NCHW)
    assert np.array_equal(batch_NCHW[1], small("squash").read(data))
    assert (batch_NCHW[[0, 2]] == 7).all()


@pytest.mark.parametrize("fit", FITS)
def test_read_is_decode_view_and_normalise(fit: Fit) -> None:
    """Read is the scaled decoding, the view and the normalising, one after the other."""
    pre, data = small(fit), jpeg(smooth(170, 230))
    pixels_HWC = decode(data, at_least=(20, 20))
    assert pixels_HWC.shape == (22, 29, 3)
    assert np.array_equal(pre.read(data), pre.normalise(pre.view(pixels_HWC)))
    with pytest.raises(PictureError, match="it is empty"):
        pre.read(b"")


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_scaled_decoding_changes_the_view_little(fit: Fit, orientation: int) -> None:
    """A large JPEG that is decoded at a smaller scale gives the view of the whole one, within a few steps."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(smooth(960, 1280), exif=exif, quality=95)
    pre = replace(LITE, fit=fit, height=100, width=100)
    scaled = decode(data, at_least=(100, 100))
    assert min(scaled.shape[:2]) == 120
    difference = np.abs(pre.view(decode(data)).astype(int) - pre.view(scaled))
    assert difference.mean() < 1
    assert difference.max() <= 8


preprocesses = st.builds(
    Preprocess,
    height=st.integers(1, 4096),
    width=st.integers(1, 4096),
    fit=st.sampled_from(FITS),
    mean=st.tuples(*[st.floats(0, 255)] * 3),
    std=st.tuples(*[st.floats(0.001, 65535)] * 3),
)


@settings(deadline=None)
@given(preprocesses)
def test_json_round_trip(pre: Preprocess) -> None:
    """What to_json gave comes back equal, through a file of text."""
    told = json.loads(json.dumps(pre.to_json(), allow_nan=False))
    again = Preprocess.from_json(told)
    assert again == pre
    assert again.digest == pre.digest


def test_json_has_the_fields_by_name() -> None:
    """The JSON that a run keeps has the version and each field under its own name."""
    assert LITE.to_json() == {
        "version": 1,
        "height": 224,
        "width": 224,
        "fit": "squash",
        "mean": [127.5, 127.5, 127.5],
        "std": [127.5, 127.5, 127.5],
        "resample": "bilinear",
    }


@settings(deadline=None)
@given(preprocesses, preprocesses)
def test_digests_are_equal_where_the_fields_are(one: Preprocess, other: Preprocess) -> None:
    """Two preprocessings have one digest exactly where they are equal."""
    assert (one.digest == other.digest) == (one == other)
    assert len(one.digest) == 32


def test_digest_tells_every_field_apart() -> None:
    """A change of any field changes the digest; writing 128 for 128.0 does not."""
    others = [
        replace(LITE, height=225),
        replace(LITE, width=225),
        replace(LITE, fit="crop"),
        replace(LITE, mean=(127.5, 127.5, 127.50001)),
        replace(LITE, std=(127.6, 127.5, 127.5)),
    ]
    assert len({LITE.digest, *(other.digest for other in others)}) == 6
    assert replace(LITE, mean=(128, 128, 128)).digest == replace(LITE, mean=(128.0, 128.0, 128.0)).digest


@pytest.mark.parametrize(
    ("module", "name"), [(room, "VERSION"), (PIL, "__version__"), (simplejpeg, "__version__")]
)
def test_digest_changes_with_what_computes(module: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of the implementation or of a decoder has another digest."""
    before = LITE.digest
    monkeypatch.setattr(module, name, "another")
    assert LITE.digest != before


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"height": 0},
        "The input's height is 0. A whole number of pixels from 1 to 4096 was expected. 224 is usual.",
    ),
    (
        {"width": 4097},
        "The input's width is 4097. A whole number of pixels from 1 to 4096 was expected. 224 is usual.",
    ),
    (
        {"height": 224.0},
        "The input's height is 224.0. A whole number of pixels from 1 to 4096 was expected. 224 is usual.",
    ),
    (
        {"width": True},
        "The input's width is True. A whole number of pixels from 1 to 4096 was expected. 224 is usual.",
    ),
    (
        {"fit": "leterbox"},
        "There is no fit 'leterbox'. squash, letterbox, crop are known. Did you mean letterbox?",
    ),
    ({"fit": "cut\n"}, "There is no fit 'cut\\n'. squash, letterbox, crop are known. Did you mean crop?"),
    ({"resample": "bicubic"}, "There is no resample 'bicubic'. bilinear is known. Did you mean bilinear?"),
    (
        {"mean": (1.0, 2.0)},
        "The mean is (1.0, 2.0). Three numbers from 0 to 255 were expected, for red, green and blue, or one "
        "for grey. Weights whose numbers are given in 0..1 take 255 times as much.",
    ),
    (
        {"mean": (float("nan"), 2.0, 3.0)},
        "The mean is (nan, 2.0, 3.0). Three numbers from 0 to 255 were expected, for red, green and blue, or "
        "one for grey. Weights whose numbers are given in 0..1 take 255 times as much.",
    ),
    (
        {"std": (1.0, 0.0, 1.0)},
        "The std is (1.0, 0.0, 1.0). Three numbers from 0.001 to 65535 were expected, for red, green and "
        "blue, or one for grey. Weights whose numbers are given in 0..1 take 255 times as much.",
    ),
]


def test_a_mean_for_grey_needs_a_std_for_grey() -> None:
    """One number for grey and three for colour do not go together."""
    with pytest.raises(RequestError) as caught:
        Preprocess(8, 8, "squash", (0.0,), (255.0, 255.0, 255.0))
    assert str(caught.value) == (
        "The mean has 1 numbers and the std 3. As many of one as of the other were expected: one for grey, "
        "three for colour. Give one of each channel."
    )


@given(st.integers(0, 2**32 - 1))
def test_a_network_that_sees_grey_gets_pillows_luma(seed: int) -> None:
    """One number in mean and std: the picture is Pillow's mode L, and grey keeps its value."""
    pixels_HWC = np.random.default_rng(seed).integers(0, 256, (9, 7, 3), np.uint8)
    data = BytesIO()
    Image.fromarray(pixels_HWC).save(data, "png")
    pre = Preprocess(9, 7, "squash", (10.0,), (50.0,))
    expected_HW = np.asarray(Image.fromarray(pixels_HWC).convert("L"))
    assert pre.channels == 1
    np.testing.assert_array_equal(pre.pixels(data.getvalue()), expected_HW[:, :, None])
    x_CHW = pre.read(data.getvalue())
    assert x_CHW.shape == (1, 9, 7)
    np.testing.assert_allclose(x_CHW[0], (expected_HW.astype(np.float32) - 10) / 50, rtol=1e-6)
    flat_HWC = np.repeat(pixels_HWC[:, :, :1], 3, axis=2)
    np.testing.assert_array_equal(pre.view(flat_HWC), flat_HWC[:, :, :1])
    assert Preprocess.from_json(pre.to_json()) == pre


@pytest.mark.parametrize(("change", "text"), REFUSED)
def test_what_is_out_of_range_is_refused(change: dict[str, Any], text: str) -> None:
    """A value out of its range is refused with the value, the range, and what to do."""
    with pytest.raises(RequestError) as caught:
        replace(LITE, **change)
    assert str(caught.value) == text


def damaged(**change: Any) -> dict[str, Any]:
    fields = {**LITE.to_json(), **change}
    return {name: value for name, value in fields.items() if value != "gone"}


TRAIN_AGAIN = "Train again, or take the run folder from a backup."


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (damaged(height="224"), "The input's height is '224'."),
        (damaged(fit="stretch"), "There is no fit 'stretch'."),
        (damaged(mean=[1, 2]), "The mean is (1, 2)."),
        (damaged(std="abc"), "The std is 'abc'."),
        (damaged(mean="gone"), "it has no 'mean'."),
        (damaged(height="gone"), "it has no 'height'."),
        (damaged(version="gone"), "it has no 'version'."),
        (damaged(colour="blue"), "it has an unknown 'colour'."),
        ([1, 2, 3], "it is not an object with fields."),
        (None, "it is not an object with fields."),
    ],
)
def test_a_damaged_record_is_a_run_error(fields: Any, reason: str) -> None:
    """A record that to_json did not write is refused with what is wrong in it."""
    with pytest.raises(RunError) as caught:
        Preprocess.from_json(fields)
    assert str(caught.value) == (
        f"The recorded preprocessing is damaged: {reason} "
        f"The fields that training writes were expected. {TRAIN_AGAIN}"
    )


def test_another_version_is_a_run_error() -> None:
    """A record of another version of the implementation is refused: the numbers would not be the same."""
    with pytest.raises(RunError) as caught:
        Preprocess.from_json(damaged(version=2))
    assert str(caught.value) == (
        "The recorded preprocessing is of version 2. This Pellucid carries out version 1, and another "
        "gives other numbers. Use the Pellucid that wrote the run, or train again."
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from(list(LITE.to_json())), json_values)
def test_any_damage_is_a_run_error(field: str, value: Any) -> None:
    """Whatever stands in a field, the record is read or refused as damaged."""
    try:
        again = Preprocess.from_json(damaged(**{field: value}))
    except RunError as error:
        assert str(error).isprintable()
    else:
        assert isinstance(again, Preprocess)


@given(st.integers(0, 3), st.sampled_from([1, 3]), st.sampled_from([1, 3]), st.sampled_from(FITS))
def test_many_pictures_of_the_input_s_size_are_seen_as_one_at_a_time(
    count: int, channels: int, seen: int, fit: Fit
) -> None:
    """Grey or colour, for a network of grey or colour: ``views`` gives what ``view`` gives of each."""
    pixels_NHWC = np.random.default_rng(count).integers(0, 256, (count, 5, 4, channels), np.uint8)
    preprocess = Preprocess(5, 4, fit, (0.0,) * seen, (255.0,) * seen)
    views_NHWC = preprocess.views(pixels_NHWC)
    assert views_NHWC.shape == (count, 5, 4, seen)
    for pixels_HWC, view_HWC in zip(pixels_NHWC, views_NHWC, strict=True):
        colour_HWC = np.broadcast_to(pixels_HWC, (5, 4, 3))
        np.testing.assert_array_equal(view_HWC, preprocess.view(colour_HWC))
