"""An ONNX graph as steps: what each node becomes, and what no step is for.

That the steps give ONNX Runtime's numbers is tested in a browser (``classifying/test_engine.py``).
"""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from pellucid.errors import RequestError
from pellucid.export.steps import steps_of


def graph(*nodes: onnx.NodeProto, **numbers: Any) -> bytes:
    """A model of these nodes, from ``pictures`` to ``features``."""
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["batch", 3, 8, 8])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in numbers.items()],
    )
    return bytes(helper.make_model(made).SerializeToString())


def node(kind: str, *more: str, **settings: Any) -> onnx.NodeProto:
    return helper.make_node(kind, ["pictures", *more], ["features"], **settings)


def test_what_is_known_goes_into_a_step_s_settings() -> None:
    """Bounds and axes are numbers; weights stay tensors; a constant is one as an initializer is."""
    (step,) = steps_of(graph(node("Clip", "low", "high"), low=np.float32(0), high=np.float32(6))).steps
    assert step == {"op": "clip", "inputs": ["pictures"], "output": "features", "low": 0.0, "high": 6.0}
    found = steps_of(graph(node("ReduceMean", "axes"), axes=np.array([-1, 2])))
    assert (found.steps[0]["op"], found.tensors) == ("mean", {})
    constant = helper.make_node(
        "Constant", [], ["w"], value=numpy_helper.from_array(np.ones((2, 3, 1, 1), np.float32))
    )
    found = steps_of(graph(constant, node("Conv", "w", kernel_shape=[1, 1])))
    assert [step["op"] for step in found.steps] == ["conv"]
    assert found.tensors["w"].shape == (2, 3, 1, 1)
    assert (found.steps[0]["group"], found.steps[0]["pads"]) == (1, [0, 0, 0, 0])


def test_what_changes_nothing_is_no_step() -> None:
    """Identity and dropout, also at the end."""
    relu = helper.make_node("Relu", ["pictures"], ["a"])
    same = helper.make_node("Identity", ["a"], ["b"])
    found = steps_of(graph(relu, same, helper.make_node("Dropout", ["b"], ["features"])))
    assert [(step["op"], step["output"]) for step in found.steps] == [("clip", "a")]
    assert found.output == "a"


def test_a_weight_that_is_turned_is_turned_once() -> None:
    """Gemm with transB: the tensor that the engine gets is (inputs, units)."""
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = steps_of(graph(node("Gemm", "w", transB=1), w=weight))
    np.testing.assert_array_equal(found.tensors["w.turned"], weight.T)
    assert found.steps[0]["inputs"] == ["pictures", "w.turned"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (graph(node("Erf")), "'Erf' of this network: it is not known."),
        (graph(node("ReduceMean", "axes"), axes=np.array([1])), "it is no mean over height and width."),
        (graph(node("ReduceMean", "axes")), "it needs numbers that are not known beforehand."),
        (graph(node("Reshape", "to"), to=np.array([1, 3, 64])), "it makes something else than a row."),
        (graph(node("Transpose", perm=[0, 1, 3, 2])), "it moves the axes otherwise than"),
        (graph(node("MaxPool", kernel_shape=[2, 2], ceil_mode=1)), "it pools windows that reach beyond"),
        (graph(node("Gemm", "w", alpha=2.0), w=np.ones((3, 2), np.float32)), "it is no plain dense layer."),
        (
            graph(node("Conv", "w", auto_pad="SAME_UPPER"), w=np.ones((2, 3, 1, 1), np.float32)),
            "it is no conv",
        ),
        (
            graph(node("Pad", "p", mode="reflect"), p=np.zeros(8, np.int64)),
            "it pads otherwise than with zeros",
        ),
    ],
)
def test_what_the_engine_cannot_compute_is_refused_by_name(data: bytes, words: str) -> None:
    """With what it can, and another format."""
    with pytest.raises(RequestError) as caught:
        steps_of(data)
    assert words in str(caught.value)
    assert "Nodes of these kinds were expected: Add, AveragePool, " in str(caught.value)
    assert str(caught.value).endswith("Export it with --format onnx.")
