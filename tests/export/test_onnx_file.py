"""One ONNX file: any runtime answers with it as the run does, and Pellucid reads it back as it was."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from pellucid.errors import RunError
from pellucid.export.onnx_file import is_onnx, load_onnx, onnx_classifier
from pellucid.run import Run


@pytest.fixture
def file(run: Run, tmp_path: Path) -> Path:
    path = tmp_path / "colours.onnx"
    onnx.save(onnx_classifier(run.classifier), path)
    return path


@pytest.mark.parametrize("which", ["run", "scratched"])
def test_onnx_runtime_alone_gives_the_run_s_probabilities(
    which: str, request: pytest.FixtureRequest, paint, strokes: Path, tmp_path: Path
) -> None:
    """From pixels at the network's size, for a backbone and for a network of its own."""
    run: Run = request.getfixturevalue(which)
    folder = paint(tmp_path / "new", 3, offset=100) if which == "run" else strokes
    paths = sorted(folder.rglob("*.png"))[:9]
    model = onnx_classifier(run.classifier)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    pixels_NHWC = np.stack([run.classifier.preprocess.pixels(path.read_bytes()) for path in paths])
    (found_NK,) = session.run(None, {"pixels": pixels_NHWC})
    expected_NK = [list(one.probabilities.values()) for one in run.predict(paths)]
    np.testing.assert_allclose(found_NK, expected_NK, atol=1e-6)
    assert (found_NK.dtype, pixels_NHWC.dtype) == (np.float32, np.uint8)


def test_the_file_says_what_it_takes_and_gives(run: Run, file: Path) -> None:
    """Classes, preprocessing, and a sentence for whoever opens it elsewhere; no path of this machine."""
    model = onnx.load(file)
    told = {one.key: one.value for one in model.metadata_props}
    assert json.loads(told["classes"]) == list(run.classes)
    assert json.loads(told["preprocess"]) == run.record["preprocess"]
    assert model.doc_string == (
        "pixels: uint8 (N, 8, 8, 3), red, green, blue, 0 to 255, the picture brought to size by 'squash' "
        "with an antialiased bilinear filter. probabilities: float32 (N, 3), in the order of 'classes' in "
        "the metadata."
    )
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.UINT8


@pytest.mark.slow
def test_what_pytorch_s_exporter_noted_is_forgotten(tmp_path: Path) -> None:
    """Each of its nodes tells from which line of which file it came: paths of the machine that exported."""
    from pellucid.api import load
    from pellucid.classifier import Classifier
    from pellucid.training.affine import Head

    backbone = load("efficientnet_lite0")
    assert isinstance(backbone, Classifier)
    head = Head(np.zeros((1000, 2), np.float32), np.zeros(2, np.float32))
    noted = backbone.layers.graph()
    assert b"stack_trace" in noted and b".py" in noted
    data = onnx_classifier(
        Classifier(("a", "b"), backbone.layers, backbone.preprocess, head)
    ).SerializeToString()
    assert b"stack_trace" not in data
    assert b".py" not in data


def test_pellucid_reads_it_back_as_it_was(run: Run, file: Path, paint, tmp_path: Path) -> None:
    """The same answers to the bit, without the run and its backbone."""
    folder = paint(tmp_path / "new", 3, offset=100)
    paths = sorted(folder.rglob("*.png"))
    loaded = load_onnx(file)
    assert loaded.classes == run.classes
    assert loaded.preprocess == run.classifier.preprocess
    assert loaded.predict(paths) == run.predict(paths)
    assert loaded.evaluate(folder).to_json() == run.evaluate(folder).to_json()
    assert loaded.layers.tensors() == {}


