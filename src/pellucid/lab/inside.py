"""The room Inside: a network with a picture in it, its layers, their maps, and what it answers.

The network and the picture are named in each question; ``lab.held`` keeps them open. One number's arithmetic
is ``lab.inside_cell``'s business. Rows, columns and channels count from 0.
"""

import contextlib
import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pellucid.errors import PictureError, RequestError
from pellucid.insight.cell import finite
from pellucid.lab.examples import example_names
from pellucid.lab.held import HELD
from pellucid.lab.network import shape_told
from pellucid.lab.picture import LARGEST_FILE, given_file, unreadable
from pellucid.lab.place import HERE
from pellucid.lab.question import Question, QuestionError, brief, place, text
from pellucid.lab.sprite import make_sprite
from pellucid.lab.subjects import first, listed, stamp_of
from pellucid.network.text import LONGEST
from pellucid.pictures.decode import decode

if TYPE_CHECKING:  # PyTorch takes seconds to import
    from pellucid.insight.cell import Layer
    from pellucid.insight.inside import Inside
    from pellucid.insight.subject import Subject

FIRST_EXAMPLE = "clipart/animals/beagle-copper-ganson.jpg"
"""The picture that the room opens with."""

MOST_GROUPS = 14
"""Groups that a network's layers are folded into, at most, where their names allow it."""

_UNFOLDED = 16
_ANSWERS = 5
_ONE_BELOW_ANOTHER = 16
_LONGEST_NAME = 300


def start(question: Question) -> dict[str, Any]:
    """What there is to choose from, and what is chosen to begin with."""
    picture = FIRST_EXAMPLE
    if HERE.picture is not None:
        with contextlib.suppress(OSError):  # it was there when the lab was opened, and may be gone by now
            picture = HELD.add_picture(HERE.picture.read_bytes(), always=True)
    return {
        "networks": [{"name": one.name, "title": one.title, "group": one.group} for one in listed()],
        "examples": [{"name": one.name, "title": one.title, "group": one.group} for one in example_names()],
        "network": first(),
        "picture": picture,
        "largest_file": LARGEST_FILE,
    }


def give(question: Question) -> dict[str, Any]:
    """Take a person's picture in: ``data``, its file in base64. The reply has the name to ask about it by.

    Raises:
        QuestionError: It is too large, is no picture, or cannot be read; the message says why.
    """
    data = given_file(question)
    try:
        with HELD.lock:  # a few kilobytes can hold a hundred million pixels: one is decoded at a time
            height, width, _ = decode(data, at_least=(224, 224)).shape
    except PictureError as error:
        raise unreadable(error) from error
    return {"picture": HELD.add_picture(data), "height": height, "width": width}


def asked(question: Question) -> tuple["Inside", "Subject"]:
    """The network with the picture in it that a question names; whoever asks holds ``HELD.lock``.

    Raises:
        QuestionError: Another run has the name now than the one whose ``stamp`` the question has.
    """
    network, picture = text(question, "network", LONGEST), text(question, "picture", _LONGEST_NAME)
    stamp = question.get("stamp")
    if stamp is not None and stamp != stamp_of(network):
        raise QuestionError(
            f"The network {brief(network)} was replaced since its layers were shown.",
            "The network that is shown was expected.",
            "Load the page anew.",
        )
    return HELD.inside(network, picture), HELD.subject(network)


