"""A person's picture: its pixels, made small, in grey or colour; and what is no picture."""

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pellucid.lab.picture import LARGEST_FILE, longest_text, picture
from pellucid.lab.question import QuestionError


def encoded(pixels: Any, kind: str = "PNG") -> str:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


def test_a_small_picture_comes_as_it_is() -> None:
    """Three channels of its rows in colour, one of luma in grey."""
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (5, 7, 3))
    reply = picture({"data": encoded(pixels_HWC), "colour": "colour"})
    assert (reply["height"], reply["width"]) == (5, 7)
    assert np.array_equal(np.moveaxis(reply["picture"], 0, 2), pixels_HWC)
    grey = picture({"data": encoded(pixels_HWC), "colour": "grey"})["picture"]
    luma = Image.fromarray(pixels_HWC.astype(np.uint8)).convert("L")
    assert np.array_equal(grey, np.asarray(luma)[None])


def test_a_large_picture_is_made_small_by_means_of_its_pixels() -> None:
    """Its longer side is what was asked, its shape is kept, and a cell is the mean of what it covers."""
    pixels_HWC = np.random.default_rng(1).integers(0, 256, (120, 240, 3))
    reply = picture({"data": encoded(pixels_HWC), "side": 16, "colour": "colour"})
    assert (reply["height"], reply["width"]) == (8, 16)
    mean = pixels_HWC.reshape(8, 15, 16, 15, 3).mean(axis=(1, 3))
    assert np.abs(np.moveaxis(reply["picture"], 0, 2) - mean).max() <= 1
    strip = picture({"data": encoded(np.zeros((1, 500, 3))), "side": 8})
    assert (strip["height"], strip["width"]) == (1, 8)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (
            b'<svg xmlns="http://www.w3.org/2000/svg"></svg>',
            "it is an SVG drawing, which cannot be read here",
        ),
        (b"<!doctype html><script>alert(1)</script>", "it is not a picture that can be read (it begins with"),
        (b"", "it is empty"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "it is "),
    ],
)
def test_what_is_no_picture_is_refused_with_its_reason(data: bytes, reason: str) -> None:
    """A drawing or a page that is named .png, an empty file, a damaged one."""
    with pytest.raises(QuestionError) as caught:
        picture({"data": base64.b64encode(data).decode()})
    assert str(caught.value).startswith(f"The picture cannot be read: {reason}")
    assert str(caught.value).endswith(
        "A JPEG, PNG, GIF, BMP, TIFF, WebP or AVIF picture was expected. Choose another file."
    )


def test_a_picture_of_too_many_pixels_is_refused_unread(bomb: Callable[[int], bytes]) -> None:
    """20,000 x 20,000 in a hundred bytes."""
    with pytest.raises(QuestionError, match=r"20000 x 20000 pixels is more than the limit of 134,217,728"):
        picture({"data": base64.b64encode(bomb(20_000)).decode()})


def test_what_is_no_base64_is_refused() -> None:
    """Letters outside the alphabet, and text beyond ASCII."""
    for data in ("?", "\u00e9" * 4, "abc"):
        with pytest.raises(QuestionError) as caught:
            picture({"data": data})
        assert str(caught.value) == (
            "The question's 'data' is no base64. The bytes of a picture's file in base64 were expected. "
            "Choose the file again."
        )


def test_the_longest_text_holds_the_largest_file() -> None:
    """Four letters for three bytes."""
    assert longest_text() >= len(base64.b64encode(b"\0" * 1000)) * LARGEST_FILE // 1002
    assert longest_text() % 4 == 0
