"""From a folder of pictures to a run folder: whole, honest, and the same every time."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.errors import SourceError
from pellucid.events import Event, Notice
from pellucid.recipe import train
from pellucid.request import TrainRequest
from pellucid.run import Run, load_run

FILES = {"run.json", "model.safetensors", "splits.csv", "metrics.jsonl", "predictions.csv", "report.html"}


def trained(source: Path, backbone: str, out: Path, **options: object) -> Run:
    return train(TrainRequest(source=str(source), backbone=backbone, out=out, **options))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_holds_what_the_contract_says(tiny: str, colours: Path, tmp_path: Path) -> None:
    """All files are there; the record's counts and figures agree with the tables beside it."""
    run = trained(colours, tiny, tmp_path / "run")
    assert {path.name for path in run.folder.iterdir()} == FILES
    record = json.loads((run.folder / "run.json").read_text())
    assert record == json.loads(json.dumps(run.record | {"format": 1, "files": record["files"]}))
    assert record["classes"] == ["blue", "green", "red"]
    assert record["samples"] == {"train": 50, "val": 11, "test": 11, "skipped": 0} or (
        sum(record["samples"].values()) == 72
    )
    splits = rows(run.folder / "splits.csv")
    for name in ("train", "val", "test"):
        assert sum(row["split"] == name for row in splits) == record["samples"][name]
    assert len({row["digest"] for row in splits}) == 72
    answered = [row for row in rows(run.folder / "predictions.csv") if row["split"] == "test"]
    right = sum(row["label"] == row["predicted"] for row in answered)
    assert record["test"]["n"] == len(answered) == record["samples"]["test"]
    assert record["test"]["correct"] == right
    assert record["test"]["accuracy"] == pytest.approx(right / len(answered))
    assert np.trace(record["evaluation"]["confusion"]) == right
    assert record["test"]["accuracy"] == 1.0
    stage = record["stages"][0]
    assert stage["name"] == record["chosen"] == "features"
    assert stage["val"]["n"] == record["samples"]["val"]
    assert sum(v for k, v in record["seconds"].items() if k != "total") <= record["seconds"]["total"] + 0.01
    lines = [json.loads(line) for line in (run.folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["head"] * len(record["head"]["tried"]) + ["stage"]


def test_the_same_request_gives_the_same_bytes(
    tiny: str, colours: Path, tmp_path: Path, own_cache: Path
) -> None:
    """Weights, splits and predictions are equal to the byte, from a warm cache and from an empty one."""
    first = trained(colours, tiny, tmp_path / "a")
    second = trained(colours, tiny, tmp_path / "b")
    for part in own_cache.glob("activations/*/*"):
        part.unlink()
    third = trained(colours, tiny, tmp_path / "c")
    for name in ("model.safetensors", "splits.csv", "predictions.csv"):
        wanted = (first.folder / name).read_bytes()
        assert (second.folder / name).read_bytes() == wanted
        assert (third.folder / name).read_bytes() == wanted


def test_another_seed_gives_another_split(tiny: str, colours: Path, tmp_path: Path) -> None:
    """The seed decides which pictures are tested on."""
    first = trained(colours, tiny, tmp_path / "a")
    second = trained(colours, tiny, tmp_path / "b", seed=1)
    assert (first.folder / "splits.csv").read_bytes() != (second.folder / "splits.csv").read_bytes()


def test_runs_are_numbered_where_no_folder_is_named(
    tiny: str, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --out the next free number below runs/ is taken."""
    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        run = train(TrainRequest(source=str(colours), backbone=tiny))
        assert run.folder == Path("runs") / f"colours-{number}"


def test_skipped_pictures_are_named(tiny: str, colours: Path, tmp_path: Path) -> None:
    """What cannot be read is in the record with its reason, and the rest is learnt from."""
    (colours / "red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (colours / "red" / "empty.jpg").touch()
    (colours / "blue" / "imageNotFound.gif").write_bytes((colours / "red" / "00.png").read_bytes())
    run = trained(colours, tiny, tmp_path / "run")
    skipped = {one["path"]: one["reason"] for one in run.record["skipped"]}
    assert set(skipped) == {"blue/imageNotFound.gif", "red/broken.png", "red/empty.jpg"}
    assert skipped["blue/imageNotFound.gif"] == "a placeholder by its name"
    assert run.record["samples"]["skipped"] == 3


def test_a_fit_is_measured_where_pictures_are_few(tiny: str, colours: Path, tmp_path: Path) -> None:
    """With few pictures all three fits are tried on validation; a fit that is named is taken."""
    run = trained(colours, tiny, tmp_path / "a")
    assert [one["fit"] for one in run.record["fits"]["tried"]] == ["squash", "letterbox", "crop"]
    assert run.record["preprocess"]["fit"] == run.record["fits"]["chosen"]
    run = trained(colours, tiny, tmp_path / "b", fit="crop")
    assert run.record["fits"] == {"chosen": "crop", "why": "It was asked for.", "tried": []}
    assert run.record["preprocess"]["fit"] == "crop"


def test_the_edge_of_a_picture_is_seen_by_default(tiny: str, tmp_path: Path) -> None:
    """Two classes that differ only at the left edge of wide pictures are told apart."""
    for name, edge in (("left-dark", 0), ("left-bright", 255)):
        (tmp_path / "edge" / name).mkdir(parents=True)
        for n in range(30):
            pixels_HWC = np.random.default_rng(n + edge).integers(100, 130, (20, 80, 3), np.uint8)
            pixels_HWC[:, :12] = edge
            Image.fromarray(pixels_HWC).save(tmp_path / "edge" / name / f"{n}.png")
    run = trained(tmp_path / "edge", tiny, tmp_path / "run")
    assert run.record["test"]["accuracy"] == 1.0
    assert run.record["preprocess"]["fit"] != "crop"


def test_given_splits_are_kept(tiny: str, tmp_path: Path, paint) -> None:
    """Folders named train, val and test decide the split; a leak from train into test is set aside."""
    source = tmp_path / "given"
    for n, name in enumerate(("train", "val", "test")):
        paint(source / name, 12, offset=100 * n)
    leak = (source / "test" / "red" / "00.png").read_bytes()
    (source / "train" / "red" / "leak.png").write_bytes(leak)
    run = trained(source, tiny, tmp_path / "run")
    assert run.record["samples"] == {"train": 36, "val": 36, "test": 36, "skipped": 1}
    (skipped,) = run.record["skipped"]
    assert skipped["path"] == "train/red/leak.png"
    assert skipped["reason"] == "the same picture stands in the test split: 'test/red/00.png'"


def test_nothing_is_left_of_a_run_that_fails(tiny: str, tmp_path: Path, paint) -> None:
    """A source that cannot be learnt from leaves no folder."""
    source = paint(tmp_path / "one", 5, classes=("red",))
    with pytest.raises(SourceError, match="holds one class only"):
        trained(source, tiny, tmp_path / "runs" / "x")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("delay", [0.2, 0.6, 1.0, 1.4])
def test_kill_9_leaves_no_half_run_and_the_next_run_is_the_same(
    tiny: str, colours: Path, tmp_path: Path, delay: float
) -> None:
    """Killed at any moment the run is absent or whole; repeated, it has the undisturbed run's bytes."""
    script = (
        "import sys; from pathlib import Path; from pellucid.recipe import train\n"
        "from pellucid.request import TrainRequest\n"
        "train(TrainRequest(source=sys.argv[1], backbone='tiny', out=Path(sys.argv[2])))\n"
    )
    out = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", script, str(colours), str(out)])
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if out.exists():
        load_run(out)
    else:
        trained(colours, tiny, out)
    whole = trained(colours, tiny, tmp_path / "whole")
    assert (out / "model.safetensors").read_bytes() == (whole.folder / "model.safetensors").read_bytes()
    assert {path.name for path in tmp_path.iterdir() if "partial" in path.name} == set()


def test_notes_of_the_split_are_told(tiny: str, tmp_path: Path, paint) -> None:
    """A class too small to be split by content is a notice, and stands in the record."""
    source = paint(tmp_path / "few", 4)
    heard: list[Event] = []
    run = train(TrainRequest(source=str(source), backbone=tiny, out=tmp_path / "run"), heard.append)
    notices = [event.text for event in heard if isinstance(event, Notice)]
    assert all(note in notices for note in run.record["notes"])
