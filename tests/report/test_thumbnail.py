"""Pictures small enough for a page."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from pellucid.report.thumbnail import thumbnail


def encoded(height: int, width: int, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (200, 40, 10)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("size", "small"),
    [
        ((1000, 500), (128, 64)),
        ((300, 400), (96, 128)),
        ((128, 128), (128, 128)),
        ((28, 20), (28, 20)),
        ((4000, 8), (128, 1)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_longest_side_is_at_most_128_and_nothing_is_enlarged(
    size: tuple[int, int], small: tuple[int, int], kind: str
) -> None:
    """The picture keeps its proportions and its colour, and its address holds a JPEG of the size said."""
    made = thumbnail(encoded(*size, kind))
    assert made is not None
    assert (made.height, made.width) == small
    head, code = made.address.split(",")
    assert head == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(code))) as image:
        assert (image.format, image.height, image.width) == ("JPEG", *small)
        assert np.abs(np.asarray(image).mean(axis=(0, 1)) - (200, 40, 10)).max() < 4


def test_a_picture_that_is_gone_or_broken_has_no_thumbnail() -> None:
    """Neither is an error: the page says so in its place."""
    assert thumbnail(None) is None
    assert thumbnail(b"") is None
    assert thumbnail(encoded(300, 400)[:200]) is None
    assert thumbnail(b"GIF89a, in name only") is None
