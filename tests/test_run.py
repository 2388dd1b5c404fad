"""A run folder is read back as it was written, and every damage is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid.errors import BackboneError, RunError
from pellucid.run import Run, is_run, load_run


def test_what_is_loaded_answers_as_what_was_trained(run: Run, colours: Path) -> None:
    """Loaded from disk, a run gives the same probabilities to the bit."""
    loaded = load_run(run.folder)
    pictures = sorted((colours / "red").iterdir())
    assert loaded.predict(pictures) == run.predict(pictures)
    assert loaded.classes == run.classes == ("blue", "green", "red")
    assert loaded.record["test"] == run.record["test"]
    np.testing.assert_array_equal(loaded.embed(pictures), run.embed(pictures))
    assert loaded.report == run.folder / "report.html"


def test_predictions_in_the_folder_are_those_of_the_classifier(run: Run, colours: Path) -> None:
    """Each test row of predictions.csv is what the run answers for that file."""
    header, *lines = (run.folder / "predictions.csv").read_text().splitlines()
    assert header == "path,split,label,predicted,confidence,p(blue),p(green),p(red)"
    tested = [line.split(",") for line in lines if line.split(",")[1] == "test"]
    assert len(tested) == run.record["samples"]["test"]
    for path, _, _, predicted, confidence, *probabilities in tested:
        (answer,) = run.predict(colours / path)
        assert answer.label == predicted
        assert f"{answer.confidence:.6f}" == confidence
        assert [f"{share:.6f}" for share in answer.probabilities.values()] == probabilities


def test_it_knows_what_it_learnt_from(run: Run) -> None:
    """Training and validation pictures are known by content; test pictures and strangers are not."""
    rows = [line.split(",") for line in (run.folder / "splits.csv").read_text().splitlines()[1:]]
    assert all(run.learnt_from(digest) is (split != "test") for _, _, split, digest in rows)
    assert not run.learnt_from("00" * 16)


def change(name: str, **fields: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        record = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(record | fields))

    return damage


def without(key: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        record = json.loads((folder / "run.json").read_text())
        del record[key]
        (folder / "run.json").write_text(json.dumps(record))

    return damage


def flip(folder: Path) -> None:
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: (folder / "run.json").unlink(), "run.json is missing"),
        (lambda folder: (folder / "run.json").write_text('{"format": 1,'), "run.json is not JSON"),
        (lambda folder: (folder / "run.json").write_bytes(b"\xff\xfe"), "run.json is not JSON"),
        (lambda folder: (folder / "run.json").write_text("[]"), "run.json does not say its format"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors cannot be read"),
        (flip, "model.safetensors is not the file that training wrote"),
        (without("classes"), "run.json lacks or mistakes 'classes'"),
        (without("backbone"), "run.json lacks or mistakes 'backbone'"),
        (without("preprocess"), "run.json lacks or mistakes 'preprocess'"),
        (change("run.json", classes=["a", "b"]), "model.safetensors has 3 classes, run.json 2"),
        (change("run.json", classes=7), "run.json lacks or mistakes"),
    ],
)
def test_every_damage_is_one_paragraph(run: Run, damage: Callable[[Path], Any], told: str) -> None:
    """What is wrong is named, with what to do."""
    damage(run.folder)
    with pytest.raises(RunError) as caught:
        load_run(run.folder)
    message = str(caught.value)
    assert f"The run '{run.folder}' is damaged: {told}" in message
    assert message.endswith("Restore it from a copy, or train again; run.json says with what.")


def test_a_newer_format_asks_for_an_update(run: Run) -> None:
    """A run that a later version wrote is not guessed at."""
    change("run.json", format=2, pellucid="9.9")(run.folder)
    with pytest.raises(RunError) as caught:
        load_run(run.folder)
    assert str(caught.value) == (
        f"The run '{run.folder}' has format 2; Pellucid 9.9 wrote it. This version reads formats up to 1. "
        "Update Pellucid: pip install --upgrade pellucid"
    )


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    """A folder without a run is not called damaged."""
    assert not is_run(tmp_path)
    with pytest.raises(RunError) as caught:
        load_run(tmp_path / "nowhere")
    assert str(caught.value) == (
        f"There is no run at '{tmp_path / 'nowhere'}'. A run folder was expected: one that 'pellucid train' "
        "made, with run.json in it. Check the path."
    )


def test_other_weights_of_the_backbone_are_refused(run: Run, own_cache: Path, tmp_path: Path) -> None:
    """A run does not answer on a backbone whose weights are not those that it was trained on."""
    record = own_cache / "trunks" / "tiny-pool" / "trunk.json"
    fields = json.loads(record.read_text())
    fields["weights"]["digest"] = "0" * 32
    record.write_text(json.dumps(fields))
    with pytest.raises(BackboneError, match="The very same weights were expected"):
        load_run(run.folder)


def test_a_run_that_was_moved_still_answers(run: Run, colours: Path, tmp_path: Path) -> None:
    """The folder may be renamed or copied."""
    moved = shutil.copytree(run.folder, tmp_path / "moved" / "elsewhere")
    picture = colours / "green" / "00.png"
    assert load_run(moved).predict(picture) == run.predict(picture)
