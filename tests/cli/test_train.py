"""``pellucid train``: a run folder, a summary for a person or a program, and the right exit status."""

import json
from pathlib import Path

import pytest

KEYS = {"run", "recipe", "chosen", "backbone", "classes", "samples", "stages", "test", "seconds"}


def test_json_is_the_contract(pellucid, tiny: str, colours: Path, tmp_path: Path) -> None:
    """Standard output is one object with the contract's keys; talk goes to standard error."""
    said = pellucid("train", colours, "--backbone", tiny, "--out", tmp_path / "run", "--json")
    assert said.status == 0
    assert len(said.out.splitlines()) == 1
    assert set(said.last) == KEYS
    assert said.last["run"] == str(tmp_path / "run")
    assert said.last["recipe"] == "auto"
    assert said.last["chosen"] == "features"
    assert said.last["classes"] == ["blue", "green", "red"]
    assert set(said.last["samples"]) == {"train", "val", "test", "skipped"}
    assert set(said.last["test"]) == {"n", "correct", "accuracy", "interval"}
    (stage,) = said.last["stages"]
    assert set(stage) == {"name", "val", "seconds"}
    assert said.last["seconds"]["total"] > 0
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert said.last["test"] == record["test"]


def test_a_person_is_told_the_figure_its_interval_and_what_to_do_next(
    pellucid, tiny: str, colours: Path, tmp_path: Path
) -> None:
    """The summary ends with commands that work."""
    said = pellucid("train", colours, "--backbone", tiny, "--out", tmp_path / "run", "--fit", "squash")
    assert "100.0 % (" in said.out
    assert "95 % interval" in said.out
    assert f"The report:      {tmp_path / 'run' / 'report.html'}" in said.out
    assert f"pellucid predict {tmp_path / 'run'} PICTURE" in said.out


def test_skipped_pictures_give_status_3_and_are_named(
    pellucid, tiny: str, colours: Path, tmp_path: Path
) -> None:
    """The work is done, and what was left out is told on standard error."""
    (colours / "red" / "bad\n\x1b[31m.png").write_bytes(b"no picture")
    said = pellucid(
        "train", colours, "--backbone", tiny, "--out", tmp_path / "run", "--fit", "squash", "--json"
    )
    assert said.status == 3
    assert "1 file was skipped:" in said.err
    assert r"'red/bad\n\x1b[31m.png'" in said.err
    assert said.last["samples"]["skipped"] == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "There is nothing at 'nowhere'."),
        (["builtin:digit"], "builtin:digits"),
        (["builtin:digits", "--split", "70,30"], "The split '70,30' cannot be used."),
        (["builtin:digits", "--recipe", "scratchy"], "There is no recipe 'scratchy'."),
        (["builtin:digits", "--fit", "crob"], "Did you mean crop?"),
        (["builtin:digits", "--seed", "-3"], "The seed is -3."),
    ],
)
def test_a_mistake_is_one_paragraph_and_status_2(
    pellucid, arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, nothing on standard output, nothing written."""
    monkeypatch.chdir(tmp_path)
    said = pellucid("train", *arguments, "--json")
    assert said.status == 2
    assert said.out == ""
    assert told in said.err
    assert "Traceback" not in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage_is_status_2(pellucid) -> None:
    """A missing argument and an unknown option are the person's mistake."""
    assert pellucid("train").status == 2
    assert pellucid("train", "x", "--no-such-option").status == 2
    assert pellucid("no-such-command").status == 2
