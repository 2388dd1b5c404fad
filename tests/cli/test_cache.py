"""``pellucid cache``: what is stored, and clearing it."""

from pathlib import Path

from pellucid.run import Run


def test_sizes_are_told_and_clearing_empties(pellucid, run: Run, own_cache: Path) -> None:
    """The parts sum to the total; after --clear nothing of ours is left, and nothing else is touched."""
    (own_cache / "mine.txt").write_text("not Pellucid's")
    told = pellucid("cache", "--json").last
    assert told["folder"] == str(own_cache)
    assert told["bytes"] == sum(told["parts"].values()) > 0
    assert set(told["parts"]) == {"trunks", "activations", "facts"}
    assert "computed features" in pellucid("cache").out
    assert pellucid("cache", "--clear").status == 0
    assert pellucid("cache", "--json").last["bytes"] == 0
    assert [path.name for path in own_cache.iterdir()] == ["mine.txt"]


def test_an_empty_cache_is_no_error(pellucid, own_cache: Path) -> None:
    """Before anything was computed there is nothing, and clearing it is fine."""
    assert pellucid("cache", "--json").last["bytes"] == 0
    assert pellucid("cache", "--clear").status == 0
