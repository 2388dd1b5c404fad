"""One network and one picture for a notebook: what may be given, and what may be asked."""

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import nn

from pellucid.errors import PellucidError, RequestError
from pellucid.lab.exploration import asked, exploration, style
from pellucid.lab.held import HELD, ForgottenError
from pellucid.lab.question import QuestionError
from pellucid.pictures.preprocess import Preprocess

NETWORK = "input 12x12x1; conv 4 3x3 relu; flatten; dense 3 softmax"


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)


def test_a_picture_may_be_a_file_an_image_or_an_array(pixels: np.ndarray, tmp_path: Path) -> None:
    """All three are the same picture to the network."""
    image = Image.fromarray(pixels)
    image.save(tmp_path / "one.png")
    given: list[Any] = [pixels, image, tmp_path / "one.png", str(tmp_path / "one.png")]
    values = [exploration(NETWORK, picture).inside.value("conv2d") for picture in given]
    for one in values[1:]:
        np.testing.assert_array_equal(values[0], one)


def test_a_module_of_one_s_own_sees_the_picture_as_it_is(pixels: np.ndarray) -> None:
    """At its own size, divided by 255; its answers have the names that were given."""
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(200, 2))
    opened = exploration(module, pixels, ("a<b>", "c"))
    assert opened.names == ("Sequential", "your picture")
    np.testing.assert_allclose(
        opened.inside.cell("0", 0, 0, 0).value,
        float((module[0].weight[0].detach().numpy() * pixels[:3, :3].transpose(2, 0, 1) / 255).sum())
        + module[0].bias[0].item(),
        rtol=1e-4,
    )
    look = opened.answer(asked("look", opened, {}))
    assert {one["name"] for one in look["answer"]["best"]} == {"a<b>", "c"}
    half = Preprocess(6, 6, "squash", (0.0,) * 3, (255.0,) * 3)
    small = nn.Sequential(nn.Conv2d(3, 2, 3))
    assert exploration(small, pixels, preprocess=half).inside.value("0").shape == (2, 4, 4)


def test_it_answers_of_its_own_network_only(pixels: np.ndarray) -> None:
    """Another network or another room is refused; to choose are this picture and the shipped ones."""
    opened = exploration(NETWORK, pixels)
    start = opened.answer({"kind": "inside.start"})
    assert [one["name"] for one in start["networks"]] == [start["network"]] == [opened.network]
    assert start["examples"][0]["name"] == opened.picture
    for question in (
        {"kind": "runs.start"},
        {"kind": "inside.look", "network": "digits-convnet", "picture": opened.picture},
    ):
        with pytest.raises(PellucidError, match="A question of the room Inside about 'text' was expected"):
            opened.answer(question)


@pytest.mark.parametrize(
    ("model", "picture", "words"),
    [
        (
            NETWORK,
            np.zeros((4, 4, 3), np.float32),
            "The picture is an array of float32 and of shape (4, 4, 3). uint8 of shape (H, W, 3) or (H, W) "
            "was expected. Convert it first, for example: (255 * x).round().astype('uint8').",
        ),
        (
            NETWORK,
            7,
            "The picture is a int. A file's path, a Pillow image, or a uint8 array (H, W, 3) was expected. "
            "Give one of these.",
        ),
        (
            3,
            np.zeros((4, 4), np.uint8),
            "The model is a int. A run, a name, or a torch.nn.Module was expected. Give one of these, for "
            "example 'efficientnet_lite0'.",
        ),
        (
            nn.Conv2d(7, 1, 1),
            np.zeros((4, 4), np.uint8),
            "The module's first convolution takes 7 channels. 1 for grey or 3 for colour were expected. A "
            "picture cannot be given to it here; pellucid.insight.inside.open_module opens any tensor.",
        ),
    ],
)
def test_what_cannot_be_opened_is_refused(model: Any, picture: Any, words: str) -> None:
    """With what came and what was expected."""
    with pytest.raises(RequestError) as caught:
        exploration(model, picture)
    assert str(caught.value) == words


def test_a_run_has_its_own_classes() -> None:
    """Names given beside a network that has them are refused."""
    with pytest.raises(RequestError, match="classes or preprocess were given together with 'digits-convnet'"):
        exploration("digits-convnet", np.zeros((28, 28), np.uint8), ("a",))


def test_what_nobody_holds_any_more_is_let_go_of(pixels: np.ndarray) -> None:
    """Network and picture, once the last one that was opened with it is gone."""
    first, second = exploration(NETWORK, pixels), exploration(NETWORK, pixels)
    network, picture = first.network, first.picture
    assert picture == second.picture
    del first
    gc.collect()
    with pytest.raises(QuestionError, match="There is no network 'notebook-"):
        HELD.subject(network)
    assert HELD.picture(picture)
    del second
    gc.collect()
    with pytest.raises(ForgottenError):
        HELD.picture(picture)


def test_the_style_in_a_notebook_is_the_room_s_alone() -> None:
    """No rule is for the notebook's page: its root and its body are not named."""
    text = style(":host")
    assert ":root" not in text
    assert "\nbody" not in text
    assert ':host([data-theme="dark"])' in text
    assert style(":root").startswith("/* An 8-pixel grid")
