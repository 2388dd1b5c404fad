"""The patches of many pictures that excite a channel most, each cropped to what the cell sees.

Pictures come one after the other, and of each only the strongest cell of every channel is remembered, so that
any number of them fits in memory. Patches are cropped at the end, when it is known which are wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pellucid.data.item import Skipped
from pellucid.data.source import Source
from pellucid.errors import PictureError, RequestError, SourceError, shown
from pellucid.events import Listener, phase, silent
from pellucid.insight.cell import Layer
from pellucid.insight.inside import Inside
from pellucid.insight.operation import Index
from pellucid.insight.receptive import Field, field_of
from pellucid.insight.record import INPUT
from pellucid.insight.saliency.method import layers_with_map
from pellucid.insight.subject import Subject
from pellucid.pictures.preprocess import Preprocess

SHOWN = 16
"""How many channels are looked at where none are named."""

MOST = 64
"""How many channels, and how many patches of each, may be asked for."""

_GREY = 128


@dataclass(frozen=True, eq=False)
class Patch:
    """What one cell saw when it was excited.

    Attributes:
        path: The picture.
        row: The cell's row in the layer's map, from 0.
        column: Its column.
        value: Its number.
        field: The part of the picture, as the network sees it, that can change the cell.
        pixels_HWC: That part, uint8, 3 channels; grey where the field reaches beyond the picture's edges.
    """

    path: str
    row: int
    column: int
    value: float
    field: Field
    pixels_HWC: NDArray[np.uint8]


@dataclass(frozen=True)
class Excited:
    """What excites one channel, the strongest first; nothing where no picture does.

    Attributes:
        channel: Its place in the layer's output.
        patches: At most one of each picture.
    """

    channel: int
    patches: tuple[Patch, ...]


@dataclass(frozen=True)
class Excitement:
    """What excites the channels of a layer.

    Attributes:
        layer: The layer.
        channels: Those that were asked for.
        pictures: How many pictures were looked at.
        skipped: Those that could not be read, and why.
    """

    layer: Layer
    channels: tuple[Excited, ...]
    pictures: int
    skipped: tuple[Skipped, ...]


class Strongest:
    """The strongest numbers of each channel so far, with where they were found: ``number`` a channel.

    Attributes:
        values_CN: The numbers, the largest first; minus infinity where there is none yet.
        places_CN3: Picture, row and column of each.
    """

    def __init__(self, channels: int, number: int) -> None:
        self.values_CN = np.full((channels, number), -np.inf)
        self.places_CN3 = np.full((channels, number, 3), -1, np.int64)

    def add(self, picture: int, map_CHW: NDArray[Any]) -> None:
        """One more picture's map, (C, H, W): each channel's largest number takes its place, or none."""
        channels, _, width = map_CHW.shape
        flat = map_CHW.reshape(channels, -1)
        best_C = flat.argmax(axis=1)
        places_C3 = np.stack([np.full(channels, picture), best_C // width, best_C % width], axis=1)
        values_C = np.nan_to_num(flat[np.arange(channels), best_C].astype(np.float64), nan=-np.inf)
        values = np.concatenate([self.values_CN, values_C[:, None]], axis=1)
        places = np.concatenate([self.places_CN3, places_C3[:, None]], axis=1)
        order = np.argsort(-values, axis=1, kind="stable")[:, :-1]  # of equals, the earlier picture stays
        self.values_CN = np.take_along_axis(values, order, axis=1)
        self.places_CN3 = np.take_along_axis(places, order[:, :, None], axis=1)


def excite(
    subject: Subject,
    source: Source,
    layer: str | None = None,
    *,
    channels: Sequence[int] | None = None,
    number: int = 9,
    listen: Listener = silent,
) -> Excitement:
    """Find the patches of a source that excite a layer's channels most.

    Args:
        subject: The network.
        source: The pictures; those that cannot be read are named and left out.
        layer: A layer with a map, or with units; None for the last with a map.
        channels: Which of its channels, from 0, at most 64; None for the first 16.
        number: How many patches of each, 1 to 64.
        listen: Told of each picture.

    Raises:
        RequestError: There is no such layer or channel, or too many were asked for.
        SourceError: No picture can be read.
    """
    preprocess = subject.preprocess
    shape = preprocess.channels, preprocess.height, preprocess.width
    inside = subject.look(np.zeros(shape, np.float32))
    found = inside.layer(layer) if layer is not None else _last(inside)
    wanted = _checked(found, channels, number)
    strongest = Strongest(found.shape[0], number)
    skipped: list[Skipped] = []
    with phase(listen, "Looking at pictures", len(source.items)) as done:
        for index in range(len(source.items)):
            view_HWC = _read(source, index, preprocess)
            if isinstance(view_HWC, Skipped):
                skipped.append(view_HWC)
            else:
                strongest.add(index, _map_of(inside, found, preprocess.normalise(view_HWC)))
            done(1)
    looked = len(source.items) - len(skipped)
    if looked == 0:
        raise SourceError(
            f"None of the pictures of {shown(source.name)} can be read.",
            "Pictures to look for patches in were expected.",
            "'pellucid check' names what is wrong with each.",
        )
    crops = _crops(subject, source, inside, found, strongest, wanted)
    excited = tuple(Excited(channel, tuple(crops[channel])) for channel in wanted)
    return Excitement(found, excited, looked, tuple(skipped))


def _last(inside: Inside) -> Layer:
    maps = layers_with_map(inside)
    if maps:
        return maps[-1]
    raise RequestError(
        "The network has no layer with a map.", "The name of a layer was expected.", "Give it with --layer."
    )


def _checked(layer: Layer, channels: Sequence[int] | None, number: int) -> list[int]:
    """The channels that are meant."""
    if len(layer.shape) not in (1, 3):
        raise RequestError(
            f"The layer {shown(layer.name)} puts out {'x'.join(map(str, layer.shape))}.",
            "A layer with channels, rows and columns, or with units, was expected.",
            "Choose another layer.",
        )
    if not 1 <= number <= MOST:
        raise RequestError(
            f"{number:,} patches of each channel were asked for.",
            f"A whole number from 1 to {MOST} was expected.",
            "9 are enough to see what a channel looks for.",
        )
    there = layer.shape[0]
    if channels is None:
        return [*range(min(there, SHOWN))]
    for channel in channels:
        if not 0 <= channel < there:
            raise RequestError(
                f"The layer {shown(layer.name)} was asked for channel {channel:,}.",
                f"It has {there:,} channel{'' if there == 1 else 's'}, 0 to {there - 1:,}.",
                "Choose one of these.",
            )
    if len(channels) > MOST:
        raise RequestError(
            f"{len(channels):,} channels were asked for.",
            f"At most {MOST} at a time were expected.",
            "Ask for the others afterwards.",
        )
    return list(dict.fromkeys(channels))


def _read(source: Source, index: int, preprocess: Preprocess) -> NDArray[np.uint8] | Skipped:
    """A picture as the network sees it, before its numbers are normalised; or why there is none."""
    try:
        return preprocess.pixels(source.read(index))
    except OSError as error:
        return Skipped(source.items[index].path, f"it cannot be read ({error.strerror or error})")
    except PictureError as error:
        return Skipped(source.items[index].path, str(error))


class _Reached(Exception):  # noqa: N818 - it is no error
    """The layer has run, and nothing after it need."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output


