"""From a run to a file: proved before it appears, and nothing half-written is left."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.errors import PellucidError, RequestError
from pellucid.export import file
from pellucid.export.file import FORMATS, export_run
from pellucid.export.onnx_file import load_onnx
from pellucid.run import Run

os.environ.setdefault("KERAS_BACKEND", "torch")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept:DeprecationWarning")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("kind", [one for one in FORMATS if one != "web"])  # a page proves itself
def test_every_format_gives_the_run_s_answers(kind: str, scratched: Run, here: Path) -> None:
    """Thirty-two pictures, answered by the run and by the file alone; it lies under the run's name."""
    exported = export_run(scratched, kind)
    assert exported.path == Path(f"scratched.{kind}")
    assert exported.to_json() == {
        "path": f"scratched.{kind}",
        "format": kind,
        "bytes": exported.path.stat().st_size,
        "proof": {"pictures": 32, "difference": exported.difference},
    }
    assert exported.difference is not None
    assert exported.difference < 1e-5
    assert os.listdir(here) == [f"scratched.{kind}"]


def test_the_ending_says_the_format(scratched: Run) -> None:
    """Where none is named; without either it is ONNX."""
    assert export_run(scratched, out=Path("a.safetensors")).format == "safetensors"
    assert export_run(scratched, out=Path("a.HTML")).format == "web"
    assert export_run(scratched).format == "onnx"
    assert load_onnx(Path("scratched.onnx")).classes == scratched.classes


def test_a_file_that_answers_otherwise_does_not_appear(
    scratched: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that is a thousandth off is caught, and its file is gone."""
    honest: Callable[..., Any] = file._WRITERS["onnx"]

    def sly(*words: Any) -> Any:
        answer = honest(*words)
        return lambda *pictures: answer(*pictures) + np.float32(1e-3)

    monkeypatch.setitem(file._WRITERS, "onnx", sly)
    with pytest.raises(PellucidError, match=r"differ from the run's by up to 1\.0e-03\. At most 1e-04 was"):
        export_run(scratched)
    assert os.listdir(here) == []


def test_what_cannot_be_is_refused_before_any_work(run: Run, scratched: Run, here: Path) -> None:
    """An unknown format, a file that is there, a folder that is not, a backbone for Keras."""

    def refused(*words: Any) -> str:
        with pytest.raises(RequestError) as caught:
            export_run(*words)
        return str(caught.value)

    assert refused(scratched, "onx") == (
        "There is no format 'onx'. One of onnx, safetensors, keras, web was expected. Did you mean 'onnx'?"
    )
    (here / "there.onnx").write_text("mine")
    assert refused(scratched, None, Path("there.onnx")) == (
        "'there.onnx' exists already. A file that does not exist was expected. Choose another name."
    )
    assert refused(scratched, None, Path("no/where.onnx")).startswith("There is no folder 'no' to write")
    assert refused(scratched, None, Path("demo.bin")) == (
        "'demo.bin' does not end in .onnx. A file of the format onnx ends so: programs know it by that. "
        "Write --out 'demo.onnx'."
    )
    assert refused(scratched, "safetensors", Path("x.onnx")) == (
        "'x.onnx' does not end in .safetensors. A file of the format safetensors ends so: programs know it "
        "by that. Write --out 'x.safetensors', or leave --format out."
    )
    assert refused(run, "keras") == (
        "The run stands on a backbone, whose layers meet and part. A network that the run trained from "
        "scratch was expected: Keras gets chains of layers. Export it with --format onnx."
    )
    assert os.listdir(here) == ["there.onnx"]
    assert (here / "there.onnx").read_text() == "mine"