def test_files_that_are_not_ours_are_refused(file: Path, run: Run, tmp_path: Path) -> None:
    """Another program's, one with its numbers elsewhere, a newer one, a damaged one, none."""

    def refused(path: Path) -> str:
        with pytest.raises(RunError) as caught:
            load_onnx(path)
        return str(caught.value)

    model = onnx.load(file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "other.onnx")
    assert refused(tmp_path / "other.onnx") == (
        f"The ONNX file '{tmp_path}/other.onnx' does not say what its outputs stand for. A file that "
        "'pellucid export' wrote was expected, with the classes and the preprocessing in it. Export a run: "
        "pellucid export RUN --format onnx"
    )
    model = onnx.load(file)
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL
    (tmp_path / "outside.onnx").write_bytes(model.SerializeToString())
    assert "does not say what its outputs stand for" in refused(tmp_path / "outside.onnx")
    model = onnx.load(file)
    helper.set_model_props(model, {**{one.key: one.value for one in model.metadata_props}, "pellucid": "99"})
    onnx.save(model, tmp_path / "newer.onnx")
    assert "has format 99, by Pellucid" in refused(tmp_path / "newer.onnx")
    helper.set_model_props(model, {"pellucid": "1", "classes": '["a"]', "preprocess": "{}"})
    onnx.save(model, tmp_path / "wrong.onnx")
    assert refused(tmp_path / "wrong.onnx").startswith(
        "The recorded preprocessing is damaged: it has no 'fit'."
    )
    told = {"pellucid": "1", "classes": '["a"]', "preprocess": json.dumps(run.record["preprocess"])}
    helper.set_model_props(model, told)
    onnx.save(model, tmp_path / "few.onnx")
    assert "few.onnx' cannot be opened: it lacks or mistakes other classes than" in refused(
        tmp_path / "few.onnx"
    )
    helper.set_model_props(model, {**told, "classes": "[" * 100_000})
    onnx.save(model, tmp_path / "deep.onnx")
    assert "deep.onnx' cannot be opened: it lacks or mistakes" in refused(tmp_path / "deep.onnx")
    (tmp_path / "rubbish.onnx").write_bytes(b"rubbish")
    assert refused(tmp_path / "rubbish.onnx").endswith(
        "rubbish.onnx' cannot be opened: it is no ONNX file. A whole file that 'pellucid export' wrote was "
        "expected. Export the run again."
    )
    assert refused(tmp_path / "none.onnx") == (
        f"There is no file '{tmp_path}/none.onnx'. An ONNX file that 'pellucid export' wrote was expected. "
        "Check the path."
    )


@pytest.mark.parametrize(
    ("name", "values", "what"),
    [
        ("head.weight", lambda classes: np.zeros(6), "the shapes of its head"),
        ("head.bias", lambda classes: np.zeros((classes, 2)), "the shapes of its head"),
        ("head.temperature", lambda classes: np.zeros(()), "the numbers of its head"),
        ("head.temperature", lambda classes: np.full((), np.nan), "the numbers of its head"),
        ("classes", lambda classes: ["same"] * classes, "the names of its classes, of which two are alike"),
        (
            "head.weight",
            lambda classes: np.zeros((7, classes)),
            "its layers do not end in what its head takes",
        ),
        ("node", None, "ONNX Runtime refuses it ("),
    ],
)
def test_what_cannot_answer_is_refused(
    file: Path, run: Run, tmp_path: Path, name: str, values: Callable[[int], Any], what: str
) -> None:
    """A head that fits no class or no layer, names that are alike, a graph that cannot be run."""
    model = onnx.load(file)
    if name == "node":
        kinds = [node.op_type for node in model.graph.node]
        model.graph.node[kinds.index("Transpose") + 1].op_type = "Nonsense"  # the layers' first
    elif name == "classes":
        told = {one.key: one.value for one in model.metadata_props}
        helper.set_model_props(model, {**told, "classes": json.dumps(values(len(run.classes)))})
    else:
        place = next(n for n, one in enumerate(model.graph.initializer) if one.name == name)
        model.graph.initializer[place].CopyFrom(
            numpy_helper.from_array(np.array(values(len(run.classes)), np.float32), name)
        )
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(RunError) as caught:
        load_onnx(tmp_path / "odd.onnx").open()
    assert "odd.onnx' cannot be opened: " in str(caught.value)
    assert what in str(caught.value)


def test_a_name_tells() -> None:
    """By its ending, whatever its case."""
    assert is_onnx("a/b.ONNX") and is_onnx(Path("b.onnx"))
    assert not is_onnx("efficientnet_lite0") and not is_onnx("onnx")
