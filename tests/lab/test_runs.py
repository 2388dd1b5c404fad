"""The room Run: a run with its pictures, a training as it grows, and damage that leaves the rest there."""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pellucid.errors import PellucidError
from pellucid.lab.place import HERE
from pellucid.lab.runpicture import name_of, thumbnail
from pellucid.lab.runs import PAGE, cell, picture, pictures, show, start, watch
from pellucid.learn.unfinished import Unfinished
from pellucid.request import TrainRequest
from pellucid.run import Run, write_table

EPOCH = {
    "event": "epoch",
    "epoch": 1,
    "loss": 1.5,
    "accuracy": 0.5,
    "val_loss": 1.25,
    "val_accuracy": 0.75,
    "weights": "last",
    "rate": 0.1,
    "seconds": 2.0,
    "pictures_per_second": 10.0,
}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Path]:
    """The lab is opened in the test's own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HERE, "folder", tmp_path)
        patch.setattr(HERE, "network", None)
        yield tmp_path


@pytest.fixture
def scratch(here: Path, scratched: Run, _workshop: Path) -> Run:
    """A run from scratch below the lab's folder; its pictures lie where they were."""
    return scratched


def test_a_run_is_shown_whole(scratch: Run) -> None:
    """Nothing is damaged, and its parts are the record's."""
    assert start({})["runs"] == [{"name": "scratched", "title": "scratched", "under_way": False}]
    told = show({"run": "scratched"})
    assert told["damage"] == []
    assert told["test"]["correct"] == scratch.record["test"]["correct"]
    assert told["network"] == "run/scratched"
    assert told["confusion"]["counts"] == scratch.record["evaluation"]["confusion"]
    assert json.dumps(told, allow_nan=False)
    assert told["worst"]["total"] == scratch.record["test"]["n"] - scratch.record["test"]["correct"]


def test_the_pictures_of_every_cell(scratch: Run, _workshop: Path) -> None:
    """As many as the matrix counts, the surest first, and each is the file that lies there."""
    classes = scratch.classes
    for truth, counts in enumerate(scratch.record["evaluation"]["confusion"]):
        for said, count in enumerate(counts):
            told = cell({"run": "scratched", "truth": truth, "said": said})
            assert told["total"] == count
            assert len(told["pictures"]) == min(count, PAGE)
            for one in told["pictures"]:
                assert (one["truth"], one["said"]) == (classes[truth], classes[said])
                assert one["gone"] == ""
                data = (_workshop / "strokes" / one["path"]).read_bytes()
                assert np.array_equal(tile(told, one["place"]), thumbnail(data))
                assert picture(one["picture"]) == data


def tile(told: Any, place: int) -> Any:
    sheet_HWC, sheet = np.asarray(Image.open(io.BytesIO(told["tiles"]))), told["sheet"]
    top, left = place // sheet["columns"] * sheet["height"], place % sheet["columns"] * sheet["width"]
    tall, broad = sheet["sizes"][place]
    return sheet_HWC[top : top + tall, left : left + broad]


def test_the_surest_come_first_and_the_worst_are_of_the_test(scratch: Run) -> None:
    """A table made by hand: two mistakes on test pictures, one that is surer on a validation picture."""
    rows = [
        ("a", "test", "lying", "slanted", 0.5),
        ("b", "val", "lying", "slanted", 0.9),
        ("c", "test", "lying", "slanted", 0.8),
        ("d", "test", "lying", "lying", 1.0),
    ]
    record = json.loads((scratch.folder / "run.json").read_text())
    tables = {
        "splits.csv": [("path", "label", "split", "digest"), *((p, t, s, "0") for p, s, t, _, _ in rows)],
        "predictions.csv": [("path", "split", "label", "predicted", "confidence"), *rows],
    }
    for name, table in tables.items():
        write_table(scratch.folder / name, table[0], table[1:])
        data = (scratch.folder / name).read_bytes()
        record["files"][name] = hashlib.blake2b(data, digest_size=16).hexdigest()
    (scratch.folder / "run.json").write_text(json.dumps(record))
    told = cell({"run": "scratched", "truth": 0, "said": 1})
    assert [one["path"] for one in told["pictures"]] == ["c", "a"]
    assert [one["confidence"].replace("\N{NO-BREAK SPACE}", " ") for one in told["pictures"]] == [
        "80.0 %",
        "50.0 %",
    ]
    assert show({"run": "scratched"})["worst"] == {"total": 2, "rows": [2, 0]}


