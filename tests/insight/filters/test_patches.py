"""The patches that excite a channel most: found in one pass, cropped to what their cells see."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from pellucid.data.source import Source, open_source
from pellucid.errors import RequestError, SourceError
from pellucid.events import Advanced
from pellucid.insight.filters.patches import Strongest, cropped, excite
from pellucid.insight.receptive import Field
from pellucid.insight.subject import Subject, of_chance
from pellucid.network.text import parse
from pellucid.pictures.preprocess import Preprocess


@given(st.data())
def test_the_strongest_are_those_of_all_numbers_sorted(data: st.DataObject) -> None:
    """One picture after the other, and only ``number`` kept: the same as keeping all and sorting them."""
    pictures, channels, number = (data.draw(st.integers(1, 6)) for _ in range(3))
    height, width = (data.draw(st.integers(1, 4)) for _ in range(2))
    maps = np.random.default_rng(pictures * 7 + number).integers(0, 9, (pictures, channels, height, width))
    found = Strongest(channels, number)
    for picture, map_CHW in enumerate(maps):
        found.add(picture, map_CHW.astype(np.float32))
    assert found.values_CN.shape == (channels, number)
    for channel in range(channels):
        best_P = maps[:, channel].reshape(pictures, -1).max(axis=1)
        order = sorted(range(pictures), key=lambda picture: (-best_P[picture], picture))[:number]
        kept = len(order)
        np.testing.assert_array_equal(found.values_CN[channel, :kept], best_P[order])
        np.testing.assert_array_equal(found.places_CN3[channel, :kept, 0], order)
        assert np.isneginf(found.values_CN[channel, kept:]).all()
        for value, (picture, row, column) in zip(
            found.values_CN[channel, :kept], found.places_CN3[channel, :kept], strict=True
        ):
            assert maps[picture, channel, row, column] == value


def test_numbers_that_are_none_excite_nothing() -> None:
    """NaN never stands before a number."""
    found = Strongest(1, 2)
    found.add(0, np.full((1, 2, 2), np.nan))
    found.add(1, np.ones((1, 2, 2)))
    assert found.values_CN.tolist() == [[1, -np.inf]]


@pytest.fixture
def bright() -> Subject:
    """A network that sees 8 x 8 grey pixels: the sum of 2 x 2, minus it, and nothing."""
    conv = nn.Conv2d(1, 3, 2, stride=2, bias=False)
    with torch.no_grad():
        conv.weight.copy_(torch.tensor([1.0, -1.0, 0.0])[:, None, None, None].expand(3, 1, 2, 2))
    net = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(48, 2)).eval()
    return Subject("bright", net, Preprocess(8, 8, "squash", (0.0,), (1.0,)), {})


@pytest.fixture
def squares(tmp_path: Path) -> Source:
    """Three pictures, each with one bright square of 2 x 2 pixels, and one file that is no picture."""
    for number, (row, column, value) in enumerate([(0, 0, 50), (4, 6, 200), (2, 2, 120)]):
        pixels_HW = np.zeros((8, 8), np.uint8)
        pixels_HW[row : row + 2, column : column + 2] = value
        (tmp_path / "s" / f"class{number}").mkdir(parents=True)
        Image.fromarray(pixels_HW).save(tmp_path / "s" / f"class{number}" / "a.png")
    (tmp_path / "s" / "class0" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return open_source(tmp_path / "s")


def test_the_brightest_squares_by_hand(bright: Subject, squares: Source) -> None:
    """In their order, where they are, with their pixels; nothing excites 0; the broken picture is named."""
    heard = []
    found = excite(bright, squares, "1", number=2, listen=heard.append)
    assert (found.layer.name, found.pictures) == ("1", 3)
    assert [(one.path, one.reason[:13]) for one in found.skipped] == [("class0/broken.png", "it is cut sho")]
    positive, negative, nothing = found.channels
    assert [(one.path, one.row, one.column, one.value) for one in positive.patches] == [
        ("class1/a.png", 2, 3, 800.0),
        ("class2/a.png", 1, 1, 480.0),
    ]
    first = positive.patches[0]
    assert (first.field.top, first.field.left, first.field.bottom, first.field.right) == (4, 6, 5, 7)
    np.testing.assert_array_equal(first.pixels_HWC, np.full((2, 2, 3), 200))
    assert negative.patches == nothing.patches == ()
    assert sum(one.count for one in heard if isinstance(one, Advanced)) == 4
    only = excite(bright, squares, "1", channels=[2, 0], number=1)
    assert [one.channel for one in only.channels] == [2, 0]


def test_the_last_layer_with_a_map_and_layers_of_units(bright: Subject, squares: Source) -> None:
    """Without a name it is the last map; a unit of a flat layer sees the whole picture."""
    assert excite(bright, squares).layer.name == "1"
    (unit, _) = excite(bright, squares, "3", number=1).channels
    assert unit.patches[0].pixels_HWC.shape == (8, 8, 3)


class Branches(nn.Module):
    """Two channels of one map: one sees a pixel, the other 7 x 7."""

    def __init__(self) -> None:
        super().__init__()
        self.near, self.far = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 7, padding=3, bias=False)
        self.dense = nn.Linear(128, 2)
        for one in (self.near, self.far):
            nn.init.ones_(one.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.dense(torch.cat([self.near(x), self.far(x)], 1).flatten(1))


def test_channels_of_one_map_may_see_different_pixels(squares: Source) -> None:
    """Behind a concatenation each channel's patch is what its own cell sees, not what the first one's did."""
    subject = Subject("branches", Branches().eval(), Preprocess(8, 8, "squash", (0.0,), (1.0,)), {})
    found = excite(subject, squares, "cat", number=3)
    inside = subject.look(np.zeros((1, 8, 8), np.float32))
    places = []
    for excited in found.channels:
        for patch in excited.patches:
            places.append((patch.row, patch.column))
            assert patch.field == inside.cell("cat", excited.channel, patch.row, patch.column).pixels
    assert len(set(places)) < len(places) == 6
    assert [one.patches[2].pixels_HWC.shape for one in found.channels] == [(1, 1, 3), (6, 6, 3)]


def test_fields_beyond_the_edges_are_filled_with_grey() -> None:
    """At most a quarter of the side; a grey picture becomes one of three equal channels."""
    view_HWC = np.arange(64, dtype=np.uint8).reshape(8, 8, 1)
    found = cropped(view_HWC, Field(0, 1, 2, 7, (1, 0, 0, 99), True))
    assert found.shape == (4, 9, 3)
    assert (found[0] == 128).all() and (found[:, 7:] == 128).all()
    np.testing.assert_array_equal(found[1:, :7, 0], view_HWC[:3, 1:, 0])


def test_it_stops_at_the_layer(bright: Subject, squares: Source) -> None:
    """What comes after the layer runs once, for the names of the steps, and not for each picture."""
    runs = []
    bright.module[3].register_forward_hook(lambda *_: runs.append(1))
    excite(bright, squares, "1")
    assert len(runs) <= 2  # once as it is, once as it is followed


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"layer": "conv2d_9"},
            "The network has no layer 'conv2d_9'. It has 3 layers: conv2d, flatten, dense. Did you mean "
            "'conv2d'?",
        ),
        (
            {"layer": "conv2d", "channels": [4]},
            "The layer 'conv2d' was asked for channel 4. It has 4 channels, 0 to 3. Choose one of these.",
        ),
        (
            {"layer": "conv2d", "number": 0},
            "0 patches of each channel were asked for. A whole number from 1 to 64 was expected. 9 are "
            "enough to see what a channel looks for.",
        ),
    ],
)
def test_what_does_not_exist(squares: Source, options: dict[str, object], said: str) -> None:
    """A layer, a channel, no patches."""
    subject = of_chance(parse("input 8x8x1; conv 4 3x3 relu; flatten; dense 2"), "text")
    with pytest.raises(RequestError) as caught:
        excite(subject, squares, **options)
    assert str(caught.value) == said


def test_a_source_without_a_readable_picture(bright: Subject, tmp_path: Path) -> None:
    """It is refused."""
    (tmp_path / "s" / "a").mkdir(parents=True)
    (tmp_path / "s" / "a" / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    source = open_source(tmp_path / "s")
    with pytest.raises(SourceError) as caught:
        excite(bright, source, "1")
    assert str(caught.value).startswith(f"None of the pictures of '{source.name}' can be read.")
