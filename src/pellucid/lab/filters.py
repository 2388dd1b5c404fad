"""The room Filters: one filter slides over one small picture, with every cell's arithmetic, ReLU and pooling.

All of it in float64 on numbers that the question brings; the lecture's own numbers are in ``lab.nine``, a
person's picture is made small by ``lab.picture``. Rows and columns count from 0.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pellucid.lab.nine import ERRATA, EXAMPLES, FILTERS, IDENTITY, NINE
from pellucid.lab.picture import LARGEST_FILE
from pellucid.lab.question import Question, QuestionError, choice, maps, place, whole
from pellucid.network.shapes import same_padding

LARGEST_PICTURE = 64
LARGEST_FILTER = 7
LARGEST_STEP = 8

_NINE_HW = np.array(NINE, np.float64)


@dataclass(frozen=True)
class Slide:
    """A filter on its way over a picture.

    Attributes:
        picture_CHW: float64 (C, H, W).
        filter_CKK: float64 (C, K, K): a slice for each channel.
        stride: Rows and columns from one place of the filter to the next.
        padding: ``valid``, or ``same``: TensorFlow's, whose output has ceil(size / stride) cells.
        mean: Whether a cell is the mean of its products, as on the lecture's slides, or their sum.
    """

    picture_CHW: NDArray[np.float64]
    filter_CKK: NDArray[np.float64]
    stride: int
    padding: str
    mean: bool

    @classmethod
    def of(cls, question: Question) -> "Slide":
        """The slide that a question describes.

        Raises:
            QuestionError: A field is wrong, the filter has another number of slices than the picture has
                channels, is no square, or is larger than the picture.
        """
        slide = cls(
            maps(question, "picture", LARGEST_PICTURE),
            maps(question, "filter", LARGEST_FILTER),
            whole(question, "stride", 1, LARGEST_STEP, 1),
            choice(question, "padding", ("valid", "same"), "valid"),
            choice(question, "take", ("mean", "sum"), "mean") == "mean",
        )
        channels, height, width = slide.picture_CHW.shape
        slices, rows, columns = slide.filter_CKK.shape
        if slices != channels or rows != columns:
            raise QuestionError(
                f"The filter has {slices} slices of {rows}x{columns}, and the picture {channels} channels.",
                "A filter is square and has a slice for each channel.",
                "Send as many slices as channels.",
            )
        if slide.padding == "valid" and rows > min(height, width):
            raise QuestionError(
                f"A filter of {rows}x{rows} does not fit on a picture of {height}x{width}.",
                "Without padding a filter is at most as large as its picture.",
                "Take a smaller filter, or padding 'same'.",
            )
        return slide

    @property
    def size(self) -> int:
        """Rows and columns of the filter."""
        return int(self.filter_CKK.shape[1])

    @property
    def count(self) -> int:
        """How many products a cell has; those with padding count."""
        return int(self.filter_CKK.size)

    @property
    def pads(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """((top, bottom), (left, right)) zeros."""
        if self.padding == "valid":
            return (0, 0), (0, 0)
        height, width = self.picture_CHW.shape[1:]
        return (
            same_padding(height, self.size, self.stride, 1),
            same_padding(width, self.size, self.stride, 1),
        )

    def response(self) -> NDArray[np.float64]:
        """The feature map, float64 (H', W')."""
        padded_CHW = np.pad(self.picture_CHW, ((0, 0), *self.pads))
        windows = sliding_window_view(padded_CHW, self.filter_CKK.shape)[0, :: self.stride, :: self.stride]
        sums_HW: NDArray[np.float64] = (windows * self.filter_CKK).sum(axis=(2, 3, 4))
        return sums_HW / self.count if self.mean else sums_HW

    def cell(self, row: int, column: int) -> dict[str, Any]:
        """One cell: its terms in the order channel, row, column, their sum, and what becomes of it."""
        (top, _), (left, _) = self.pads
        channels, height, width = self.picture_CHW.shape
        first_row, first_column = row * self.stride - top, column * self.stride - left
        terms: list[dict[str, Any]] = []
        for channel, down, right in np.ndindex(channels, self.size, self.size):
            at = (first_row + down, first_column + right)
            padding = not (0 <= at[0] < height and 0 <= at[1] < width)
            seen = 0.0 if padding else float(self.picture_CHW[(channel, *at)])
            weight = float(self.filter_CKK[channel, down, right])
            terms.append(
                {
                    "channel": channel,
                    "row": at[0],
                    "column": at[1],
                    "input": seen,
                    "weight": weight,
                    "product": seen * weight,
                    "padding": padding,
                }
            )
        total = float(sum(term["product"] for term in terms))
        return {
            "row": row,
            "column": column,
            "terms": terms,
            "sum": total,
            "count": self.count,
            "value": total / self.count if self.mean else total,
            "fraction": _fraction(total, self.count) if self.mean else "",
        }


def start(question: Question) -> dict[str, Any]:
    """What the room opens with: the lecture's pictures and filters."""
    return {
        "examples": [
            {"name": one.name, "title": one.title, "grid": one.grid, "settings": dict(one.settings)}
            for one in EXAMPLES
        ],
        "filters": [
            {"name": one.name, "title": one.title, "sizes": {"3": one.small, "5": one.large}}
            for one in FILTERS
        ],
        "identity": IDENTITY,
        "largest_file": LARGEST_FILE,
    }