def look(question: Question) -> dict[str, Any]:
    """A network and a picture: its layers in groups, what it answers, and the picture as it sees it.

    The question's fields: network, picture. In the reply ``view`` is a PNG; of a run there is a ``stamp``,
    with which further questions ask about this very run and no later one of its name.
    """
    with HELD.lock:
        stamp = stamp_of(text(question, "network", LONGEST))
        inside, subject = asked(question)
        pixels_HWC = subject.preprocess.pixels(HELD.picture(text(question, "picture", _LONGEST_NAME)))
        groups = grouped([layer.name for layer in inside.layers])
        return {
            "height": pixels_HWC.shape[0],
            "width": pixels_HWC.shape[1],
            "channels": pixels_HWC.shape[2],
            "view": _png(pixels_HWC),
            "layers": [
                {
                    "name": layer.name,
                    "kind": layer.kind,
                    "shape": list(layer.shape),
                    "output": shape_told(layer.output_shape),
                    "group": group,
                    "flat": is_flat(layer),
                }
                for layer, group in zip(inside.layers, groups, strict=True)
            ],
            "answer": answers(inside, subject),
            "notes": list(subject.notes),
            **({"stamp": stamp} if stamp else {}),
        }


def sprite(question: Question) -> dict[str, Any]:
    """All maps of ``layer`` as one PNG, the channels' order by strength, and the layer's scale.

    How strongly a channel answers is the mean of its numbers' sizes.
    """
    with HELD.lock:
        inside, _ = asked(question)
        layer = inside.layer(text(question, "layer", _LONGEST_NAME))
        maps_CHW = _maps(layer, inside)
    with np.errstate(invalid="ignore", over="ignore"):
        strength_C = np.nan_to_num(np.abs(maps_CHW).mean(axis=(1, 2), dtype=np.float64))
    scale = _scale(maps_CHW)
    made = make_sprite(maps_CHW, scale)
    return {
        "sprite": made.png,
        "columns": made.columns,
        "height": made.height,
        "width": made.width,
        "count": int(maps_CHW.shape[0]),
        "order": np.argsort(-strength_C, kind="stable").tolist(),
        "strength": [float(f"{one:.4g}") for one in np.minimum(strength_C, 1e308).tolist()],
        "scale": scale,
    }


