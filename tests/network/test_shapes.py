"""The shape of what each layer puts out, and TensorFlow's padding."""

import numpy as np
import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from pellucid.network.blueprint import (
    AvgPool,
    Blueprint,
    Conv,
    Dense,
    DepthwiseConv,
    Flatten,
    GlobalAvgPool,
    Input,
    MaxPool,
    RandomFlip,
    Rescale,
    ScaledAvgPool,
    ZeroPad,
)
from pellucid.network.build import build
from pellucid.network.parameters import parameter_shapes
from pellucid.network.shapes import ShapeError, padding_of, same_padding, seen_size, shapes, window_of
from pellucid.network.text import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("input 5x5x1; conv 1 3x3", [(3, 3, 1)]),
        ("input 5x5x1; conv 1 3x3 padding=same", [(5, 5, 1)]),
        ("input 5x5x1; conv 1 3x3 stride=2", [(2, 2, 1)]),
        ("input 28x28x1; conv 32 3x3", [(26, 26, 32)]),
        ("input 7x8x2; conv 4 3x3 dilation=2x3", [(3, 2, 4)]),
        ("input 7x8x2; conv 4 3x3 stride=2x3 padding=same", [(4, 3, 4)]),
        ("input 7x8x2; depthwiseconv 3x2 multiplier=3", [(5, 7, 6)]),
        ("input 5x5x3; maxpool; avgpool 2x2 stride=1", [(2, 2, 3), (1, 1, 3)]),
        ("input 5x5x3; maxpool padding=same; flatten", [(3, 3, 3), (27,)]),
        ("input 5x4x3; zeropad 1,2,3,4; globalmaxpool; dense 7", [(8, 11, 3), (3,), (7,)]),
        ("input 5x4x3; flatten; flatten; relu; dropout 0.5", [(60,), (60,), (60,), (60,)]),
        ("input 9x9x3; rescale 1/255; randomflip; zeropad 1; randomzoom 0.1; conv 1 1x1", None),
    ],
)
def test_shapes_are_as_worked_out_by_hand(text: str, expected: list[tuple[int, ...]] | None) -> None:
    """Each kind with a window, a padding or a flat row has the shape that arithmetic on paper gives."""
    found = shapes(parse(text))
    assert found == (tuple(expected) if expected else ((9, 9, 3), (9, 9, 3), *[(11, 11, 3)] * 2, (11, 11, 1)))


REFUSED = [
    (
        Blueprint(Input(3, 3, 1), (Conv(8, (5, 5)),)),
        "Layer 1, 'conv2d', has a window of 5x5, and here comes a map of 3x3x1. Without padding a window "
        "is at "
        "most as high and as wide as its map. Take a smaller window, padding=same, or less pooling before "
        "it.",
    ),
    (
        Blueprint(Input(9, 4, 1), (Conv(8, (1, 1)), Conv(8, (3, 3), dilation=(2, 2)))),
        "Layer 2, 'conv2d_1', has a window of 5x5 (3x3 dilated), and here comes a map of 9x4x8. Without "
        "padding "
        "a window is at most as high and as wide as its map. Take a smaller window, padding=same, or less "
        "pooling before it.",
    ),
    (
        Blueprint(Input(1, 1, 1), (MaxPool(),)),
        "Layer 1, 'max_pooling2d', has a window of 2x2, and here comes a map of 1x1x1. Without padding a "
        "window "
        "is at most as high and as wide as its map. Take a smaller window, padding=same, or less pooling "
        "before it.",
    ),
    (
        Blueprint(Input(3, 3, 1), (Dense(8),)),
        "Layer 1, 'dense', needs a flat row of numbers, and here comes a map of 3x3x1. A dense layer stands "
        "after flatten or a global pooling. Put flatten before it.",
    ),
    (
        Blueprint(Input(3, 3, 1000), (Flatten(), Conv(8, (3, 3)))),
        "Layer 2, 'conv2d', needs a map of height, width and channels, and here comes a flat row of 9,000. "
        "Windows and paddings stand before flatten, dense and global pooling. Move it before the layer that "
        "makes the row flat.",
    ),
    (
        Blueprint(Input(3, 3, 3), (Conv(8, (3, 3), groups=2),)),
        "Layer 1, 'conv2d', has 2 groups, 8 filters, and 3 channels come in. Groups divide both the channels "
        "that come in and the filters. Take a number of groups that divides both.",
    ),
    (
        Blueprint(Input(9, 9, 3), (Conv(8, (3, 3)), RandomFlip())),
        "Layer 2, 'random_flip', changes whole pictures, and here comes a map of 7x7x8 of another layer. "
        "Augmentation stands before every layer but rescale and zeropad. Move it to the front.",
    ),
    (
        Blueprint(Input(9, 9, 6), (Conv(8, (3, 3), table="lenet5"),)),
        "Layer 1, 'conv2d', has 8 filters in 1 groups, and 6 channels come in. The table lenet5 connects 6 "
        "channels to 16 filters, without groups. Take these numbers, or leave the table out.",
    ),
]


