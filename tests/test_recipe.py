"""From a folder of pictures to a run folder: whole, honest, and the same every time."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pellucid.errors import RequestError, RunError, SourceError, StorageError
from pellucid.events import Event, Measured, Notice, PhaseStarted
from pellucid.recipe import resume, train
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


def test_a_number_that_another_training_took_meanwhile_is_passed_by(
    tiny: str, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two trainings that began at once both keep their work; a folder that was named is not replaced."""
    monkeypatch.chdir(tmp_path)

    def take(folder: Path) -> Callable[[Event], None]:
        def listen(event: Event) -> None:
            if isinstance(event, PhaseStarted) and event.name == "Writing the report":
                folder.mkdir(exist_ok=True)

        return listen

    run = train(TrainRequest(source=str(colours), backbone=tiny, fit="squash"), take(Path("runs/colours-1")))
    assert run.folder == Path("runs") / "colours-2"
    assert {path.name for path in run.folder.iterdir()} == FILES
    named = TrainRequest(source=str(colours), backbone=tiny, fit="squash", out=Path("mine"))
    with pytest.raises(StorageError, match="Could not write the run at 'mine': File exists"):
        train(named, take(Path("mine")))


def test_a_place_below_a_file_is_refused_before_any_work(colours: Path, tmp_path: Path) -> None:
    """The file is named, and nothing was looked at."""
    (tmp_path / "text.txt").touch()
    heard: list[Event] = []
    with pytest.raises(RequestError) as caught:
        train(TrainRequest(source=str(colours), out=tmp_path / "text.txt" / "runs" / "x"), heard.append)
    assert str(caught.value) == (
        f"'{tmp_path / 'text.txt'}' is a file. A folder was expected, to write the run 'x' into. Choose "
        "another place with --out."
    )
    assert heard == []


def test_features_leave_another_training_alone(tiny: str, colours: Path, tmp_path: Path) -> None:
    """Whatever the recipe, an unfinished training at the same place is refused, and stays."""
    there = tmp_path / "run.unfinished"
    there.mkdir()
    with pytest.raises(RequestError, match="There is an unfinished training at"):
        trained(colours, tiny, tmp_path / "run", fit="squash")
    assert there.is_dir()


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


# --- a training that is killed, and goes on ---------------------------------------------------------------

# One process imports PyTorch and forks a child for each command; it never computes, so that forking is safe.
# The child keeps a state after every step; the parent stops it after so many states have been kept.
STOPPING = """
import json, os, signal, sys, time
from pathlib import Path
import matplotlib.backends.backend_svg, matplotlib.figure, torch._dynamo
import pellucid.network.build, pellucid.recipe, pellucid.training.device, pellucid.training.loop
from pellucid.cli import main
from pellucid.learn import unfinished

source, network = sys.argv[1:]
unfinished._SAVE_EVERY = 0.0

def start(name, *arguments):
    child = os.fork()
    if child:
        return child
    for stream in (1, 2):
        os.dup2(os.open(f"{name}.{stream}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["pellucid", "train", *arguments]
    status = 0
    try:
        main()
    except SystemExit as leaving:
        status = leaving.code or 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)

def wait_for(states, child, checkpoint):
    seen, last = 0, None
    while seen < states:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            sys.exit("it ended too soon")
        try:
            now = checkpoint.stat().st_mtime_ns
        except FileNotFoundError:
            now = None
        seen, last = seen + (now is not None and now != last), now
        time.sleep(0.0002)

def end(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

ends = {}
fresh = [source, "--network", network, "--epochs", "6", "--batch", "16", "--learning-rate", "0.05",
         "--augment", "shift", "--device", "cpu", "--out"]
ends["whole"] = end(start("whole", *fresh, "whole"))
for name, number, points in (("killed", signal.SIGKILL, (1, 7, 12)), ("interrupted", signal.SIGINT, (9,))):
    arguments = [*fresh, name]
    for point in points:
        child = start(name, *arguments)
        wait_for(point, child, Path(f"{name}.unfinished/checkpoint.safetensors"))
        os.kill(child, number)
        ends[f"{name} {point}"] = end(child)
        ends[f"{name} {point} left"] = sorted(os.listdir(f"{name}.unfinished"))
        ends[f"{name} {point} run"] = Path(name).exists()
        ends[f"{name} {point} said"] = Path(f"{name}.2").read_text()
        arguments = ["--resume", name, "--json"]
    ends[name] = end(start(name, *arguments))
    ends[f"{name} said"] = Path(f"{name}.2").read_text()
    ends[f"{name} told"] = json.loads(Path(f"{name}.1").read_text().splitlines()[-1])
print(json.dumps(ends))
"""


@pytest.fixture(scope="module")
def stopped(
    tmp_path_factory: pytest.TempPathFactory, draw: Callable[..., Path], strokes_network: str
) -> tuple[Path, dict[str, Any]]:
    """Three trainings of one request: undisturbed, killed three times, interrupted once; what they said."""
    folder = tmp_path_factory.mktemp("stopped")
    source = draw(folder / "strokes", 30)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        done = subprocess.run(
            [sys.executable, "-c", STOPPING, source.name, strokes_network],
            cwd=folder,
            capture_output=True,
            text=True,
        )
    finally:
        os.sched_setaffinity(0, cores)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_kill_9_and_resume_end_in_the_undisturbed_bytes(stopped: tuple[Path, dict[str, Any]]) -> None:
    """Killed in three places and resumed each time: the same weights and answers, nothing left over."""
    folder, ends = stopped
    assert (ends["whole"], ends["killed"]) == (0, 0)
    for point in (1, 7, 12):
        assert ends[f"killed {point}"] == -signal.SIGKILL
        assert ends[f"killed {point} run"] is False
        assert {"request.json", "checkpoint.safetensors"} <= set(ends[f"killed {point} left"])
    for name in ("model.safetensors", "predictions.csv", "splits.csv"):
        assert (folder / "killed" / name).read_bytes() == (folder / "whole" / name).read_bytes()
    assert "Note: Going on after step " in ends["killed said"]
    assert {path.name for path in (folder / "killed").iterdir()} == FILES
    assert not [path for path in folder.iterdir() if "unfinished" in path.name or "partial" in path.name]


