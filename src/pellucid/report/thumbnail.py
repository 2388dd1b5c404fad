"""An encoded picture made small enough to travel inside a page; the decoding is `pictures.decode`'s."""

import base64
import io
from dataclasses import dataclass

from PIL import Image

from pellucid.errors import PictureError
from pellucid.pictures.decode import decode

SIDE = 128
QUALITY = 82


@dataclass(frozen=True)
class Thumbnail:
    """A JPEG as a ``data:`` address, and its size in pixels."""

    address: str
    height: int
    width: int


def thumbnail(data: bytes | None) -> Thumbnail | None:
    """A JPEG of at most 128 pixels a side, never enlarged; None where the picture is gone or unreadable."""
    if data is None:
        return None
    try:
        pixels_HWC = decode(data, at_least=(SIDE, SIDE))
    except PictureError:
        return None
    small = Image.fromarray(pixels_HWC)
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY)
    code = base64.b64encode(file.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/jpeg;base64,{code}", small.height, small.width)
