"""The one way from an encoded picture to a network's input: decode, bring to size, normalise.

It is a value that is recorded with a run; training, evaluation, prediction, export and serving all use it.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, get_args

import numpy as np
import PIL
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from pellucid.errors import RequestError, RunError, shown
from pellucid.pictures.decode import decode

Fit = Literal["squash", "letterbox", "crop"]

VERSION = 1
"""Raised with every change, here or in ``decode``, after which the same fields may give other numbers."""

_LARGEST = 4096
# Sides that shrink to less than a sixth are first averaged down to three times the size that is wanted: a
# 12-megapixel PNG is resized 2.6 times faster, with no value more than 2 of 255 away.
_REDUCING_GAP = 3.0


@dataclass(frozen=True)
class Preprocess:
    """How a picture becomes a network's input.

    Attributes:
        height: Rows of the input, 1..4096.
        width: Columns of the input, 1..4096.
        fit: ``squash`` takes the whole picture and ignores its aspect; ``letterbox`` takes the whole picture,
            keeps its aspect, centres it and pads with the mean colour; ``crop`` scales until the input is
            just covered and takes the centre, so that what stands at two of the edges is lost.
        mean: Subtracted from red, green and blue, in 0..255; one number where the network sees grey.
        std: Divided by after that, in the same unit, 0.001..65535; as many numbers as the mean has.
        resample: The filter, widened (antialiased) where the picture shrinks.

    Raises:
        RequestError: for a value out of its range.
    """

    height: int
    width: int
    fit: Fit
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resample: Literal["bilinear"] = "bilinear"

    def __post_init__(self) -> None:
        _check_side("height", self.height)
        _check_side("width", self.width)
        _check_word("fit", self.fit, get_args(Fit))
        _check_word("resample", self.resample, ("bilinear",))
        # 128 and 128.0 are one mean, and must have one digest.
        object.__setattr__(self, "mean", _checked_colour("mean", self.mean, 0, 255))
        object.__setattr__(self, "std", _checked_colour("std", self.std, 0.001, 65535))
        if len(self.mean) != len(self.std):
            raise RequestError(
                f"The mean has {len(self.mean)} numbers and the std {len(self.std)}.",
                "As many of one as of the other were expected: one for grey, three for colour.",
                "Give one of each channel.",
            )

    @property
    def channels(self) -> int:
        """3 where the network sees red, green and blue; 1 where it sees grey."""
        return len(self.mean)

    def read(self, data: bytes, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Decode one encoded picture, bring it to size and normalise it.

        A JPEG is decoded at 1/2, 1/4 or 1/8 of its size where both of its sides still reach the input's.

        Returns:
            float32 (channels, height, width), C-contiguous; ``out`` itself where it was given.

        Raises:
            PictureError: for a picture that cannot be read.
        """
        return self.normalise(self.pixels(data), out)

    def pixels(self, data: bytes) -> NDArray[np.uint8]:
        """Decode one encoded picture and bring it to size: uint8 (height, width, channels).

        Raises:
            PictureError: for a picture that cannot be read.
        """
        return self.view(decode(data, at_least=(self.height, self.width)))

    def view(self, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring upright RGB pixels, uint8 (H, W, 3), to the input's size, uint8 (height, width, channels)."""
        if pixels_HWC.shape[:2] == (self.height, self.width):
            view_HWC = pixels_HWC.copy()  # no fit changes it; small pictures come by the ten thousand
        elif self.fit == "letterbox":
            view_HWC = self._letterboxed(pixels_HWC)
        else:
            box = self._covering_box(*pixels_HWC.shape[:2]) if self.fit == "crop" else None
            view_HWC = _resized(pixels_HWC, self.height, self.width, box)
        return view_HWC if self.channels == 3 else grey(view_HWC)

    def views(self, pixels_NHWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """``view`` of many pictures that have the input's size already, grey or colour, all at once.

        Args:
            pixels_NHWC: uint8 (N, height, width, 1) or (N, height, width, 3).

        Returns:
            uint8 (N, height, width, channels); it may be what was given.
        """
        if pixels_NHWC.shape[3] == self.channels:
            return pixels_NHWC
        return grey(pixels_NHWC) if self.channels == 1 else np.repeat(pixels_NHWC, 3, axis=3)

    def normalise(
        self, view_HWC: NDArray[np.uint8], out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """``(x - mean) / std`` in float32, from uint8 (height, width, C) to float32 (C, height, width).

        ``out``, float32 of that shape, is filled and returned where it is given: a row of a batch.
        """
        x_CHW = np.empty((self.channels, *view_HWC.shape[:2]), np.float32) if out is None else out
        np.subtract(view_HWC.transpose(2, 0, 1), _per_channel(self.mean), out=x_CHW)
        return np.divide(x_CHW, _per_channel(self.std), out=x_CHW)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values, and the version of the implementation."""
        return {
            "version": VERSION,
            **dataclasses.asdict(self),
            "mean": list(self.mean),
            "std": list(self.std),
        }

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Preprocess":
        """What ``to_json`` gave.

        Raises:
            RunError: where it is damaged, or another version of the implementation wrote it.
        """
        if not isinstance(fields, dict):
            raise _damaged("it is not an object with fields.")
        expected = {"version", *(field.name for field in dataclasses.fields(cls))}
        for name in sorted(expected - set(fields)):
            raise _damaged(f"it has no {shown(name)}.")
        for name in sorted(fields.keys() - expected, key=str):
            raise _damaged(f"it has an unknown {shown(name)}.")
        if fields["version"] != VERSION:
            raise RunError(
                f"The recorded preprocessing is of version {fields['version']!r}.",
                f"This Pellucid carries out version {VERSION}, and another gives other numbers.",
                "Use the Pellucid that wrote the run, or train again.",
            )
        given = {name: _tuple(value) for name, value in fields.items() if name != "version"}
        try:
            return cls(**given)
        except RequestError as error:
            raise _damaged(error.came) from error

    @property
    def digest(self) -> str:
        """32 hex digits for the keys of caches: they differ whenever any number of an output could.

        So they stand for the fields, for ``VERSION``, and for the releases of the two decoders, whose last
        bits may change with each. Two values that are equal do the same, whatever decoder they met.
        """
        told = {**self.to_json(), "pillow": PIL.__version__, "simplejpeg": simplejpeg.__version__}
        return hashlib.blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=16).hexdigest()

    def _letterboxed(self, pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        rows, columns = pixels_HWC.shape[:2]
        scale = min(self.height / rows, self.width / columns)
        height, width = max(round(rows * scale), 1), max(round(columns * scale), 1)
        top, left = (self.height - height) // 2, (self.width - width) // 2
        view_HWC = np.empty((self.height, self.width, 3), np.uint8)
        view_HWC[:] = np.rint(self.mean)  # one number is a grey
        view_HWC[top : top + height, left : left + width] = _resized(pixels_HWC, height, width)
        return view_HWC

    def _covering_box(self, rows: int, columns: int) -> "_Box":
        """The part of the picture that has the input's aspect and reaches across its nearer two edges."""
        scale = max(self.height / rows, self.width / columns)
        height, width = min(self.height / scale, rows), min(self.width / scale, columns)
        left, top = (columns - width) / 2, (rows - height) / 2
        return left, top, left + width, top + height


def grey(pixels_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Luma of RGB, uint8 (..., H, W, 3) -> (..., H, W, 1) by ITU-R BT.601: grey pixels keep their value."""
    red, green, blue = np.moveaxis(pixels_HWC.astype(np.uint32), -1, 0)
    luma_HW = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16  # as Pillow's mode L has it
    return np.asarray(luma_HW[..., None], np.uint8)


_Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels, as Pillow has them; fractions of a pixel count."""


def _resized(
    pixels_HWC: NDArray[np.uint8], height: int, width: int, box: _Box | None = None
) -> NDArray[np.uint8]:
    image = Image.fromarray(pixels_HWC)
    bilinear = Image.Resampling.BILINEAR
    return np.array(image.resize((width, height), bilinear, box, reducing_gap=_REDUCING_GAP))


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _damaged(reason: str) -> RunError:
    return RunError(
        f"The recorded preprocessing is damaged: {reason}",
        "The fields that training writes were expected.",
        "Train again, or take the run folder from a backup.",
    )


def _per_channel(values: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(values, np.float32)[:, None, None]


def _check_side(name: str, length: object) -> None:
    if type(length) is not int or not 1 <= length <= _LARGEST:
        raise RequestError(
            f"The input's {name} is {length!r}.",
            f"A whole number of pixels from 1 to {_LARGEST} was expected.",
            "224 is usual.",
        )


def _check_word(name: str, word: object, known: tuple[str, ...]) -> None:
    if word not in known:
        (near,) = get_close_matches(str(word), known, n=1, cutoff=0.0)
        raise RequestError(
            f"There is no {name} {shown(word)}.",
            f"{', '.join(known)} {'is' if len(known) == 1 else 'are'} known.",
            f"Did you mean {near}?",
        )


def _checked_colour(name: str, values: object, least: float, most: float) -> tuple[float, ...]:
    if (
        not isinstance(values, tuple)
        or len(values) not in (1, 3)
        or not all(isinstance(value, float | int) and least <= value <= most for value in values)
    ):
        raise RequestError(
            f"The {name} is {values!r}.",
            f"Three numbers from {least} to {most} were expected, for red, green and blue, or one for grey.",
            "Weights whose numbers are given in 0..1 take 255 times as much.",
        )
    return tuple(float(value) for value in values)
