"""``pellucid check``: what is wrong with the pictures."""

from pathlib import Path


def test_json_is_the_contract(pellucid, own_cache: Path, colours: Path) -> None:
    """Counts, unreadable files with their reasons, and findings with advice."""
    (colours / "red" / "bad.png").write_bytes(b"")
    (colours / "blue" / "copy.png").write_bytes((colours / "red" / "00.png").read_bytes())
    said = pellucid("check", colours, "--json")
    assert said.status == 3
    told = said.last
    assert set(told) == {"pictures", "readable", "unreadable", "classes", "findings"}
    assert (told["pictures"], told["readable"]) == (74, 73)
    assert [one["path"] for one in told["unreadable"]] == ["red/bad.png"]
    assert told["classes"] == {"blue": 25, "green": 24, "red": 24}
    for finding in told["findings"]:
        assert set(finding) == {"kind", "paths", "advice"}
    (two,) = [one for one in told["findings"] if set(one["paths"]) == {"blue/copy.png", "red/00.png"}]
    assert "class" in two["kind"]


def test_a_sound_source_is_told_so(pellucid, own_cache: Path, colours: Path) -> None:
    """Nothing wrong: status 0 and a sentence."""
    said = pellucid("check", colours)
    assert said.status == 0
    assert "Nothing is wrong with these pictures." in said.out


def test_a_missing_folder_is_status_2(pellucid, tmp_path: Path) -> None:
    """One paragraph."""
    said = pellucid("check", tmp_path / "nothing", "--json")
    assert said.status == 2
    assert said.out == ""
    assert said.err.startswith(f"There is nothing at '{tmp_path / 'nothing'}'.")
