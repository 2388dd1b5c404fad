"""Runs side by side: matched by content, judged only by pictures that are new to all of them."""

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pellucid.compare import compare_runs
from pellucid.errors import RequestError, RunError
from pellucid.recipe import train
from pellucid.request import TrainRequest
from pellucid.run import Run, load_run


@pytest.fixture
def two(run: Run, tmp_path: Path) -> tuple[Run, Run]:
    """Two runs that say the same of the same pictures, which lie in a folder of their own."""
    source = shutil.copytree(run.record["source"]["name"], tmp_path / "colours")
    record = json.loads((run.folder / "run.json").read_text())
    record["source"]["name"] = str(source)
    (run.folder / "run.json").write_text(json.dumps(record))
    one, other = (shutil.copytree(run.folder, tmp_path / name) for name in ("one", "two"))
    return load_run(one), load_run(other)


def written(run: Run, name: str, change: Callable[[dict[str, str]], dict[str, str]]) -> Run:
    """The run as if training had written this table with its rows changed."""
    path, record = run.folder / name, json.loads((run.folder / "run.json").read_text())
    rows = [change(row) for row in csv.DictReader(io.StringIO(path.read_text()))]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    record["files"][name] = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    (run.folder / "run.json").write_text(json.dumps(record))
    return load_run(run.folder)


def test_the_figures_are_those_of_the_runs(two: tuple[Run, Run]) -> None:
    """On its own test pictures each has the accuracy of its run, and its costs; the pair adds up."""
    wrong = [one.path for one in compare_runs(two).pictures if one.answers[0] == one.label][:2]
    worse = written(
        two[1], "predictions.csv", lambda row: row | {"predicted": "?"} if row["path"] in wrong else row
    )
    told = compare_runs([two[0], worse]).to_json()
    n, correct = two[0].record["test"]["n"], two[0].record["test"]["correct"]
    assert [(one["n"], one["correct"]) for one in told["runs"]] == [(n, correct), (n, correct - 2)]
    for run, one in zip(two, told["runs"], strict=True):
        assert (one["run"], one["recipe"]) == (str(run.folder), "features")
        assert one["parameters"] == 3 * 3 + 3
        assert one["bytes"] == (run.folder / "model.safetensors").stat().st_size
        assert one["seconds"] == run.record["seconds"]["total"]
    (pair,) = told["pairs"]
    assert (pair["a"], pair["b"], pair["n"]) == (str(two[0].folder), str(two[1].folder), n)
    assert (pair["only_a"], pair["only_b"], pair["p"]) == (2, 0, 0.5)
    assert pair["difference"] == pytest.approx(2 / n)


def test_a_picture_can_be_looked_at(two: tuple[Run, Run]) -> None:
    """The encoded bytes of a picture are those of its file; there is none of a path that is not known."""
    compared = compare_runs(two)
    path = compared.pictures[0].path
    assert compared.picture(path) == (Path(two[0].record["source"]["name"]) / path).read_bytes()
    assert compared.picture("no/such.png") is None


def test_a_run_from_scratch_has_epochs(scratched: Run, tmp_path: Path) -> None:
    """Its network's parameters are all counted, and its epochs are told under its number."""
    other = load_run(Path(shutil.copytree(scratched.folder, tmp_path / "other")))
    compared = compare_runs([scratched, other])
    assert compared.epochs() == dict.fromkeys((1, 2), scratched.record["training"]["epochs"])
    assert [one["parameters"] for one in compared.to_json()["runs"]] == [683, 683]


def test_a_fine_tuned_run_learnt_layers_and_its_head(two: tuple[Run, Run]) -> None:
    """Both are counted, as run.json has them."""
    tuned = replace(two[1], record={**two[1].record, "finetune": {"parameters": 1_017_600, "head": 2562}})
    told = compare_runs([two[0], tuned]).to_json()
    assert [one["parameters"] for one in told["runs"]] == [12, 1_020_162]


def test_runs_need_not_be_read_back_after_training(tmp_path: Path, two: tuple[Run, Run]) -> None:
    """What ``train`` returns can be compared as it is."""
    source = str(two[0].record["source"]["name"])
    fresh = train(TrainRequest(source=source, backbone="tiny", out=tmp_path / "fresh", fit="squash"))
    assert compare_runs([two[0], fresh]).pictures == compare_runs(two).pictures


def test_disagreements_are_named(two: tuple[Run, Run]) -> None:
    """Where the runs say different things, the picture, its class and both answers are told."""
    path = next(one.path for one in compare_runs(two).pictures if one.answers == ("red", "red"))
    other = written(
        two[1], "predictions.csv", lambda row: row | {"predicted": "blue"} if row["path"] == path else row
    )
    told = compare_runs([two[0], other]).to_json()
    assert told["disagreements"] == [{"path": path, "label": "red", "answers": ["red", "blue"]}]
    (pair,) = told["pairs"]
    assert (pair["only_a"], pair["only_b"], pair["p"], pair["verdict"]) == (1, 0, 1.0, "chance")


