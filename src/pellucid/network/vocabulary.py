"""The words of a network's text: what each kind of layer is called, what it takes, and other names for it.

How words become layers is ``network.text``'s business.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pellucid.network.blueprint import (
    ACTIVATIONS,
    Activation,
    AvgPool,
    BatchNorm,
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


@dataclass(frozen=True)
class Kind:
    """How a kind of layer is written: what it needs, what may follow, what is named."""

    make: Callable[..., Any]
    needed: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    example: str = ""


_SLIDING = ("stride", "padding", "dilation")
KINDS: dict[str, Kind] = {
    "input": Kind(Input, ("shape",), options=("fit",), example="input 28x28x1"),
    "conv": Kind(
        Conv,
        ("filters", "kernel"),
        ("activation",),
        (*_SLIDING, "groups", "bias", "table"),
        "conv 32 3x3 relu",
    ),
    "depthwiseconv": Kind(
        DepthwiseConv,
        ("kernel",),
        ("activation",),
        (*_SLIDING, "multiplier", "bias"),
        "depthwiseconv 3x3 relu multiplier=2",
    ),
    "maxpool": Kind(MaxPool, (), ("window",), ("stride", "padding"), "maxpool 2x2"),
    "avgpool": Kind(AvgPool, (), ("window",), ("stride", "padding"), "avgpool 2x2"),
    "scaledavgpool": Kind(
        ScaledAvgPool, (), ("window", "activation"), ("stride", "padding"), "scaledavgpool 2x2 scaled_tanh"
    ),
    "globalavgpool": Kind(GlobalAvgPool, example="globalavgpool"),
    "globalmaxpool": Kind(GlobalMaxPool, example="globalmaxpool"),
    "flatten": Kind(Flatten, example="flatten"),
    "dense": Kind(Dense, ("units",), ("activation",), ("bias",), "dense 10 softmax"),
    "rbf": Kind(Rbf, ("units",), example="rbf 10"),
    "dropout": Kind(Dropout, ("rate",), example="dropout 0.5"),
    "batchnorm": Kind(BatchNorm, (), (), ("momentum", "epsilon"), "batchnorm momentum=0.9"),
    "rescale": Kind(Rescale, ("scale",), (), ("offset",), "rescale 1/255 offset=-1"),
    "activation": Kind(Activation, ("name",), example="activation relu"),
    "zeropad": Kind(ZeroPad, ("padding",), example="zeropad 1,0,1,0 (top, bottom, left, right)"),
    "randomflip": Kind(RandomFlip, (), ("mode",), example="randomflip horizontal"),
    "randomrotation": Kind(RandomRotation, ("factor",), example="randomrotation 0.1"),
    "randomzoom": Kind(RandomZoom, ("height",), ("width",), example="randomzoom 0.2"),
    "randomtranslation": Kind(RandomTranslation, ("height", "width"), example="randomtranslation 0.1 0.1"),
    "randomcontrast": Kind(RandomContrast, ("factor",), example="randomcontrast 0.2"),
    "randombrightness": Kind(RandomBrightness, ("factor",), example="randombrightness 0.2"),
}
WORDS = {kind.make: word for word, kind in KINDS.items()}
LAYERS = (*(word for word in KINDS if word not in ("input", "activation")), *ACTIVATIONS)

# Other words for the same, without underscores: Keras' names of classes and arguments.
SYNONYMS = {
    "inputlayer": "input",
    "conv2d": "conv",
    "depthwiseconv2d": "depthwiseconv",
    **dict.fromkeys(("maxpooling2d", "maxpool2d", "maxpooling"), "maxpool"),
    **dict.fromkeys(("averagepooling2d", "avgpool2d", "averagepooling", "averagepool"), "avgpool"),
    **dict.fromkeys(("globalaveragepooling2d", "globalavgpool2d"), "globalavgpool"),
    **dict.fromkeys(("globalmaxpooling2d", "globalmaxpool2d"), "globalmaxpool"),
    "batchnormalization": "batchnorm",
    "rescaling": "rescale",
    "zeropadding2d": "zeropad",
    "strides": "stride",
    "dilationrate": "dilation",
    "usebias": "bias",
    "depthmultiplier": "multiplier",
    "kernelsize": "kernel",
    "poolsize": "window",
}


def known(word: str, choices: Sequence[str]) -> str | None:
    """The choice that the word means, whatever its case and underscores, or None."""
    bare = word.lower().replace("_", "").replace("-", "")
    bare = SYNONYMS.get(bare, bare)
    return next((choice for choice in choices if choice.replace("_", "") == bare), None)


def near(word: str, choices: Sequence[str], otherwise: str) -> str:
    """``Did you mean 'conv'?`` with the choice nearest to the word; ``otherwise`` where none is near."""
    found = difflib.get_close_matches(word.lower()[:40], choices, n=1, cutoff=0.5)
    return f"Did you mean '{found[0]}'?" if found else otherwise
