"""How a network that is trained from scratch sees the pictures: its input, its outputs, and how they fit.

Pictures that do not fit the network's input are brought to it only where the person asked for it, or where
the network was made for these pictures here; either way it is told.
"""

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pellucid.data.scan import Scan
from pellucid.errors import PictureError, RequestError, shown
from pellucid.network.blueprint import (
    Augmentation,
    Blueprint,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalAvgPool,
    Input,
    Layer,
    MaxPool,
    Padding,
    Rescale,
)
from pellucid.network.catalogue import find_network
from pellucid.pictures.decode import decode
from pellucid.pictures.preprocess import Fit, Preprocess
from pellucid.request import TrainRequest
from pellucid.training.own import with_classes

_SMALL = 64  # pixels a side, up to which pictures are learnt from as they are
_SIDE = 96  # of larger ones, in a network that is made for them
_AS_THEY_ARE = "All pictures have the network's size."
_LOOKED_AT = 16  # pictures, to tell grey from colour
_MEASURED = 100  # pictures, for the mean and the spread of their pixels


@dataclass(frozen=True)
class Sight:
    """A network for these pictures, and what is done to each picture first.

    Attributes:
        blueprint: The network, with one output a class.
        preprocess: How a picture becomes its input.
        why: Why pictures come to size this way, as a sentence.
        notes: What a person should know.
    """

    blueprint: Blueprint
    preprocess: Preprocess
    why: str
    notes: tuple[str, ...]

    @property
    def as_it_is(self) -> bool:
        """Whether no picture is resized."""
        return self.why == _AS_THEY_ARE


def choose_sight(request: TrainRequest, looked: Scan) -> Sight:
    """The network that was asked for, or one made for these pictures.

    Raises:
        RequestError: the pictures do not fit its input and nobody asked for them to be resized, or it has
            another number of outputs that cannot be changed.
    """
    sizes = Counter((picture.height, picture.width) for picture in looked.pictures)
    colour = _any_colour(looked)
    notes: list[str] = []
    if request.network is None:
        blueprint = _made_for(sizes, 3 if colour else 1, len(looked.classes))
    else:
        blueprint = find_network(request.network)
        fitting = with_classes(blueprint, len(looked.classes))
        if fitting != blueprint:
            notes.append(f"The network's last layer was given {len(looked.classes)} outputs, one a class.")
        blueprint = fitting
    channels = blueprint.input.channels
    if channels not in (1, 3):
        raise RequestError(
            f"The network's input has {channels} channels.",
            "1 for grey or 3 for colour were expected.",
            "Write for example: input 28x28x1.",
        )
    if colour and channels == 1:
        notes.append("The pictures have colour and the network sees grey: they are made grey for it.")
    fit, why = _fit(request, sizes, blueprint.input, looked)
    if why != _AS_THEY_ARE:
        notes.append(why)
    # A network that begins with its own rescaling gets what it was written for: numbers from 0 to 255.
    first = next((one for one in blueprint.layers if not isinstance(one, Augmentation)), None)
    scale = 1.0 if isinstance(first, Rescale) else 255.0
    preprocess = Preprocess(
        blueprint.input.height, blueprint.input.width, fit, (0.0,) * channels, (scale,) * channels
    )
    return Sight(blueprint, preprocess, why, tuple(notes))