def test_a_verdict_does_not_hang_on_a_folders_name(two: tuple[Run, Run], tmp_path: Path) -> None:
    """A run whose folder is called 'chance' can be better than another: the verdict is 'a' or 'b'."""
    better = load_run(Path(shutil.copytree(two[0].folder, tmp_path / "chance")))
    worse = written(two[1], "predictions.csv", lambda row: row | {"predicted": "none of them"})
    assert compare_runs([better, worse]).to_json()["pairs"][0]["verdict"] == "a"
    assert compare_runs([worse, better]).to_json()["pairs"][0]["verdict"] == "b"


def test_a_picture_that_one_run_learnt_from_judges_none(two: tuple[Run, Run]) -> None:
    """What stands in one run's training split is left out and counted, though both have it in their tests."""
    tested = [one.path for one in compare_runs(two).pictures]
    learnt = set(tested[:3])
    other = written(
        two[1], "splits.csv", lambda row: row | {"split": "train"} if row["path"] in learnt else row
    )
    other = written(
        other, "predictions.csv", lambda row: row | {"split": "val"} if row["path"] in learnt else row
    )
    for runs in ([two[0], other], [other, two[0]]):
        compared = compare_runs(runs)
        assert {one.path for one in compared.pictures} == set(tested) - learnt
        assert compared.left_out == 3
        assert compared.to_json()["pairs"][0]["n"] == len(tested) - 3
    everything = written(other, "splits.csv", lambda row: row | {"split": "train"})
    everything = written(everything, "predictions.csv", lambda row: row | {"split": "val"})
    with pytest.raises(RequestError) as caught:
        compare_runs([two[0], everything])
    assert str(caught.value) == (
        "There is no picture that all of these runs were tested on and none has learnt from. Pictures that "
        "are new to every run were expected, so that none has an advantage. Name other pictures: pellucid "
        "compare RUN RUN --on SOURCE"
    )


def test_a_picture_that_one_run_does_not_know_judges_none(two: tuple[Run, Run]) -> None:
    """A test picture of one run alone is left out, whichever run comes first."""
    tested = compare_runs(two).pictures
    stranger = "0" * 32
    other = written(
        two[1], "splits.csv", lambda row: row | {"digest": stranger} if row["path"] == tested[0].path else row
    )
    for runs in ([two[0], other], [other, two[0]]):
        compared = compare_runs(runs)
        assert {one.path for one in compared.pictures} == {one.path for one in tested[1:]}
        assert (
            compared.left_out == 2
        )  # the picture that only one knows, and the one that only the other knows


def test_names_of_files_do_not_matter(two: tuple[Run, Run]) -> None:
    """The same pictures under other names are the same pictures; they are named as in the first run."""

    def renamed(row: dict[str, str]) -> dict[str, str]:
        return row | {"path": f"moved/{row['path']}"}

    pictures = compare_runs(two).pictures
    other = written(written(two[1], "splits.csv", renamed), "predictions.csv", renamed)
    assert compare_runs([two[0], other]).pictures == pictures


def test_a_picture_that_is_labelled_in_two_ways_is_skipped(two: tuple[Run, Run]) -> None:
    """Where the runs were told different classes of a picture, nobody is right: it is named and left out."""
    path = next(one.path for one in compare_runs(two).pictures if one.label == "red")
    other = written(
        two[1], "predictions.csv", lambda row: row | {"label": "blue"} if row["path"] == path else row
    )
    compared = compare_runs([two[0], other])
    assert path not in {one.path for one in compared.pictures}
    assert compared.to_json()["skipped"] == [
        {"path": path, "reason": "it is labelled 'blue' and 'red', so that nobody can say who is right"}
    ]
    swapped = written(two[1], "predictions.csv", lambda row: row | {"label": "none of them"})
    with pytest.raises(RequestError, match=r"^All pictures that could judge these runs are labelled in more"):
        compare_runs([two[0], swapped])


def test_another_picture_in_its_place_is_not_shown(two: tuple[Run, Run]) -> None:
    """A file that was replaced after training is not passed off as the picture that was answered."""
    one, other = compare_runs(two).pictures[:2]
    source = Path(two[0].record["source"]["name"])
    (source / one.path).write_bytes((source / other.path).read_bytes())
    compared = compare_runs(two)
    assert compared.picture(one.path) is None
    assert compared.picture(other.path) is not None
    shutil.rmtree(source)
    assert compare_runs(two).picture(other.path) is None


def test_other_pictures_can_judge(two: tuple[Run, Run], paint, tmp_path: Path) -> None:
    """With a source named, every run answers it now; what was learnt from is left out."""
    new = paint(tmp_path / "new", 5, offset=500)
    known = Path(two[0].record["source"]["name"]) / "red"
    for path in known.iterdir():
        (new / "red" / f"known-{path.name}").write_bytes(path.read_bytes())
    compared = compare_runs(two, on=str(new))
    (new / "blue" / "broken.png").write_bytes(b"no picture")
    names = {one.path for one in compared.pictures}
    assert {f"{name}/0{n}.png" for name in ("blue", "green", "red") for n in range(5)} <= names
    assert not any(two[0].learnt_from(one.digest) for one in compared.pictures)
    assert len(names) + compared.left_out == 15 + 24
    assert [one["path"] for one in compare_runs(two, on=str(new)).to_json()["skipped"]] == ["blue/broken.png"]
    with pytest.raises(RequestError) as caught:
        compare_runs(two, on=str(learnt_only(two[0], tmp_path / "learnt")))
    assert "was learnt from by one of these runs, or cannot be read." in str(caught.value)