def spot(question: Question) -> dict[str, Any]:
    """The channels of ``layer`` in the order in which they answer to one spot more than to the rest.

    The question's fields: network, picture, layer, and ``at``, row and column of the picture as the network
    sees it. ``above`` says of each channel by how many standard deviations of its own map the number at the
    spot is above their mean; 0 for a map of one number, and for one whose numbers are all the same.
    """
    with HELD.lock:
        inside, subject = asked(question)
        layer = inside.layer(text(question, "layer", _LONGEST_NAME))
        maps_CHW = _maps(layer, inside)
        height, width = subject.preprocess.height, subject.preprocess.width
    row, column = place(question, "at", height, width)
    _, rows, columns = maps_CHW.shape
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        middle_C = maps_CHW.mean(axis=(1, 2), dtype=np.float64)
        spread_C = maps_CHW.std(axis=(1, 2), dtype=np.float64)
        here_C = maps_CHW[:, row * rows // height, column * columns // width]
        above_C = np.where(spread_C > 0, (here_C - middle_C) / spread_C, 0.0)
    above_C = np.nan_to_num(above_C, nan=0.0, posinf=0.0, neginf=0.0)
    return {
        "order": np.argsort(-above_C, kind="stable").tolist(),
        "above": [float(f"{one:.4g}") for one in above_C.tolist()],
    }


def one_map(question: Question) -> dict[str, Any]:
    """The numbers of one map: ``channel`` of ``layer``; of a flat layer all units, row by row in a square.

    In the reply ``values`` are float32, least byte first, row by row; what is not finite stands as NaN.
    """
    with HELD.lock:
        inside, _ = asked(question)
        layer = inside.layer(text(question, "layer", _LONGEST_NAME))
        maps_CHW = _maps(layer, inside)
    channel = _channel(question, layer, maps_CHW.shape[0])
    map_HW = np.where(np.isfinite(maps_CHW[channel]), maps_CHW[channel], np.nan)
    return {
        "values": map_HW.astype("<f4").tobytes(),
        "height": int(map_HW.shape[0]),
        "width": int(map_HW.shape[1]),
        "scale": _scale(maps_CHW),
        "least": _finite(np.nanmin(map_HW)) if np.isfinite(map_HW).any() else None,
        "largest": _finite(np.nanmax(map_HW)) if np.isfinite(map_HW).any() else None,
    }


def is_flat(layer: "Layer") -> bool:
    """Whether a layer's output is one row of numbers and no maps: (units,), or maps of one cell each."""
    return len(layer.shape) == 1 or layer.shape[1:] == (1, 1)


def grouped(names: list[str]) -> list[str]:
    """The group of each layer, by the modules that their names tell of; neighbours without one go together.

    A network of up to sixteen layers is not folded: each layer has a group of its own.
    """
    if len(names) <= _UNFOLDED:
        return list(names)
    deepest = max(name.count(".") for name in names)
    for depth in range(deepest, 0, -1):
        groups = _groups(names, depth)
        if len(set(groups)) <= MOST_GROUPS:
            return groups
    return _groups(names, 1)


def _groups(names: list[str], depth: int) -> list[str]:
    groups: list[str] = []
    bare = ""
    for name in names:
        parts = name.split(".")
        if len(parts) > depth:
            groups.append(".".join(parts[:depth]))
            bare = ""
        else:
            bare = bare or name
            groups.append(bare)
    return groups


def answers(inside: "Inside", subject: "Subject") -> dict[str, Any]:
    """The five most probable answers, each with its unit, name and probability, and how many there are.

    None of them where the network does not end in one number for each class.
    """
    from pellucid.insight.saliency.answer import answer_of

    try:
        found = answer_of(inside, subject.classes, subject.temperature)
    except RequestError:
        return {"best": [], "classes": 0, "named": False}
    best = np.argsort(-found.logits_K, kind="stable")[:_ANSWERS].tolist()
    return {
        "best": [
            {"unit": unit, "name": found.label(unit), "probability": finite(found.confidence(unit))}
            for unit in best
        ],
        "classes": len(found.logits_K),
        "named": bool(found.names),
    }


def _maps(layer: "Layer", inside: "Inside") -> NDArray[np.float32]:
    """float32 (C, H, W); a flat layer is one map of one row."""
    value = np.asarray(inside.value(layer.name), np.float32)
    if value.size == 0 or value.ndim not in (1, 3):
        raise QuestionError(
            f"The layer {brief_name(layer)} gives {shape_told(layer.shape)} numbers.",
            "Maps of rows and columns, or one row of numbers, were expected.",
            "Choose another layer.",
        )
    return _wrapped(value.reshape(-1)) if is_flat(layer) else value


def _wrapped(units_U: NDArray[np.float32]) -> NDArray[np.float32]:
    """A flat row as one map, (1, H, W): few units one below the other, many as a square; NaN fills it up."""
    width = 1 if units_U.size <= _ONE_BELOW_ANOTHER else math.ceil(math.sqrt(units_U.size))
    height = -(-units_U.size // width)
    map_HW = np.full(height * width, np.nan, np.float32)
    map_HW[: units_U.size] = units_U
    return map_HW.reshape(1, height, width)


def brief_name(layer: "Layer") -> str:
    """A layer's name for a message."""
    return f"'{layer.name}'"


def _channel(question: Question, layer: "Layer", channels: int) -> int:
    value = question.get("channel", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < channels:
        raise QuestionError(
            f"The layer {brief_name(layer)} was asked for channel {str(value)[:20]}.",
            f"It has {channels:,}, from 0 to {channels - 1:,}.",
            "Choose one of these.",
        )
    return value


def _scale(numbers: NDArray[np.float32]) -> float:
    """The number furthest from zero; of those that are finite."""
    sizes = np.abs(numbers[np.isfinite(numbers)])
    return float(sizes.max()) if sizes.size else 0.0


def _finite(number: np.floating[Any]) -> float:
    return float(number)


def _png(pixels_HWC: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    grey = pixels_HWC.shape[2] == 1
    Image.fromarray(pixels_HWC[:, :, 0] if grey else pixels_HWC).save(file, "PNG", compress_level=1)
    return file.getvalue()
