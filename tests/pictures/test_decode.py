"""Encoded bytes to upright RGB, with Pillow, hand-made files and hostile bytes as the referees."""

import struct
import threading
import warnings
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from pellucid.errors import PictureError
from pellucid.pictures import decode as room
from pellucid.pictures.decode import PIXEL_LIMIT, WHOLE_LIMIT, decode

Pixels = NDArray[np.uint8]


def colours(height: int = 24, width: int = 40, block: int = 8) -> Pixels:
    """Flat blocks of random colours: what JPEG keeps well, and no two corners alike."""
    rng = np.random.default_rng(7)
    small = rng.integers(0, 256, (-(-height // block), -(-width // block), 3), np.uint8)
    return np.kron(small, np.ones((block, block, 1), np.uint8))[:height, :width]


def saved(image: Image.Image | NDArray[Any], kind: str, **options: Any) -> bytes:
    file = BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int, order: str = "<") -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + mark + struct.pack(order + "IH", 8, 1) + entry + struct.pack(order + "I", 0)


def tiff(width: int, height: int, bits: int, photometric: int, data: bytes, kind: int = 1) -> bytes:
    """A grey TIFF of one strip, little-endian."""
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1, 278: height}
    tags |= {279: len(data), 339: kind}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    start = struct.pack("<I", 8 + len(data))
    return b"II*\0" + start + data + struct.pack("<H", len(tags)) + directory + bytes(4)


def png(width: int, height: int, bits: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    body = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in body
    )


def grey_jpeg_24x8(sampling: int) -> bytes:
    """A mid-grey JPEG, 24 x 8, whose luma has ``sampling`` (0xHV), a multiple of what its chroma has."""
    plain = saved(Image.new("RGB", (24, 8), (128, 128, 128)), "JPEG", subsampling=0, optimize=False)
    frame, scan = plain.index(b"\xff\xc0"), plain.index(b"\xff\xda")
    across, down = sampling >> 4, sampling & 15
    units = -(-24 // (8 * across)) * -(-8 // (8 * down))
    bits = ("001010" * across * down + "0000" * 2) * units  # no difference, end of block: for each block
    bits += "1" * (-len(bits) % 8)
    coded = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    head = plain[: scan + 2 + int.from_bytes(plain[scan + 2 : scan + 4])]
    return head[: frame + 11] + bytes([sampling]) + head[frame + 12 :] + coded + b"\xff\xd9"


def refusal(data: bytes, at_least: tuple[int, int] | None = None) -> str:
    with pytest.raises(PictureError) as caught:
        decode(data, at_least)
    return str(caught.value)


def pillow(data: bytes) -> Pixels:
    return np.array(Image.open(BytesIO(data)).convert("RGB"))


def assert_ours(pixels_HWC: Pixels) -> None:
    assert pixels_HWC.dtype == np.uint8
    assert pixels_HWC.ndim == 3
    assert pixels_HWC.shape[2] == 3
    assert pixels_HWC.size
    flags = pixels_HWC.flags
    assert flags.c_contiguous
    assert flags.owndata
    assert flags.writeable


EXACT = {
    "PNG": {},
    "BMP": {},
    "PPM": {},
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"lossless": True},
}
# A file of every kind, for what must hold of all.
KINDS: dict[str, bytes] = {
    "jpeg": saved(colours(), "JPEG", exif=exif(6)),
    "progressive jpeg": saved(colours(), "JPEG", progressive=True),
    "grey jpeg": saved(colours()[:, :, 0], "JPEG"),
    "cmyk jpeg": saved(Image.fromarray(colours()).convert("CMYK"), "JPEG"),
    "rare jpeg": grey_jpeg_24x8(0x31),
    "png": saved(colours(), "PNG", exif=exif(5)),
    "palette png": saved(Image.fromarray(colours()).quantize(16), "PNG", transparency=1),
    "16-bit png": saved(colours()[:, :, 0].astype(np.uint16) * 257, "PNG"),
    "apng": saved(
        Image.fromarray(colours()), "PNG", save_all=True, append_images=[Image.new("RGB", (40, 24))]
    ),
    "gif": saved(
        Image.fromarray(colours()).quantize(16),
        "GIF",
        save_all=True,
        append_images=[Image.new("P", (40, 24))],
        transparency=2,
        disposal=2,
    ),
    "bmp": saved(colours(), "BMP"),
    "tiff": saved(colours(), "TIFF", exif=exif(8)),
    "lzw tiff": saved(colours(), "TIFF", compression="tiff_lzw"),
    "float tiff": saved(colours()[:, :, 0].astype(np.float32) / 255, "TIFF"),
    "webp": saved(colours(), "WEBP", exif=exif(3)),
    "avif": saved(colours(), "AVIF"),
    "pgm": saved(colours()[:, :, 0], "PPM"),
    "ppm": saved(colours(), "PPM"),
    "pbm": saved(Image.fromarray(colours()).convert("1"), "PPM"),
    "plain ppm": b"P3 2 2 255\n" + b"1 2 3 " * 4,
    "pfm": b"Pf\n2 2\n-1.0\n" + bytes(16),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_an_array_of_its_own(kind: str) -> None:
    """Every kind of file gives a writeable C-contiguous uint8 (H, W, 3) that owns its memory."""
    assert_ours(decode(KINDS[kind]))


@pytest.mark.parametrize("kind", EXACT)
def test_lossless_formats_give_their_pixels_back(kind: str) -> None:
    """What a lossless format stores comes out to the bit."""
    assert np.array_equal(decode(saved(colours(), kind, **EXACT[kind])), colours())


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 30}])
def test_jpeg_agrees_with_pillow(options: dict[str, Any]) -> None:
    """A JPEG comes out as Pillow decodes it, within 2 of 255."""
    data = saved(colours(123, 77), "JPEG", **options)
    assert np.abs(decode(data).astype(int) - pillow(data)).max() <= 2


