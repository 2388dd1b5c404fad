"""The room Inside: its layers, their maps and its answers are the network's own; hostile input is told."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pellucid.errors import PellucidError
from pellucid.insight.subject import open_subject
from pellucid.lab import inside as room
from pellucid.lab.answer import answer
from pellucid.lab.examples import example_bytes
from pellucid.lab.held import HELD, ForgottenError
from pellucid.lab.inside import grouped
from pellucid.lab.place import HERE
from pellucid.run import Run

NETWORK = "input 28x28x1; conv 4 3x3 relu; maxpool 2x2; conv 6 3x3 relu; flatten; dense 10 softmax"
ASKED = {"network": NETWORK, "picture": "digits/7"}


def asked(kind: str, **fields: Any) -> dict[str, Any]:
    return answer({"kind": f"inside.{kind}", **ASKED, **fields})


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def picture(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)))


def test_it_opens_with_a_backbone_and_a_shipped_picture() -> None:
    """With no run and no picture: both are on the lists."""
    start = answer({"kind": "inside.start"})
    assert start["network"] == "efficientnet_lite0"
    assert start["network"] in [one["name"] for one in start["networks"]]
    assert start["picture"] in [one["name"] for one in start["examples"]]


def test_it_opens_with_what_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The picture of the command line is kept under its own name."""
    file = tmp_path / "own.png"
    file.write_bytes(example_bytes("digits/2") or b"")
    monkeypatch.setattr(HERE, "network", "lenet5")
    monkeypatch.setattr(HERE, "picture", file)
    start = answer({"kind": "inside.start"})
    assert start["network"] == "lenet5"
    assert HELD.picture(start["picture"]) == file.read_bytes()
    file.unlink()
    assert answer({"kind": "inside.start"})["picture"] == room.FIRST_EXAMPLE


def test_the_layers_and_the_answer_are_the_networks() -> None:
    """Names and shapes in order; the probabilities are what the module gives, run once more by PyTorch."""
    reply = asked("look")
    assert [(one["name"], one["output"], one["flat"]) for one in reply["layers"]] == [
        ("conv2d", "26x26x4", False),
        ("max_pooling2d", "13x13x4", False),
        ("conv2d_1", "11x11x6", False),
        ("flatten", "726", True),
        ("dense", "10", True),
    ]
    subject = open_subject(NETWORK)
    x_CHW = subject.preprocess.read(example_bytes("digits/7") or b"")
    with torch.no_grad():
        wanted_K = subject.module(torch.from_numpy(x_CHW)[None])[0].numpy()
    best = reply["answer"]["best"]
    assert [one["unit"] for one in best] == np.argsort(-wanted_K)[:5].tolist()
    assert [one["probability"] for one in best] == pytest.approx(np.sort(wanted_K)[::-1][:5], rel=1e-5)
    assert (reply["answer"]["classes"], reply["answer"]["named"]) == (10, False)
    assert "It has learnt nothing" in reply["notes"][0]


def test_the_view_is_the_picture_as_the_network_sees_it() -> None:
    """Of the size that the preprocessing gives, grey for a network that sees grey."""
    reply = asked("look")
    assert (reply["height"], reply["width"], reply["channels"]) == (28, 28, 1)
    seen_HW = picture(reply["view"])
    assert np.array_equal(seen_HW, picture(example_bytes("digits/7") or b""))


def test_a_map_is_the_layers_output() -> None:
    """Every number of it, as float32; of a flat layer all units in rows, filled up with NaN."""
    inside = HELD.inside(NETWORK, "digits/7")
    reply = asked("map", layer="conv2d_1", channel=2)
    values_HW = np.frombuffer(reply["values"], "<f4").reshape(reply["height"], reply["width"])
    wanted_CHW = inside.value("conv2d_1")
    assert np.array_equal(values_HW, wanted_CHW[2])
    assert reply["scale"] == np.abs(wanted_CHW).max()
    assert (reply["least"], reply["largest"]) == (wanted_CHW[2].min(), wanted_CHW[2].max())
    flat = asked("map", layer="flatten")
    values = np.frombuffer(flat["values"], "<f4")
    assert (flat["height"], flat["width"]) == (27, 27)
    assert np.array_equal(values[:726], inside.value("flatten"))
    assert np.isnan(values[726:]).all()
    ten = asked("map", layer="dense")
    assert (ten["height"], ten["width"]) == (10, 1)


