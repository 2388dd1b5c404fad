"""A network with a picture in it: its layers by name, its cells, and what is wrong with a request."""

import numpy as np
import pytest
import timm
import torch
from torch import nn

from pellucid.errors import RequestError
from pellucid.insight.inside import open_module
from pellucid.network.text import parse

TEXT = "input 8x8x1; conv 1 2x2 relu stride=2; maxpool 2x2; flatten; dropout 0.5; dense 3 softmax"


@pytest.fixture
def inside(built):
    return open_module(built(parse(TEXT)), torch.rand(1, 8, 8))


def test_layers_of_ours_have_keras_names(inside) -> None:
    """Kinds and shapes as Keras prints them; an activation belongs to its layer."""
    assert [(layer.name, layer.kind, layer.output_shape) for layer in inside.layers] == [
        ("conv2d", "Conv2D", (4, 4, 1)),
        ("max_pooling2d", "MaxPooling2D", (2, 2, 1)),
        ("flatten", "Flatten", (4,)),
        ("dropout", "Dropout", (4,)),
        ("dense", "Dense", (3,)),
    ]
    assert inside.value("dense").sum() == pytest.approx(1)
    assert inside.value("conv2d").min() >= 0


def test_layers_of_others_have_their_paths() -> None:
    """A person's own nn.Sequential opens in a line, from NumPy too."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Sequential(nn.BatchNorm2d(4), nn.ReLU()), nn.Flatten())
    inside = open_module(net, np.zeros((3, 5, 5), np.float32))
    assert [layer.name for layer in inside.layers] == ["0", "1.0", "1.1", "2"]
    cell = inside.cell("1.0", 3, 1, 2)
    assert cell.value == pytest.approx(cell.worked.sum, abs=1e-6)


def test_prefixes_are_taken_from_names_and_groups_make_one_layer() -> None:
    """As a backbone with a head has them; a name that is taken keeps its prefix."""
    net = nn.Sequential()
    net.add_module("trunk", nn.Sequential(nn.Flatten()))
    net.add_module("head", nn.Linear(4, 2))
    net.add_module("0", nn.ReLU())
    inside = open_module(
        net, torch.rand(1, 2, 2), groups={"head": ("Dense", ("head", "0"))}, prefixes=("trunk.",)
    )
    assert [(layer.name, layer.steps) for layer in inside.layers] == [
        ("0", ("trunk.0",)),
        ("head", ("head", "0")),
    ]


def test_a_constant_is_no_layer() -> None:
    """What is the same for every picture has no cells to ask for, but stands in the terms."""

    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift = nn.Parameter(torch.full((1, 2, 1, 1), 3.0))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + self.shift * 2

    inside = open_module(Shifted(), torch.ones(2, 2, 2))
    assert [layer.name for layer in inside.layers] == ["add"]
    assert [term.product for term in inside.cell("add", 1, 0, 1).worked.terms] == [1, 6]


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050", "densenet121", "convnext_atto"])
def test_cells_of_timms_networks_keep_the_bound(name: str, within) -> None:
    """Squeeze and excitation, concatenations, pooled stems: a cell of each layer that is known."""
    torch.manual_seed(0)
    net = timm.create_model(name).eval()
    inside = open_module(net, torch.randn(3, 64, 64))
    known = 0
    for layer in inside.layers:
        cell = inside.cell(layer.name, *(size // 3 for size in layer.shape))
        known += cell.worked.known
        assert within(cell) or not cell.worked.known, layer
    assert known / len(inside.layers) > (0.5 if name == "convnext_atto" else 0.99)


@pytest.mark.parametrize(
    ("layer", "index", "said"),
    [
        (
            "conv2d_9",
            (0, 0, 0),
            "The network has no layer 'conv2d_9'. It has 5 layers: conv2d, max_pooling2d, flatten, dropout, "
            "dense. Did you mean 'conv2d'?",
        ),
        (
            "???",
            (0,),
            "The network has no layer '???'. It has 5 layers: conv2d, max_pooling2d, flatten, dropout, "
            "dense. Choose one of them.",
        ),
        (
            "conv2d",
            (0, 4, 0),
            "The layer 'conv2d' was asked for row 4. Its output is 4x4x1 (height x width x channels), so "
            "row 0 to 3 was expected. Choose one of these.",
        ),
        (
            "conv2d",
            (1, 0, 0),
            "The layer 'conv2d' was asked for channel 1. Its output is 4x4x1 (height x width x channels), so "
            "channel 0 was expected. Choose one of these.",
        ),
        (
            "conv2d",
            (0, 0, -1),
            "The layer 'conv2d' was asked for column -1. Its output is 4x4x1 (height x width x channels), so "
            "column 0 to 3 was expected. Choose one of these.",
        ),
        (
            "dense",
            (3,),
            "The layer 'dense' was asked for unit 3. Its output is a flat row of 3, so unit 0 to 2 was "
            "expected. Choose one of these.",
        ),
        (
            "dense",
            (1, 2, 3),
            "The layer 'dense' was asked for its cell 1,2,3. Its output is a flat row of 3, so unit was "
            "expected. Write for example: dense:1",
        ),
        (
            "conv2d",
            (2,),
            "The layer 'conv2d' was asked for its cell 2. Its output is 4x4x1 (height x width x channels), "
            "so channel, row and column were expected. Write for example: conv2d:0,2,2",
        ),
    ],
)
def test_what_is_not_there_is_told(inside, layer: str, index: tuple[int, ...], said: str) -> None:
    """The nearest layer, the size, an example."""
    with pytest.raises(RequestError) as caught:
        inside.cell(layer, *index)
    assert str(caught.value) == said


def test_a_cell_is_found_by_its_text(inside) -> None:
    """As the command line writes it."""
    assert inside.cell_at("dense:2") == inside.cell("dense", 2)


def test_many_layers_are_not_all_listed() -> None:
    """The first few and the last."""
    inside = open_module(nn.Sequential(*(nn.ReLU() for _ in range(20))), torch.ones(1, 2, 2))
    with pytest.raises(RequestError, match=r"It has 20 layers: 0, 1, 2, 3 to 19\."):
        inside.layer("x")