def test_grey_jpeg_becomes_three_equal_channels() -> None:
    """A grey JPEG gives its grey in all three channels."""
    data = saved(colours()[:, :, 0], "JPEG")
    pixels_HWC = decode(data)
    assert np.abs(pixels_HWC[:, :, 0].astype(int) - pillow(data)[:, :, 0]).max() <= 1
    assert (pixels_HWC == pixels_HWC[:, :, :1]).all()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_jpeg_orientation_agrees_with_exif_transpose(orientation: int, order: str) -> None:
    """A JPEG of any EXIF orientation, in either byte order, stands upright as exif_transpose has it."""
    stored = decode(saved(colours(), "JPEG"))
    referee = saved(stored, "PNG", exif=exif(orientation, order))
    expected = np.array(ImageOps.exif_transpose(Image.open(BytesIO(referee))))
    upright = decode(saved(colours(), "JPEG", exif=exif(orientation, order)))
    assert np.array_equal(upright, expected)
    assert_ours(upright)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_other_formats_are_turned_once(kind: str, orientation: int) -> None:
    """PNG, WebP and TIFF stand upright too, turned exactly once."""
    data = saved(colours(), kind, exif=exif(orientation), **EXACT[kind])
    expected = np.array(ImageOps.exif_transpose(Image.open(BytesIO(data))))
    assert np.array_equal(decode(data), expected)


@pytest.mark.parametrize("orientation", [1, 6])
def test_avif_is_turned_once(orientation: int) -> None:
    """An AVIF stands upright, turned exactly once."""
    data = saved(colours(), "AVIF", exif=exif(orientation), quality=95)
    assert decode(data).shape == ((24, 40, 3) if orientation == 1 else (40, 24, 3))