def test_a_sprite_holds_every_map_and_their_order() -> None:
    """The strongest channel is first; a thumbnail has the colour of its numbers."""
    reply = asked("sprite", layer="max_pooling2d")
    maps_CHW = HELD.inside(NETWORK, "digits/7").value("max_pooling2d")
    strength_C = np.abs(maps_CHW).mean(axis=(1, 2))
    assert reply["order"] == np.argsort(-strength_C, kind="stable").tolist()
    assert reply["strength"] == pytest.approx(strength_C, rel=1e-3)
    assert reply["count"] == 4
    assert picture(reply["sprite"]).shape == (26, 26)  # four thumbnails of 13x13


def test_a_deep_network_folds_into_its_stages() -> None:
    """By the modules' names; a small one is not folded; names without modules go with their neighbours."""
    deep = [f"blocks.{stage}.{part}.{name}" for stage in range(7) for part in range(2) for name in "ab"]
    names = ["stem", "bn", *deep, "head", "pool.flat", "classifier"]
    groups = grouped(names)
    assert groups[:3] == ["stem", "stem", "blocks.0"]
    assert groups[-3:] == ["head", "head", "head"] or groups[-2:] == ["pool", "classifier"]
    assert len(set(groups)) <= room.MOST_GROUPS
    assert grouped(names[:16]) == names[:16]
    many = [f"layer{stage}.{part}.conv" for stage in range(4) for part in range(9)]
    assert set(grouped(many)) == {"layer0", "layer1", "layer2", "layer3"}


