"""``pellucid augment``: a gallery of views."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pellucid.pictures.augment.plan import Augment
from pellucid.pictures.augment.presets import preset

Pellucid = Callable[..., Any]


def test_it_writes_a_page_and_a_png_and_says_what_was_drawn(
    pellucid: Pellucid, colours: Path, tmp_path: Path
) -> None:
    """Two views of three pictures, one of each class, in words."""
    said = pellucid("augment", colours, "--views", 2, "--number", 3, "--out", tmp_path / "out")
    assert said.status == 0
    lines = said.out.splitlines()
    assert [line for line in lines if line.startswith("'")] == [
        "'blue/12.png':",
        "'green/12.png':",
        "'red/12.png':",
    ]
    assert sum("zoomed" in line and "turned" in line for line in lines) == 6
    assert (tmp_path / "out" / "views.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "out" / "views.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path / "out" / "views.html") in said.out


def test_json_is_the_contract(pellucid: Pellucid, colours: Path, tmp_path: Path) -> None:
    """Numbers of each view, which make it again; what was skipped, named, with exit status 3."""
    (colours / "red" / "12.png").write_bytes(b"")
    said = pellucid(
        "augment",
        colours,
        "--preset",
        "light",
        "--views",
        1,
        "--number",
        3,
        "--out",
        tmp_path / "o",
        "--json",
    )
    assert said.status == 3
    assert "'red/12.png': it is empty" in said.err
    last = said.last
    assert last["skipped"] == [{"path": "red/12.png", "reason": "it is empty"}]
    assert (last["preset"], last["seed"], last["out"]) == ("light", 0, str(tmp_path / "o"))
    assert Augment.from_json(last["augmentation"]) == preset("light")
    assert [one["path"] for one in last["pictures"]] == ["blue/12.png", "green/12.png"]
    assert set(last["pictures"][0]["views"][0]) == {"view", "said", "drawn"}


def test_the_same_seed_draws_the_same_and_another_draws_others(
    pellucid: Pellucid, colours: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --out, folders are numbered and none is overwritten."""
    monkeypatch.chdir(tmp_path)
    told = [pellucid("augment", colours, "--number", 1, "--json", "--seed", seed).last for seed in (0, 0, 1)]
    assert [one["out"] for one in told] == [f"views/colours-lecture-{n}" for n in (1, 2, 3)]
    assert told[0]["pictures"] == told[1]["pictures"] != told[2]["pictures"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--views", 0),
            "The number of views is 0. A whole number from 1 to 64 was expected. 8 are enough to see what a "
            "preset does.",
        ),
        (
            ("--views", 10_000),
            "The number of views is 10,000. A whole number from 1 to 64 was expected. 8 are enough to see "
            "what a preset does.",
        ),
        (
            ("--number", 0),
            "The number of pictures is 0. A whole number from 1 to 100 was expected. 6 are enough to see "
            "what a preset does.",
        ),
        (("--seed", -1), "The seed is -1. A whole number from 0 to 4294967295 was expected. Use 0."),
        (
            ("--preset", "strng"),
            "There is no augmentation 'strng'. One of none, shift, light, lecture, strong was expected. Did "
            "you mean strong?",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    pellucid: Pellucid, tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    """One paragraph, exit status 2, and nothing is written."""
    said = pellucid("augment", "builtin:digits", "--out", tmp_path / "out", *arguments)
    assert (said.status, said.out, said.err) == (2, "", f"{message}\n")
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(pellucid: Pellucid, tmp_path: Path) -> None:
    """A folder that exists is refused."""
    said = pellucid("augment", "builtin:digits", "--out", tmp_path)
    assert said.status == 2
    assert said.err.endswith(
        "exists already. A folder that does not exist was expected, so that nothing is overwritten. Choose "
        "another name with --out, or remove it first.\n"
    )


def test_a_source_of_which_nothing_can_be_read_is_refused(pellucid: Pellucid, tmp_path: Path) -> None:
    """One paragraph, exit status 2."""
    for name in ("a", "b"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        (tmp_path / "pictures" / name / "1.png").write_bytes(b"")
    said = pellucid("augment", tmp_path / "pictures", "--out", tmp_path / "out")
    assert said.status == 2
    assert said.err.startswith("None of the pictures chosen from")
    assert not (tmp_path / "out").exists()


def test_a_source_of_test_pictures_alone_is_refused(
    pellucid: Pellucid, colours: Path, tmp_path: Path
) -> None:
    """Nothing is wrong with them, and that is not what it says."""
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "test").symlink_to(colours, target_is_directory=True)
    said = pellucid("augment", tmp_path / "later", "--out", tmp_path / "out")
    assert (said.status, said.err) == (
        2,
        f"'{tmp_path}/later' gives all of its pictures to validation and test. Pictures to learn from were "
        "expected: others are never changed. Name the folder of the split itself to see views of those.\n",
    )


def test_its_result_is_json(pellucid: Pellucid, tmp_path: Path) -> None:
    """Of digits, which are shown at their own size."""
    said = pellucid("augment", "builtin:digits", "--preset", "shift", "--out", tmp_path / "out", "--json")
    assert json.loads(said.out.splitlines()[-1])["augmentation"]["fill_mode"] == "nearest"
