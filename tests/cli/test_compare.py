"""``pellucid compare``: a table, a verdict in words, JSON, and a page."""

import shutil
from pathlib import Path

import pytest

from pellucid.run import Run


@pytest.fixture
def folders(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two runs that say the same, in the folder where a person is."""
    monkeypatch.chdir(tmp_path)
    for name in ("one", "two"):
        shutil.copytree(run.folder, tmp_path / name)
    return ["one", "two"]


def test_a_person_reads_a_verdict(pellucid, folders: list[str], run: Run) -> None:
    """The table has a row a run, then a sentence a pair, and how often they disagree; no page is written."""
    before = sorted(Path.cwd().iterdir())
    said = pellucid("compare", *folders)
    n, right = run.record["test"]["n"], run.record["test"]["correct"]
    lines = said.out.splitlines()
    assert (said.status, said.err) == (0, "")
    assert lines[0].split() == ["run", "recipe", "accuracy", "parameters", "size", "training"]
    assert [line.split()[:2] for line in lines[1:3]] == [["one", "features"], ["two", "features"]]
    assert f"({right} of {n}; 95 % interval" in lines[1]
    assert lines[3:] == [
        "",
        f"one and two are right on the same {right} of these {n} pictures: nothing tells them apart.",
        f"They disagree on 0 of {n} pictures.",
    ]
    assert sorted(Path.cwd().iterdir()) == before


def test_of_several_pairs_the_adjustment_is_told(pellucid, folders: list[str]) -> None:
    """Three runs are three pairs."""
    shutil.copytree("one", "three")
    lines = pellucid("compare", *folders, "three").out.splitlines()
    assert sum("nothing tells them apart." in line for line in lines) == 3
    assert "Each p is adjusted for 3 pairs (Holm)." in lines


def test_the_page_is_written_once(pellucid, folders: list[str]) -> None:
    """Where it is stands on the last line; it never replaces a file, and needs a folder, before any work."""
    said = pellucid("compare", *folders, "--out", "page.html")
    assert (said.status, said.out.splitlines()[-1]) == (0, "The page: page.html")
    page = Path("page.html").read_text("utf-8")
    assert "<h1>2\N{NO-BREAK SPACE}runs on " in page
    again = pellucid("compare", "no run", "nowhere", "--out", "page.html")
    assert again.status == 2
    assert again.err.strip() == (
        "'page.html' exists already. A file that does not exist was expected. Choose another name."
    )
    assert Path("page.html").read_text("utf-8") == page
    homeless = pellucid("compare", "no run", "nowhere", "--out", "no/page.html")
    assert homeless.status == 2
    assert homeless.err.strip() == (
        "There is no folder 'no' to write 'page.html' to. A file's name in a folder that exists was "
        "expected. Make the folder first, or choose another."
    )


def test_json_has_the_contracts_keys(pellucid, folders: list[str]) -> None:
    """One object on the last line: runs, pairs, disagreements, left_out and skipped."""
    said = pellucid("compare", *folders, "--json")
    told = said.last
    assert said.status == 0
    assert list(told) == ["runs", "pairs", "disagreements", "left_out", "skipped"]
    assert list(told["runs"][0]) == [
        *["run", "recipe", "n", "correct", "accuracy", "interval", "seconds", "bytes", "parameters"]
    ]
    assert list(told["pairs"][0]) == [
        *["a", "b", "n", "only_a", "only_b", "difference", "interval", "p", "adjusted_p", "verdict"]
    ]
    assert told["pairs"][0]["verdict"] == "chance"
    assert (told["disagreements"], told["left_out"], told["skipped"]) == ([], 0, [])


def test_what_is_skipped_is_named(pellucid, folders: list[str], paint) -> None:
    """On another source, a file that is no picture is named, and the exit status is 3."""
    new = paint(Path("new"), 5, offset=500)
    (new / "red" / "broken.png").write_bytes(b"no picture")
    said = pellucid("compare", *folders, "--on", new, "--json")
    assert said.status == 3
    assert "1 file was skipped:\n  'red/broken.png': " in said.err
    assert [one["path"] for one in said.last["skipped"]] == ["red/broken.png"]
    assert said.last["runs"][0]["n"] == 15


def test_what_was_learnt_from_is_left_out_and_counted(pellucid, folders: list[str], run: Run) -> None:
    """On the pictures of the training itself only the test pictures judge."""
    said = pellucid("compare", *folders, "--on", run.record["source"]["name"])
    left = run.record["samples"]["train"] + run.record["samples"]["val"]
    assert said.status == 0
    assert said.out.splitlines()[-1] == (
        f"{left} others were left out: one of the runs learnt from them or was not tested on them."
    )


def test_a_hostile_name_does_not_reach_the_terminal(pellucid, folders: list[str]) -> None:
    """A folder whose name moves the cursor is printed as escapes; JSON has it as it is."""
    bad = "two\x1b[2J\n\udcff"
    Path("two").rename(bad)
    said = pellucid("compare", "one", bad)
    assert said.status == 0
    assert "\x1b" not in said.out
    assert "two\\x1b[2J\\n\\udcff are right on the same" in said.out
    assert pellucid("compare", "one", bad, "--json").last["runs"][1]["run"] == bad


def test_mistakes_are_one_paragraph(pellucid, folders: list[str]) -> None:
    """One run only, one twice, a folder that is none, and a damaged run."""
    (Path("two") / "splits.csv").write_text("path\n")
    for arguments, begins in (
        (["one"], "One run was given."),
        (["one", "./one"], "The run 'one' was given twice."),
        (["one", "nowhere"], "There is no run at 'nowhere'."),
        (["one", "two"], "The run 'two' is damaged: splits.csv is not the file that training wrote."),
    ):
        said = pellucid("compare", *arguments)
        assert (said.status, said.out) == (2, "")
        assert said.err.startswith(begins)
        assert said.err.count("\n") == 1
