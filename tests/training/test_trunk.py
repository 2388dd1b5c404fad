"""The frozen layers as an ONNX graph: found in the cache, or exported once and equal to PyTorch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pellucid.errors import BackboneError
from pellucid.events import Event, PhaseEnded, PhaseStarted
from pellucid.training.trunk import cached_trunks, open_trunk


def test_a_trunk_in_the_cache_is_opened_without_torch(tiny: str) -> None:
    """Opening a cached trunk and running it imports neither torch nor timm, and announces no phase."""
    script = (
        "import sys, numpy\n"
        "from pellucid.training.trunk import open_trunk\n"
        "heard = []\n"
        "trunk = open_trunk('tiny', listen=heard.append)\n"
        "rows, = trunk.session().run(None, {'pictures': numpy.ones((5, 3, 8, 8), 'f4')})\n"
        "assert rows.shape == (5, *trunk.output_shape), rows.shape\n"
        "assert not heard\n"
        "print(sorted({'torch', 'timm'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "trunk.json").write_text("{"),
        lambda folder: (folder / "trunk.json").write_text("[]"),
        lambda folder: (folder / "trunk.onnx").unlink(),
        lambda folder: (folder / "trunk.json").write_text(
            json.dumps(json.loads((folder / "trunk.json").read_text()) | {"format": 2})
        ),
        lambda folder: os.utime(
            json.loads((folder / "trunk.json").read_text())["weights"]["path"], ns=(1, 1)
        ),
    ],
    ids=["not JSON", "not a record", "no graph", "another format", "weights have changed"],
)
def test_a_trunk_that_is_not_whole_or_out_of_date_is_not_there(tiny: str, own_cache: Path, damage) -> None:
    """A damaged record, a missing graph, another format or changed weights are passed over."""
    assert len(list(cached_trunks())) == 2
    damage(own_cache / "trunks" / "tiny-pool")
    assert "pool" not in {trunk.boundary for trunk in cached_trunks()}


def test_a_damaged_graph_says_what_to_do(tiny: str, own_cache: Path) -> None:
    """A graph that ONNX Runtime cannot read is one clear error."""
    (own_cache / "trunks" / "tiny-pool" / "trunk.onnx").write_bytes(b"rubbish")
    with pytest.raises(BackboneError, match=r"cannot be opened .* Run 'pellucid cache --clear'"):
        open_trunk("tiny").session()


@pytest.mark.slow
def test_the_default_backbone_is_exported_once_and_equals_pytorch() -> None:
    """EfficientNet-Lite0 in ONNX Runtime equals PyTorch within 1e-4; the second opening exports nothing."""
    import torch

    from pellucid.network.backbone import load_backbone

    trunk = open_trunk("efficientnet_lite0")
    assert trunk.output_shape == (1280,)
    assert trunk.difference < 1e-4
    heard: list[Event] = []
    assert open_trunk("efficientnet_lite0", listen=heard.append) == trunk
    assert not heard
    x_NCHW = np.random.default_rng(0).uniform(-1, 1, (3, 3, 224, 224)).astype(np.float32)
    (rows,) = trunk.session().run(None, {"pictures": x_NCHW})
    with torch.inference_mode():
        expected = load_backbone("efficientnet_lite0").cut("pool")(torch.from_numpy(x_NCHW)).numpy()
    np.testing.assert_allclose(rows, expected, atol=1e-4)


@pytest.mark.slow
def test_an_inner_boundary_gives_maps(own_cache: Path) -> None:
    """A cut at an inner module puts out that module's maps, and the export is announced as a phase."""
    heard: list[Event] = []
    trunk = open_trunk("efficientnet_lite0", "blocks.0", listen=heard.append)
    assert trunk.output_shape == (16, 112, 112)
    assert [type(event) for event in heard] == [PhaseStarted, PhaseEnded]


@pytest.mark.slow
def test_an_inner_boundary_is_a_part_of_the_whole_where_that_is_there(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is exported twice; what is no part of the whole graph, or one that is damaged, is exported."""
    from pellucid.network import graph

    whole = open_trunk("efficientnet_lite0")
    wanted: list[str] = []

    def refuse(module: object, height: int, width: int, path: Path) -> graph.Graph:
        wanted.append(path.name)
        return graph.Graph((1,), 1.0)

    monkeypatch.setattr(graph, "export_graph", refuse)
    part = open_trunk("efficientnet_lite0", "blocks.0")
    assert (part.output_shape, part.difference < 1e-4, wanted) == ((16, 112, 112), True, [])
    with pytest.raises(BackboneError, match=r"differs from PyTorch's by 1\.0e\+00"):
        open_trunk("efficientnet_lite0", "conv_stem")
    whole.file.write_bytes(b"rubbish")
    with pytest.raises(BackboneError):
        open_trunk("efficientnet_lite0", "blocks.1")
    assert len(wanted) == 2
