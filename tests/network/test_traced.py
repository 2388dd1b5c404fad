"""The account of a module from one pass: against PyTorch's counts, timm's published totals, and texts."""

from typing import Any

import pytest
import timm
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from pellucid.errors import UnknownBackboneError
from pellucid.network.account import Account, account
from pellucid.network.backbone import untrained_backbone
from pellucid.network.blueprint import Conv, Dense, DepthwiseConv
from pellucid.network.build import build
from pellucid.network.catalogue import NETWORKS
from pellucid.network.parameters import initial_parameters
from pellucid.network.traced import TraceError, trace, trace_backbone


def hooks(module: nn.Module) -> int:
    return sum(len(one._forward_hooks) + len(one._forward_pre_hooks) for one in module.modules())


def numel(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_a_small_network_row_by_row() -> None:
    """Paths, kinds, shapes as (height, width, channels), arithmetic and multiply-adds, by hand."""
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2),
        nn.BatchNorm2d(8),
        nn.Identity(),
        nn.Sequential(nn.Conv2d(8, 16, 3, groups=8, bias=False), nn.Conv2d(16, 4, 1, groups=2)),
        nn.Flatten(),
        nn.Linear(36, 5),
    )
    found = trace(net, (11, 11, 3))
    assert [(row.name, row.kind, row.output_shape, row.arithmetic, row.macs) for row in found.rows] == [
        ("0", "Conv2d", (5, 5, 8), "(3*3*3 + 1)*8 = 224", 25 * 216),
        ("1", "BatchNorm2d", (5, 5, 8), "2*8 = 16", 0),
        ("3.0", "Conv2d", (3, 3, 16), "3*3*8*2 = 144", 9 * 144),
        ("3.1", "Conv2d", (3, 3, 4), "(1*1*16/2 + 1)*4 = 36", 9 * 32),
        ("4", "Flatten", (36,), "", 0),
        ("5", "Linear", (5,), "(36 + 1)*5 = 185", 180),
    ]
    assert [row.activation_bytes for row in found.rows] == [800, 800, 576, 144, 144, 20]
    assert found.parameters == numel(net)
    assert found.notes == ()
    assert [(row.receptive_field, row.stride, row.start) for row in found.rows] == [
        ((3, 3), (2, 2), (1, 1)),
        ((3, 3), (2, 2), (1, 1)),
        ((7, 7), (2, 2), (3, 3)),
        ((7, 7), (2, 2), (3, 3)),
        ((11, 11), None, (5, 5)),
        ((11, 11), None, (5, 5)),
    ]


@pytest.mark.parametrize(
    ("name", "parameters", "giga_macs"),
    [
        ("tf_efficientnet_lite0", 4_652_008, 0.385),
        ("resnet18", 11_689_512, 1.814),
        ("mobilenetv3_small_100", 2_542_856, 0.057),
        ("vit_tiny_patch16_224", 5_717_416, 1.075),
    ],
)
def test_timms_networks_have_their_published_totals(name: str, parameters: int, giga_macs: float) -> None:
    """To the last parameter; multiply-adds as timm's tables have them (ViT's attention products left out)."""
    net = timm.create_model(name)
    found = trace(net)
    assert found.parameters == numel(net) == parameters
    assert round(found.macs / 1e9, 3) == giga_macs
    assert len({row.name for row in found.rows}) == len(found.rows)
    assert hooks(net) == 0


def test_a_depthwise_convolution_has_its_path() -> None:
    """Names are the module's own paths, in the order in which the modules run."""
    names = [row.name for row in trace(timm.create_model("tf_efficientnet_lite0")).rows]
    assert "blocks.1.0.conv_dw" in names
    assert names[:3] == ["conv_stem", "bn1", "bn1.act"]


@pytest.mark.parametrize("name", ["alexnet", "vgg16"])
def test_torchvisions_chains_see_what_the_named_networks_see(name: str) -> None:
    """Module by module the fields, steps and multiply-adds of the text, without a number allocated."""
    with torch.device("meta"):
        found = trace(getattr(torchvision.models, name)())
    expected = NETWORKS[name].account()
    assert (found.parameters, found.macs) == (expected.parameters, expected.macs)

    def fields(told: Account) -> list[tuple[object, ...]]:
        sliding = ("Conv2d", "Conv2D", "MaxPool2d", "MaxPooling2D", "Linear", "Dense")
        return [
            (row.output_shape, row.receptive_field, row.stride, row.start, row.parameters, row.macs)
            for row in told.rows
            if row.kind in sliding
        ]

    assert fields(found) == fields(expected)
    assert all(row.receptive_field for row in found.rows)


