"""Pictures of a source beside views of them, with what was drawn in words, as one HTML page.

Which views an augmentation makes is worked out in ``pictures.augment``; the same on one sheet is ``sheet``'s.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid.data.item import Skipped
from pellucid.data.source import Source
from pellucid.errors import PictureError
from pellucid.pictures.augment.plan import Augment, Drawn
from pellucid.pictures.decode import decode
from pellucid.pictures.digest import picture_digest
from pellucid.pictures.file import why_unread
from pellucid.pictures.preprocess import Preprocess
from pellucid.report.page import template

SIDE = 224  # what the usual networks take; a picture that is smaller keeps its own size
_TO_SIDE = Preprocess(SIDE, SIDE, "squash", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
_QUALITY = 90
_TINY = 64  # up to this side a picture travels without loss


@dataclass(frozen=True)
class View:
    """One view: its number, its pixels, what was drawn for it, and that in words."""

    number: int
    pixels_HWC: NDArray[np.uint8]
    drawn: Drawn
    said: str


@dataclass(frozen=True)
class Row:
    """A picture at the size of its views, and the views."""

    path: str
    label: str
    pixels_HWC: NDArray[np.uint8]
    views: tuple[View, ...]


def rows(
    source: Source, plan: Augment, number: int, views: int, seed: int
) -> tuple[list[Row], list[Skipped]]:
    """Pictures from all classes with their views, and what could not be read.

    A view here is, pixel for pixel, the view of that number that training makes of the picture with the
    same seed for a network that takes pictures of this size squashed: those whose sides both are below 224
    keep theirs, others come to 224 x 224.

    Args:
        source: Where the pictures are; those that it gives to validation and test are left out.
        plan: Makes the views.
        number: Of pictures, as evenly from the classes as can be.
        views: Of each.
        seed: Of the run.
    """
    found: list[Row] = []
    skipped: list[Skipped] = []
    for index in picked(source, number):
        item = source.items[index]
        try:
            data = source.read(index)
            pixels_HWC = _squashed(data)
        except (OSError, PictureError) as error:
            skipped.append(Skipped(item.path, why_unread(error)))
            continue
        found.append(_row(item.path, item.label, pixels_HWC, picture_digest(data), plan, views, seed))
    return found, skipped


def picked(source: Source, number: int) -> list[int]:
    """The places of so many items that training may learn from, evenly from the classes and within them."""
    of_class: dict[str, list[int]] = {}
    for index, item in enumerate(source.items):
        if item.split in (None, "train"):
            of_class.setdefault(item.label, []).append(index)
    groups = [group for _, group in sorted(of_class.items())]
    shares = [0] * len(groups)
    wanted = min(number, sum(map(len, groups)))
    while sum(shares) < wanted:
        for place, group in enumerate(groups):
            if sum(shares) < wanted and shares[place] < len(group):
                shares[place] += 1
    return [
        group[(2 * turn + 1) * len(group) // (2 * share)]
        for group, share in zip(groups, shares, strict=True)
        for turn in range(share)
    ]


def _row(
    path: str, label: str, pixels_HWC: NDArray[np.uint8], key: str, plan: Augment, views: int, seed: int
) -> Row:
    made = []
    for number in range(views):
        drawn = plan.draw(seed, key, number)
        made.append(View(number, plan.apply(pixels_HWC, drawn), drawn, plan.said(drawn)))
    return Row(path, label, pixels_HWC, tuple(made))


def _squashed(data: bytes) -> NDArray[np.uint8]:
    """The pixels that views are made of: uint8 (H, W, 3), neither side above ``SIDE``."""
    pixels_HWC = decode(data, at_least=(SIDE, SIDE))
    return pixels_HWC if max(pixels_HWC.shape[:2]) < SIDE else _TO_SIDE.view(pixels_HWC)


def page(source: str, preset: str, plan: Augment, shown: Sequence[Row], seed: int) -> str:
    """The page: one file that opens offline, encodable as UTF-8 whatever the names in it are."""
    return template("views.html.j2").render(
        source=source,
        preset=preset,
        plan=plan,
        rows=shown,
        seed=seed,
        views=max((len(row.views) for row in shown), default=0),
        address=address,
        tiny=_TINY,
    )


def address(pixels_HWC: NDArray[np.uint8]) -> str:
    """Pixels as a ``data:`` address: a PNG where they are few, else a JPEG."""
    small = max(pixels_HWC.shape[:2]) <= _TINY
    kind, options = ("PNG", {}) if small else ("JPEG", {"quality": _QUALITY})
    file = io.BytesIO()
    Image.fromarray(pixels_HWC).save(file, kind, **options)
    code = base64.b64encode(file.getvalue()).decode("ascii")
    return f"data:image/{kind.lower()};base64,{code}"


def summary(shown: Sequence[Row]) -> list[dict[str, Any]]:
    """The pictures and their views for a program, without pixels."""
    return [
        {
            "path": row.path,
            "label": row.label,
            "views": [
                {"view": view.number, "said": view.said, "drawn": view.drawn.to_json()} for view in row.views
            ],
        }
        for row in shown
    ]
