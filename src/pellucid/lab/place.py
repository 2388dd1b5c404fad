"""Where the lab was opened: the folder below which runs are found, and what was named to begin with.

How a run is read is ``run``'s business.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pellucid.run import is_run

_DEPTH = 4
_MOST_FOLDERS = 5_000
_MOST_RUNS = 200


@dataclass
class Place:
    """Where the lab was opened.

    Attributes:
        folder: Runs are found in it and below.
        network: What a person named to begin with: a run's folder, a backbone, a network's name or text.
        picture: The picture file that a person named to begin with.
    """

    folder: Path = field(default_factory=Path)
    network: str | None = None
    picture: Path | None = None


HERE = Place()
"""The place of this process; ``pellucid open`` fills it before it listens."""


def find_runs(folder: Path) -> list[Path]:
    """The runs in ``folder`` and up to four folders below it, the one that changed last first."""
    return find_folders(folder, is_run)


def find_folders(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """The folders that are wanted in ``folder`` and up to four below it, the one that changed last first.

    Hidden folders and links are not entered, nor what lies in a wanted one. At most 5,000 folders are looked
    into and 200 listed, so that a lab that is opened at the root of a disk still opens.
    """
    found: list[tuple[float, Path]] = []
    waiting, seen = [(folder, 0)], 0
    while waiting and seen < _MOST_FOLDERS:
        current, depth = waiting.pop(0)
        seen += 1
        try:
            if wanted(current):
                found.append((current.stat().st_mtime, current))
                continue
            if depth == _DEPTH:
                continue
            with os.scandir(current) as entries:
                below = [
                    Path(one.path)
                    for one in entries
                    if not one.name.startswith(".") and one.is_dir(follow_symlinks=False)
                ]
        except OSError:  # a folder that may not be read, or is gone by now
            continue
        waiting += [(one, depth + 1) for one in sorted(below)]
    newest = sorted(found, key=lambda one: (-one[0], one[1]))
    return [path for _, path in newest[:_MOST_RUNS]]