def test_a_run_answers_with_its_classes(scratched: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its probabilities are those of ``predict``, calibration and all."""
    monkeypatch.setattr(HERE, "network", str(scratched.folder))
    start = answer({"kind": "inside.start"})
    file = scratched.folder.parent / "line.png"
    pixels_HW = np.zeros((12, 12), np.uint8)
    pixels_HW[4] = 255
    Image.fromarray(pixels_HW).save(file)
    given = answer({"kind": "inside.give", "data": encoded(file.read_bytes())})
    reply = answer({"kind": "inside.look", "network": start["network"], "picture": given["picture"]})
    (wanted,) = scratched.predict(str(file))
    found = {one["name"]: one["probability"] for one in reply["answer"]["best"]}
    assert found == pytest.approx(wanted.probabilities, abs=1e-5)
    assert reply["answer"]["best"][0]["name"] == wanted.label


def test_a_class_may_be_called_anything(scratched: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name goes out as the text that it is; the page sets it as text."""
    from dataclasses import replace

    from pellucid.insight.subject import of_classifier

    classes = ("<img src=x onerror=alert(1)>", "b", "c")
    named = of_classifier(replace(scratched.classifier, classes=classes), "hostile")
    monkeypatch.setitem(HELD._named, "hostile", named)
    reply = answer({"kind": "inside.look", "network": "hostile", "picture": "digits/1"})
    assert sorted(one["name"] for one in reply["answer"]["best"]) == sorted(classes)


def test_a_persons_picture_is_taken_in() -> None:
    """Its size is told; asked about by its name it is looked at as if it were an example."""
    data = example_bytes("digits/7") or b""
    given = answer({"kind": "inside.give", "data": encoded(data)})
    assert (given["height"], given["width"]) == (28, 28)
    mine, theirs = asked("look", picture=given["picture"]), asked("look")
    assert mine["answer"] == theirs["answer"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "The picture cannot be read: it is empty."),
        (b"<svg xmlns='x' onload='alert(1)'/>", "The picture cannot be read: it is an SVG drawing, which"),
        (b"<html><script>alert(1)</script>", "The picture cannot be read: it is not a picture that can be"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, told: str) -> None:
    """Whatever its name says: what counts is how it begins."""
    with pytest.raises(PellucidError) as caught:
        answer({"kind": "inside.give", "data": encoded(data)})
    assert str(caught.value).startswith(told)
    assert str(caught.value).endswith("Choose another file.")


def test_a_picture_of_20000_x_20000_is_refused(bomb: Callable[[int], bytes]) -> None:
    """A hundred bytes that would be a gigabyte."""
    with pytest.raises(PellucidError) as caught:
        answer({"kind": "inside.give", "data": encoded(bomb(20_000))})
    assert "20000 x 20000 pixels is more than the limit of 134,217,728" in str(caught.value)


def test_no_base64_is_refused() -> None:
    """Literally."""
    with pytest.raises(PellucidError) as caught:
        answer({"kind": "inside.give", "data": "*"})
    assert str(caught.value) == (
        "The question's 'data' is no base64. The bytes of a picture's file in base64 were expected. "
        "Choose the file again."
    )


def test_channels_in_the_order_of_a_spot() -> None:
    """By how many standard deviations each one's number there is above the mean of its map."""
    reply = asked("spot", layer="max_pooling2d", at=[27, 14])
    maps_CHW = HELD.inside(NETWORK, "digits/7").value("max_pooling2d").astype(np.float64)
    wanted_C = [(one[12, 6] - one.mean()) / one.std() for one in maps_CHW]
    assert reply["above"] == pytest.approx(wanted_C, rel=1e-3)
    assert reply["order"] == np.argsort(-np.array(wanted_C)).tolist()
    assert asked("spot", layer="dense", at=[0, 0])["order"] == [0]
    with pytest.raises(PellucidError, match=r"^The question's 'at' is a list of 2\. A row from 0 to 27 "):
        asked("spot", layer="conv2d", at=[28, 0])


@pytest.mark.parametrize("kind", ["sprite", "map"])
def test_a_layer_that_does_not_exist(kind: str) -> None:
    """The message names the nearest."""
    with pytest.raises(PellucidError) as caught:
        asked(kind, layer="conv2d_9")
    assert str(caught.value).startswith("The network has no layer 'conv2d_9'. It has 5 layers: conv2d, ")
    assert "Did you mean 'conv2d" in str(caught.value)


@pytest.mark.parametrize("channel", [4, -1, True, "0", None, 1.5])
def test_a_channel_that_does_not_exist(channel: Any) -> None:
    """Literally."""
    with pytest.raises(PellucidError) as caught:
        asked("map", layer="conv2d", channel=channel)
    assert str(caught.value) == (
        f"The layer 'conv2d' was asked for channel {channel}. It has 4, from 0 to 3. Choose one of these."
    )


def test_a_forgotten_picture_is_told_apart() -> None:
    """The page that has it sends it again."""
    with pytest.raises(ForgottenError):
        asked("look", picture="own-" + "0" * 32)


def test_a_network_that_runs_out_of_bounds() -> None:
    """Infinities and NaN are no JSON: they come as nothing, and the maps as NaN."""
    from pellucid.insight.subject import Subject

    subject = open_subject(NETWORK)
    with torch.no_grad():
        subject.module[0].weight.fill_(torch.inf)
    HELD.add_subject(Subject("bounds", subject.module, subject.preprocess, subject.groups))
    for kind in ("look", "sprite", "map"):
        reply = asked(kind, network="bounds", layer="conv2d", channel=0)
        assert reply
    values = np.frombuffer(asked("map", network="bounds", layer="conv2d", channel=0)["values"], "<f4")
    assert np.isnan(values).all()
