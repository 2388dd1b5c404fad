"""The augmentation layers of a network as views of pixels: they act before the network, in training only."""

from dataclasses import astuple, replace

from pellucid.network.blueprint import Blueprint
from pellucid.pictures.augment.kinds import KINDS
from pellucid.pictures.augment.plan import Augment


def views_of(blueprint: Blueprint, augment: Augment) -> Augment:
    """The network's own augmentation layers, in order, and then what was asked for besides."""
    own = tuple(
        KINDS[type(layer).__name__](*astuple(layer))
        for layer in blueprint.layers
        if type(layer).__name__ in KINDS
    )
    return replace(augment, transforms=own + augment.transforms)