def _map_of(inside: Inside, layer: Layer, x_CHW: NDArray[np.float32]) -> NDArray[Any]:
    """The layer's output for another picture, (C, H, W); of units, (U, 1, 1)."""

    def seen(name: str, output: Tensor) -> None:
        if name == layer.steps[-1]:
            raise _Reached(output)

    try:
        inside.trace.replay(torch.from_numpy(x_CHW)[None], seen)
    except _Reached as reached:
        shape = layer.shape if len(layer.shape) == 3 else (*layer.shape, 1, 1)
        return np.asarray(reached.output.detach().cpu().float().numpy().reshape(shape))
    raise RuntimeError(f"the layer {layer.name!r} did not run")


def _crops(
    subject: Subject,
    source: Source,
    inside: Inside,
    layer: Layer,
    strongest: Strongest,
    channels: Sequence[int],
) -> dict[int, list[Patch]]:
    """The patches of the channels, the strongest first; each picture is read once more."""
    places: dict[int, list[tuple[int, int]]] = {}
    for channel in channels:
        for rank, value in enumerate(strongest.values_CN[channel]):
            if np.isfinite(value) and value != 0:  # a cell that is 0 is not excited
                places.setdefault(int(strongest.places_CN3[channel, rank, 0]), []).append((channel, rank))
    ranked: dict[int, dict[int, Patch]] = {channel: {} for channel in channels}
    fields: dict[Index, Field | None] = {}  # behind a concatenation channels of one place see different ones
    for picture, wanted in sorted(places.items()):
        view_HWC = _read(source, picture, subject.preprocess)
        if isinstance(view_HWC, Skipped):
            continue  # it was there a moment ago
        for channel, rank in wanted:
            _, row, column = (int(one) for one in strongest.places_CN3[channel, rank])
            index = (channel, row, column) if len(layer.shape) == 3 else (channel,)
            if index not in fields:
                fields[index] = field_of(inside.trace.steps, INPUT, layer.steps[-1], index)
            field = fields[index]
            if field is not None:
                value, path = float(strongest.values_CN[channel, rank]), source.items[picture].path
                ranked[channel][rank] = Patch(path, row, column, value, field, cropped(view_HWC, field))
    return {channel: [patches[rank] for rank in sorted(patches)] for channel, patches in ranked.items()}


def cropped(view_HWC: NDArray[np.uint8], field: Field) -> NDArray[np.uint8]:
    """The pixels of a field, uint8 (height, width, 3); what lies beyond the picture's edges is grey.

    Beyond an edge at most a quarter of the picture's side is added: a field may see all of the picture and
    much more.
    """
    inner_HWC = view_HWC[field.top : field.bottom + 1, field.left : field.right + 1]
    most = view_HWC.shape[:2]
    above, west, below, east = (min(beyond, most[side % 2] // 4) for side, beyond in enumerate(field.beyond))
    padded_HWC = np.pad(inner_HWC, ((above, below), (west, east), (0, 0)), constant_values=_GREY)
    return np.repeat(padded_HWC, 3, axis=2) if padded_HWC.shape[2] == 1 else padded_HWC
