"""Runs side by side: matched by content, judged only by pictures that are new to all of them."""

from pathlib import Path

import pytest

from pellucid.compare import compare_runs
from pellucid.errors import RequestError, RunError
from pellucid.recipe import train
from pellucid.request import TrainRequest
from pellucid.run import Run


@pytest.fixture
def two(tiny: str, colours: Path, tmp_path: Path) -> tuple[Run, Run]:
    """Two runs on the same pictures and split that differ in their class weights alone."""
    made = [
        train(
            TrainRequest(
                source=str(colours), backbone=tiny, out=tmp_path / name, fit="squash", class_weights=weights
            )
        )
        for name, weights in (("one", "none"), ("two", "balanced"))
    ]
    return made[0], made[1]


def test_the_figures_are_those_of_the_runs(two: tuple[Run, Run]) -> None:
    """On their own test pictures each has the accuracy of its run; the pair adds up."""
    compared = compare_runs(two)
    told = compared.to_json()
    for run, one in zip(two, told["runs"], strict=True):
        assert one["run"] == str(run.folder)
        assert (one["n"], one["correct"]) == (run.record["test"]["n"], run.record["test"]["correct"])
        assert one["parameters"] == 3 * 3 + 3
        assert one["bytes"] == (run.folder / "model.safetensors").stat().st_size
    (pair,) = told["pairs"]
    assert pair["n"] == told["runs"][0]["n"]
    assert pair["difference"] == pytest.approx(told["runs"][0]["accuracy"] - told["runs"][1]["accuracy"])
    assert (
        compared.picture(compared.pictures[0].path)
        == (Path(two[0].record["source"]["name"]) / compared.pictures[0].path).read_bytes()
    )
    assert compared.picture("no/such.png") is None


def test_disagreements_are_named(two: tuple[Run, Run]) -> None:
    """Where the tables say different things, the picture, its class and both answers are told."""
    table = two[1].folder / "predictions.csv"
    lines = table.read_text().splitlines()
    place = next(n for n, line in enumerate(lines) if ",test,red,red," in line)
    lines[place] = lines[place].replace(",test,red,red,", ",test,red,blue,")
    table.write_text("\n".join(lines) + "\n")
    told = compare_runs(two).to_json()
    assert told["disagreements"] == [
        {"path": lines[place].split(",")[0], "label": "red", "answers": ["red", "blue"]}
    ]
    assert told["pairs"][0]["only_a"] == 1
    assert told["pairs"][0]["verdict"] == "chance"


def test_a_picture_that_one_run_learnt_from_judges_none(
    tiny: str, colours: Path, tmp_path: Path, two: tuple[Run, Run]
) -> None:
    """Runs of different seeds share only the test pictures that neither learnt from."""
    other = train(
        TrainRequest(source=str(colours), backbone=tiny, out=tmp_path / "other", fit="squash", seed=3)
    )
    try:
        compared = compare_runs([two[0], other])
    except RequestError as error:
        assert str(error).startswith("There is no picture that all of these runs were tested on")
        return
    paths = {one.path for one in compared.pictures}
    assert 0 < len(paths) < two[0].record["test"]["n"]


def test_other_pictures_can_judge(two: tuple[Run, Run], paint, tmp_path: Path) -> None:
    """With a source named, every run answers it now; what was learnt from is left out."""
    new = paint(tmp_path / "new", 5, offset=500)
    known = Path(two[0].record["source"]["name"]) / "red"
    for path in known.iterdir():
        (new / "red" / f"known-{path.name}").write_bytes(path.read_bytes())
    compared = compare_runs(two, on=str(new))
    names = {one.path for one in compared.pictures}
    assert {f"red/0{n}.png" for n in range(5)} <= names
    assert len(names) < 15 + 24
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


def test_what_cannot_be_compared_is_refused(two: tuple[Run, Run], tiny: str, paint, tmp_path: Path) -> None:
    """One run, the same twice, other classes, damaged tables: each in one paragraph."""
    with pytest.raises(RequestError) as caught:
        compare_runs(two[:1])
    assert (
        str(caught.value) == "One run was given. Two or more different runs were expected. Name another run."
    )
    with pytest.raises(RequestError, match=r"^The same run was given twice\."):
        compare_runs([two[0], two[0]])
    source = paint(tmp_path / "cats", 24, classes=("cat", "dog"))
    cats = train(TrainRequest(source=str(source), backbone=tiny, out=tmp_path / "c", fit="squash"))
    with pytest.raises(RequestError) as caught:
        compare_runs([two[0], cats])
    assert str(caught.value) == (
        f"The classes of '{cats.folder}' are 'cat', 'dog', those of '{two[0].folder}' 'blue', 'green', "
        "'red'. Runs that tell the same classes apart were expected. Compare runs on one set of pictures."
    )
    (two[1].folder / "predictions.csv").unlink()
    with pytest.raises(RunError, match=r"^The tables of the run '.*two' cannot be read"):
        compare_runs(two)
