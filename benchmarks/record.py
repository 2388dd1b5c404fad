"""A record: what was measured on a day, as a JSON file that is never changed afterwards."""

import json
from collections.abc import Mapping
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.spread import Spread

RECORDS = Path(__file__).with_name("records")
FORMAT = 1


def write(
    name: str,
    *,
    note: str,
    settings: Mapping[str, Any],
    machine: Mapping[str, Any],
    versions: Mapping[str, Any],
    figures: Mapping[str, Spread],
    more: Mapping[str, Any],
    folder: Path = RECORDS,
) -> Path:
    """Write ``YYYY-MM-DD-name.json`` (``-2`` where that exists) and give its path.

    Args:
        name: What was measured: ``train``, ``peers``.
        note: What a reader must know, such as that the machine was not quiet.
        settings: How it was measured.
        machine: What it was measured on.
        versions: With what.
        figures: What came out, with every run.
        more: Whatever else came out: phases, targets.
    """
    content = {
        "format": FORMAT,
        "date": date.today().isoformat(),
        "name": name,
        "note": note,
        "settings": dict(settings),
        "machine": dict(machine),
        "versions": dict(versions),
        "figures": {title: spread.to_json() for title, spread in figures.items()},
        **more,
    }
    folder.mkdir(exist_ok=True)
    stem = f"{date.today().isoformat()}-{name}"
    names = (f"{stem}.json" if number == 1 else f"{stem}-{number}.json" for number in count(1))
    path = next(folder / one for one in names if not (folder / one).exists())
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path
