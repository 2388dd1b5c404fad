"""``pellucid evaluate``: figures on other pictures."""

from pathlib import Path

from pellucid.run import Run


def test_json_is_the_contract(pellucid, run: Run, tmp_path: Path, paint) -> None:
    """The object has the contract's keys, and the counts agree with each other."""
    said = pellucid("evaluate", run.folder, paint(tmp_path / "other", 8, offset=70), "--json")
    assert said.status == 0
    told = said.last
    assert {"n", "correct", "accuracy", "interval", "classes", "confusion", "per_class", "skipped"} <= set(
        told
    )
    assert told["n"] == 24 == sum(map(sum, told["confusion"]))
    assert told["correct"] == sum(told["confusion"][k][k] for k in range(3))
    assert told["seen_in_training"] == 0


def test_pictures_that_were_learnt_from_are_told(pellucid, run: Run, tmp_path: Path, paint) -> None:
    """Figures on training pictures are too good, and a note says so."""
    said = pellucid("evaluate", run.folder, paint(tmp_path / "same", 24))
    learnt = run.record["samples"]["train"] + run.record["samples"]["val"]
    assert f"Note: {learnt} of the 72 pictures were learnt from in this run" in said.err
    assert "of the pictures are right" in said.out
    assert "recall %" in said.out


def test_skipped_pictures_give_status_3(pellucid, run: Run, tmp_path: Path, paint) -> None:
    """An unreadable picture is named and left out of the figures."""
    source = paint(tmp_path / "other", 4, offset=70)
    (source / "red" / "00.png").write_bytes(b"")
    said = pellucid("evaluate", run.folder, source, "--json")
    assert said.status == 3
    assert said.last["n"] == 11
    assert [one["path"] for one in said.last["skipped"]] == ["red/00.png"]


def test_a_damaged_run_is_one_paragraph(pellucid, run: Run, tmp_path: Path) -> None:
    """Status 2 and no traceback."""
    (run.folder / "model.safetensors").write_bytes(b"")
    said = pellucid("evaluate", run.folder, tmp_path)
    assert said.status == 2
    assert said.err.startswith(f"The run '{run.folder}' is damaged:")
