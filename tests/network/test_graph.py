"""An exported graph holds what a CPU runs quickly, and gives PyTorch's numbers."""

import copy
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from pellucid.network.backbone import Backbone, load_backbone
from pellucid.network.graph import Graph, cut_graph, export_graph, retuned_graph
from pellucid.network.top import stages

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    return load_backbone("efficientnet_lite0")


@pytest.fixture(scope="module")
def whole(lite0: Backbone, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Graph]:
    """The backbone's graph up to its pooled features, and what the export says of it."""
    path = tmp_path_factory.mktemp("whole") / "whole.onnx"
    return path, export_graph(lite0.cut("pool"), 224, 224, path)


def test_the_default_trunk_is_convolutions_and_little_else(whole: tuple[Path, Graph]) -> None:
    """Batch normalisation is folded in and padding is static: 49 Conv, 33 Clip, 9 Add and the mean."""
    path, graph = whole
    assert graph.output_shape == (1280,)
    assert graph.difference < 1e-5
    kinds = Counter(node.op_type for node in onnx.load(path).graph.node)
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


def test_a_part_of_the_whole_graph_is_the_backbone_cut_there(
    lite0: Backbone, whole: tuple[Path, Graph], tmp_path: Path
) -> None:
    """At each block the part gives the numbers of the network cut there, for any number of pictures."""
    x_NCHW = np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32)
    for boundary in stages(lite0):
        module, path = lite0.cut(boundary), tmp_path / f"{boundary}.onnx"
        graph = cut_graph(whole[0], boundary, module, 224, 224, path)
        assert graph is not None
        assert graph.difference < 1e-5, boundary
        (found,) = onnxruntime.InferenceSession(path).run(["features"], {"pictures": x_NCHW})
        assert found.shape == (2, *graph.output_shape)
        with torch.inference_mode():
            expected = module(torch.from_numpy(x_NCHW)).numpy()
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_a_part_that_is_another_is_noticed(
    lite0: Backbone, whole: tuple[Path, Graph], tmp_path: Path
) -> None:
    """Other numbers show as a difference, another shape as an infinite one; a layer that left no node of its
    own (the convolution took its normalisation in) gives no part."""
    path = tmp_path / "a.onnx"
    module = nn.Sequential(lite0.cut("blocks.2"), nn.Softsign())
    other = cut_graph(whole[0], "blocks.2", module, 224, 224, path)
    assert other is not None
    assert other.difference > 0.1
    shape = cut_graph(whole[0], "blocks.2", lite0.cut("blocks.3"), 224, 224, path)
    assert shape is not None
    assert shape.difference == float("inf")
    assert cut_graph(whole[0], "conv_stem", lite0.cut("conv_stem"), 224, 224, path) is None


@pytest.fixture
def tuned(lite0: Backbone) -> nn.Module:
    """The backbone up to its pooled features with other numbers in every tensor, statistics too."""
    module = copy.deepcopy(lite0.cut("pool"))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                drawn = torch.rand(value.shape, generator=generator)
                value.mul_(0.9 + 0.2 * drawn)
                if name.endswith("running_mean"):
                    value.add_(0.1 * drawn)
    return module.eval()


def test_other_numbers_take_their_places(tuned: nn.Module, whole: tuple[Path, Graph], tmp_path: Path) -> None:
    """All of them, batch normalisation and its statistics folded in again: PyTorch's answers come out."""
    path = tmp_path / "a.onnx"
    graph = retuned_graph(whole[0], tuned, 224, 224, path)
    assert graph is not None
    assert graph.output_shape == (1280,)
    assert graph.difference < 1e-5
    before, after = (
        {one.name: numpy_helper.to_array(one) for one in onnx.load(file).graph.initializer}
        for file in (whole[0], path)
    )
    assert before.keys() == after.keys()
    weights = [name for name, values in before.items() if values.dtype == np.float32 and values.size > 1]
    assert len(weights) == 98
    assert all(np.abs(before[name] - after[name]).max() > 0 for name in weights)


def test_a_number_that_was_left_out_is_noticed(
    tuned: nn.Module, whole: tuple[Path, Graph], tmp_path: Path
) -> None:
    """Where a tensor has another name than the exporter gave it, the comparison says so; a damaged file gives
    nothing."""
    renamed = nn.Sequential(tuned)
    graph = retuned_graph(whole[0], renamed, 224, 224, tmp_path / "a.onnx")
    assert graph is not None
    assert graph.difference > 0.1
    (tmp_path / "b.onnx").write_bytes(b"rubbish")
    assert retuned_graph(tmp_path / "b.onnx", tuned, 224, 224, tmp_path / "c.onnx") is None
