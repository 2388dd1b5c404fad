"""Classifiers on networks of their own, made by hand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from pellucid.classifier import Classifier
from pellucid.network.parameters import parameter_shapes
from pellucid.network.text import parse
from pellucid.pictures.preprocess import Preprocess
from pellucid.training.own import classes_out, cut


@pytest.fixture(scope="session")
def make() -> Callable[..., Classifier]:
    """``make(text, mean, std, temperature)``: a classifier on this network with numbers drawn by chance."""

    def made(
        text: str,
        mean: tuple[float, ...] = (33.0,),
        std: tuple[float, ...] = (78.0,),
        temperature: float = 1.7,
    ) -> Classifier:
        blueprint, draw = parse(text), np.random.default_rng(1)
        numbers = {}
        for name, shape in parameter_shapes(blueprint).items():
            width = np.prod(shape[:-1]) ** -0.5 if name.endswith("kernel") else 0.5
            values = draw.normal(0, width, shape).astype(np.float32)
            numbers[name] = np.abs(values) + np.float32(0.5) if name.endswith("variance") else values
        layers, head = cut(blueprint, numbers)
        of = blueprint.input
        return Classifier(
            tuple(f"<class {number}>" for number in range(classes_out(blueprint))),
            layers,
            Preprocess(of.height, of.width, "squash", mean, std),
            replace(head, temperature=temperature),
        )

    return made