@pytest.mark.parametrize(("blueprint", "message"), REFUSED)
def test_a_layer_that_cannot_be_is_refused_with_both_shapes(blueprint: Blueprint, message: str) -> None:
    """The place, the name, what it is, what comes to it, and what to do."""
    with pytest.raises(ShapeError) as caught:
        shapes(blueprint)
    assert str(caught.value) == message


@pytest.mark.parametrize("layer", [GlobalAvgPool(), ZeroPad(1, 1, 1, 1), AvgPool(), DepthwiseConv((1, 1))])
def test_what_needs_a_map_does_not_take_a_flat_row(layer) -> None:
    """Windows, paddings and global poolings after flatten are refused."""
    with pytest.raises(ShapeError, match="needs a map of height, width and channels"):
        shapes(Blueprint(Input(3, 3, 1), (Flatten(), layer)))


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [((28, 5, 1, 1), (2, 2)), ((7, 3, 2, 1), (1, 1)), ((8, 3, 2, 1), (0, 1)), ((5, 2, 1, 1), (0, 1))],
)
def test_same_padding_puts_the_odd_one_after(numbers: tuple[int, int, int, int], expected) -> None:
    """TensorFlow's rule, by hand."""
    assert same_padding(*numbers) == expected


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 5), st.integers(1, 4))
def test_same_padding_gives_ceil_of_size_over_stride(
    size: int, window: int, stride: int, dilation: int
) -> None:
    """Padded so, a window without padding yields ceil(size / stride); with one zero less it would not."""
    before, after = same_padding(size, window, stride, dilation)
    reach = (window - 1) * dilation + 1
    assert after - before in (0, 1)
    assert (size + before + after - reach) // stride + 1 == -(-size // stride)
    if before + after:
        assert (size + before + after - 1 - reach) // stride + 1 == -(-size // stride) - 1


