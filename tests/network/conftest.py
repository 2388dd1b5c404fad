"""Random networks whose layers fit one another, for the properties that every network has."""

from typing import Any

import pytest
from hypothesis import strategies as st

from pellucid.network.blueprint import (
    ACTIVATIONS,
    Activation,
    AvgPool,
    BatchNorm,
    Blueprint,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    Input,
    MaxPool,
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rbf,
    Rescale,
    ScaledAvgPool,
    ZeroPad,
)
from pellucid.network.shapes import ShapeError, shapes

_few = st.integers(1, 4)
_size = st.tuples(_few, _few)
_step = st.one_of(st.just((1, 1)), st.tuples(st.integers(1, 3), st.integers(1, 3)))
_padding = st.sampled_from(["valid", "same"])
_activation = st.sampled_from([None, *ACTIVATIONS])
_share = st.floats(0, 1, exclude_max=True)
_number = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 999).map(lambda whole: 1 / whole)
)
_pool = {"window": _size, "stride": st.one_of(st.none(), _step), "padding": _padding}
_side = st.integers(0, 3)

MAPS = (
    st.builds(
        Conv,
        filters=st.integers(1, 12),
        kernel=_size,
        stride=_step,
        padding=_padding,
        dilation=_step,
        groups=st.sampled_from([1, 1, 2, 3]),
        activation=_activation,
        bias=st.booleans(),
    ),
    st.builds(
        DepthwiseConv,
        kernel=_size,
        stride=_step,
        padding=_padding,
        dilation=_step,
        multiplier=st.integers(1, 3),
        activation=_activation,
        bias=st.booleans(),
    ),
    st.builds(MaxPool, **_pool),
    st.builds(AvgPool, **_pool),
    st.builds(ScaledAvgPool, activation=_activation, **_pool),
    st.builds(ZeroPad, _side, _side, _side, _side),
    st.builds(RandomFlip, st.sampled_from(["horizontal", "vertical", "horizontal_and_vertical"])),
    st.builds(RandomRotation, _share),
    st.builds(RandomZoom, _share, st.one_of(st.none(), _share)),
    st.builds(RandomTranslation, _share, _share),
    st.builds(RandomContrast, _share),
    st.builds(RandomBrightness, _share),
)
ANYWHERE = (
    st.builds(Dropout, _share),
    st.builds(BatchNorm, _share, st.floats(1e-6, 1)),
    st.builds(Rescale, _number, _number),
    st.builds(Activation, st.sampled_from(ACTIVATIONS)),
)
FLATTENING = (st.just(Flatten()), st.just(GlobalAvgPool()), st.just(GlobalMaxPool()))
FLAT = (
    st.builds(Dense, st.integers(1, 40), _activation, st.booleans()),
    st.builds(Rbf, st.integers(1, 12)),
)


@st.composite
def _chains(draw: Any, largest: int = 20) -> Blueprint:
    """A blueprint of one to twelve layers; those that would not fit are left out."""
    side = st.integers(1, largest)
    fit = st.sampled_from([None, "squash", "letterbox", "crop"])
    source = Input(draw(side), draw(side), draw(st.integers(1, 6)), draw(fit))
    wanted = draw(st.lists(st.one_of(*MAPS, *ANYWHERE), max_size=6))
    if draw(st.booleans()) or not wanted:
        wanted += [draw(st.one_of(*FLATTENING)), *draw(st.lists(st.one_of(*FLAT, *ANYWHERE), max_size=4))]
    blueprint = Blueprint(source, ())
    for layer in wanted:
        longer = Blueprint(source, (*blueprint.layers, layer))
        try:
            shapes(longer)
        except ShapeError:
            continue
        blueprint = longer
    return blueprint if blueprint.layers else Blueprint(source, (Flatten(),))


@pytest.fixture(scope="session")
def chains() -> Any:
    """The strategy for random networks that can be: ``data.draw(chains())``."""
    return _chains
