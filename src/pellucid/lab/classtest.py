"""The class test: a random small network is posed, a person fills in its figures, each answer is marked.

Seed 0 is the lecture's own test. What is right comes from ``network.account``; here stand the questions, the
arithmetic in words, and the slips of the pen that a wrong answer gives away.
"""

import math
import random
import re
from dataclasses import dataclass
from typing import Any

from pellucid.lab.network import shape_told
from pellucid.lab.question import Question, QuestionError, brief, whole
from pellucid.network.account import Row, account
from pellucid.network.blueprint import (
    AvgPool,
    Blueprint,
    Conv,
    Dense,
    Flatten,
    Input,
    Layer,
    MaxPool,
    Padding,
)
from pellucid.network.catalogue import NETWORKS
from pellucid.network.shapes import Shape, shapes, window_of

LARGEST_SEED = 999_999

ACTIVATION_ANSWERS = ("relu", "softmax", "none")

_LONGEST_ANSWER = 40


@dataclass(frozen=True)
class Asked:
    """One thing to fill in: where it stands, what is right, and why."""

    layer: int
    field: str
    right: str
    why: str


def pose(question: Question) -> dict[str, Any]:
    """The network of this ``seed`` in words, and what is asked of each layer; nothing of the answers."""
    seed = whole(question, "seed", 0, LARGEST_SEED)
    blueprint = network_of(seed)
    return {
        "seed": seed,
        "input": _input_told(blueprint.input),
        "layers": [
            {
                "name": name,
                "told": _layer_told(layer, last=layer is blueprint.layers[-1]),
                "asks": [one.field for one in _asked_of(blueprint) if one.layer == index],
            }
            for index, (name, layer) in enumerate(zip(blueprint.names, blueprint.layers, strict=True))
        ],
    }


def mark(question: Question) -> dict[str, Any]:
    """Each answer right, wrong or missing; a wrong one with the arithmetic and the likely slip.

    The question's fields: seed, answers (``{"0.shape": "4x4x1", "0.parameters": "5", "total": "248"}``).
    """
    blueprint = network_of(whole(question, "seed", 0, LARGEST_SEED))
    answers = question.get("answers")
    if not isinstance(answers, dict):
        raise QuestionError(
            f"The question's 'answers' are {brief(answers)}.",
            'An object such as {"0.shape": "4x4x1"} was expected.',
            "Ask again with such an object.",
        )
    rows = account(blueprint).rows
    marks = {}
    for one in _asked_of(blueprint):
        name = one.field if one.layer < 0 else f"{one.layer}.{one.field}"
        given = answers.get(name, "")
        if not isinstance(given, str) or len(given) > _LONGEST_ANSWER:
            given = brief(given)
        marks[name] = _marked(one, given, rows)
    right = sum(one["mark"] == "right" for one in marks.values())
    return {"marks": marks, "right": right, "of": len(marks)}


def network_of(seed: int) -> Blueprint:
    """The network that a seed poses: one to three convolutions, some pooling, one or two hidden layers."""
    if seed == 0:
        return NETWORKS["class-test"].blueprint
    draw = random.Random(seed)
    side = draw.choice((8, 10, 12, 16, 20, 24, 28, 32))
    source = Input(side, side, draw.choice((1, 1, 3)))
    layers: list[Layer] = []
    for _ in range(draw.randint(1, 3)):
        added = _convolution(draw, side), *_pooling(draw)
        height = shapes(Blueprint(source, (*layers, *added)))[-1][0] if _fit(source, layers, added) else 0
        if height < 2:
            break
        layers += added
        side = height
    if not layers:
        layers.append(Conv(draw.choice((1, 2, 4)), (2, 2), activation="relu"))
    layers.append(Flatten())
    layers += [Dense(draw.choice((4, 5, 8, 10, 20)), "relu") for _ in range(draw.randint(1, 2))]
    return Blueprint(source, (*layers, Dense(draw.randint(2, 10), "softmax")))


def _convolution(draw: random.Random, side: int) -> Conv:
    size = draw.choice([size for size in (2, 3, 5) if size <= side])
    stride = draw.choice((1, 1, 2))
    padding: Padding = draw.choice(("valid", "same"))
    return Conv(draw.choice((1, 2, 3, 4, 8)), (size, size), (stride, stride), padding, activation="relu")


def _pooling(draw: random.Random) -> tuple[Layer, ...]:
    chosen: tuple[tuple[Layer, ...], ...] = ((MaxPool((2, 2)),), (MaxPool((2, 2)),), (AvgPool((2, 2)),), ())
    return draw.choice(chosen)


def _fit(source: Input, layers: list[Layer], added: tuple[Layer, ...]) -> bool:
    """Whether every window of these layers fits on the map before it."""
    height = shapes(Blueprint(source, tuple(layers)))[-1][0] if layers else source.height
    for layer in added:
        window = window_of(layer)
        if window and window.padding == "valid" and window.size[0] > height:
            return False
        height = shapes(Blueprint(Input(height, height, 1), (layer,)))[-1][0]
    return True


