"""``pellucid demo``: the main job on shipped pictures."""

from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_demo_trains_measures_and_reports(pellucid, tmp_path: Path) -> None:
    """Real pictures, the real backbone: well above chance, with a report, and it says what to try next."""
    said = pellucid("demo", "--out", tmp_path / "demo", "--json")
    assert said.status == 0
    assert said.last["test"]["accuracy"] > 0.6
    assert len(said.last["classes"]) == 6
    assert (tmp_path / "demo" / "report.html").stat().st_size > 50_000
    again = pellucid("demo", "--out", tmp_path / "again")
    assert "pellucid train FOLDER" in again.out
