"""What views a network can learn from: its own augmentation layers, and views of the size that it takes."""

from dataclasses import astuple, replace

from pellucid.errors import RequestError
from pellucid.network.blueprint import Blueprint
from pellucid.pictures.augment.kinds import KINDS
from pellucid.pictures.augment.plan import Augment
from pellucid.pictures.preprocess import Preprocess


def views_of(blueprint: Blueprint, augment: Augment) -> Augment:
    """The network's own augmentation layers, in order, and then what was asked for besides.

    As views of pixels they act before the network, in training only.
    """
    own = tuple(
        KINDS[type(layer).__name__](*astuple(layer))
        for layer in blueprint.layers
        if type(layer).__name__ in KINDS
    )
    return replace(augment, transforms=own + augment.transforms)


def refuse_other_size(augment: Augment, preprocess: Preprocess) -> None:
    """Refuse views that are not of the size that the network takes, before any is made.

    Raises:
        RequestError: they are larger or smaller.
    """
    taken = preprocess.height, preprocess.width
    height, width = augment.gives(taken)
    if (height, width) != taken:
        raise RequestError(
            f"The augmentation gives views of {height} x {width} pixels.",
            f"Views of {taken[0]} x {taken[1]} were expected, as the network takes them.",
            "RandomResizedCrop brings its window back to size, and RandomCrop with a padding and no size of "
            "its own moves the picture.",
        )
