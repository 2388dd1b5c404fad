"""``pellucid export``: a file, and a sentence that says what it is worth."""

import json
import re
from pathlib import Path

import pytest

from pellucid.run import Run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_person_reads_what_was_proved(pellucid, run: Run) -> None:
    """How large it is, how far apart the answers are, and how to go on."""
    said = pellucid("export", "run")
    assert said.status == 0
    first, second = said.out.splitlines()
    assert re.fullmatch(
        r"run\.onnx: 0\.0 MB\. 32 pictures were answered by the run and by the file; their probabilities "
        r"differ by \de-\d\d at most\.",
        first,
    )
    assert second == (
        "It takes uint8 pixels (N, 8, 8, 3) and gives probabilities; any ONNX Runtime runs it, and 'pellucid "
        "predict run.onnx PICTURE' does."
    )


def test_a_program_reads_it(pellucid, scratched: Run) -> None:
    """One object, on the last line."""
    said = pellucid("export", "scratched", "--format", "safetensors", "--out", "a.safetensors", "--json")
    told = json.loads(said.out.splitlines()[-1])
    assert said.status == 0
    assert told["run"] == "scratched"
    assert (told["path"], told["format"], told["proof"]["pictures"]) == ("a.safetensors", "safetensors", 32)
    assert told["bytes"] == Path("a.safetensors").stat().st_size


def test_the_file_answers_in_place_of_the_run(pellucid, run: Run, paint, tmp_path: Path) -> None:
    """``predict`` and ``evaluate`` take it, and say the same."""
    folder = paint(tmp_path / "new", 3, offset=100)
    pellucid("export", "run", "--out", "colours.onnx")
    (Path("run") / "model.safetensors").unlink()  # it is not needed any more
    by_file = pellucid("predict", "colours.onnx", folder, "--json")
    assert by_file.status == 0
    answers = [json.loads(line) for line in by_file.out.splitlines()]
    assert [one["label"] for one in answers] == [Path(one["path"]).parent.name for one in answers]
    said = pellucid("evaluate", "colours.onnx", folder, "--json")
    measured = json.loads(said.out)
    assert (measured["n"], measured["correct"], measured["seen_in_training"]) == (9, 9, None)
    assert (
        "Note: 'colours.onnx' does not say which pictures it learnt from. If these are among them, the "
        "figures are too good.\n" in said.err
    )


def test_what_cannot_be_is_one_paragraph(pellucid, run: Run) -> None:
    """No traceback, status 2, nothing written."""
    said = pellucid("export", "run", "--format", "pickle")
    assert (said.status, said.out) == (2, "")
    assert said.err.strip() == (
        "There is no format 'pickle'. One of onnx, safetensors, keras, web was expected. Choose one of them."
    )
    assert pellucid("export", "nowhere").err.startswith("There is no run at 'nowhere'.")
    assert not list(Path().glob("*.onnx"))
