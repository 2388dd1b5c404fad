"""Which runs the lab shows, by which names, and that no other folder can be asked for."""

from pathlib import Path

import pytest

from pellucid.lab.place import Place
from pellucid.lab.question import QuestionError
from pellucid.lab.runlist import Listed, folder_of, is_training, listed


def make(folder: Path, file: str = "run.json") -> Path:
    folder.mkdir(parents=True)
    (folder / file).write_text("{}")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a run, a training under way, and a run that lies beside it."""
    make(tmp_path / "home" / "runs" / "one")
    make(tmp_path / "home" / "runs" / "two.unfinished", "request.json")
    make(tmp_path / "elsewhere" / "secret")
    return tmp_path / "home"


def test_trainings_stand_before_runs(home: Path) -> None:
    """By their paths below the folder."""
    assert listed(Place(home)) == [Listed("runs/two.unfinished", True), Listed("runs/one", False)]
    assert folder_of("runs/one", Place(home)) == home / "runs" / "one"
    assert folder_of("runs/two.unfinished", Place(home)) == home / "runs" / "two.unfinished"


def test_a_run_that_was_named_stands_on_top(home: Path, tmp_path: Path) -> None:
    """Wherever it lies, and once."""
    outside = tmp_path / "elsewhere" / "secret"
    found = listed(Place(home, str(outside)))
    assert found[0] == Listed(str(outside), False)
    assert len(found) == 3
    assert folder_of(str(outside), Place(home, str(outside))) == outside
    assert listed(Place(home, str(home / "runs" / "one")))[0] == Listed("runs/one", False)
    assert len(listed(Place(home, "digits-convnet"))) == 2
    assert len(listed(Place(home, "input 8x8x1;\0 flatten"))) == 2


def test_the_lab_may_be_opened_in_a_run_itself(home: Path) -> None:
    """It has its own name then."""
    place = Place(home / "runs" / "one")
    assert listed(place) == [Listed("one", False)]
    assert folder_of("one", place) == home / "runs" / "one"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../elsewhere/secret",
        "runs/../../elsewhere/secret",
        "runs",
        "no",
        "a\0b",
        "x" * 5000,
        "/",
    ],
)
def test_nothing_but_these_can_be_asked_for(home: Path, name: str) -> None:
    """Not a run that lies elsewhere, by whatever way; not a folder that is no run."""
    with pytest.raises(QuestionError, match=r"There is no run .* here\."):
        folder_of(name, Place(home))


def test_a_link_out_of_the_folder_leads_nowhere(home: Path, tmp_path: Path) -> None:
    """It is not followed, and an absolute path is not taken."""
    (home / "link").symlink_to(tmp_path / "elsewhere" / "secret")
    for name in ("link", str(tmp_path / "elsewhere" / "secret")):
        with pytest.raises(QuestionError, match="There is no run"):
            folder_of(name, Place(home))


def test_what_a_training_is(home: Path) -> None:
    """Its name and its request, both."""
    assert is_training(home / "runs" / "two.unfinished")
    assert not is_training(home / "runs" / "one")
    (home / "runs" / "two.unfinished" / "request.json").unlink()
    assert not is_training(home / "runs" / "two.unfinished")
