"""The runs that the lab can show: those below its folder, trainings under way, and one that was named.

A run is known by its path as seen from that folder; what its files say is ``runfolder``'s business.
"""

from dataclasses import dataclass
from pathlib import Path

from pellucid.errors import shown
from pellucid.lab.place import HERE, Place, find_folders
from pellucid.lab.question import QuestionError, brief
from pellucid.learn.unfinished import run_of
from pellucid.run import is_run

_REQUEST = "request.json"


@dataclass(frozen=True)
class Listed:
    """A run that can be chosen: its name, and whether its training is under way or was interrupted."""

    name: str
    under_way: bool


def is_training(path: Path) -> bool:
    """Whether the folder is that of a training under way."""
    return run_of(path) != path and (path / _REQUEST).is_file()


def listed(place: Place = HERE) -> list[Listed]:
    """Trainings under way and then the runs, each the newest first; one that was named stands on top."""
    root = place.folder.resolve()
    trainings = [Listed(_below(path, root), True) for path in find_folders(root, is_training)]
    runs = [Listed(_below(path, root), False) for path in find_folders(root, is_run)]
    named = _named(place)
    found = [*trainings, *runs]
    if named is None:
        return found
    first = Listed(_below(named, root), is_training(named))
    return [first, *(one for one in found if one != first)]


def folder_of(name: str, place: Place = HERE) -> Path:
    """The folder of the run of this name, which is below the lab's folder or the one that was named.

    Raises:
        QuestionError: There is none.
    """
    root, named = place.folder.resolve(), _named(place)
    try:
        path = (root.parent if name == root.name and _is_either(root) else root) / name
        path = path.resolve()
        inside = path.is_relative_to(root) or path == named
        if inside and _is_either(path):
            return path
    except (OSError, ValueError, RuntimeError):  # too long for a path, a NUL byte in it, a loop of links
        pass
    raise QuestionError(
        f"There is no run {brief(name)} here.",
        f"A run below {shown(root)} was expected, or the one that was opened.",
        "Choose one of the list.",
    )


def _is_either(path: Path) -> bool:
    return is_run(path) or is_training(path)


def _named(place: Place) -> Path | None:
    try:
        path = Path(place.network or "").resolve()
        return path if place.network is not None and _is_either(path) else None
    except (OSError, ValueError):  # a network's text, say
        return None


def _below(path: Path, root: Path) -> str:
    """The path as seen from the folder; of the folder itself its name; of one elsewhere all of it."""
    path = path.resolve()
    if path == root:
        return path.name
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
