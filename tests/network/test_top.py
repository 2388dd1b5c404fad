"""The part of a backbone above a boundary: with the part below, it is the backbone."""

import pytest
import torch
from torch import Tensor, nn

from pellucid.errors import BackboneError
from pellucid.network.backbone import Backbone, Pooled, untrained_backbone
from pellucid.network.top import PIXELS, boundary_of, stages, timm_name, top_of
from pellucid.network.weights import WeightsFile
from pellucid.pictures.preprocess import Preprocess

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    torch.manual_seed(0)
    backbone = untrained_backbone("efficientnet_lite0")
    backbone.module.eval()
    return backbone


class Skipping(nn.Module):
    """A network of timm's form whose input skips over the first layer."""

    def __init__(self, skip: bool) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.skip = skip

    def forward_features(self, x: Tensor) -> Tensor:
        maps: Tensor = self.second(self.first(x))
        return maps + x if self.skip else maps

    def forward_head(self, x: Tensor, pre_logits: bool) -> Tensor:
        return x.mean(dim=(2, 3))


def of_own(module: nn.Module) -> Backbone:
    preprocess = Preprocess(8, 8, "squash", (0.0,) * 3, (1.0,) * 3)
    return Backbone("own", module.eval(), preprocess, WeightsFile("", 0, 0, ""), ())


def test_both_parts_together_are_the_whole(lite0: Backbone) -> None:
    """At every block the part above, put on the part below, gives the pooled features to the bit."""
    x_NCHW = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected_ND = Pooled(lite0.module)(x_NCHW)
        for boundary in (*stages(lite0), "conv_stem", "conv_head"):
            found_ND = top_of(lite0, boundary)(lite0.cut(boundary)(x_NCHW))
            assert torch.equal(found_ND, expected_ND), boundary


def test_above_the_pixels_stands_the_whole(lite0: Backbone) -> None:
    """Where all layers learn, the part above is the backbone to the bit, with every one of its parameters."""
    assert boundary_of(lite0, "all") == PIXELS
    top = top_of(lite0, PIXELS)
    x_NCHW = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.equal(top(x_NCHW), Pooled(lite0.module)(x_NCHW))
    own = {name for name, _ in lite0.module.named_parameters() if not name.startswith("classifier.")}
    assert {timm_name(name) for name, _ in top.named_parameters()} >= own


def test_the_part_above_holds_its_own_layers_and_no_others(lite0: Backbone) -> None:
    """Above blocks.5 stand blocks.6, conv_head and bn2: the very tensors of the backbone."""
    own = dict(lite0.module.named_parameters())
    found = {timm_name(name): one for name, one in top_of(lite0, "blocks.5").named_parameters()}
    above = {name for name in own if name.startswith(("blocks.6.", "conv_head.", "bn2."))}
    assert set(found) == above
    assert all(found[name] is own[name] for name in above)
    assert sum(one.numel() for one in found.values()) == 1_017_600


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("efficientnet_lite0", tuple(f"blocks.{n}" for n in range(7))),
        ("resnet18", ("layer1", "layer2", "layer3", "layer4")),
        ("convnext_atto", tuple(f"stages.{n}" for n in range(4))),
    ],
)
def test_blocks_are_found_whatever_they_are_called(name: str, blocks: tuple[str, ...]) -> None:
    """EfficientNets have blocks, ResNets layers, ConvNeXts stages; last and last-two are counted in them."""
    backbone = untrained_backbone(name)
    assert stages(backbone) == blocks
    assert boundary_of(backbone, "last") == blocks[-2]
    assert boundary_of(backbone, "last-two") == blocks[-3]
    assert boundary_of(backbone, blocks[0]) == blocks[0]


def test_a_boundary_that_is_none_is_answered_with_the_nearest(lite0: Backbone) -> None:
    """The message names what there is."""
    with pytest.raises(BackboneError) as caught:
        boundary_of(lite0, "block.5")
    assert str(caught.value) == (
        "The backbone 'efficientnet_lite0' has no boundary 'block.5' to learn above. last, last-two, all, or "
        "one of "
        "conv_stem, bn1, blocks.0, blocks.1, blocks.2, blocks.3, blocks.4, blocks.5, blocks.6, blocks, "
        "conv_head, bn2 was expected. Did you mean 'blocks.5' or 'blocks.6' or 'blocks.4'?"
    )


def test_a_network_that_cannot_be_cut_says_what_can() -> None:
    """Where a second tensor crosses the boundary, learning above it alone would be another network."""
    x_NCHW = torch.randn(2, 3, 8, 8)
    plain = of_own(Skipping(skip=False))
    assert torch.equal(
        top_of(plain, "first")(plain.module.first(x_NCHW)),  # type: ignore[operator]
        Pooled(plain.module)(x_NCHW),
    )
    with pytest.raises(BackboneError) as caught:
        top_of(of_own(Skipping(skip=True)), "first")
    assert str(caught.value) == (
        "The backbone 'own' cannot be cut at 'first' to learn above it (more than one tensor crosses it). A "
        "network whose layers follow one another from there on was expected. Use the shipped "
        "efficientnet_lite0, a resnet, a mobilenet or a convnext of timm's, or --recipe features, which any "
        "backbone can serve."
    )