def learnt_only(run: Run, folder: Path) -> Path:
    """The pictures that the run learnt from, as a source."""
    source = Path(run.record["source"]["name"])
    for line in (run.folder / "splits.csv").read_text().splitlines()[1:]:
        path, label, split, _ = line.split(",")
        if split != "test":
            (folder / label).mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes((source / path).read_bytes())
    return folder


def test_what_cannot_be_compared_is_refused(two: tuple[Run, Run], paint, tmp_path: Path) -> None:
    """One run, the same twice, other classes: each in one paragraph."""
    with pytest.raises(RequestError) as caught:
        compare_runs(two[:1])
    assert (
        str(caught.value) == "One run was given. Two or more different runs were expected. Name another run."
    )
    with pytest.raises(RequestError) as caught:
        compare_runs([two[0], two[1], two[0]])
    assert str(caught.value) == (
        f"The run '{two[0].folder}' was given twice. Two or more different runs were expected. Name another "
        "run."
    )
    source = paint(tmp_path / "cats", 24, classes=("cat", "dog"))
    cats = train(TrainRequest(source=str(source), backbone="tiny", out=tmp_path / "c", fit="squash"))
    with pytest.raises(RequestError) as caught:
        compare_runs([two[0], cats])
    assert str(caught.value) == (
        f"The classes of '{cats.folder}' are 'cat', 'dog', those of '{two[0].folder}' 'blue', 'green', "
        "'red'. Runs that tell the same classes apart were expected. Compare runs on one set of pictures."
    )


def test_the_order_of_the_classes_does_not_matter(two: tuple[Run, Run]) -> None:
    """Answers are compared by their names."""
    record = json.loads((two[1].folder / "run.json").read_text())
    record["classes"] = record["classes"][::-1]
    (two[1].folder / "run.json").write_text(json.dumps(record))
    assert compare_runs([two[0], load_run(two[1].folder)]).pictures == compare_runs(two).pictures


def test_of_many_classes_those_that_differ_come_first(two: tuple[Run, Run]) -> None:
    """Two lists that differ in their last names show what differs."""
    runs = [
        replace(run, classifier=replace(run.classifier, classes=(*map(str, range(20)), name)))
        for run, name in zip(two, ("cat", "dog"), strict=True)
    ]
    with pytest.raises(RequestError) as caught:
        compare_runs(runs)
    assert "two' are 'dog', '0', '1', '2', '3', '4', '5', '6', '7', '8' and 11 more, those" in str(
        caught.value
    )
    assert "one' 'cat', '0'," in str(caught.value)


@pytest.mark.parametrize(
    ("name", "damage", "what"),
    [
        ("splits.csv", None, "splits.csv cannot be read (No such file or directory)"),
        ("splits.csv", "path,label,split,digest\n", "splits.csv is not the file that training wrote"),
        ("predictions.csv", "\0", "predictions.csv is not the file that training wrote"),
        ("predictions.csv", None, "predictions.csv cannot be read (No such file or directory)"),
    ],
)
def test_a_damaged_table_is_named(two: tuple[Run, Run], name: str, damage: str | None, what: str) -> None:
    """A table that is gone, cut or overwritten is refused; one that is needed, on other pictures too."""
    path = two[1].folder / name
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage)
    source = str(two[0].record["source"]["name"])
    for on in (None, source) if name == "splits.csv" else (None,):
        with pytest.raises(RunError) as caught:
            compare_runs(two, on)
        assert str(caught.value) == (
            f"The run '{two[1].folder}' is damaged: {what}. A run folder as 'pellucid train' wrote it was "
            "expected. Restore it from a copy, or train again; run.json says with what."
        )
    if name == "predictions.csv":
        assert compare_runs(two, source).pictures


def test_a_table_or_record_that_lacks_something_is_named(two: tuple[Run, Run]) -> None:
    """A column, a picture or a key that is missing is told, in a paragraph and not as a traceback."""

    def refusal(run: Run) -> str:
        with pytest.raises(RunError) as caught:
            compare_runs([two[0], run]).to_json()
        return caught.value.came.partition("is damaged: ")[2]

    without = replace(two[1], record={key: value for key, value in two[1].record.items() if key != "seconds"})
    assert refusal(without) == "run.json lacks 'seconds.total'."
    path = compare_runs(two).pictures[0].path
    renamed = written(
        two[1], "splits.csv", lambda row: row | {"path": "other" if row["path"] == path else row["path"]}
    )
    assert refusal(renamed) == f"splits.csv has no test picture '{path}'."
    headless = written(two[1], "splits.csv", lambda row: {"name": row["path"], "split": row["split"]})
    assert refusal(headless) == "splits.csv lacks the column 'digest'."
