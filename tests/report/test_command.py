"""The command line that repeats a run."""

import os
import subprocess
from pathlib import Path

import pytest

from pellucid.data.fractions import Fractions
from pellucid.report.command import command, quoted
from pellucid.request import parse_budget

REQUEST = {
    "source": "photos",
    "recipe": "auto",
    "backbone": "efficientnet_lite0",
    "split": [0.7, 0.15, 0.15],
    "seed": 0,
    "fit": "auto",
    "class_weights": "auto",
    "weights": None,
}


def test_the_command_names_every_choice() -> None:
    """Recipe, backbone, split in percent and seed are said even where they are the default."""
    assert command(REQUEST) == (
        "pellucid train --recipe auto --backbone efficientnet_lite0 --split 70,15,15 --seed 0 photos"
    )


def test_what_was_asked_for_is_asked_for_again() -> None:
    """A fit or class weights that were asked for are in the command; a split that files gave is not."""
    asked = {
        **REQUEST,
        "fit": "crop",
        "class_weights": "none",
        "split": None,
        "weights": "a b.pth",
        "source": "-odd name",
    }
    assert command(asked) == (
        "pellucid train --recipe auto --backbone efficientnet_lite0 --weights 'a b.pth' --seed 0 --fit crop "
        "--class-weights none -- '-odd name'"
    )


@pytest.mark.parametrize("text", ["70,15,15", "57,29,14", "33.4,33.3,33.3", "0.333333,0.333333,0.333334"])
def test_the_split_is_read_back_as_it_was(text: str) -> None:
    """What the command says is accepted, and gives the same shares."""
    asked = Fractions.parse(text)
    said = command({**REQUEST, "split": [asked.train, asked.val, asked.test]})
    found = Fractions.parse(said.split("--split ")[1].split()[0])
    assert (found.train, found.val, found.test) == pytest.approx(
        (asked.train, asked.val, asked.test), abs=1e-9
    )


@pytest.mark.parametrize(
    ("budget", "said"),
    [(90.0, "90s"), (90, "90s"), (1_080_000.0, "1080000s"), (123456.75, "123456.75s"), (0.00005, "0.00005s")],
)
def test_a_budget_is_one_that_train_takes(budget: float, said: str) -> None:
    """Plain decimals, without an exponent, and the very number."""
    assert f"--budget {said} " in command({**REQUEST, "budget": budget})
    assert parse_budget(said) == budget


def test_a_split_in_percent_has_no_rounding_noise() -> None:
    """29 % is 29, not 28.999999999999996."""
    assert "--split 57,29,14 " in command({**REQUEST, "split": [0.57, 0.29, 0.14]})


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="There is no bash to read the words.")
@pytest.mark.parametrize(
    "word",
    ["photos", "", "my photos", "it's", 'a"b`c$(d)\\', "new\nline\\'", "stray\udcff\udc80", "日本 \u202e"],
)
def test_a_shell_reads_the_word_that_was_meant(word: str) -> None:
    """bash gives back the very bytes, whatever they are."""
    said = subprocess.run(
        ["/bin/bash", "-c", "printf %s " + quoted(word)],
        capture_output=True,
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert said.stdout == os.fsencode(word)
    assert "\n" not in quoted(word)
    quoted(word).encode("utf-8")
