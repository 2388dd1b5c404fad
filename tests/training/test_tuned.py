"""A backbone that learnt further: known by what it learnt, and answering as PyTorch does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pellucid.errors import BackboneError
from pellucid.network import graph
from pellucid.network.backbone import Pooled, load_backbone
from pellucid.training.trunk import Trunk, open_trunk
from pellucid.training.tuned import Tuned

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trunk() -> Trunk:
    return open_trunk("efficientnet_lite0")


def changed(value: float) -> dict[str, np.ndarray]:
    return {"bn2.bias": np.full(1280, value, np.float32)}


def test_its_key_is_what_it_learnt(trunk: Trunk) -> None:
    """Equal tensors have one key, and a tensor that differs anywhere has another."""
    one, same, other = (Tuned(trunk, changed(value)) for value in (0.5, 0.5, 0.25))
    assert one.key == same.key != other.key
    assert one.output_shape == trunk.output_shape
    assert dict(one.tensors()) == one.changed


def test_it_answers_as_pytorch_does_with_these_tensors(trunk: Trunk, cache: Path) -> None:
    """ONNX Runtime's features are within 1e-4 of the backbone's with bn2's bias replaced; kept thereafter."""
    tuned = Tuned(trunk, changed(0.5))
    x_NCHW = np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32)
    (found_ND,) = tuned.session().run(None, {"pictures": x_NCHW})
    backbone = load_backbone("efficientnet_lite0")
    with torch.inference_mode():
        before_ND = Pooled(backbone.module)(torch.from_numpy(x_NCHW)).numpy()
        backbone.take(tuned.changed)
        expected_ND = Pooled(backbone.module)(torch.from_numpy(x_NCHW)).numpy()
    assert np.abs(found_ND - expected_ND).max() < 1e-4 * max(1.0, np.abs(expected_ND).max())
    assert np.abs(found_ND - before_ND).max() > 0.1
    assert (cache / "trunks" / tuned.key / "tuned.onnx").is_file()


def test_tensors_of_another_backbone_are_refused(trunk: Trunk) -> None:
    """A name or a shape that is none of its own is told."""
    with pytest.raises(BackboneError) as caught:
        Tuned(trunk, {"bn2.bias": np.zeros(3, np.float32)}).session()
    assert str(caught.value) == (
        "The tensor 'bn2.bias' of shape (3,) is none of 'efficientnet_lite0'. The tensors of the very "
        "backbone that was fine-tuned were expected. Restore the run from a copy, or train again."
    )


def test_a_graph_that_cannot_be_had_from_the_trunk_s_is_exported(
    trunk: Trunk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the trunk's own graph is damaged, or does not give PyTorch's numbers; it takes longer and is the
    same."""
    (tmp_path / "rubbish.onnx").write_bytes(b"rubbish")
    tuned = Tuned(replace(trunk, file=tmp_path / "rubbish.onnx"), changed(0.75))
    x_NCHW = np.random.default_rng(0).normal(size=(1, 3, 224, 224)).astype(np.float32)
    (exported_ND,) = tuned.session().run(None, {"pictures": x_NCHW})
    monkeypatch.setenv("PELLUCID_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(graph, "export_graph", lambda *words: pytest.fail("it was exported"))
    (retuned_ND,) = Tuned(trunk, changed(0.75)).session().run(None, {"pictures": x_NCHW})
    np.testing.assert_allclose(retuned_ND, exported_ND, atol=1e-4)