@pytest.mark.slow
def test_going_on_tells_the_same_story(stopped: tuple[Path, dict[str, Any]]) -> None:
    """All epochs are in the record and in metrics.jsonl, with the figures of the undisturbed run."""
    folder, ends = stopped
    told = {}
    for name in ("whole", "killed", "interrupted"):
        record = json.loads((folder / name / "run.json").read_text())
        lines = [json.loads(line) for line in (folder / name / "metrics.jsonl").read_text().splitlines()]
        assert lines[:-1] == record["training"]["epochs"]
        told[name] = [
            {key: value for key, value in line.items() if key not in ("seconds", "pictures_per_second")}
            for line in lines[:-1]
        ]
        assert record["request"] == json.loads((folder / "whole" / "run.json").read_text())["request"]
    assert told["killed"] == told["interrupted"] == told["whole"]
    assert len(told["whole"]) == 6
    assert ends["killed told"]["run"] == "killed"


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on(stopped: tuple[Path, dict[str, Any]]) -> None:
    """Exit status 130 and one paragraph with the command; going on ends in the undisturbed bytes."""
    folder, ends = stopped
    assert ends["interrupted 9"] == 130
    assert ends["interrupted 9 run"] is False
    assert ends["interrupted 9 said"].splitlines()[-1] == (
        "Interrupted. What was learnt so far is kept in 'interrupted.unfinished'. Go on with: "
        "pellucid train --resume interrupted"
    )
    assert "Traceback" not in ends["interrupted 9 said"]
    for name in ("model.safetensors", "predictions.csv"):
        assert (folder / "interrupted" / name).read_bytes() == (folder / "whole" / name).read_bytes()


@pytest.fixture
def begun(strokes: Path, strokes_network: str, tmp_path: Path, one_core: None) -> Path:
    """Where a run would stand whose training was interrupted in its second epoch."""

    def listen(event: Event) -> None:
        if isinstance(event, Measured) and event.done.startswith("epoch 2"):
            raise KeyboardInterrupt

    out = tmp_path / "run"
    request = TrainRequest(source=str(strokes), network=strokes_network, epochs=4, batch=16, out=out)
    with pytest.raises(KeyboardInterrupt):
        train(request, listen)
    return out


def test_resume_finishes_what_was_begun_and_a_finished_run_is_opened(begun: Path) -> None:
    """It may be named by its unfinished folder too; asked once more, the run is there and nothing is done."""
    run = resume(begun.with_name("run.unfinished"))
    assert run.folder == begun
    assert [epoch["epoch"] for epoch in run.record["training"]["epochs"]] == [1, 2, 3, 4]
    begun.with_name("run.unfinished").mkdir()  # as where it was killed between the run and the cleaning up
    written = (begun / "run.json").stat().st_mtime_ns
    heard: list[Event] = []
    again = resume(begun, heard.append)
    assert again.record == run.record | {"files": again.record["files"], "format": 1}
    assert (begun / "run.json").stat().st_mtime_ns == written
    assert Notice(f"The run '{begun}' is finished: nothing was left to do.") in heard
    assert not begun.with_name("run.unfinished").exists()


def test_pictures_that_changed_are_refused(begun: Path, strokes: Path) -> None:
    """Where a picture was taken away it is told; where it is back the training goes on."""
    first = next((strokes / "lying").iterdir())
    data = first.read_bytes()
    first.unlink()
    with pytest.raises(RunError, match=r"The pictures of '.*' are not those that '.*' began with\."):
        resume(begun)
    first.write_bytes(data)
    assert resume(begun).record["training"]["stopped"] == "All 4 epochs were done."


def test_a_checkpoint_of_another_network_is_refused(begun: Path) -> None:
    """Whoever edits what was asked is told, and nothing is overwritten."""
    file = begun.with_name("run.unfinished") / "request.json"
    told = json.loads(file.read_text())
    told["request"]["network"] = "input 12x12x1; flatten; dense 3 softmax"
    file.write_text(json.dumps(told))
    with pytest.raises(RunError) as caught:
        resume(begun)
    assert str(caught.value) == (
        f"The unfinished training '{begun}.unfinished' is damaged: its checkpoint is not one of this "
        "network. A folder as 'pellucid train' wrote it was expected. Delete it and train again."
    )
    assert file.is_file() and not begun.exists()


def test_a_fresh_training_passes_by_an_unfinished_one(
    strokes: Path, strokes_network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_core: None
) -> None:
    """Without --out the next number is taken; the unfinished folder stays for --resume."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "strokes-1.unfinished").mkdir(parents=True)
    run = train(TrainRequest(source=str(strokes), network=strokes_network, epochs=1))
    assert run.folder == Path("runs") / "strokes-2"
    assert (tmp_path / "runs" / "strokes-1.unfinished").is_dir()