def feature_map(question: Question) -> dict[str, Any]:
    """The feature map, what ReLU leaves of it, and the pooled map; beside it, the comparison by rote.

    The question's fields: picture (C, H, W), filter (C, K, K), stride, padding, take, pool, window, step.
    """
    slide = Slide.of(question)
    map_HW = slide.response()
    relu_HW = np.maximum(map_HW, 0)
    return {
        "map": map_HW.tolist(),
        "relu": relu_HW.tolist(),
        "pool": _pooled(question, relu_HW),
        "size": [_size_told(slide, axis) for axis in (0, 1)],
        "pads": slide.pads,
        "errata": _errata(slide),
        "compared": _compared(slide.picture_CHW),
    }


def cell(question: Question) -> dict[str, Any]:
    """One cell of the feature map, at ``cell``: every product written out."""
    slide = Slide.of(question)
    map_HW = slide.response()
    row, column = place(question, "cell", *map_HW.shape)
    return slide.cell(row, column) | {"erratum": _errata_by_place(slide).get((row, column), "")}


def pool_cell(question: Question) -> dict[str, Any]:
    """One cell of the pooled map, at ``cell``: the numbers of its window, and the winners or the mean."""
    relu_HW = np.maximum(Slide.of(question).response(), 0)
    pooling = _Pooling.of(question)
    if not pooling.fits(relu_HW):
        raise QuestionError(pooling.misfit(relu_HW), "It fits on the map.", "Take a smaller window.")
    pooled_HW = pooling.of_map(relu_HW)
    row, column = place(question, "cell", *pooled_HW.shape)
    top, left = row * pooling.step, column * pooling.step
    window = relu_HW[top : top + pooling.window, left : left + pooling.window]
    value = float(pooled_HW[row, column])
    winners = (
        np.add(np.argwhere(window == value), (top, left)) if pooling.kind == "max" else np.empty((0, 2), int)
    )
    return {
        "row": row,
        "column": column,
        "top": top,
        "left": left,
        "numbers": window.tolist(),
        "winners": winners.tolist(),
        "sum": float(window.sum()),
        "count": int(window.size),
        "value": value,
    }


@dataclass(frozen=True)
class _Pooling:
    kind: str
    window: int
    step: int

    @classmethod
    def of(cls, question: Question) -> "_Pooling":
        return cls(
            choice(question, "pool", ("max", "average"), "max"),
            whole(question, "window", 1, LARGEST_STEP, 2),
            whole(question, "step", 1, LARGEST_STEP, 1),
        )

    def fits(self, map_HW: NDArray[np.float64]) -> bool:
        return self.window <= int(min(map_HW.shape))

    def misfit(self, map_HW: NDArray[np.float64]) -> str:
        height, width = map_HW.shape
        return f"A window of {self.window}x{self.window} does not fit on a map of {height}x{width}."

    def of_map(self, map_HW: NDArray[np.float64]) -> NDArray[np.float64]:
        windows = sliding_window_view(map_HW, (self.window, self.window))[:: self.step, :: self.step]
        pooled_HW: NDArray[np.float64] = (
            windows.max(axis=(2, 3)) if self.kind == "max" else windows.mean(axis=(2, 3))
        )
        return pooled_HW


def _pooled(question: Question, relu_HW: NDArray[np.float64]) -> dict[str, Any]:
    pooling = _Pooling.of(question)
    if not pooling.fits(relu_HW):
        return {"map": [], "size": "", "misfit": pooling.misfit(relu_HW)}
    told = [_floor_told(side, pooling.window, pooling.step) for side in relu_HW.shape]
    return {"map": pooling.of_map(relu_HW).tolist(), "size": told, "misfit": ""}


def _floor_told(size: int, window: int, step: int) -> str:
    return f"floor(({size} - {window}) / {step}) + 1 = {(size - window) // step + 1}"


def _size_told(slide: Slide, axis: int) -> str:
    """How many cells fit along one side, worked out."""
    size = slide.picture_CHW.shape[1 + axis]
    if slide.padding == "same":
        return f"ceil({size} / {slide.stride}) = {-(-size // slide.stride)}"
    return _floor_told(size, slide.size, slide.stride)


def _fraction(total: float, count: int) -> str:
    """``-5/9`` where the sum is a whole number; not reduced, so that the count of products is seen."""
    if not total.is_integer():
        return ""
    value = Fraction(int(total), count)
    return str(value) if value.denominator == 1 else f"{int(total)}/{count}"


def _errata_by_place(slide: Slide) -> dict[tuple[int, int], str]:
    """What the slides get wrong, where this is the very thing that they show."""
    is_the_slides = (
        slide.mean
        and (slide.stride, slide.padding) == (1, "valid")
        and np.array_equal(slide.picture_CHW, _NINE_HW[None])
        and np.array_equal(slide.filter_CKK, np.array([FILTERS[0].small]))
    )
    return ERRATA if is_the_slides else {}


def _errata(slide: Slide) -> list[dict[str, Any]]:
    return [
        {"row": row, "column": column, "text": text}
        for (row, column), text in _errata_by_place(slide).items()
    ]


def _compared(picture_CHW: NDArray[np.float64]) -> dict[str, Any] | None:
    """The comparison that the lecture begins with: is each cell the nine's, at its one place?

    On larger paper that place is the middle. None for a picture that is too small or no drawing in ink.
    """
    channels, height, width = picture_CHW.shape
    rows, columns = _NINE_HW.shape
    if channels != 1 or height < rows or width < columns or not np.all(np.abs(picture_CHW) == 1):
        return None
    top, left = (height - rows) // 2, (width - columns) // 2
    differs_HW = picture_CHW[0, top : top + rows, left : left + columns] != _NINE_HW
    differing = np.add(np.argwhere(differs_HW), (top, left)).tolist()
    return {
        "top": top,
        "left": left,
        "rows": rows,
        "columns": columns,
        "cells": rows * columns,
        "differing": differing,
        "is_nine": not differing,
    }
