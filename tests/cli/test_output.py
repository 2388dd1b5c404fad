"""How results and complaints reach a person or a program."""

import json

import pytest

from pellucid.cli.output import emit, name_skipped, percent, say, skipped_status, table
from pellucid.data.item import Skipped


def test_a_long_list_of_skipped_files_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty are named, the rest counted."""
    name_skipped([Skipped(f"{n}.png", "it is empty") for n in range(25)])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "25 files were skipped:"
    assert lines[1] == "  '0.png': it is empty"
    assert lines[-1] == "  and 5 more ('pellucid check --json' names all of them)"
    name_skipped([])
    assert capsys.readouterr().err == ""


def test_a_proportion_reads_as_a_sentence() -> None:
    """Accuracy, counts and interval."""
    told = {"n": 36, "correct": 35, "accuracy": 35 / 36, "interval": [0.8583, 0.9951]}
    assert percent(told) == "97.2 % (35 of 36; 95 % interval 85.8 to 99.5 %)"


def test_only_all_is_called_100_percent() -> None:
    """As the report has it; a terminal gets plain blanks."""
    told = {"n": 10_000, "correct": 9_996, "accuracy": 0.9996, "interval": [0.99897, 0.999844]}
    assert percent(told) == "99.96 % (9996 of 10000; 95 % interval 99.9 to 99.98 %)"


def test_columns_stand_under_each_other() -> None:
    """Text to the left, numbers to the right, no blanks at the end."""
    assert table([("ants", "7"), ("b", "123")], ("class", "n"), right=(1,)) == (
        "class    n\nants     7\nb      123"
    )


def test_stray_bytes_do_not_break_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is not UTF-8 can be printed, and survives JSON."""
    say("caf\udce9")
    assert capsys.readouterr().out == "caf\\udce9\n"
    emit({"path": "caf\udce9"})
    assert json.loads(capsys.readouterr().out) == {"path": "caf\udce9"}


def test_the_exit_status_says_whether_something_was_skipped() -> None:
    """0 or 3."""
    assert [skipped_status(n) for n in (0, 1, 9)] == [0, 3, 3]


def test_a_class_cannot_drive_the_terminal() -> None:
    """An escape sequence in a cell is written out, so that the columns stay under each other."""
    assert table([("\x1b[2J", "7")], ("class", "n"), right=(1,)) == "class    n\n" + r"\x1b[2J  7"