@pytest.mark.parametrize("number", [(1, b"\6\0\0\0"), (3, b"\6\0\0\0"), (4, b"\6\0\0\0")])
def test_orientation_of_any_whole_kind_is_read(number: tuple[int, bytes]) -> None:
    """An orientation that is written as a byte or a long counts as well."""
    block = b"Exif\0\0II*\0" + struct.pack("<IHHHI", 8, 1, 0x0112, number[0], 1) + number[1] + bytes(4)
    assert decode(saved(colours(), "JPEG", exif=block)).shape == (40, 24, 3)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"II*\0",
        b"rubbish and more",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"MM\0*\0\0\0\x08\0\1\1\x12\0\x07\0\0\0\1\0\6\0\0",
        b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\x63\0\0\0",
        b"II*\0\x08\0\0\0\1\0\x12\1\3\0",
    ],
)
def test_corrupt_exif_does_not_lose_the_picture(block: bytes) -> None:
    """A JPEG or PNG whose EXIF block is rubbish is decoded as it is stored."""
    for kind in ("JPEG", "PNG"):
        assert decode(saved(colours(), kind, exif=b"Exif\0\0" + block)).shape == (24, 40, 3)


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    at_least=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    orientation=st.integers(1, 8),
)
def test_scaled_decoding_keeps_both_sides(
    size: tuple[int, int], at_least: tuple[int, int], orientation: int
) -> None:
    """A JPEG comes at the smallest of 1, 1/2, 1/4, 1/8 whose upright sides both reach what was asked."""
    height, width = size
    data = simplejpeg.encode_jpeg(np.zeros((height, width, 3), np.uint8), 50)
    data = data[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(exif(1))) + exif(orientation) + data[2:]
    upright = (width, height) if orientation >= 5 else (height, width)
    allowed = [tuple(-(-side // scale) for side in upright) for scale in (8, 4, 2, 1)]
    enough = [sides for sides in allowed if sides[0] >= at_least[0] and sides[1] >= at_least[1]] or [upright]
    assert decode(data, at_least).shape == (*enough[0], 3)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_scaled_decoding_shows_the_same_picture(orientation: int) -> None:
    """A scaled JPEG is the mean over blocks of the whole one, within 4 of 255."""
    smooth = Image.fromarray(colours(8, 12, 1)).resize((384, 256), Image.Resampling.BICUBIC)
    data = saved(smooth, "JPEG", quality=95, exif=exif(orientation))
    whole = decode(data)
    height, width = whole.shape[:2]
    scaled = decode(data, (height // 4, width // 4))
    assert scaled.shape == (height // 4, width // 4, 3)
    means = whole.reshape(height // 4, 4, width // 4, 4, 3).mean((1, 3))
    assert np.abs(means - scaled).max() <= 4


def test_only_jpeg_is_scaled() -> None:
    """A size that was asked for changes nothing for another format."""
    assert decode(saved(colours(), "PNG"), (2, 2)).shape == (24, 40, 3)


def test_cmyk_jpeg_has_its_colours() -> None:
    """A CMYK JPEG, stored inverted as Adobe's programs do, gives red for magenta and yellow."""
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    black = Image.new("CMYK", (16, 16), (0, 0, 0, 255))
    assert np.abs(decode(saved(red, "JPEG")).astype(int) - (255, 0, 0)).max() <= 3
    assert decode(saved(black, "JPEG")).max() <= 3
    assert np.array_equal(decode(KINDS["cmyk jpeg"]), pillow(KINDS["cmyk jpeg"]))


@pytest.mark.parametrize("sampling", [0x11, 0x21, 0x12, 0x22, 0x41, 0x14, 0x31, 0x13, 0x24])
def test_any_chroma_sampling_is_read(sampling: int) -> None:
    """JPEGs of usual and rare chroma sampling are read."""
    pixels_HWC = decode(grey_jpeg_24x8(sampling))
    assert pixels_HWC.shape == (8, 24, 3)
    assert (pixels_HWC == 128).all()


@pytest.mark.parametrize("kind", ["little", "big", "pgm", "png"])
def test_16_bit_grey_is_scaled_and_not_clipped(kind: str) -> None:
    """16-bit grey keeps its high byte, in TIFF of both byte orders, PGM and PNG."""
    values = np.arange(0, 65536, 97, dtype=np.uint16)[:600].reshape(20, 30)
    data = {
        "little": lambda: saved(values, "TIFF"),
        "big": lambda: saved(Image.frombytes("I;16B", (30, 20), values.astype(">u2").tobytes()), "TIFF"),
        "pgm": lambda: b"P5 30 20 65535\n" + values.astype(">u2").tobytes(),
        "png": lambda: saved(values, "PNG"),
    }[kind]()
    pixels_HWC = decode(data)
    assert np.array_equal(pixels_HWC, np.repeat((values >> 8)[:, :, None], 3, axis=2))


def test_16_bit_colour_keeps_its_high_byte() -> None:
    """A 16-bit RGB PNG keeps the high byte of each value."""
    values = np.arange(0, 65536, 65535 // 11, dtype=np.uint16)[:12].reshape(2, 2, 3)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    assert np.array_equal(decode(png(2, 2, 16, 2, rows)), values >> 8)


def test_12_bit_grey_uses_the_whole_range() -> None:
    """A camera's 12-bit TIFF is divided by 16, not by 256."""
    data = tiff(2, 1, 12, 1, b"\xff\xf8\x00")  # 4095 and 2048
    assert decode(data)[0, :, 0].tolist() == [255, 128]


def test_white_is_zero_is_turned_round() -> None:
    """A 16-bit TIFF in which 0 is white comes out with 0 white."""
    data = tiff(3, 1, 16, 0, np.array([0, 0x4000, 0xFFFF], "<u2").tobytes())
    assert decode(data)[0, :, 0].tolist() == [255, 191, 0]


def test_floats_are_read_as_0_to_1() -> None:
    """Floating-point pixels from 0 to 1 become 0 to 255, rounded."""
    values = np.array([[0, 0.25, 0.5, 1]], np.float32)
    assert decode(saved(values, "TIFF"))[0, :, 1].tolist() == [0, 64, 128, 255]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            saved(np.array([[-2.5, 300]], np.float32), "TIFF"),
            "its floating-point pixels are -2.5 to 300; 0 to 1 was expected",
        ),
        (
            saved(np.array([[0, np.nan]], np.float32), "TIFF"),
            "its floating-point pixels are nan to nan; 0 to 1 was expected",
        ),
        (
            saved(np.array([[5, 70000]], np.int32), "TIFF"),
            "its whole-number pixels are 5 to 70000; 0 to 65535 was expected",
        ),
    ],
)
def test_pixels_of_unknown_range_are_refused(data: bytes, reason: str) -> None:
    """Pixels whose range cannot be told are refused with the range that they have."""
    assert refusal(data) == reason


def test_modes_that_are_not_rgb() -> None:
    """One bit, palette, YCbCr and Lab give the colours that they stand for."""
    image = Image.fromarray(colours())
    for mode in ("1", "P", "L"):
        picture = image.convert(mode)
        assert np.array_equal(decode(saved(picture, "PNG")), np.array(picture.convert("RGB")))
    ycc = image.convert("YCbCr")
    assert np.array_equal(decode(saved(ycc, "TIFF")), np.array(ycc.convert("RGB")))
    lab = Image.new("LAB", (4, 4), (255, 128, 128))
    assert decode(saved(lab, "TIFF")).min() >= 254
    red = Image.new("LAB", (4, 4), (138, 128 + 81, 128 + 70))  # sRGB's red in D50's light
    assert np.abs(decode(saved(red, "TIFF"))[0, 0].astype(int) - (255, 0, 0)).max() <= 6


CLEAR, HALF, FULL = (10, 20, 30, 0), (0, 100, 200, 128), (1, 2, 3, 255)
OVER_WHITE = [[255, 255, 255], [127, 177, 227], [1, 2, 3]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_transparency_is_laid_over_white(kind: str) -> None:
    """A clear pixel is white, a half-clear one half white, an opaque one itself."""
    image = Image.new("RGBA", (3, 1))
    image.putdata([CLEAR, HALF, FULL])
    options = {"exact": True, "lossless": True} if kind == "WEBP" else {}
    pixels_HWC = decode(saved(image, kind, **options))
    assert np.abs(pixels_HWC[0].astype(int) - OVER_WHITE).max() <= 1


def test_grey_and_palette_transparency() -> None:
    """Grey with alpha, palettes with alpha, and single transparent colours of any depth lie over white."""
    grey_alpha = Image.new("LA", (2, 1))
    grey_alpha.putdata([(0, 0), (100, 255)])
    assert decode(saved(grey_alpha, "PNG"))[0, :, 0].tolist() == [255, 100]
    palette = Image.new("P", (3, 1))
    palette.putpalette([10, 20, 30, 0, 100, 200, 1, 2, 3])
    palette.putdata([0, 1, 2])
    with_alphas = decode(saved(palette, "PNG", transparency=bytes([0, 128, 255])))
    assert np.abs(with_alphas[0].astype(int) - OVER_WHITE).max() <= 1
    for kind in ("PNG", "GIF"):
        one_clear = decode(saved(palette, kind, transparency=1))
        assert one_clear[0].tolist() == [[10, 20, 30], [255, 255, 255], [1, 2, 3]]
    grey = decode(saved(np.array([[7, 8]], np.uint8), "PNG", transparency=7))
    assert grey[0, :, 0].tolist() == [255, 8]
    deep = png(2, 1, 16, 0, b"\0\x12\x34\x12\x35", (b"tRNS", b"\x12\x34"))
    assert decode(deep)[0, :, 0].tolist() == [255, 0x12]
    colour = png(2, 1, 8, 2, b"\0\1\2\3\4\5\6", (b"tRNS", b"\0\1\0\2\0\3"))
    assert decode(colour)[0].tolist() == [[255, 255, 255], [4, 5, 6]]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_first_of_several_frames_is_taken(kind: str) -> None:
    """Of an animation, or a file of several pages, the first frame is taken."""
    first, second = Image.new("RGB", (20, 10), (255, 0, 0)), Image.new("RGB", (20, 10), (0, 0, 255))
    data = saved(first, kind, save_all=True, append_images=[second, second])
    assert np.abs(decode(data).astype(int) - (255, 0, 0)).max() <= 6


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([b"P5", b"P6"]),
    st.integers(1, 9),
    st.integers(1, 9),
    st.sampled_from([b"%s\n%d %d\n255\n", b"%s %d %d 255 ", b"%s\r\n%d\t%d\n\n255\t"]),
    st.randoms(use_true_random=False),
)
def test_plain_pnm_agrees_with_pillow(
    magic: bytes, width: int, height: int, form: bytes, random: Any
) -> None:
    """The quick way for 8-bit binary PGM and PPM gives what Pillow gives, whatever the pixels look like."""
    count = width * height * (1 if magic == b"P5" else 3)
    data = form % (magic, width, height) + bytes(random.choices(b"\n #0\xff9", k=count))
    pixels_HWC = decode(data + b"trailing")
    assert np.array_equal(pixels_HWC, pillow(data))
    assert_ours(pixels_HWC)
    assert refusal(data[:-1]) == "it is cut short"


@pytest.mark.parametrize(
    "data",
    [
        b"P5 # remark\n2 2\n255\n" + bytes(range(4)),
        b"P5 2 2 15\n\0\1\2\x0f",
        b"P6 1 1 65535\n\xff\xff\x80\0\0\0",
        b"P4 8 1\n\xa5",
        b"P1 2 2\n0 1 1 0",
        b"P2 2 2 255\n0 1 128 255",
    ],
)
def test_other_pnm_agree_with_pillow(data: bytes) -> None:
    """Remarks, other maxima, and the other kinds of PNM go through Pillow."""
    assert np.array_equal(decode(data), pillow(data))


def test_large_pictures_are_converted_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that is converted strip by strip is the picture that is converted at once."""
    rgba = Image.fromarray(colours()).convert("RGBA")
    rgba.putalpha(Image.fromarray(colours()[:, :, 1]))
    deep = png(2, 3, 16, 0, b"\0\x12\x34\x12\x35" * 3, (b"tRNS", b"\x12\x34"))
    files = [*KINDS.values(), saved(rgba, "PNG"), deep, tiff(3, 2, 16, 0, bytes(range(12)))]
    at_once = [decode(data) for data in files]
    monkeypatch.setattr(room, "_STRIP", 90)
    for data, expected in zip(files, at_once, strict=True):
        assert np.array_equal(decode(data), expected)
        assert_ours(decode(data))


def patched(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


JPEG, GIF, BMP = KINDS["progressive jpeg"], KINDS["gif"], KINDS["bmp"]
BOMBS = {
    "jpeg": patched(JPEG, JPEG.index(b"\xff\xc2") + 5, struct.pack(">HH", 30000, 30000)),
    "png": png(30000, 30000, 8, 2, bytes(1000)),
    "one-bit png": png(30000, 30000, 1, 0, bytes(1000)),
    "gif": patched(GIF, 6, struct.pack("<HH", 30000, 30000)),
    "bmp": patched(BMP, 18, struct.pack("<ii", 30000, 30000)),
    "tiff": tiff(30000, 30000, 8, 1, bytes(100)),
    "pgm": b"P5 30000 30000 255\n",
    "pfm": b"Pf 30000 30000 -1\n",
    "pbm": b"P4 30000 30000\n",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_before_decoding(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that claims 30,000 x 30,000 pixels is refused by its header alone."""

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(simplejpeg, "decode_jpeg", forbidden)
    monkeypatch.setattr(ImageFile.ImageFile, "load", forbidden)
    limit = "268,435,456" if kind == "jpeg" else "134,217,728"
    assert refusal(BOMBS[kind]) == f"30000 x 30000 pixels is more than the limit of {limit}"


def test_limits_let_real_cameras_pass() -> None:
    """A phone's 200 megapixels stay under the limit of a JPEG, a 102-megapixel camera's under the other."""
    assert 16320 * 12240 < PIXEL_LIMIT == 2**28
    assert 11648 * 8736 < WHOLE_LIMIT == 2**27


def test_a_webp_bomb_is_refused() -> None:
    """A WebP that claims the largest canvas is refused, though Pillow's decoder asks for it while opening."""
    still = saved(colours(), "WEBP", exif=exif(1))
    assert still[12:16] == b"VP8X"
    assert refusal(patched(still, 24, b"\xfe\x3f\0\xfe\x3f\0")).startswith("it is damaged ('Image size (2684")


def test_endless_scans_are_refused() -> None:
    """A progressive JPEG of many scans of a huge empty picture is refused, not decoded for minutes."""
    wide = patched(JPEG, JPEG.index(b"\xff\xc2") + 5, struct.pack(">HH", 16000, 16000))
    many = wide + b"\xff\xda" * 20
    assert refusal(many) == "16000 x 16000 pixels in so many scans would take too long"


SAVE_IT = ", which cannot be read here: save it as JPEG or PNG"
REFUSED = {
    b"": "it is empty",
    b"<html><head>": "it is not a picture that can be read (it begins with '<html><head>')",
    b"two\nlines \x1b[31m": r"it is not a picture that can be read (it begins with 'two\nlines \x1b[31m')",
    bytes(40): "it is not a picture that can be read (it begins with '" + r"\x00" * 16 + "')",
    b"\xff\xd8": r"it is not a picture that can be read (it begins with 'ÿØ')",
    b"\xff\xd8\xff": "it is cut short",
    b"\xff\xd8\xff\xe0": "it is cut short",
    b"\xff\xd8\xff\xe0\0\x10JFIF": "it is cut short",
    b"\xff\xd8\xff\0\0\0\0\0": "it is damaged (no segment where a JPEG has one)",
    b'<?xml version="1.0"?>\n<svg xmlns': f"it is an SVG drawing{SAVE_IT}",
    b"\n <svg>": f"it is an SVG drawing{SAVE_IT}",
    b"%PDF-1.7": f"it is a PDF document{SAVE_IT}",
    b"\0\0\0\x18ftypheic": f"it is an HEIC picture{SAVE_IT}",
    b"\0\0\0\x18ftypmp42": f"it is a video{SAVE_IT}",
    b"%!PS-Adobe-3.0 EPSF-3.0": f"it is a PostScript document{SAVE_IT}",
    b"P5 0 5 255\n": "it has no pixels (0 x 5)",
    b"P5 3 3 255\n1234": "it is cut short",
}


@pytest.mark.parametrize("data", REFUSED)
def test_what_is_not_a_picture_is_told_plainly(data: bytes) -> None:
    """Empty files, text, pages, drawings, documents and videos are refused in plain words."""
    assert refusal(data) == REFUSED[data]


@pytest.mark.parametrize("strange", [b"\xff\0", b"\xff\xd0", b"\0\xe1"])
def test_a_jpeg_cannot_hide_its_size(strange: bytes) -> None:
    """Bytes that libjpeg would skip cannot hide a large picture's header behind a small one's."""
    bomb = BOMBS["jpeg"][2:400]
    hidden = b"\xff\xd8" + b"\xff\xe0\0\2" + strange + struct.pack(">H", 2 + len(bomb)) + bomb + JPEG[2:]
    assert refusal(hidden) == "it is damaged (no segment where a JPEG has one)"
    short = b"\xff\xd8\xff\xe0\0\1" + JPEG[2:]
    assert refusal(short) == "it is damaged (no segment where a JPEG has one)"


def test_jpegs_without_pixels_or_of_12_bits_are_refused() -> None:
    """A JPEG without rows, or of 12 bits a sample, is refused in plain words."""
    frame = JPEG.index(b"\xff\xc2")
    assert refusal(patched(JPEG, frame + 5, b"\0\0")) == "it has no pixels (40 x 0)"
    reason = "it is a 12-bit JPEG, which cannot be read here: save it as 8-bit"
    assert refusal(patched(JPEG, frame + 4, b"\x0c")) == reason


@pytest.mark.parametrize("kind", ["jpeg", "progressive jpeg", "grey jpeg", "png", "gif", "bmp", "ppm", "pgm"])
def test_a_file_that_is_cut_short_is_refused(kind: str) -> None:
    """A file that lost its last quarter is refused: a grey lower part is not a picture."""
    data = KINDS[kind]
    assert refusal(data[: len(data) * 3 // 4]) == "it is cut short"


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"pbm", "plain ppm"}))
def test_half_a_file_is_never_a_picture(kind: str) -> None:
    """Of every binary format, half a file is refused."""
    data = KINDS[kind]
    assert refusal(data[: len(data) // 2])
    assert refusal(data[: len(data) // 2], (4, 4))


def test_damaged_pixels_of_a_jpeg_are_refused() -> None:
    """A JPEG with damaged pixels is refused, though libjpeg would repair it somehow."""
    data = saved(colours(200, 200), "JPEG")
    middle = len(data) // 2
    damaged = patched(data, middle, b"\xff\xd9" * 4)
    assert np.array(Image.open(BytesIO(data))).shape == (200, 200, 3)
    assert "damaged" in refusal(damaged) or "cut short" in refusal(damaged)


def test_no_memory_is_one_picture_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little memory for a picture is that picture's reason, and ends nothing."""

    def no_memory(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(simplejpeg, "decode_jpeg", no_memory)
    assert refusal(KINDS["jpeg"]) == "there is not enough memory to decode it"


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_hostile_bytes_give_an_array_or_a_picture_error(data: st.DataObject) -> None:
    """A file of any kind, cut and altered anywhere, gives an array or a PictureError of one line."""
    hostile = bytearray(data.draw(st.sampled_from(sorted(KINDS.values()))))
    end = data.draw(st.integers(0, len(hostile)) | st.just(len(hostile)))
    del hostile[end:]
    places = st.integers(0, min(64, max(len(hostile), 1)) - 1) | st.integers(0, max(len(hostile), 1) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        hostile[place : place + 1] = bytes([value])
    at_least = data.draw(st.none() | st.tuples(st.integers(1, 50), st.integers(1, 50)))
    try:
        pixels_HWC = decode(bytes(hostile), at_least)
    except PictureError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 300
    else:
        assert_ours(pixels_HWC)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from([b"", *(kind[:12] for kind in KINDS.values())]), st.binary(max_size=200))
def test_random_bytes_give_an_array_or_a_picture_error(beginning: bytes, rest: bytes) -> None:
    """Random bytes, after the beginning of any format or none, raise nothing but PictureError."""
    try:
        assert_ours(decode(beginning + rest))
    except PictureError as error:
        assert str(error).isprintable()


def odd_tiff() -> bytes:
    """A sound TIFF with one tag whose value lies beyond the end: Pillow warns of it."""
    data = tiff(2, 2, 8, 1, bytes(range(4)))
    start = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[start : start + 2], "little")
    odd = struct.pack("<HHII", 65000, 2, 50, 10**6)
    return patched(data, start, struct.pack("<H", count + 1))[:-4] + odd + bytes(4)


def test_pillow_warns_of_nothing_here_and_still_does_elsewhere() -> None:
    """Pillow's warnings on odd files are dropped while we decode, and only then."""
    data = odd_tiff()
    assert decode(data)[:, :, 0].tolist() == [[0, 1], [2, 3]]
    with pytest.raises(UserWarning, match="Truncated File Read"):
        Image.open(BytesIO(data)).load()  # the tests turn warnings into errors
    before = len(warnings.filters)
    decode(data)
    decode(data)
    assert len(warnings.filters) <= before + 1


def test_sizes_that_pillow_warns_of_are_read_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own limit plays no part up to ours."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 700)
    for kind in ("png", "gif", "tiff", "webp", "bmp"):
        assert decode(KINDS[kind]).size == 24 * 40 * 3


def test_a_filter_that_comes_later_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever turns warnings into errors after a first picture still gets the next one in silence."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 700)
    with warnings.catch_warnings():
        decode(KINDS["gif"])
        warnings.simplefilter("error")
        assert decode(KINDS["gif"]).shape == (24, 40, 3)


def test_threads_do_not_disturb_each_other() -> None:
    """Eight threads that decode the same files at once, odd ones among them, get what one thread gets."""
    files = [*KINDS.values(), odd_tiff()]
    expected = [decode(data) for data in files]
    wrong: list[str] = []

    def work() -> None:
        try:
            for _ in range(5):
                for data, pixels_HWC in zip(files, expected, strict=True):
                    if not np.array_equal(decode(data), pixels_HWC):
                        wrong.append("different pixels")
        except Exception as error:
            wrong.append(repr(error))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
