"""The room Views: its views are ``pellucid augment``'s, changes of a plan become text, slips are told."""

import io
import math
import shlex
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pellucid.errors import PellucidError
from pellucid.lab.examples import example_bytes
from pellucid.lab.held import HELD
from pellucid.lab.question import QuestionError
from pellucid.lab.views import FIRST, VIEWS, edit, make, start
from pellucid.pictures.augment.geometry import RandomFlip, RandomRotation
from pellucid.pictures.augment.plan import Augment
from pellucid.pictures.augment.presets import PRESETS
from pellucid.pictures.augment.text import parse, written
from pellucid.pictures.decode import decode
from pellucid.pictures.digest import picture_digest
from pellucid.pictures.preprocess import Preprocess


def png(pixels: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, "PNG")
    return file.getvalue()


def tile(reply: dict[str, Any], place: int) -> Any:
    """The pixels of one picture of the sheet, uint8 (H, W, 3)."""
    sheet, told = np.asarray(Image.open(io.BytesIO(reply["tiles"]))), reply["sheet"]
    top = place // told["columns"] * told["height"]
    left = place % told["columns"] * told["width"]
    tall, broad = told["sizes"][place]
    return sheet[top : top + tall, left : left + broad]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("picture", [FIRST, "digits/3", "large"])
def test_the_views_are_those_that_training_makes(name: str, picture: str) -> None:
    """Pixel for pixel those of the plan, by the picture's digest, the seed and the view's number."""
    plan = PRESETS[name]
    if picture == "large":
        picture = HELD.add_picture(png(np.random.default_rng(0).integers(0, 256, (300, 500, 3))))
    reply = make({"picture": picture, "text": written(plan), "seed": 7})
    assert reply["wrong"] is None
    assert reply["preset"] == name
    assert reply["command"] == f"pellucid train PICTURES --augment {name}"
    data = HELD.picture(picture)
    pixels_HWC = decode(data)
    if max(pixels_HWC.shape) >= 224:
        pixels_HWC = Preprocess(224, 224, "squash", mean=(0.0,) * 3, std=(1.0,) * 3).pixels(data)
    assert (reply["height"], reply["width"]) == pixels_HWC.shape[:2]
    assert np.array_equal(tile(reply, 0), pixels_HWC)
    key = picture_digest(data)
    for number in range(VIEWS):
        drawn = plan.draw(7, key, number)
        assert np.array_equal(tile(reply, number + 1), plan.apply(pixels_HWC, drawn))
        assert reply["views"][number]["said"] == plan.said(drawn)
        assert reply["views"][number]["number"] == number


def test_the_matrix_is_the_one_warp() -> None:
    """Of a turn its cosine and sine; what its words say is what was drawn."""
    text = "RandomFlip horizontal; RandomRotation 0.1"
    reply = make({"picture": "digits/3", "text": text, "seed": 0})
    data = example_bytes("digits/3")
    assert data is not None
    plan = Augment((RandomFlip("horizontal"), RandomRotation(0.1)))
    for number, view in enumerate(reply["views"]):
        flip, turn = plan.draw(0, picture_digest(data), number).numbers
        angle, sign = 2 * np.pi * float(turn["turn"]), -1 if flip["horizontal"] else 1
        (a, b, c), (d, e, f) = view["warp"]["matrix"]
        assert [a, b, d, e] == pytest.approx(
            [sign * np.cos(angle), -sign * np.sin(angle), np.sin(angle), np.cos(angle)]
        )
        assert [a * 13.5 + b * 13.5 + c, d * 13.5 + e * 13.5 + f] == pytest.approx([13.5, 13.5])
        assert ("mirrored" in view["warp"]["told"]) == flip["horizontal"]
    assert make({"picture": "digits/3", "text": "RandomHue 0.1"})["views"][0]["warp"] is None


def test_a_plan_of_one_s_own_is_learnt_from_by_its_text() -> None:
    """As a shell takes it."""
    text = "RandomFlip\nRandomRotation 0.03\nfill wrap"
    command = make({"picture": FIRST, "text": text, "seed": 0})["command"]
    assert command == (
        "pellucid train PICTURES --augment "
        "'RandomFlip horizontal_and_vertical; RandomRotation 0.03; fill wrap'"
    )
    assert make({"picture": FIRST, "text": text, "seed": 0})["refused"] == ""
    words = shlex.split(command)
    assert parse(words[-1]) == parse(text)


def test_another_seed_draws_other_views_and_the_same_one_the_same() -> None:
    """Equal questions have equal answers."""
    question = {"picture": "digits/3", "text": "RandomRotation 0.1", "seed": 1}
    assert make(question) == make(question)
    assert make(question)["tiles"] != make(question | {"seed": 2})["tiles"]


def test_a_persons_own_picture_is_asked_for_by_its_name() -> None:
    """As it was given; the sheet holds it first."""
    pixels_HWC = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    reply = make({"picture": HELD.add_picture(png(pixels_HWC)), "text": ""})
    assert np.array_equal(tile(reply, 0), pixels_HWC)
    assert {view["said"] for view in reply["views"]} == {"unchanged"}