def test_fields_are_told_until_branches_meet() -> None:
    """ResNet-18's stem and its first block's main path; from its first sum on nothing is known."""
    rows = {row.name: row for row in trace(timm.create_model("resnet18")).rows}
    assert {name: row.receptive_field for name, row in rows.items() if row.receptive_field} == {
        **dict.fromkeys(["conv1", "bn1", "act1"], (7, 7)),
        "maxpool": (11, 11),
        **dict.fromkeys(["layer1.0.conv1", "layer1.0.bn1", "layer1.0.act1"], (19, 19)),
        **dict.fromkeys(["layer1.0.conv2", "layer1.0.bn2"], (27, 27)),
    }
    assert (rows["maxpool"].stride, rows["maxpool"].start) == ((4, 4), (0, 0))


def test_channels_that_stand_last_are_told_as_channels() -> None:
    """ConvNeXt moves its channels behind its maps for a while: (height, width, channels) all the same."""
    rows = {row.name: row for row in trace(timm.create_model("convnext_atto"), (64, 64, 3)).rows}
    assert rows["stages.0.blocks.0.conv_dw"].output_shape == (16, 16, 40)
    assert rows["stages.1.downsample.0"].output_shape == (16, 16, 40)
    net = nn.Sequential(nn.Conv2d(3, 5, 1), Last(nn.LayerNorm(5), nn.Linear(5, 7), nn.GELU()), nn.ReLU())
    assert [row.output_shape for row in trace(net, (4, 6, 3)).rows] == [
        *[(4, 6, 5), (4, 6, 5)],
        *[(4, 6, 7)] * 3,
    ]


class Last(nn.Module):
    """Modules that see the channels last."""

    def __init__(self, *inner: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
        return self.inner(x_NCHW.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


@settings(max_examples=30)
@given(data=st.data())
def test_a_built_blueprint_costs_what_its_account_says(data, chains) -> None:
    """The module of a random blueprint has the account's learnt parameters, and its convolutions' work."""
    blueprint = data.draw(chains(largest=9))
    expected = account(blueprint)
    module = build(blueprint, initial_parameters(blueprint, 0))
    found = trace(module, expected.input_shape)
    assert found.parameters == numel(module) == expected.trainable
    by_name = {row.name: row for row in found.rows}
    for layer, row in zip(blueprint.layers, expected.rows, strict=True):
        if isinstance(layer, Conv | DepthwiseConv | Dense):
            assert (by_name[row.name].macs, by_name[row.name].parameters) == (row.macs, row.parameters)
            assert by_name[row.name].output_shape == row.output_shape


def test_what_is_shared_counts_once_and_runs_twice() -> None:
    """A module that runs twice is one row; a weight that two modules share counts at the first."""

    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)
            self.two.weight = self.one.weight

        def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
            return self.two(self.one(self.one(x_NCHW.flatten(1))))

    net = Shared()
    found = trace(net, (2, 2, 1))
    assert [(row.name, row.parameters, row.macs, row.arithmetic) for row in found.rows] == [
        ("one", 20, 32, "(4 + 1)*4 = 20"),
        ("two", 4, 16, "4 = 4, shared with one"),
    ]
    assert found.parameters == numel(net) == 24


def test_parameters_outside_leaves_and_modules_that_do_not_run_are_counted() -> None:
    """A parameter of an inner module, and of one whose forward is never called: the total stays right."""

    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.token = nn.Parameter(torch.zeros(1, 5))
            self.asleep = nn.Linear(3, 2, bias=False)

        def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
            return x_NCHW.flatten(1) + self.token

    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 5), Odd())
    found = trace(net, (2, 2, 1))
    assert [(row.name, row.kind, row.arithmetic, row.output_shape) for row in found.rows[2:]] == [
        ("2", "Odd", "1*5 = 5", (5,)),
        ("2.asleep", "Linear", "3*2 = 6", ()),
    ]
    assert found.parameters == numel(net)
    assert found.notes == (
        "Multiply-adds of these kinds are not known and not counted: Odd. Nor is what the network does "
        "between "
        "its modules, such as adding branches.",
    )


