"""Where the lab was opened: runs are found below it, and a folder that cannot be read ends nothing."""

import os
from pathlib import Path

from pellucid.lab.place import Place, find_runs


def make_run(folder: Path, changed: float) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    os.utime(folder, (changed, changed))
    return folder


def test_runs_are_found_below_the_folder_the_newest_first(tmp_path: Path) -> None:
    """At any of four depths; what lies in a run, in a hidden folder or behind a link is left out."""
    old, new = make_run(tmp_path / "a" / "b" / "c" / "old", 1e9), make_run(tmp_path / "new", 2e9)
    make_run(tmp_path / "new" / "inner", 3e9)
    os.utime(new, (2e9, 2e9))
    make_run(tmp_path / ".hidden" / "run", 3e9)
    make_run(tmp_path / "1" / "2" / "3" / "4" / "deep", 3e9)
    (tmp_path / "link").symlink_to(old)
    assert find_runs(tmp_path) == [new, old]


def test_a_run_itself_may_be_the_folder(tmp_path: Path) -> None:
    """The lab opened in a run's own folder finds that run."""
    assert find_runs(make_run(tmp_path / "run", 1e9)) == [tmp_path / "run"]


def test_a_folder_that_is_not_there_holds_no_run(tmp_path: Path) -> None:
    """It is left out, as one that may not be read."""
    assert find_runs(tmp_path / "nowhere") == []


def test_a_lab_opens_where_it_is_started() -> None:
    """Without a word the folder is the current one, and nothing is named."""
    assert Place() == Place(Path(), None, None)
