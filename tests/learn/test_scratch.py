"""A network from nothing: it learns, repeats to the bit, answers as it learnt, and refuses what cannot be."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pellucid.errors import RequestError
from pellucid.network.build import build
from pellucid.pictures.preprocess import Preprocess
from pellucid.recipe import train
from pellucid.request import TrainRequest
from pellucid.run import Run
from pellucid.training.own import OwnLayers


def asked(source: Path, network: str, out: Path, **options: object) -> TrainRequest:
    return TrainRequest(source=str(source), network=network, epochs=2, batch=16, out=out, **options)


def test_it_learns_and_answers_as_pytorch_does(scratched: Run, strokes: Path) -> None:
    """Most test pictures are right, and the run's answers are those of its network in PyTorch."""
    assert scratched.record["chosen"] == "scratch"
    assert scratched.record["test"]["accuracy"] > 0.7
    layers, head = scratched.classifier.layers, scratched.classifier.head
    assert isinstance(layers, OwnLayers) and head is not None
    picture = next((strokes / "lying").iterdir())
    preprocess: Preprocess = scratched.classifier.preprocess
    x_NCHW = torch.from_numpy(preprocess.read(picture.read_bytes())[None])
    network = build(layers.blueprint, layers.parameters, fast=True).eval()
    expected_K = (network(x_NCHW).detach()[0] / head.temperature).softmax(0).numpy()
    (answer,) = scratched.predict(picture)
    np.testing.assert_allclose(list(answer.probabilities.values()), expected_K, atol=1e-5)


def test_the_same_request_gives_the_same_bytes(
    strokes: Path, strokes_network: str, tmp_path: Path, one_core: None
) -> None:
    """Equal seeds end in equal weights, another seed in others; nothing unfinished is left."""
    ends = [
        (train(asked(strokes, strokes_network, tmp_path / name, seed=seed)).folder / "model.safetensors")
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert ends[0].read_bytes() == ends[1].read_bytes() != ends[2].read_bytes()
    assert not list(tmp_path.glob("*.unfinished"))


def test_what_cannot_be_trained_is_refused_before_any_work(strokes: Path, tmp_path: Path) -> None:
    """A network of 24.9 trillion weights and an end that is no row of classes: nothing is written."""
    with pytest.raises(RequestError, match=r"24,883,204,\d{3},\d{3} parameters"):
        train(asked(strokes, "dense-full-hd", tmp_path / "x"))
    with pytest.raises(RequestError):
        train(asked(strokes, "input 12x12x1; conv 3 3x3", tmp_path / "x"))
    assert not (tmp_path / "x").exists() and not (tmp_path / "x.unfinished").exists()