def _input_told(source: Input) -> str:
    colour = {1: "grey", 3: "colour"}[source.channels]
    return f"A {colour} picture of {source.height}x{source.width}x{source.channels}"


def _layer_told(layer: Layer, last: bool) -> str:
    """The layer in words, without its activation, which is asked."""
    if isinstance(layer, Conv):
        filters = "1 filter" if layer.filters == 1 else f"{layer.filters} filters"
        size, stride = layer.kernel[0], layer.stride[0]
        return f"Convolution: {filters} of {size}x{size}, {layer.padding} padding, stride {stride}"
    if isinstance(layer, MaxPool | AvgPool):
        kind = "Max" if isinstance(layer, MaxPool) else "Average"
        size, stride = layer.window[0], (layer.stride or layer.window)[0]
        return f"{kind} pooling: {size}x{size}, stride {stride}"
    if isinstance(layer, Dense):
        return f"Dense: one unit for each of {layer.units} classes" if last else f"Dense: {layer.units} units"
    return "Flatten"


def _asked_of(blueprint: Blueprint) -> list[Asked]:
    """Everything that is asked, in the order of the page."""
    asked: list[Asked] = []
    rows = account(blueprint).rows
    before: Shape = (blueprint.input.height, blueprint.input.width, blueprint.input.channels)
    for index, (layer, row) in enumerate(zip(blueprint.layers, rows, strict=True)):
        asked.append(Asked(index, "shape", shape_told(row.output_shape), _shape_why(layer, before, row)))
        why = row.arithmetic or "It has nothing to learn: 0."
        asked.append(Asked(index, "parameters", f"{row.parameters:,}", why))
        if isinstance(layer, Conv | Dense):
            last = index == len(rows) - 1
            why = (
                "To choose one of several classes, softmax makes shares of 1 of the last layer's numbers."
                if last
                else "Inside a network stands ReLU: what is below 0 becomes 0."
            )
            asked.append(Asked(index, "activation", layer.activation or "none", why))
        before = row.output_shape
    counts = [f"{row.parameters:,}" for row in rows]
    total = f"{sum(row.parameters for row in rows):,}"
    return [*asked, Asked(-1, "total", total, f"{' + '.join(counts)} = {total}")]


def _shape_why(layer: Layer, before: Shape, row: Row) -> str:
    after = shape_told(row.output_shape)
    window = window_of(layer)
    if window is not None:
        size, stride, side = window.size[0], window.stride[0], row.output_shape[0]
        if window.padding == "same":
            told = f"same padding: ceil({before[0]} / {stride}) = {side} rows and columns"
        else:
            told = f"floor(({before[0]} - {size}) / {stride}) + 1 = {side} rows and columns"
        if isinstance(layer, Conv):
            return f"{told}; a channel for each filter, {layer.filters}: {after}."
        return f"{told}; pooling keeps the channels, {before[2]}: {after}."
    if isinstance(layer, Flatten):
        return f"All numbers in a row: {'*'.join(map(str, before))} = {after}."
    return f"A number for each unit: {after}."


def _marked(one: Asked, given: str, rows: tuple[Row, ...]) -> dict[str, str]:
    if not given.strip():
        return {"mark": "missing", "right": "", "why": ""}
    if _plain(given) == _plain(one.right):
        return {"mark": "right", "right": one.right, "why": one.why}
    return {"mark": "wrong", "right": one.right, "why": f"{_slip(one, given, rows)}{one.why}"}


def _plain(answer: str) -> str:
    """An answer without what does not matter: ``4 × 4 × 1``, ``(None, 4, 4, 1)`` and ``4x4x1`` are one."""
    bare = answer.strip().lower().strip("()[] ,")
    if re.fullmatch(r"\d{1,3}([,' ]\d{3})+", bare):  # thousands are set apart
        return re.sub(r"\D", "", bare)
    # Keras writes its batch, of no size yet, in front.
    return re.sub(r"\s*[x×*,;\s]\s*", "x", bare).removeprefix("nonex")  # noqa: RUF001


def _slip(one: Asked, given: str, rows: tuple[Row, ...]) -> str:
    """What a wrong answer gives away of how it came about; empty where it gives away nothing."""
    number = int(_plain(given)) if re.fullmatch(r"\d{1,15}", _plain(given)) else None
    if one.field == "total" and number == sum(row.weights for row in rows):
        return "That leaves out the biases. "
    if one.field != "parameters" or number is None:
        return ""
    row, before = rows[one.layer], rows[one.layer - 1] if one.layer else None
    if row.biases and number == row.weights:
        return f"That leaves out the biases, {row.biases} of them. "
    if row.kind == "Dense" and before and number == (before.parameters + 1) * row.output_shape[0]:
        return (
            "That multiplies by the parameters of the layer before, as the lecture's slides do for LeNet-5; "
            "its units count. "
        )
    if not row.parameters and number == math.prod(row.output_shape):
        return "That is how many numbers come out; none of them is learnt. "
    return ""