def test_a_picture_that_cannot_be_read_is_told() -> None:
    """Literally; one that was never given, in words as well."""
    name = HELD.add_picture(b"GIF89a")
    with pytest.raises(QuestionError) as caught:
        make({"picture": name, "text": ""})
    assert str(caught.value).startswith("The picture cannot be read: it is ")
    with pytest.raises(PellucidError, match="no longer kept"):
        make({"picture": f"own-{'0' * 32}", "text": ""})
    with pytest.raises(PellucidError, match="There is no picture"):
        make({"picture": "../../etc/passwd", "text": ""})


def test_a_slip_in_the_text_comes_with_its_place() -> None:
    """It is no refusal: the page goes on showing the last views."""
    wrong = make({"picture": "digits/3", "text": "RandomFlip\nRandomRotation 3"})["wrong"]
    assert (wrong["line"], wrong["column"]) == (2, 16)
    assert wrong["text"].startswith("Line 2, column 16: RandomRotation's factor is 3.")
    large = make({"picture": "digits/3", "text": "RandomCrop 4096 4096"})["wrong"]
    assert large == {
        "text": "RandomCrop's window has 4,096 pixels a side. This page draws windows of at most 512. Take a "
        "smaller one.",
        "line": None,
        "column": None,
    }


def test_windows_of_another_size_than_the_picture() -> None:
    """Each tile has its own size, and the picture keeps its own."""
    reply = make({"picture": "digits/3", "text": "RandomCrop 10 40"})
    assert reply["sheet"]["sizes"] == [[28, 28], *[[10, 40]] * VIEWS]
    assert reply["refused"] == (
        "Training refuses such views: the picture is 28x28, they are 10x40, and a network takes one size. "
        "RandomResizedCrop brings its window back to size."
    )


def change(text: str, **fields: Any) -> str:
    return str(edit({"text": text, **fields})["text"])


def test_the_plan_is_changed_by_its_controls() -> None:
    """Added, set, moved up, removed; a bound that passes the other pushes it along."""
    assert change("", change="add", name="RandomRotation") == "RandomRotation 0.1"
    two = "RandomFlip horizontal\nRandomSaturation 0.3..0.7"
    assert change(two, change="up", step=1) == "RandomSaturation 0.3..0.7\nRandomFlip horizontal"
    assert change(two, change="up", step=0) == two
    assert change(two, change="remove", step=0) == "RandomSaturation 0.3..0.7"
    step = {"change": "set", "step": 1, "factor": "factor"}
    assert change(two, **step, part=1, value=0.9).endswith("RandomSaturation 0.3..0.9")
    assert change(two, **step, part=1, value=0.1).endswith("RandomSaturation 0.1..0.1")
    assert change(two, **step, part=0, value=0.8).endswith("RandomSaturation 0.8..0.8")
    assert change(two, change="set", step=0, factor="mode", value="vertical").startswith(
        "RandomFlip vertical"
    )
    assert change("RandomCrop padding=8", change="set", step=0, factor="padding", value=9) == (
        "RandomCrop padding=9"
    )
    assert change("RandomFlip horizontal", change="fill", name="wrap") == "RandomFlip horizontal\nfill wrap"
    assert change("fill wrap", change="fill", name="reflect") == ""
    assert change("RandomFlip\nfill wrap", change="add", name="TrivialAugment").endswith(
        "TrivialAugment\nfill wrap"
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"change": "set", "step": 0, "factor": "factor", "value": 3},
            "RandomRotation's factor is 3.0. A number from -1 to 1, or a pair of them (lower, upper), was "
            "expected. 0.1 turns by at most 36 degrees either way.",
        ),
        (
            {"change": "set", "step": 0, "factor": "factor", "value": None},
            "The factor of RandomRotation is empty or no number. A number was expected. Write one, "
            "such as 0.1.",
        ),
        (
            {"change": "set", "step": 0, "factor": "factor", "value": 10**400},
            f"The factor of RandomRotation is 1{'0' * 59}.... A number of at most 1,000,000,000 either way "
            "was expected. Write one, such as 0.1.",
        ),
        (
            {"change": "set", "step": 0, "factor": "factor", "value": math.nan},
            "The factor of RandomRotation is nan. A number of at most 1,000,000,000 either way was expected. "
            "Write one, such as 0.1.",
        ),
        (
            {"change": "remove", "step": 1},
            "The question's 'step' is 1. A whole number from 0 to 0 was expected. Ask again with "
            "such a value.",
        ),
    ],
)
def test_a_change_that_cannot_be_is_refused(fields: dict[str, Any], message: str) -> None:
    """Literally; the plan stays as it was."""
    with pytest.raises(PellucidError) as caught:
        edit({"text": "RandomRotation 0.1", **fields})
    assert str(caught.value) == message


def test_an_empty_plan_has_nothing_to_change() -> None:
    """It is said, and no transform is looked for."""
    with pytest.raises(QuestionError, match=r"The plan has no augmentation\. One to change was expected\."):
        edit({"text": "", "change": "remove", "step": 0})


def test_the_room_opens_with_what_can_be_chosen() -> None:
    """Every preset with its text, every kind with its sentence, every shipped picture."""
    told = start({})
    assert [one["name"] for one in told["presets"]] == list(PRESETS)
    assert {one["text"] for one in told["presets"]} == {written(one) for one in PRESETS.values()}
    assert all(one["about"].endswith(".") for one in told["kinds"])
    assert told["picture"] in {one["name"] for one in told["examples"]}