@given(data=st.data())
def test_pytorch_puts_out_the_same_shapes(data, chains) -> None:
    """Every windowed layer of a random network, done by PyTorch with our padding, has our shape."""
    blueprint = data.draw(chains())
    shape = (blueprint.input.height, blueprint.input.width, blueprint.input.channels)
    for layer, after in zip(blueprint.layers, shapes(blueprint), strict=True):
        window = window_of(layer)
        if window is not None or isinstance(layer, ZeroPad):
            (top, bottom), (left, right) = padding_of(layer, shape)
            x_1CHW = torch.nn.functional.pad(
                torch.zeros(1, shape[2], shape[0], shape[1]), (left, right, top, bottom)
            )
            if isinstance(layer, MaxPool | AvgPool | ScaledAvgPool):
                x_1CHW = torch.nn.functional.max_pool2d(x_1CHW, window.size, window.stride)
            elif isinstance(layer, Conv | DepthwiseConv):
                groups = shape[2] if isinstance(layer, DepthwiseConv) else layer.groups
                weight = torch.zeros(after[2], shape[2] // groups, *window.size)
                x_1CHW = torch.nn.functional.conv2d(
                    x_1CHW, weight, None, window.stride, 0, window.dilation, groups
                )
            assert (*x_1CHW.shape[2:], x_1CHW.shape[1]) == after
        shape = after


def test_only_what_slides_has_a_window_or_a_padding() -> None:
    """A rescale has neither; a pooling moves by its window unless told otherwise."""
    assert window_of(Rescale(1.0)) is None
    assert padding_of(Rescale(1.0), (3, 3, 1)) == ((0, 0), (0, 0))
    assert window_of(MaxPool((3, 2))).stride == (3, 2)
    assert window_of(MaxPool((3, 2), (1, 1))).stride == (1, 1)
    assert padding_of(ZeroPad(1, 2, 3, 4), (3, 3, 1)) == ((1, 2), (3, 4))
    assert padding_of(MaxPool((2, 2), padding="same"), (5, 4, 1)) == ((0, 1), (0, 0))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("input 28x28x1; conv 32 3x3; maxpool; conv 64 3x3; maxpool; conv 128 3x3; flatten", (26, 26)),
        ("input 5x8x1; maxpool; flatten", (4, 8)),
        ("input 7x7x1; conv 1 3x3 stride=3; flatten", (6, 6)),
        ("input 7x7x1; conv 1 3x3; batchnorm; maxpool; flatten", (7, 7)),  # its statistics are of all
        ("input 7x7x1; conv 1 3x3; conv 1 3x3 padding=same; maxpool; flatten", (7, 7)),
        ("input 9x9x1; maxpool; zeropad 1; maxpool; flatten", (8, 8)),
        ("input 5x5x1; conv 1 2x2 padding=same; maxpool; flatten", (5, 5)),
        ("input 5x5x1; flatten; dense 1", (5, 5)),
    ],
)
def test_what_a_window_leaves_over_is_not_read(text: str, expected: tuple[int, int]) -> None:
    """Worked out by hand: the last windows end there, and so does all before them."""
    assert seen_size(parse(text)) == expected


windowed = st.one_of(
    st.builds(
        Conv,
        st.just(2),
        st.tuples(st.integers(1, 3), st.integers(1, 3)),
        stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
        padding=st.sampled_from(["valid", "valid", "same"]),
    ),
    st.builds(AvgPool, st.tuples(st.integers(1, 3), st.integers(1, 3)), st.none()),
    st.just(Rescale(2.0, 0.5)),
)


@settings(max_examples=60)
@given(st.tuples(st.integers(9, 16), st.integers(9, 16)), st.lists(windowed, min_size=1, max_size=4))
def test_pytorch_s_gradient_ends_where_reading_ends(side: tuple[int, int], layers: list) -> None:
    """The furthest pixel that the plain network's outputs depend on, by its gradient for the picture."""
    blueprint = Blueprint(Input(*side, 1), (*layers, Flatten()))
    try:
        seen = seen_size(blueprint)
    except ShapeError:
        reject()
    x = torch.randn(1, 1, *side, requires_grad=True)
    ones = {name: np.ones(shape, np.float32) for name, shape in parameter_shapes(blueprint).items()}
    build(blueprint, ones)(x).sum().backward()
    assert x.grad is not None
    depends = x.grad[0, 0] != 0
    furthest = tuple(int(torch.nonzero(depends.any(dim=1 - axis))[-1]) + 1 for axis in (0, 1))
    padded = any(getattr(one, "padding", "valid") == "same" for one in layers)
    assert all(one <= other for one, other in zip(furthest, seen, strict=True))
    if not padded:  # strides may be longer than the windows of a layer that pads
        assert furthest == seen
