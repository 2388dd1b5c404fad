"""The room Views: a picture beside twelve views of it, what was drawn for each, and the one warp behind it.

The views are those of ``report.views``, which are those that training makes with the same seed; the plan's
text is ``pictures.augment.text``'s, its sliders are ``factors``'s.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from pellucid.data.item import make_item
from pellucid.data.source import Source
from pellucid.errors import PellucidError
from pellucid.lab.examples import example_names
from pellucid.lab.factors import begun, controls
from pellucid.lab.held import HELD
from pellucid.lab.motion import told
from pellucid.lab.picture import LARGEST_FILE
from pellucid.lab.question import Question, QuestionError, brief, choice, text, whole
from pellucid.lab.tiles import make_tiles
from pellucid.pictures.augment.affine import IDENTITY, Affine, Frame
from pellucid.pictures.augment.geometry import RandomCrop
from pellucid.pictures.augment.kinds import KINDS
from pellucid.pictures.augment.plan import Augment, Drawn
from pellucid.pictures.augment.presets import PRESETS
from pellucid.pictures.augment.text import LONGEST, MOST, parse, written
from pellucid.pictures.augment.transform import Transform
from pellucid.pictures.augment.warp import FILL_MODES, FillMode
from pellucid.report.command import quoted
from pellucid.report.views import SIDE, Row, rows

VIEWS = 12
"""Views that are shown at a time."""

LARGEST_SEED = 2**32 - 1
LARGEST_WINDOW = 512
"""Pixels a side of the windows that this page draws; ``pellucid augment`` has no such limit."""

LARGEST_FACTOR = 10**9
"""No factor is further from zero, whatever its transform."""

FIRST = "clipart/animals/beagle-copper-ganson.jpg"

_LONGEST_NAME = 300
_PLACE = re.compile(r"Line (\d+), column (\d+): ")
_GROUPS = {
    "geometry": "where pixels go",
    "colour": "what colours they have",
    "damage": "what spoils them",
    "trivial": "one of fourteen",
}


def start(question: Question) -> dict[str, Any]:
    """What there is to choose from: pictures, presets with their texts, and single augmentations."""
    return {
        "examples": [{"name": one.name, "title": one.title, "group": one.group} for one in example_names()],
        "picture": FIRST,
        "presets": [{"name": name, "text": written(plan)} for name, plan in PRESETS.items()],
        "preset": "lecture",
        "fills": list(FILL_MODES),
        "kinds": [
            {
                "name": name,
                "group": _GROUPS[kind.__module__.rpartition(".")[2]],
                "about": (kind.__doc__ or "").partition("\n")[0],
            }
            for name, kind in KINDS.items()
        ],
        "views": VIEWS,
        "side": SIDE,
        "largest_seed": LARGEST_SEED,
        "largest_file": LARGEST_FILE,
    }


def edit(question: Question) -> dict[str, Any]:
    """The text of a plan after one change of it.

    The question's fields: text; change (``add``, ``fill``, ``remove``, ``up`` or ``set``). To add or to fill:
    name. Otherwise: step (the transform's place, from 0). To set: factor, part (0, or 1 for the upper
    bound), value.
    """
    plan = parse(text(question, "text", LONGEST))
    change = choice(question, "change", ("add", "fill", "remove", "up", "set"))
    steps, fill = list(plan.transforms), plan.fill_mode
    if change == "fill":
        fill = cast(FillMode, choice(question, "name", FILL_MODES))
    elif change == "add":
        if len(steps) >= MOST:
            came = f"There are {len(steps)} augmentations already."
            raise QuestionError(came, f"At most {MOST} were expected.", "Take one out first.")
        steps.append(begun(choice(question, "name", tuple(KINDS))))
    elif not steps:
        raise QuestionError("The plan has no augmentation.", "One to change was expected.", "Add one first.")
    else:
        place = whole(question, "step", 0, len(steps) - 1)
        if change == "remove":
            del steps[place]
        elif change == "up":
            steps.insert(max(place - 1, 0), steps.pop(place))
        else:
            steps[place] = _set(steps[place], question)
    return {"text": written(Augment(tuple(steps), fill, plan.fill_value))}


def _set(step: Transform, question: Question) -> Transform:
    """The transform with another value for one factor, which may be one of its two bounds."""
    known = {one["name"]: one for one in controls(step)}
    name = choice(question, "factor", tuple(known))
    given = question.get("value")
    if known[name]["choices"]:
        return _remade(step, name, choice(question, "value", known[name]["choices"]))
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise QuestionError(
            f"The {name} of {type(step).__name__} is empty or no number.",
            "A number was expected.",
            "Write one, such as 0.1.",
        )
    if not abs(given) <= LARGEST_FACTOR:
        raise QuestionError(
            f"The {name} of {type(step).__name__} is {brief(given)}.",
            f"A number of at most {LARGEST_FACTOR:,} either way was expected.",
            "Write one, such as 0.1.",
        )
    old = getattr(step, name)
    if not isinstance(old, tuple):
        return _remade(step, name, _like(old, given))
    part = whole(question, "part", 0, 1)
    ends = [_like(end, given) if place == part else end for place, end in enumerate(old)]
    if ends[0] > ends[1]:  # the bound that was moved pushes the other one along
        ends[1 - part] = ends[part]
    return _remade(step, name, tuple(ends))


def _like(old: object, given: float) -> float:
    """A whole number where one stood, if it is one."""
    return int(given) if isinstance(old, int) and float(given).is_integer() else float(given)


def _remade(step: Any, name: str, value: object) -> Transform:
    made: Transform = dataclasses.replace(step, **{name: value})
    return made


def make(question: Question) -> dict[str, Any]:
    """The views of a picture; where the text is no plan, ``wrong`` says why and where.

    The question's fields: picture (the name of a shipped one, or of one that was given), text, seed. In the
    reply ``tiles`` is a PNG with the picture and then the views; ``sheet`` says where each stands, and
    ``command`` how such views are learnt from, or ``refused`` why training would not take them.
    """
    seed = whole(question, "seed", 0, LARGEST_SEED, 0)
    name = text(question, "picture", _LONGEST_NAME)
    data = HELD.picture(name)
    try:
        plan = parse(text(question, "text", LONGEST))
        _refuse_large(plan)
    except PellucidError as error:
        found = _PLACE.match(error.came)
        line, column = (int(found[1]), int(found[2])) if found else (None, None)
        return {"wrong": {"text": str(error), "line": line, "column": column}}
    row = _row(name, lambda: data, plan, seed)
    tiles = make_tiles([row.pixels_HWC, *(view.pixels_HWC for view in row.views)])
    frame: Frame = (row.pixels_HWC.shape[0], row.pixels_HWC.shape[1])
    given = plan.gives(frame)
    preset = next((name for name, one in PRESETS.items() if one == plan), "")
    return {
        "wrong": None,
        "preset": preset,
        "command": f"pellucid train PICTURES --augment {quoted(preset or written(plan, '; '))}",
        "refused": "" if given == frame else _other_size(frame, given),
        "steps": [{"name": type(one).__name__, "factors": controls(one)} for one in plan.transforms],
        "fill": plan.fill_mode,
        "height": frame[0],
        "width": frame[1],
        "views": [
            {"number": view.number, "said": view.said, "warp": _warp(plan, view.drawn, frame)}
            for view in row.views
        ],
        "tiles": tiles.png,
        "sheet": tiles.to_json(),
    }


def _other_size(frame: Frame, given: Frame) -> str:
    return (
        f"Training refuses such views: the picture is {frame[0]}x{frame[1]}, they are {given[0]}x{given[1]}, "
        "and a network takes one size. RandomResizedCrop brings its window back to size."
    )


def _row(name: str, data: Callable[[], bytes], plan: Augment, seed: int) -> Row:
    """The picture and its views, as ``pellucid augment`` makes them."""
    source = Source(name, (make_item(name, "", None),), lambda index: data())
    with HELD.lock:  # a few kilobytes can hold a hundred million pixels: one is decoded at a time
        made, skipped = rows(source, plan, 1, VIEWS, seed)
    if not made:
        raise QuestionError(
            f"The picture cannot be read: {skipped[0].reason}.",
            "A JPEG, PNG, GIF, BMP, TIFF, WebP or AVIF picture was expected.",
            "Choose another file.",
        )
    return made[0]


def _refuse_large(plan: Augment) -> None:
    for step in plan.transforms:
        if isinstance(step, RandomCrop):
            side = max(step.height or 0, step.width or 0)
            if side > LARGEST_WINDOW:
                raise QuestionError(
                    f"RandomCrop's window has {side:,} pixels a side.",
                    f"This page draws windows of at most {LARGEST_WINDOW}.",
                    "Take a smaller one.",
                )


def _warp(plan: Augment, drawn: Drawn, frame: Frame) -> Mapping[str, Any] | None:
    """The one map of a view, its matrix and what it does in words; None where the plan moves no pixel."""
    placed: Affine = IDENTITY
    given, moves = frame, False
    for step, numbers in zip(plan.transforms, drawn.numbers, strict=True):
        moves = moves or type(step).place is not Transform.place
        one, given = step.place(numbers, given)
        placed = placed.after(one)
    if not moves:
        return None
    return {"matrix": [list(placed[:3]), list(placed[3:])], "told": told(placed, frame, given)}
