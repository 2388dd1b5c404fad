"""Encoded bytes to an upright RGB picture: every format, bit depth, palette, transparency and orientation.

What size the network wants, and how the picture gets there, is left to ``preprocess``.
"""

import importlib
import re
import struct
import threading
import warnings
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple, cast

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageFile

from pellucid.errors import PictureError, shown

PIXEL_LIMIT = 2**28
"""The most pixels a JPEG may claim (a phone's 200 megapixels pass); it is checked before decoding."""

WHOLE_LIMIT = 2**27
"""The same for all that Pillow decodes: always whole, at 4 to 16 bytes a pixel (WebP) while it lasts."""

_SCAN_LIMIT = 16 * PIXEL_LIMIT  # pixels x scans: a few kilobytes can hold a thousand empty progressive scans
_STRIP = 2**20  # pixels that are converted at a time, so that a large picture is not held three times over

# Pillow's plugin (PIL.<name>ImagePlugin, class <name>ImageFile) by how the bytes begin. Nothing else is
# ever tried: Pillow also knows formats that start other programs (EPS) or guess without a signature.
_PLUGINS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "Png"),
    (re.compile(rb"GIF8[79]a"), "Gif"),
    (re.compile(rb"BM"), "Bmp"),
    (re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+"), "Tiff"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WebP"),
    (re.compile(rb"P[1-6f][\s#]"), "Ppm"),
    (re.compile(rb"....ftyp(avi[fs]|(mif1|msf1).{4}(.{4}){0,16}avif)", re.DOTALL), "Avif"),
)
# What people do have in their folders, and what to tell them.
_STRANGERS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"....ftyp(hei|hev|mif1|msf1)", re.DOTALL), "an HEIC picture"),
    (re.compile(rb"....ftyp", re.DOTALL), "a video"),
    (re.compile(rb"%PDF"), "a PDF document"),
    (re.compile(rb"8BPS"), "a Photoshop document"),
    (re.compile(rb"%!PS|\xc5\xd0\xd3\xc6"), "a PostScript document"),
    (re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"), "a JPEG 2000 picture"),
    (re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "), "a JPEG XL picture"),
    (re.compile(rb"(?s)(\xef\xbb\xbf)?\s*(<\?xml.*?|<!--.*?|<!DOCTYPE svg.*?)?<svg"), "an SVG drawing"),
)
_PLAIN_PNM = re.compile(rb"P([56])\s+(\d{1,9})\s+(\d{1,9})\s+255\s")
_CUT_SHORT = re.compile(
    r"truncat|premature|unexpected end|reached eof|not enough (image )?data|requires a buffer", re.IGNORECASE
)
# JPEGs that are sound but beyond simplejpeg: rare chroma sampling, lossless, and the like.
_BEYOND_SIMPLEJPEG = re.compile(r"unsupported|subsampling", re.IGNORECASE)
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags
# EXIF orientation -> (swap rows and columns first, then flip rows, then flip columns).
_UPRIGHT = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I"}  # TIFF's number for a kind -> struct's letter
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's start-of-frame markers
_SCAN_OR_END = (0xDA, 0xD9)


def decode(data: bytes, at_least: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Decode one encoded picture to upright RGB.

    Transparency is laid over white; of an animation the first frame is taken; 16 bits become 8 by their
    high byte; floating-point pixels are read as 0..1. Colour profiles are not applied.

    Args:
        data: A whole JPEG, PNG, GIF, BMP, TIFF, WebP, AVIF or PBM/PGM/PPM/PFM file.
        at_least: (height, width) of the upright picture down to which a JPEG may be decoded at 1/2, 1/4 or
            1/8 of its size, which is faster. A picture that is smaller than that comes at its own size.

    Returns:
        uint8 (H, W, 3), C-contiguous, owning its memory.

    Raises:
        PictureError: for whatever cannot be read; the text says why in a few words.
    """
    try:
        pixels_HWC = _decode(data, at_least)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError("there is not enough memory to decode it") from error
    # Pillow's and libjpeg's decoders raise whatever hostile bytes lead them to (struct.error, KeyError,
    # ZeroDivisionError, OverflowError, ...); to the caller it is one thing: this picture is damaged.
    except Exception as error:
        raise PictureError(_reason(error)) from error
    return pixels_HWC


def _decode(data: bytes, at_least: tuple[int, int] | None) -> NDArray[np.uint8]:
    if not data:
        raise PictureError("it is empty")
    if data.startswith(b"\xff\xd8\xff"):
        return _decode_jpeg(data, at_least)
    plain = _PLAIN_PNM.match(data)
    if plain:
        return _decode_plain_pnm(data, plain)
    for signature, plugin in _PLUGINS:
        if signature.match(data):
            return _decode_with_pillow(data, plugin)
    for signature, name in _STRANGERS:
        if signature.match(data[:4096]):
            raise PictureError(f"it is {name}, which cannot be read here: save it as JPEG or PNG")
    beginning = shown(data[:16].decode("latin-1").strip())
    raise PictureError(f"it is not a picture that can be read (it begins with {beginning})")


def _reason(error: Exception) -> str:
    text = str(error)
    if _CUT_SHORT.search(text):
        return "it is cut short"
    return f"it is damaged ({shown(text[:100] or type(error).__name__)})"


def _check_size(height: int, width: int, limit: int) -> None:
    if height < 1 or width < 1:
        raise PictureError(f"it has no pixels ({width} x {height})")
    if height * width > limit:
        raise PictureError(f"{width} x {height} pixels is more than the limit of {limit:,}")


def _upright(pixels_HWC: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    if orientation not in _UPRIGHT:
        return pixels_HWC
    swap, flip_rows, flip_columns = _UPRIGHT[orientation]
    if swap:
        pixels_HWC = pixels_HWC.transpose(1, 0, 2)
    return pixels_HWC[:: -1 if flip_rows else 1, :: -1 if flip_columns else 1].copy()


def _orientation(exif: bytes) -> int:
    """The EXIF orientation (tag 0x0112 of the first directory) of a TIFF block; 1 where it cannot be read."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    try:
        if order is None:
            return 1
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == 0x0112:
                (value,) = struct.unpack_from(order + _WHOLE_NUMBERS[kind], exif, entry + 8)
                return int(value) if value in _UPRIGHT else 1
    except (struct.error, KeyError):
        return 1
    return 1


class _JpegHeader(NamedTuple):
    height: int
    width: int
    precision: int
    components: int
    orientation: int


def _jpeg_header(data: bytes) -> _JpegHeader:
    """Walk a JPEG's segments up to the first scan.

    Where libjpeg would skip strange bytes this refuses them, so that both see the same picture size.
    """
    at, frame, orientation = 2, None, None
    while at + 4 <= len(data):
        start, marker, length = struct.unpack_from(">BBH", data, at)
        if start == marker == 0xFF:  # padding
            at += 1
            continue
        if marker in _SCAN_OR_END:
            break
        if start != 0xFF or marker < 0xC0 or 0xD0 <= marker <= 0xD8:
            raise PictureError("it is damaged (no segment where a JPEG has one)")
        if marker in _FRAMES and frame is None:
            frame = struct.unpack_from(">BHHB", data, at + 4)
        elif marker == 0xE1 and orientation is None and data.startswith(b"Exif\0\0", at + 4):
            orientation = _orientation(data[at + 4 : at + 2 + length])
        at += 2 + length
    if frame is None:
        raise PictureError("it is cut short")
    precision, height, width, components = frame
    return _JpegHeader(height, width, precision, components, orientation or 1)


def _decode_jpeg(data: bytes, at_least: tuple[int, int] | None) -> NDArray[np.uint8]:
    header = _jpeg_header(data)
    _check_size(header.height, header.width, PIXEL_LIMIT)
    if header.height * header.width * data.count(b"\xff\xda") > _SCAN_LIMIT:
        raise PictureError(f"{header.width} x {header.height} pixels in so many scans would take too long")
    if header.precision != 8:
        raise PictureError(
            f"it is a {header.precision}-bit JPEG, which cannot be read here: save it as 8-bit"
        )
    return _upright(_jpeg_pixels(data, header, at_least), header.orientation)


def _jpeg_pixels(data: bytes, header: _JpegHeader, at_least: tuple[int, int] | None) -> NDArray[np.uint8]:
    if header.components not in (1, 3):  # CMYK and YCCK, which Adobe's programs store inverted
        return _decode_with_pillow(data, "Jpeg")
    rows, columns = header.height, header.width
    if at_least is not None:
        rows, columns = _scaled(header, at_least)
    try:
        # Strict: libjpeg otherwise fills what is missing with grey and says nothing. min_factor 2: 5/8, 6/8
        # and 7/8 are slower to decode than the whole.
        pixels_HWC = simplejpeg.decode_jpeg(
            data, "RGB", min_height=rows, min_width=columns, min_factor=2, strict=True
        )
    except ValueError as error:
        if not _BEYOND_SIMPLEJPEG.search(str(error)):
            raise
        return _decode_with_pillow(data, "Jpeg")
    return cast(NDArray[np.uint8], pixels_HWC)


def _scaled(header: _JpegHeader, at_least: tuple[int, int]) -> tuple[int, int]:
    """The stored (height, width) at the smallest of 1/8, 1/4, 1/2 and 1 whose sides reach ``at_least``."""
    height, width = at_least
    if _UPRIGHT.get(header.orientation, (False,))[0]:
        height, width = width, height
    for scale in (8, 4, 2):
        rows, columns = -(-header.height // scale), -(-header.width // scale)
        if rows >= height and columns >= width:
            return rows, columns
    return header.height, header.width


def _decode_plain_pnm(data: bytes, header: re.Match[bytes]) -> NDArray[np.uint8]:
    """8-bit binary PGM and PPM, which is how arrays come in: 6 times faster than through Pillow."""
    channels = 1 if header[1] == b"5" else 3
    width, height = int(header[2]), int(header[3])
    _check_size(height, width, WHOLE_LIMIT)
    count = height * width * channels
    if len(data) - header.end() < count:
        raise PictureError("it is cut short")
    stored_HWC = np.frombuffer(data, np.uint8, count, header.end()).reshape(height, width, channels)
    pixels_HWC = np.empty((height, width, 3), np.uint8)
    pixels_HWC[:] = stored_HWC
    return pixels_HWC


def _decode_with_pillow(data: bytes, plugin: str) -> NDArray[np.uint8]:
    opener = getattr(importlib.import_module(f"PIL.{plugin}ImagePlugin"), f"{plugin}ImageFile")
    with _quiet_pillow:
        # The plugin itself and not Image.open: that one warns of sizes by its own limit, and tries others.
        image: ImageFile.ImageFile = opener(BytesIO(data))
        _check_size(image.height, image.width, WHOLE_LIMIT)
        image.load()
        pixels_HWC = _rgb(image)
    if plugin in ("Png", "WebP", "Avif"):
        exif = image.info.get("exif")
        return _upright(pixels_HWC, _orientation(exif) if isinstance(exif, bytes) else 1)
    return pixels_HWC  # a TIFF turns itself in load(); a JPEG's caller has read its orientation


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Pillow's picture as uint8 (H, W, 3), whatever its mode."""
    tags = getattr(image, "tag_v2", {})
    width, height = image.size
    step = max(_STRIP // width, 1)
    if height <= step:
        return _rgb_of_strip(image, tags)
    pixels_HWC = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        pixels_HWC[top:bottom] = _rgb_of_strip(image.crop((0, top, width, bottom)), tags)
    return pixels_HWC


def _rgb_of_strip(image: Image.Image, tags: Mapping[int, Any]) -> NDArray[np.uint8]:
    if image.mode.startswith("I") or image.mode == "F":
        return np.repeat(_grey_of_deep(image, tags)[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.new("RGB", layer.size, "white")
        image.paste(layer, mask=layer.getchannel("A"))
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _grey_of_deep(image: Image.Image, tags: Mapping[int, Any]) -> NDArray[np.uint8]:
    """Grey of more than 8 bits as 8 bits: Pillow's own conversion would clip it at 255."""
    values_HW = np.asarray(image)
    low, high = values_HW.min(), values_HW.max()
    if image.mode == "F":
        if not (low >= 0 and high <= 1):
            raise PictureError(f"its floating-point pixels are {low:g} to {high:g}; 0 to 1 was expected")
        grey_HW = np.rint(values_HW * np.float32(255)).astype(np.uint8)
    else:
        if low < 0 or high > 65535:
            raise PictureError(f"its whole-number pixels are {low} to {high}; 0 to 65535 was expected")
        # A TIFF says how many of the 16 bits it uses; 12 is a camera's.
        bits = 12 if tags.get(_BITS_PER_SAMPLE) == (12,) else 16
        grey_HW = (values_HW >> (bits - 8)).astype(np.uint8)
        if "transparency" in image.info:
            grey_HW[values_HW == image.info["transparency"]] = 255
    # Pillow turns "white is zero" round for 8 bits, and leaves it for more.
    return 255 - grey_HW if tags.get(_PHOTOMETRIC) == 0 else grey_HW


class _QuietPillow(threading.local):
    """A block in which Pillow's warnings on metadata and sizes are dropped, in this thread only.

    ``warnings.catch_warnings`` swaps the process's filters and is not thread-safe. Here one filter stays in
    the list, and its message pattern matches only while the asking thread decodes.
    """

    depth = 0

    def match(self, text: str) -> bool:
        return self.depth > 0

    def __enter__(self) -> None:
        filters = cast(list[Any], warnings.filters)
        entry = ("ignore", self, Warning, None, 0)
        if not filters or filters[0] != entry:  # the first that matches decides, and others may add theirs
            filters.insert(0, entry)
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1


_quiet_pillow = _QuietPillow()