def standardised(sight: Sight, looked: Scan, train_N: NDArray[np.int64]) -> Sight:
    """The same sight, with each channel's mean taken away and divided by its spread, as whole grey levels.

    Both are of up to 100 of the training pictures ``train_N``, spread over them. A network that begins with
    its own rescaling is left alone, and so is one none of whose pictures can be read any more.
    """
    if sight.preprocess.std == (1.0,) * sight.preprocess.channels:
        return sight
    squashing = replace(sight.preprocess, fit="squash")  # no padding, which would count
    views: list[NDArray[np.uint8]] = []
    for place in train_N[spread(len(train_N), _MEASURED)].tolist():
        try:
            views.append(squashing.pixels(looked.source.read(looked.pictures[place].index)))
        except (OSError, PictureError):
            continue
    if not views:
        return sight
    pixels_PC = np.stack(views).reshape(-1, sight.preprocess.channels).astype(np.float64)
    mean = tuple(float(round(value)) for value in pixels_PC.mean(axis=0))
    std = tuple(float(max(round(value), 1)) for value in pixels_PC.std(axis=0))
    return replace(sight, preprocess=replace(sight.preprocess, mean=mean, std=std))


def spread(count: int, most: int) -> NDArray[np.int64]:
    """At most so many of ``count`` places, evenly from first to last: pictures stand class by class."""
    return np.linspace(0, count - 1, min(count, most)).round().astype(np.int64)


def _fit(request: TrainRequest, sizes: Counter[tuple[int, int]], of: Input, looked: Scan) -> tuple[Fit, str]:
    """How pictures come to the input's size, and why."""
    if set(sizes) == {(of.height, of.width)}:
        return "squash", _AS_THEY_ARE
    fit: Fit
    if request.fit != "auto" and request.fit != "measure":
        fit, why = request.fit, "as was asked for"
    elif of.fit is not None:
        fit, why = of.fit, "as the network's text says"
    elif request.network is None:
        fit, why = "squash", "the input of the network that was made for them"
    else:
        (height, width), count = sizes.most_common(1)[0]
        kinds = len(sizes) - 1
        others = f", others have {kinds:,} other size{'s' if kinds > 1 else ''}" if kinds else ""
        raise RequestError(
            f"The pictures of {shown(looked.source.name)} are {height} x {width} pixels ({count:,} of "
            f"{len(looked.pictures):,}{others}), and the network's input is {of.height} x {of.width}.",
            "Pictures of the network's size were expected, or a word that they are to be resized.",
            "Ask for it with --fit squash (or letterbox, crop), or write 'fit=squash' after the input's "
            f"size; or let the network begin with 'input {height}x{width}x{of.channels}'.",
        )
    return fit, f"Pictures of other sizes are brought to {of.height} x {of.width} pixels ({fit}), {why}."


def _any_colour(looked: Scan) -> bool:
    """Whether any of some pictures, spread over the source, has a pixel that is not grey."""
    step = max(len(looked.pictures) // _LOOKED_AT, 1)
    for picture in looked.pictures[::step]:
        try:
            pixels_HWC = decode(looked.source.read(picture.index), at_least=(_SIDE, _SIDE))
        except (OSError, PictureError):
            continue
        if bool(np.any(pixels_HWC != pixels_HWC[:, :, :1])):
            return True
    return False


def _made_for(sizes: Counter[tuple[int, int]], channels: int, classes: int) -> Blueprint:
    """A plain convnet: the lecture's on small pictures of one size, a deeper one on larger ones."""
    (height, width) = next(iter(sizes))
    last: tuple[Layer, ...] = (Dense(classes, "softmax"),)
    if len(sizes) == 1 and min(height, width) >= 4 and max(height, width) <= _SMALL:
        # The lecture's three windows of 3x3 and two poolings need 18 pixels, or padding.
        padding: Padding = "valid" if min(height, width) >= 18 else "same"
        convs: list[Layer] = []
        for filters in (32, 64, 128):
            convs += [Conv(filters, (3, 3), padding=padding, activation="relu"), MaxPool()]
        return Blueprint(Input(height, width, channels), (*convs[:-1], Flatten(), *last))
    deep: list[Layer] = []
    for filters in (32, 64, 128, 256):
        deep += [Conv(filters, (3, 3), padding="same", activation="relu"), MaxPool()]
    return Blueprint(Input(_SIDE, _SIDE, channels), (*deep, GlobalAvgPool(), Dropout(0.3), *last))