def test_pages_of_a_cell_hold_each_picture_once(scratch: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, until there is no more."""
    monkeypatch.setattr("pellucid.lab.runs.PAGE", 2)
    total = cell({"run": "scratched", "truth": 0, "said": 0})["total"]
    assert total > 2
    rows = [
        one["row"]
        for begin in range(0, total, 2)
        for one in cell({"run": "scratched", "truth": 0, "said": 0, "start": begin})["pictures"]
    ]
    assert len(set(rows)) == total
    assert cell({"run": "scratched", "truth": 0, "said": 0, "start": 999})["pictures"] == []


def test_a_picture_that_is_gone_is_told_and_the_others_are_shown(
    here: Path, draw: Callable[..., Path], _workshop: Path
) -> None:
    """Its place on the sheet is nobody's; to look inside it is refused in words."""
    run = Path(shutil.copytree(_workshop / "run", here / "run"))
    record = json.loads((run / "run.json").read_text())
    source = Path(shutil.copytree(_workshop / "strokes", here / "strokes"))
    record["source"]["name"] = str(source)
    (run / "run.json").write_text(json.dumps(record))
    first, second, *_ = cell({"run": "run", "truth": 0, "said": 0})["pictures"]
    (source / first["path"]).unlink()
    shutil.copy(source / "standing" / "00.png", source / second["path"])
    told = pictures({"run": "run", "rows": [first["row"], second["row"], 0]})
    gone = [one["gone"] for one in told["pictures"]]
    assert gone[:2] == ["the picture is no longer where the run found it", "another file has its place now"]
    assert [one["place"] for one in told["pictures"]] == [None, None, 0]
    with pytest.raises(PellucidError) as caught:
        picture(first["picture"])
    assert str(caught.value) == (
        "That picture of the run cannot be shown: the picture is no longer where the run found it. The very "
        "picture that the run answered was expected. Bring it back, or choose another one."
    )


@pytest.mark.parametrize("rows", [None, "0", [-1], [10**6], [True], [0.5], ["../x"], [0] * (PAGE + 1)])
def test_pictures_are_asked_for_by_their_rows_only(scratch: Run, rows: Any) -> None:
    """Nothing else is taken."""
    with pytest.raises(PellucidError, match="The question's 'rows' are no rows of the run's table"):
        pictures({"run": "scratched", "rows": rows})


def test_names_that_are_no_pictures_of_a_run(scratch: Run) -> None:
    """Other names are left to others; a run or a row that is not there is refused."""
    assert picture("digits/3") is None
    with pytest.raises(PellucidError, match="There is no run 'nowhere' here"):
        picture(name_of("nowhere", 0))
    with pytest.raises(PellucidError, match="The run 'scratched' has no picture 99,999"):
        picture(name_of("scratched", 99_999))


def test_each_damage_leaves_the_rest_to_be_seen(scratch: Run) -> None:
    """A sentence for each, and the parts that are sound."""
    record = json.loads((scratch.folder / "run.json").read_text())
    record["stages"] = [{"name": "<img src=x onerror=alert(1)>"}]
    record["training"]["epochs"][0]["loss"] = "much"
    (scratch.folder / "run.json").write_text(json.dumps(record))
    (scratch.folder / "predictions.csv").write_text("x")
    told = show({"run": "scratched"})
    assert len(told["damage"]) == 3
    assert told["damage"][0].startswith(
        f"The run '{scratch.folder}' is damaged: run.json lacks or mistakes its"
    )
    assert "predictions.csv is not the file that training wrote" in told["damage"][2]
    assert told["stages"] is told["curves"] is told["worst"] is None
    assert told["confusion"]["counts"] == scratch.record["evaluation"]["confusion"]
    (scratch.folder / "run.json").write_text("[")
    with pytest.raises(PellucidError, match=r"damaged: run\.json is not JSON\."):
        show({"run": "scratched"})


@pytest.mark.parametrize("value", [None, 3, "x", [], {}, [[]], True, -1])
def test_any_field_of_a_record_may_be_wrong(scratch: Run, value: Any) -> None:
    """One after the other: a reply that JSON can hold, or a sentence."""
    whole = json.loads((scratch.folder / "run.json").read_text())
    for name in whole:
        (scratch.folder / "run.json").write_text(json.dumps(whole | {name: value}))
        try:
            assert json.dumps(show({"run": "scratched"}), allow_nan=False)
        except PellucidError as error:
            assert str(error).count(".") >= 2


def begun(here: Path, epochs: int | None = 3) -> Unfinished:
    unfinished = Unfinished(here / "runs" / "mine")
    request = TrainRequest(source="builtin:digits", network="digits-convnet", epochs=epochs)
    unfinished.begin(request, "0" * 32)
    return unfinished


def spoken(told: Any) -> list[str]:
    return [one.replace("\N{NO-BREAK SPACE}", " ") for one in told["told"]]


def test_a_training_is_watched_until_its_run_is_there(here: Path, _workshop: Path) -> None:
    """Its epochs as the loop tells them, then the name of the run."""
    unfinished = begun(here)
    name = "runs/mine.unfinished"
    assert start({})["runs"] == [{"name": name, "title": name, "under_way": True}]
    told = watch({"run": name})
    assert told["under_way"]
    assert told["curves"]["epochs"] == []
    assert spoken(told) == ["Epoch 1 of 3 is under way: the first figures come at its end."]
    lines: list[dict[str, Any]] = []
    for number, loss in ((1, 1.25), (2, 0.5), (3, 0.75)):
        lines.append(EPOCH | {"epoch": number, "val_loss": loss})
        unfinished.tell(lines)
        told = watch({"run": name})
        assert [one["epoch"] for one in told["curves"]["epochs"]] == list(range(1, number + 1))
    assert told["curves"]["best"] == 2
    assert spoken(told) == [
        "3 epochs of 3 done, the last in 2.00 s: 75.0 % of the validation pictures are right.",
        "The best epoch so far is 2: its validation loss is 0.5.",
    ]
    assert show({"run": name})["curves"] == told["curves"]
    shutil.copytree(_workshop / "run", here / "runs" / "mine")
    unfinished.remove()
    assert watch({"run": name}) == {"run": "runs/mine", "under_way": False, "gone": False}


def test_a_training_that_is_silent_says_how_to_go_on(here: Path) -> None:
    """After a minute, and after five epochs' time."""
    unfinished = begun(here, None)
    unfinished.tell([EPOCH])
    file = unfinished.folder / "metrics.jsonl"
    os.utime(file, (0, 0))
    assert spoken(watch({"run": "runs/mine.unfinished"}))[2].endswith(
        "If it was interrupted, go on with: pellucid train --resume runs/mine"
    )
    unfinished.tell([EPOCH | {"seconds": 1e12}])
    os.utime(file, (0, 0))
    assert len(spoken(watch({"run": "runs/mine.unfinished"}))) == 2


def test_a_training_that_was_deleted_is_gone(here: Path) -> None:
    """So it is said."""
    unfinished = begun(here)
    unfinished.remove()
    told = watch({"run": "runs/mine.unfinished"})
    assert told == {"run": "runs/mine.unfinished", "under_way": False, "gone": True}


def test_a_name_that_is_only_the_ending_of_one_is_gone(here: Path) -> None:
    """As any other training that is not there."""
    assert watch({"run": ".unfinished"}) == {"run": ".unfinished", "under_way": False, "gone": True}


def test_a_damaged_line_of_a_training_is_told(here: Path) -> None:
    """As one sentence; a damaged request costs only the number of epochs that were planned."""
    unfinished = begun(here)
    (unfinished.folder / "request.json").write_text("{")
    assert watch({"run": "runs/mine.unfinished"})["planned"] is None
    (unfinished.folder / "metrics.jsonl").write_text("{\n")
    with pytest.raises(PellucidError, match=r"line 1 of metrics\.jsonl tells no epoch"):
        show({"run": "runs/mine.unfinished"})
    with pytest.raises(PellucidError, match=r"line 1 of metrics\.jsonl tells no epoch"):
        watch({"run": "runs/mine.unfinished"})


def test_where_there_is_no_run_one_is_told_how_to_make_one(here: Path) -> None:
    """The folder that was looked in, and a command."""
    told = start({})
    assert told["runs"] == []
    assert told["folder"] == str(here.resolve())
    assert told["command"].startswith("pellucid train builtin:digits")
