"""An exported graph holds what a CPU runs quickly, and gives PyTorch's numbers."""

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from pellucid.network.backbone import load_backbone
from pellucid.network.graph import export_graph

pytestmark = pytest.mark.slow


def test_the_default_trunk_is_convolutions_and_little_else(tmp_path: Path) -> None:
    """Batch normalisation is folded in and padding is static: 49 Conv, 33 Clip, 9 Add and the mean."""
    backbone = load_backbone("efficientnet_lite0")
    graph = export_graph(backbone.cut("pool"), 224, 224, tmp_path / "a.onnx")
    assert graph.output_shape == (1280,)
    assert graph.difference < 1e-5
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "a.onnx").graph.node)
    assert (kinds["Conv"], kinds["Clip"], kinds["Add"]) == (49, 33, 9)
    assert set(kinds) <= {"Conv", "Clip", "Add", "ReduceMean", "GlobalAveragePool", "Reshape", "Flatten"}


def test_any_batch_size_gives_each_picture_the_same(tmp_path: Path) -> None:
    """The batch is free, and a picture's numbers do not depend on its neighbours."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    export_graph(module, 16, 16, tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    x_NCHW = np.random.default_rng(0).normal(size=(5, 3, 16, 16)).astype(np.float32)
    (together,) = session.run(None, {"pictures": x_NCHW})
    alone = [session.run(None, {"pictures": x_NCHW[n : n + 1]})[0][0] for n in range(5)]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_difference_is_noticed(tmp_path: Path) -> None:
    """A module that answers otherwise the second time is caught by the comparison."""

    class Fickle(nn.Module):
        def forward(self, x_NCHW: torch.Tensor) -> torch.Tensor:
            shift = 0.0 if torch.compiler.is_compiling() else 1.0
            return x_NCHW.mean((2, 3)) + shift

    assert export_graph(Fickle().eval(), 8, 8, tmp_path / "a.onnx").difference == pytest.approx(1, abs=0.7)


def test_a_module_that_writes_in_place_still_does_so_afterwards(tmp_path: Path) -> None:
    """The exporter is shown activations with outputs of their own; the module is left as it was."""
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU6(inplace=True), nn.ReLU()).eval()
    assert export_graph(module, 8, 8, tmp_path / "a.onnx").difference < 1e-6
    assert [one.inplace for one in module[1:]] == [True, False]
