"""The one function that answers: each kind of question, the unknown ones, and what every reply must be."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pellucid.errors import PellucidError
from pellucid.lab.answer import ROOMS, answer
from pellucid.lab.nine import FILTERS, NINE
from pellucid.lab.place import HERE
from pellucid.lab.reply import parted

file = io.BytesIO()
Image.new("RGB", (9, 8)).save(file, "PNG")
SLIDE = {"picture": [NINE], "filter": [FILTERS[0].small], "cell": [0, 0]}
DENSE = {"height": 8, "width": 8, "channels": 1, "hidden": 2, "filters": 1, "size": 3}
INSIDE = {"network": "input 28x28x1; conv 2 3x3; flatten; dense 3 softmax", "picture": "digits/1"}
CELL = {**INSIDE, "layer": "conv2d", "index": [1, 2, 3]}
QUESTIONS: dict[str, dict[str, Any]] = {
    "filters.start": {},
    "filters.map": SLIDE,
    "filters.cell": SLIDE,
    "filters.pool": SLIDE,
    "filters.picture": {"data": base64.b64encode(file.getvalue()).decode()},
    "network.start": {},
    "network.table": {"text": "input 8x8x1; flatten"},
    "network.dense": DENSE,
    "test.pose": {"seed": 1},
    "test.mark": {"seed": 1, "answers": {}},
    "inside.start": {},
    "inside.give": {"data": base64.b64encode(file.getvalue()).decode()},
    "inside.look": INSIDE,
    "inside.sprite": {**INSIDE, "layer": "conv2d"},
    "inside.spot": {**INSIDE, "layer": "conv2d", "at": [3, 4]},
    "inside.map": {**INSIDE, "layer": "conv2d", "channel": 1},
    "inside.cell": CELL,
    "inside.more": {**CELL, "what": "terms", "first": 2, "count": 3},
    "inside.saliency": {**INSIDE, "method": "occlusion", "unit": 1, "upto": 20},
    "views.start": {},
    "views.edit": {
        "text": "RandomRotation 0.1",
        "change": "set",
        "step": 0,
        "factor": "factor",
        "value": 0.2,
    },
    "views.make": {"picture": "digits/1", "text": "RandomRotation 0.1", "seed": 1},
    "runs.start": {},
    "runs.show": {"run": "run"},
    "runs.watch": {"run": "run"},
    "runs.cell": {"run": "run", "truth": 0, "said": 0, "start": 1},
    "runs.pictures": {"run": "run", "rows": [0]},
}


@pytest.fixture(autouse=True)
def opened(_workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lab is opened in a folder that holds a run."""
    monkeypatch.setattr(HERE, "folder", _workshop)


@pytest.mark.parametrize("kind", ROOMS)
def test_every_kind_answers_in_json_and_always_alike(kind: str) -> None:
    """A single file can hold the replies: they are JSON, and equal questions have equal ones."""
    question = {"kind": kind, **QUESTIONS[kind]}
    reply = answer(question)
    plain, pieces = parted(reply)
    again, same = parted(answer(question))
    assert json.loads(json.dumps(plain, allow_nan=False)) == json.loads(json.dumps(again))
    assert pieces == same
    assert reply


NEEDS_NOTHING = {"filters.start", "network.start", "inside.start", "views.start", "runs.start"}


@pytest.mark.parametrize("kind", [kind for kind in ROOMS if kind not in NEEDS_NOTHING])
@pytest.mark.parametrize("garbage", [None, 0, -1, 1e308, "x", [], {}, [[[]]], [[["x"]]], True])
def test_garbage_in_any_field_is_refused_in_words(kind: str, garbage: Any) -> None:
    """Each field of each kind in turn holds garbage: a reply, or a sentence, and nothing else."""
    for field in QUESTIONS[kind]:
        try:
            answer({"kind": kind, **QUESTIONS[kind], field: garbage})
        except PellucidError as error:
            assert str(error).count(".") >= 2


@pytest.mark.parametrize(
    "kind", [None, 3, "", "filters", "__class__", ["filters.map"], "<img src=x onerror=alert(1)>"]
)
def test_an_unknown_kind_is_refused_with_those_that_there_are(kind: Any) -> None:
    """The message names what was asked, and every kind."""
    with pytest.raises(PellucidError) as caught:
        answer({"kind": kind})
    assert "filters.start, filters.map" in str(caught.value)
    assert str(caught.value).startswith(("There is no question of kind", "The question has no 'kind'."))


def test_the_message_for_an_unknown_kind() -> None:
    """Literally."""
    with pytest.raises(PellucidError) as caught:
        answer({"kind": "outside"})
    assert str(caught.value) == (
        f"There is no question of kind 'outside'. One of {', '.join(ROOMS)} was expected. "
        "Ask one of these; a page of another version asks others: load it anew."
    )
