"""A person's own picture for the lab: decoded by ``pictures.decode``, then made small.

It is kept nowhere: the page gets the numbers and brings them along when it asks about them.
"""

import base64
import binascii
import threading
from typing import Any

import numpy as np
from PIL import Image

from pellucid.errors import PictureError
from pellucid.lab.question import Question, QuestionError, choice, text, whole
from pellucid.pictures.decode import decode
from pellucid.pictures.preprocess import grey

LARGEST_FILE = 25 * 1000 * 1000
"""Bytes that a picture's file may have."""

LARGEST_SIDE, SMALLEST_SIDE = 64, 8

# A few kilobytes can hold a hundred million pixels: one picture is decoded at a time, however many are sent.
_one_at_a_time = threading.Lock()


def picture(question: Question) -> dict[str, Any]:
    """The pixels of a picture as channels of rows of whole numbers from 0 to 255.

    The question's fields: data (the file, in base64), side (the longer side of what is shown, 8 to 64; a
    smaller picture keeps its size), colour (``grey`` or ``colour``).

    Raises:
        QuestionError: The file is too large, is no picture, or cannot be read; the message says why.
    """
    side = whole(question, "side", SMALLEST_SIDE, LARGEST_SIDE, 32)
    colour = choice(question, "colour", ("grey", "colour"), "grey")
    data = given_file(question)
    try:
        with _one_at_a_time:
            pixels_HWC = decode(data, at_least=(side, side))
            small = Image.fromarray(pixels_HWC)
            small.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
    except PictureError as error:
        raise unreadable(error) from error
    small_HWC = np.asarray(small)
    shown_HWC = grey(small_HWC) if colour == "grey" else small_HWC
    return {"height": small.height, "width": small.width, "picture": shown_HWC.transpose(2, 0, 1).tolist()}


def longest_text() -> int:
    """How many letters of base64 the largest file has."""
    return -(-LARGEST_FILE // 3) * 4


def given_file(question: Question) -> bytes:
    """The file that a question brings along as ``data``, in base64.

    Raises:
        QuestionError: It is too large, or no base64.
    """
    try:
        return base64.b64decode(text(question, "data", longest_text()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise QuestionError(
            "The question's 'data' is no base64.",
            "The bytes of a picture's file in base64 were expected.",
            "Choose the file again.",
        ) from error


def unreadable(error: PictureError) -> QuestionError:
    """What a person is told of a picture that cannot be read."""
    return QuestionError(
        f"The picture cannot be read: {error}.",
        "A JPEG, PNG, GIF, BMP, TIFF, WebP or AVIF picture was expected.",
        "Choose another file.",
    )
