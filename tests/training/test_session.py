"""Frozen layers in ONNX Runtime: one session, many threads, and what a classifier asks of them."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from pellucid.network.onnx_model import onnx_model
from pellucid.network.parameters import initial_parameters
from pellucid.network.text import parse
from pellucid.training.own import cut
from pellucid.training.session import Layers, open_session
from pellucid.training.trunk import open_trunk

BLUEPRINT = parse("input 6x5x1; conv 3 3x3 relu; flatten; dense 2 softmax")


def test_a_graph_is_opened_from_a_file_and_from_bytes(tmp_path: Path) -> None:
    """Both give the same numbers, on as many threads as were asked for, on the CPU alone."""
    data = onnx_model(BLUEPRINT, initial_parameters(BLUEPRINT, 0)).SerializeToString()
    (tmp_path / "graph.onnx").write_bytes(data)
    x_NCHW = np.random.default_rng(0).random((4, 1, 6, 5), np.float32)
    answers = []
    for graph, threads in ((tmp_path / "graph.onnx", 1), (data, 2)):
        session = open_session(graph, threads)
        assert session.get_session_options().intra_op_num_threads == threads
        assert session.get_providers() == ["CPUExecutionProvider"]
        answers.append(session.run(None, {"pictures": x_NCHW})[0])
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-6)


def test_many_threads_may_run_one_session() -> None:
    """Eight threads at once get what one gets alone."""
    data = onnx_model(BLUEPRINT, initial_parameters(BLUEPRINT, 0)).SerializeToString()
    session = open_session(data)
    x_MNCHW = np.random.default_rng(0).random((32, 4, 1, 6, 5), np.float32)
    alone = [session.run(None, {"pictures": x_NCHW})[0] for x_NCHW in x_MNCHW]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda x_NCHW: session.run(None, {"pictures": x_NCHW})[0], x_MNCHW))
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("kind", ["own", "trunk"])
def test_every_kind_of_layers_keeps_the_contract(kind: str, tiny: str) -> None:
    """A network of one's own and a backbone's trunk have a key, a shape, a session and tensors alike."""
    layers: Layers = (
        open_trunk(tiny) if kind == "trunk" else cut(BLUEPRINT, initial_parameters(BLUEPRINT, 0))[0]
    )
    assert layers.key and "/" not in layers.key
    session = layers.session(2)
    assert isinstance(session, onnxruntime.InferenceSession)
    ((name, shape),) = [(one.name, one.shape) for one in session.get_inputs()]
    assert name == "pictures"
    (rows,) = session.run(None, {"pictures": np.zeros((3, *shape[1:]), np.float32)})
    assert rows.shape == (3, *layers.output_shape)
    assert all(values.dtype == np.float32 for values in layers.tensors().values())