def test_what_does_not_learn_is_told() -> None:
    """Frozen parameters count, but not as trainable."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(8, 3))
    net[0].requires_grad_(False)
    found = trace(net, (2, 2, 1))
    assert (found.parameters, found.trainable) == (31, 27)


def test_the_module_is_left_as_it_was() -> None:
    """Each part's mode, every statistic and every bit of it; no hook remains."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Dropout(0.5))
    net[1].eval()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    trace(net, (4, 4, 1))
    assert [one.training for one in net] == [True, False, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert hooks(net) == 0


def test_a_network_that_fails_is_told_and_left_without_hooks() -> None:
    """Three channels for a network of one: a paragraph, and the module is as before."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1))
    with pytest.raises(TraceError) as caught:
        trace(net, (4, 4, 3))
    said = str(caught.value)
    assert said.startswith("The network 'Sequential' does not run on a picture of 4x4x3 (Given groups=1, ")
    assert said.endswith(
        "A module that takes one batch of pictures (N, C, H, W) was expected. Give the height, width and "
        "channels that it was made for."
    )
    assert hooks(net) == 0
    assert net.training


@pytest.mark.parametrize(("boundary", "last"), [(None, "fc"), ("pool", "head"), ("layer1", "head")])
def test_a_backbone_is_traced_up_to_its_boundary(boundary: str | None, last: str) -> None:
    """Whole, or up to where it is cut, with a head that alone learns; its weights are not asked for."""
    found = trace_backbone("resnet18", boundary, classes=None if boundary is None else 3)
    assert found.rows[0].name == "conv1"
    assert found.rows[-1].name == last
    whole, trunk = 11_689_512, {"pool": 11_176_512, "layer1": 9_408 + 128 + 4 * 36_864 + 4 * 128}
    head = {"pool": (512 + 1) * 3, "layer1": (56 * 56 * 64 + 1) * 3}
    if boundary is None:
        assert (found.parameters, found.trainable) == (whole, whole)
    else:
        assert found.parameters == trunk[boundary] + head[boundary]
        assert found.trainable == head[boundary]


def test_what_fine_tuning_let_learn_is_counted() -> None:
    """Above the boundary all parameters of the backbone, and the head; the total stays."""
    frozen = trace_backbone("resnet18", "pool", classes=3)
    tuned = trace_backbone("resnet18", "pool", classes=3, above="layer3")
    assert tuned.parameters == frozen.parameters
    assert (
        tuned.trainable == 8_393_728 + (512 + 1) * 3
    )  # layer4 of ResNet-18, its batch normalisation with it


def test_windows_in_the_batch_count() -> None:
    """A network that runs a layer on four windows of its one picture does four times the work."""

    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense, self.conv = nn.Linear(3, 5), nn.Conv2d(3, 7, 2)

        def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
            windows = x_NCHW.reshape(1, 3, 2, 4, 2, 4).permute(0, 2, 4, 1, 3, 5).reshape(4, 3, 4, 4)
            return self.conv(windows).sum() + self.dense(windows.permute(0, 2, 3, 1)).sum()

    found = {row.name: row for row in trace(Windows(), (8, 8, 3)).rows}
    assert found["dense"].macs == 4 * 16 * 15
    assert found["conv"].macs == 4 * 9 * 7 * 3 * 4
    assert found["conv"].output_shape == (4, 3, 3, 7)
    assert found["dense"].output_shape == (4, 4, 4, 5)
    assert found["conv"].activation_bytes == 4 * 4 * 9 * 7


def test_a_backbone_is_traced_without_its_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is allocated; a network that looks at its numbers is built with them, to the same account."""
    devices = []

    def build_one(name: str) -> Any:
        devices.append(torch.zeros(()).device.type)
        if refuses and devices[-1] == "meta":
            raise NotImplementedError("Cannot copy out of meta tensor")
        return untrained_backbone(name)

    monkeypatch.setattr("pellucid.network.backbone.untrained_backbone", build_one)
    refuses = False
    found = trace_backbone("resnet18", "layer1", 3)
    assert devices == ["meta"]
    refuses = True
    assert trace_backbone("resnet18", "layer1", 3) == found
    assert devices == ["meta", "meta", "cpu"]
    with pytest.raises(UnknownBackboneError):
        trace_backbone("resnt18")


def test_a_prefix_is_taken_from_the_names() -> None:
    """A wrapped network is told by its own paths."""
    net = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 1)))
    assert [row.name for row in trace(net, (2, 2, 1), prefix="0.").rows] == ["0"]


def test_a_network_of_another_precision_is_fed_its_own() -> None:
    """A module in float64 is traced in float64."""
    assert trace(nn.Sequential(nn.Conv2d(1, 2, 1)).double(), (2, 2, 1)).parameters == 4
    assert trace(nn.Flatten(), (2, 2, 1)).rows[0].output_shape == (4,)
