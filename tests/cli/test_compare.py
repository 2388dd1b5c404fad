"""``pellucid compare``: a table, a verdict in words, JSON, and a page."""

from pathlib import Path

import pytest

from pellucid.recipe import train
from pellucid.request import TrainRequest


@pytest.fixture
def folders(tiny: str, colours: Path, tmp_path: Path) -> list[Path]:
    return [
        train(
            TrainRequest(source=str(colours), backbone=tiny, out=tmp_path / n, fit="squash", class_weights=w)
        ).folder
        for n, w in (("one", "none"), ("two", "balanced"))
    ]


def test_a_person_reads_a_verdict(pellucid, folders: list[Path], tmp_path: Path) -> None:
    """The table has a row a run, a sentence a pair; the page is written once and never over another file."""
    said = pellucid("compare", *folders, "--out", tmp_path / "page.html")
    assert said.status == 0
    assert said.out.splitlines()[0].split() == ["run", "recipe", "accuracy", "parameters", "training"]
    assert "equally many of these" in said.out
    assert (tmp_path / "page.html").read_text().startswith("<!DOCTYPE html>") or "<html" in (
        tmp_path / "page.html"
    ).read_text()
    again = pellucid("compare", *folders, "--out", tmp_path / "page.html")
    assert again.status == 2
    assert again.err.strip() == (
        f"'{tmp_path / 'page.html'}' exists already. A file that does not exist was expected. Choose another "
        "name."
    )


def test_json_has_the_contracts_keys(pellucid, folders: list[Path]) -> None:
    """runs, pairs and disagreements on the last line."""
    told = pellucid("compare", *folders, "--json").last
    assert list(told) == ["runs", "pairs", "disagreements"]
    assert {"run", "recipe", "n", "correct", "accuracy", "interval", "seconds", "bytes", "parameters"} == set(
        told["runs"][0]
    )


def test_mistakes_are_one_paragraph(pellucid, folders: list[Path]) -> None:
    """One run only, and a folder that is none."""
    said = pellucid("compare", folders[0])
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("One run was given.")
    said = pellucid("compare", folders[0], "nowhere")
    assert said.status == 2
    assert "There is no run at 'nowhere'." in said.err
