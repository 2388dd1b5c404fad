"""Which operation a module is: settings that are known, and those that are not, each with its reason."""

import pytest
import torch
from timm.layers import Conv2dSame
from timm.layers.norm_act import BatchNormAct2d
from timm.layers.pool2d_same import AvgPool2dSame
from torch import nn

from pellucid.insight.inside import open_module
from pellucid.insight.operation import Convolution, Padding, Passing, Pooling, Reshaping, Softmax, Unknown
from pellucid.insight.recognition import is_leaf, operation_of, pair, without_batch


def test_tensorflows_padding_depends_on_the_map() -> None:
    """A 3x3 window of stride 2: on 8 rows one of padding below, on 7 one above and one below."""
    conv = Conv2dSame(1, 1, 3, stride=2)
    pads = [operation_of(conv, (1, *size), ()).slide.pads for size in ((8, 7), (7, 8))]
    assert pads == [((0, 1), (1, 1)), ((1, 1), (0, 1))]


def test_timms_average_counts_the_padding_that_it_adds_itself() -> None:
    """To PyTorch it is no padding any more, so leaving padding out of the count changes nothing."""
    x = torch.ones(1, 1, 3, 3)
    pool = AvgPool2dSame(2, 2, count_include_pad=False)
    inside = open_module(nn.Sequential(pool), x[0])
    assert inside.cell("0", 0, 1, 1).worked.sum == pool(x)[0, 0, 1, 1].item() == 0.25


def test_pytorchs_same_padding_puts_the_odd_one_after() -> None:
    """A window of 4: one before, two after."""
    conv = nn.Conv2d(1, 1, 4, padding="same")
    assert operation_of(conv, (1, 9, 9), ()).slide.pads == ((1, 2), (1, 2))


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect"), "convolutions with reflect padding"),
        (nn.BatchNorm2d(1, track_running_stats=False), "by the statistics of the picture itself"),
        (nn.Softmax(dim=0), "a softmax along no axis"),
        (nn.ConstantPad2d((0, -1, 0, 0), 0.0), "or cuts them"),
        (nn.PReLU(3), "a PReLU with a slope for each channel"),
        (nn.ConvTranspose2d(1, 1, 3), "for the kind ConvTranspose2d"),
        (BatchNormAct2d(1, act_layer=nn.Softplus), "for the activation Softplus"),
    ],
)
def test_what_is_not_known_says_why(module: nn.Module, reason: str) -> None:
    """A leaf of PyTorch's or timm's whose setting has no arithmetic here."""
    found = operation_of(module, (1, 4, 4), (1, 4, 4))
    assert isinstance(found, Unknown)
    assert reason in found.reason
    assert is_leaf(module)


def test_a_class_of_ones_own_is_opened_up() -> None:
    """A subclass whose forward is its own is not taken for its parent; one without is."""

    class Doubled(nn.Conv2d):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    class Named(nn.Conv2d):
        pass

    assert not is_leaf(Doubled(1, 1, 1))
    assert is_leaf(Named(1, 1, 1))
    assert isinstance(operation_of(Doubled(1, 1, 1), (1, 2, 2), (1, 2, 2)), Unknown)
    assert isinstance(operation_of(Named(1, 1, 1), (1, 2, 2), (1, 2, 2)), Convolution)
    assert not is_leaf(nn.Sequential())
    assert is_leaf(nn.MultiheadAttention(4, 2))


def test_a_convolution_that_changes_its_weights_is_opened_up() -> None:
    """``Conv2d.forward`` asks ``_conv_forward``: where that is a class's own, its arithmetic is followed."""

    class Standardised(nn.Conv2d):
        def _conv_forward(self, *given: torch.Tensor) -> torch.Tensor:
            x, weight, bias = given
            return super()._conv_forward(x, weight - weight.mean((1, 2, 3), keepdim=True), bias)

    conv = Standardised(3, 4, 3)
    assert not is_leaf(conv)
    inside = open_module(nn.Sequential(conv, nn.ReLU()), torch.randn(3, 8, 8))
    cell = inside.cell("0.conv2d", 0, 1, 1)
    assert cell.worked.known
    assert abs(cell.residue) < 1e-5


def test_some_operations_by_hand() -> None:
    """Settings as they were given."""
    assert operation_of(nn.AvgPool2d(3, 2, 1, count_include_pad=False), (1, 9, 9), ()).counted == "inside"
    assert operation_of(nn.AvgPool2d(3, divisor_override=5), (1, 9, 9), ()).counted == 5
    assert isinstance(operation_of(nn.MaxPool2d(3), (1, 9, 9), ()), Pooling)
    assert operation_of(nn.ZeroPad2d((1, 2, 3, 4)), (1, 9, 9), ()) == Padding(((3, 4), (1, 2)))
    assert operation_of(nn.Softmax(dim=-1), (5, 2, 3), ()) == Softmax(2)
    assert operation_of(nn.Flatten(), (5, 2, 3), (30,)) == Reshaping((30,))
    assert isinstance(operation_of(nn.Dropout(0.5), (5,), (5,)), Passing)


def test_numbers_and_shapes() -> None:
    """One number is two; a batch of one is left out of a shape."""
    assert (pair(3), pair((1, 2)), pair([4])) == ((3, 3), (1, 2), (4, 4))
    assert (without_batch((1, 2, 3)), without_batch((2, 3)), without_batch(())) == ((2, 3), (2, 3), ())
