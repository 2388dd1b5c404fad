"""Classifiers on networks of their own, made by hand."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pellucid.classifier import Classifier
from pellucid.network.blueprint import Blueprint
from pellucid.network.parameters import Parameters
from pellucid.network.text import parse
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.own import classes_out, cut


@pytest.fixture(scope="session")
def make(drawn: Callable[[Blueprint], Parameters]) -> Callable[..., Classifier]:
    """``make(text, mean, std, temperature)``: a classifier on this network with numbers drawn by chance."""

    def made(
        text: str,
        mean: tuple[float, ...] = (33.0,),
        std: tuple[float, ...] = (78.0,),
        temperature: float = 1.7,
    ) -> Classifier:
        blueprint = parse(text)
        layers, head = cut(blueprint, drawn(blueprint))
        of = blueprint.input
        return Classifier(
            tuple(f"<class {number}>" for number in range(classes_out(blueprint))),
            layers,
            Preprocess(of.height, of.width, "squash", mean, std),
            replace(head, temperature=temperature),
        )

    return made
