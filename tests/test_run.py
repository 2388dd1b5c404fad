"""A run folder is read back as it was written, and every damage is named."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pellucid.errors import BackboneError, RunError
from pellucid.run import Run, is_run, load_run, read_record


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


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "splits.csv cannot be read (No such file or directory)."), ("a,b\n1,2\n", "splits.csv lacks or")],
)
def test_a_table_of_splits_that_is_gone_is_told(run: Run, text: str | None, told: str) -> None:
    """Whether a picture was learnt from is asked of the table, and a run without it is damaged."""
    table = run.folder / "splits.csv"
    table.unlink()
    if text is not None:
        table.write_text(text)
    with pytest.raises(RunError) as caught:
        load_run(run.folder).learnt_from("00" * 16)
    assert str(caught.value).startswith(f"The run '{run.folder}' is damaged: {told}")


def test_a_newer_format_asks_for_an_update(run: Run) -> None:
    """A run that a later version wrote is not guessed at."""
    change("run.json", format=2, pellucid="9.9")(run.folder)
    with pytest.raises(RunError) as caught:
        load_run(run.folder)
    assert str(caught.value) == (
        f"The run '{run.folder}' has format 2; Pellucid 9.9 wrote it. This version reads formats up to 1. "
        "Update Pellucid: pip install --upgrade pellucid"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[" * 100_000, "run.json is not JSON"),
        ('{"format": 1, "a": NaN}', "run.json is not JSON"),
        ('{"format": 1, "a": 1e999}', "run.json is not JSON"),
        (f'{{"format": 1, "a": {"9" * 400}}}', "run.json is not JSON"),
        ('{"format": true}', "run.json does not say its format"),
    ],
)
def test_a_record_that_would_trip_whoever_reads_it_is_damaged(tmp_path: Path, text: str, what: str) -> None:
    """No number in it may be infinite, since a page could not be sent it; nor is it nested without end."""
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(RunError) as caught:
        read_record(tmp_path)
    assert str(caught.value) == (
        f"The run '{tmp_path}' is damaged: {what}. A run folder as 'pellucid train' wrote it was expected. "
        "Restore it from a copy, or train again; run.json says with what."
    )


def test_a_record_that_is_too_large_is_not_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is told."""
    monkeypatch.setattr("pellucid.run._LARGEST", 10)
    with pytest.raises(RunError, match=r"run\.json has [\d,]+ bytes"):
        read_record(run.folder)


def test_a_file_is_no_run(tmp_path: Path) -> None:
    """An exported one is answered from by other commands, and they are named."""
    (tmp_path / "a.onnx").touch()
    with pytest.raises(RunError) as caught:
        load_run(tmp_path / "a.onnx")
    assert str(caught.value) == (
        f"'{tmp_path}/a.onnx' is a file. A run folder was expected: one that 'pellucid train' made, with "
        "run.json in it. Name the folder; 'pellucid predict', 'evaluate' and 'serve' take an exported .onnx "
        "file, too."
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


def rewritten(edit: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Other tensors in the model, with the digest in the record that they need."""

    def damage(folder: Path) -> None:
        tensors = dict(load_file(folder / "model.safetensors"))
        edit(tensors)
        save_file(tensors, folder / "model.safetensors")
        data = (folder / "model.safetensors").read_bytes()
        record = json.loads((folder / "run.json").read_text())
        record["files"]["model.safetensors"] = hashlib.blake2b(data, digest_size=16).hexdigest()
        (folder / "run.json").write_text(json.dumps(record))

    return damage


def test_a_run_from_scratch_keeps_its_network(scratched: Run, strokes: Path) -> None:
    """All tensors are in the model under Keras' names, and what is loaded answers to the bit."""
    tensors = load_file(scratched.folder / "model.safetensors")
    assert {name: values.shape for name, values in tensors.items()} == {
        "network.conv2d.kernel": (3, 3, 1, 8),
        "network.conv2d.bias": (8,),
        "head.weight": (200, 3),
        "head.bias": (3,),
        "head.temperature": (1,),
    }
    assert sum(values.size for values in tensors.values()) - 1 == scratched.record["account"]["parameters"]
    loaded = load_run(scratched.folder)
    pictures = sorted((strokes / "standing").iterdir())
    assert loaded.predict(pictures) == scratched.predict(pictures)
    np.testing.assert_array_equal(loaded.embed(pictures), scratched.embed(pictures))
    assert loaded.embed(pictures).shape == (30, 200)


def test_predictions_of_a_run_from_scratch_are_those_of_its_folder(scratched: Run, strokes: Path) -> None:
    """Each row of predictions.csv, val and test, is what the loaded run answers for that file."""
    _, *lines = (scratched.folder / "predictions.csv").read_text().splitlines()
    for line in lines:
        path, split, label, predicted, confidence, *probabilities = line.split(",")
        (answer,) = scratched.predict(strokes / path)
        assert (answer.label, split in ("val", "test"), path.split("/")[0]) == (predicted, True, label)
        assert answer.confidence == pytest.approx(float(confidence), abs=2e-6)
        assert list(answer.probabilities.values()) == pytest.approx(list(map(float, probabilities)), abs=2e-6)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (flip, "model.safetensors is not the file that training wrote"),
        (
            rewritten(lambda tensors: tensors.pop("network.conv2d.bias")),
            "model.safetensors lacks 'network.conv2d.bias'",
        ),
        (
            rewritten(lambda tensors: tensors.pop("head.weight")),
            "model.safetensors cannot be read ('head.weight')",
        ),
        (
            rewritten(
                lambda tensors: tensors.update({"network.conv2d.kernel": np.zeros((3, 3, 1, 2), "f4")})
            ),
            "model.safetensors does not fit the network (conv2d.kernel is (3, 3, 1, 2) and not (3, 3, 1, 8))",
        ),
        (
            rewritten(lambda tensors: tensors.update({"head.weight": np.zeros((9, 3), "f4")})),
            "model.safetensors does not fit the network (dense.kernel is (9, 3) and not (200, 3))",
        ),
        (
            change("run.json", network="input 12x12x1; con 3"),
            "run.json holds no network that can be (Line 1, column 16: there is no layer 'con'.)",
        ),
        (
            change("run.json", network="input 12x12x1; conv 8 13x13; flatten; dense 3"),
            "run.json holds no network that can be (Layer 1, 'conv2d', has a window of 13x13, ",
        ),
        (
            change("run.json", network="input 14x12x1; conv 8 3x3; flatten; dense 3"),
            "run.json prepares pictures that are not of the network's size",
        ),
        (without("network"), "run.json lacks or mistakes 'backbone'"),
        (without("preprocess"), "run.json lacks or mistakes 'preprocess'"),
        (change("run.json", preprocess=3), "run.json lacks or mistakes "),
    ],
)
def test_every_damage_of_a_run_from_scratch_is_one_paragraph(
    scratched: Run, damage: Callable[[Path], Any], told: str
) -> None:
    """Tensors and text are checked against each other before anything answers."""
    damage(scratched.folder)
    with pytest.raises(RunError) as caught:
        load_run(scratched.folder)
    message = str(caught.value)
    assert message.startswith(f"The run '{scratched.folder}' is damaged: {told}")
    assert message.endswith("Restore it from a copy, or train again; run.json says with what.")
