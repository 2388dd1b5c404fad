"""Augmentation as a value: its transforms, what they drew for a view, and the view that results.

All geometry of a view is one warp, then the other changes follow in their order. Which transforms there are
stand in ``kinds``, ready-made augmentations in ``presets``.
"""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import cv2
import numpy as np
import PIL
import simplejpeg
from numpy.typing import NDArray

from pellucid.errors import RequestError
from pellucid.pictures.augment.affine import IDENTITY, Frame
from pellucid.pictures.augment.chance import Chance
from pellucid.pictures.augment.factor import Limits, check_number, check_whole, check_word
from pellucid.pictures.augment.kinds import transform_from_json, transform_to_json
from pellucid.pictures.augment.transform import Numbers, Transform
from pellucid.pictures.augment.warp import FILL_MODES, FillMode, warp

VERSION = 1
"""Raised with every change after which the same fields may give other views."""

_VIEWS = 2**63


@dataclass(frozen=True)
class Drawn:
    """What each transform drew for one view, in their order; JSON by ``to_json``."""

    numbers: tuple[Numbers, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """One object a transform."""
        return [dict(one) for one in self.numbers]

    @classmethod
    def from_json(cls, told: Sequence[Mapping[str, Any]]) -> "Drawn":
        """What ``to_json`` gave."""
        return cls(tuple(dict(one) for one in told))


@dataclass(frozen=True)
class Augment:
    """How views are made of a picture.

    A view belongs to (seed, picture's key, view number) and to nothing else: it comes out the same alone or
    in a batch, in any order and in any thread. What one transform draws does not depend on the others.

    Attributes:
        transforms: Carried out in this order, as Keras' layers are; but first all geometry, as one warp.
            So what lies beyond an edge is the picture continued, and not a continuation of a continuation.
        fill_mode: What is shown beyond the edges: ``reflect``, ``wrap``, ``constant``, ``nearest``.
        fill_value: The value there where the mode is ``constant``, 0..255.

    Raises:
        RequestError: for a value that is not of these.
    """

    transforms: tuple[Transform, ...] = ()
    fill_mode: FillMode = "reflect"
    fill_value: float = 0.0

    def __post_init__(self) -> None:
        check_word("fill mode", self.fill_mode, FILL_MODES)
        check_number(self, "fill_value", self.fill_value, Limits(0.0, 255.0), "0 is black and 255 white.")
        if not isinstance(self.transforms, tuple) or not all(
            isinstance(one, Transform) for one in self.transforms
        ):
            raise RequestError(
                f"Augment's transforms are {self.transforms!r}.",
                "A tuple of transforms was expected.",
                "Write for example (RandomFlip('horizontal'), RandomRotation(0.1)).",
            )

    def draw(self, seed: int, key: str, view: int) -> Drawn:
        """The numbers of one view: what can be looked at, recorded and carried out again.

        Args:
            seed: The run's.
            key: How the picture is known, such as its digest.
            view: Its number, 0 and up.
        """
        check_whole(self, "view", view, 0, _VIEWS, "Views are counted from 0.")
        return self._drawn(self._chances(seed), key.encode("utf-8", "surrogateescape"), view)

    def gives(self, frame: Frame) -> Frame:
        """The size, (height, width), of all views of a picture of this size."""
        for transform, numbers in zip(self.transforms, self.draw(0, "", 0).numbers, strict=True):
            _, frame = transform.place(numbers, frame)
        return frame

    def apply(self, pixels_HWC: NDArray[np.uint8], drawn: Drawn) -> NDArray[np.uint8]:
        """The view for which these numbers were drawn.

        Args:
            pixels_HWC: uint8 (H, W, 1 or 3); left as it is.
            drawn: By this augmentation, or one with the same transforms.

        Returns:
            uint8 of the same size (or what ``RandomCrop`` makes of it) and as many channels, with its own
            memory.
        """
        frame: Frame = (pixels_HWC.shape[0], pixels_HWC.shape[1])
        placed = IDENTITY
        steps = tuple(zip(self.transforms, drawn.numbers, strict=True))
        for transform, numbers in steps:
            step, frame = transform.place(numbers, frame)
            if step is not IDENTITY:
                placed = step if placed is IDENTITY else placed.after(step)
        view_HWC = warp(pixels_HWC, placed, frame, self.fill_mode, self.fill_value)
        for transform, numbers in steps:
            view_HWC = transform.paint(numbers, view_HWC)
        return view_HWC

    def view(self, pixels_HWC: NDArray[np.uint8], seed: int, key: str, view: int) -> NDArray[np.uint8]:
        """One view of a picture: ``draw``, then ``apply``."""
        return self.apply(pixels_HWC, self.draw(seed, key, view))

    def view_batch(
        self,
        pixels_NHWC: NDArray[np.uint8],
        seed: int,
        keys_N: Sequence[str],
        view: int,
        out: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """One view of each picture of a batch, bit for bit what ``view`` gives one by one.

        Args:
            pixels_NHWC: uint8 (N, H, W, 1 or 3).
            seed, view: As for ``view``.
            keys_N: A key for each picture.
            out: uint8 of the result's shape, which is filled and returned; None makes one.
        """
        check_whole(self, "view", view, 0, _VIEWS, "Views are counted from 0.")
        chances = self._chances(seed)
        for index, (pixels_HWC, key) in enumerate(zip(pixels_NHWC, keys_N, strict=True)):
            drawn = self._drawn(chances, key.encode("utf-8", "surrogateescape"), view)
            view_HWC = self.apply(pixels_HWC, drawn)
            if out is None:
                out = np.empty((len(keys_N), *view_HWC.shape), np.uint8)
            out[index] = view_HWC
        return np.empty_like(pixels_NHWC) if out is None else out

    def said(self, drawn: Drawn) -> str:
        """What was drawn in words: ``turned left by 12 degrees, zoomed in by 8 %, mirrored``."""
        parts = (one.said(numbers) for one, numbers in zip(self.transforms, drawn.numbers, strict=True))
        return ", ".join(part for part in parts if part) or "unchanged"

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values, and the version of the implementation."""
        return {
            "version": VERSION,
            "transforms": [transform_to_json(one) for one in self.transforms],
            "fill_mode": self.fill_mode,
            "fill_value": self.fill_value,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Augment":
        """What ``to_json`` gave; what it leaves out has its default.

        Raises:
            RequestError: where a field or a transform is not known, or another version wrote it.
        """
        for name in fields:
            check_word("field of an augmentation", name, ("version", *_names(cls)))
        version = fields.get("version", VERSION)
        if version != VERSION:
            raise RequestError(
                f"The augmentation is of version {version!r}.",
                f"This Pellucid carries out version {VERSION}, and another gives other views.",
                "Use the Pellucid that wrote it, or write it anew.",
            )
        given = {name: value for name, value in fields.items() if name != "version"}
        listed = cast(list[Mapping[str, Any]], given.pop("transforms", ()))
        return cls(transforms=tuple(transform_from_json(one) for one in listed), **given)

    @property
    def digest(self) -> str:
        """32 hex digits for the keys of caches: they differ whenever any pixel of a view could.

        They stand for the fields, for ``VERSION``, and for the releases that compute: OpenCV's, NumPy's (its
        normal distribution), Pillow's and simplejpeg's.
        """
        releases = [cv2.__version__, np.__version__, PIL.__version__, simplejpeg.__version__]
        told = json.dumps([self.to_json(), releases], sort_keys=True).encode()
        return hashlib.blake2b(told, digest_size=16).hexdigest()

    def _chances(self, seed: int) -> list[Chance]:
        """A stream for each transform, known by its kind and by how many of the kind came before."""
        seen: Counter[str] = Counter()
        chances = []
        for transform in self.transforms:
            kind = type(transform).__name__
            chances.append(Chance(f"{kind} {seen[kind]}", seed))
            seen[kind] += 1
        return chances

    def _drawn(self, chances: Sequence[Chance], key: bytes, view: int) -> Drawn:
        pairs = zip(self.transforms, chances, strict=True)
        return Drawn(tuple(transform.draw(chance.lot(key, view)) for transform, chance in pairs))


def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.init)
