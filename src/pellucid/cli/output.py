"""How results and complaints reach a person or a program."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pellucid.data.item import Skipped
from pellucid.errors import printable, shown
from pellucid.report import wording

_SKIPPED = 3
_NAMED = 20


def complain(text: str) -> None:
    """Print a paragraph to standard error, whatever letters are in it."""
    sys.stderr.write(f"{text}\n".encode("utf-8", "backslashreplace").decode("utf-8"))


def say(text: str = "") -> None:
    """Print a line to standard output for a person, whatever letters are in it."""
    sys.stdout.write(f"{text}\n".encode("utf-8", "backslashreplace").decode("utf-8"))


def emit(result: Mapping[str, Any]) -> None:
    """Print one JSON object as one line of standard output."""
    sys.stdout.write(json.dumps(result, allow_nan=False) + "\n")
    sys.stdout.flush()


def skipped_status(number: int) -> int:
    """The exit status of a command that did its work and skipped ``number`` inputs."""
    return _SKIPPED if number else 0


def name_skipped(skipped: Sequence[Skipped]) -> None:
    """Name on standard error what was skipped, and why."""
    if not skipped:
        return
    pictures = "1 file was" if len(skipped) == 1 else f"{len(skipped)} files were"
    complain(f"{pictures} skipped:")
    for one in skipped[:_NAMED]:
        complain(f"  {shown(one.path)}: {one.reason}")
    if len(skipped) > _NAMED:
        complain(f"  and {len(skipped) - _NAMED} more ('pellucid check --json' names all of them)")


def percent(proportion: Mapping[str, Any]) -> str:
    """A proportion as a person reads it: ``97.2 % (35 of 36; 95 % interval 85.8 to 99.5 %)``.

    As in the report, only all is called 100.0 %.
    """
    told = (
        f"{wording.percent(proportion['accuracy'])} ({proportion['correct']} of {proportion['n']}; "
        f"95 % interval {wording.span(proportion['interval'])})"
    )
    return told.replace(wording.NO_BREAK, " ")


def table(rows: Iterable[Sequence[str]], header: Sequence[str], right: Sequence[int] = ()) -> str:
    """Plain columns, as wide as their widest cell; those numbered in ``right`` stand to the right.

    What a terminal would obey instead of print, such as an escape in a class's name, is written out.
    """
    cells = [list(header), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for row in cells:
        aligned = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(aligned).rstrip())
    return "\n".join(lines)
