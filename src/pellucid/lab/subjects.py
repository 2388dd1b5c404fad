"""Which networks the lab may look into, by the names that an address can hold, and how each is opened.

Runs are those below the folder where the lab was opened, and the one that was named; besides there are the
backbones whose weights are here, the networks that have a name, and any network as a text.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.lab.place import HERE, Place, find_runs
from pellucid.lab.question import QuestionError, brief
from pellucid.lab.runfolder import stamp
from pellucid.lab.runlist import folder_of
from pellucid.network.catalogue import NETWORKS, find_named, is_text
from pellucid.network.weights import DEFAULT_BACKBONE, local_backbones, nearest
from pellucid.run import MODEL, RECORD, is_run

if TYPE_CHECKING:  # PyTorch takes seconds to import
    from pellucid.insight.subject import Subject

LARGEST = 70_000_000
"""Parameters of a network that is drawn by chance only to be looked at."""

_RUN = "run/"


@dataclass(frozen=True)
class Listed:
    """A network that can be chosen.

    Attributes:
        name: As a question has it.
        title: As a person reads it.
        group: ``runs``, ``backbones`` or ``networks that have learnt nothing``.
    """

    name: str
    title: str
    group: str


def listed(place: Place = HERE) -> list[Listed]:
    """What there is to choose from: runs first, the newest on top."""
    runs = [Listed(_RUN + name, name, "runs") for name in _runs(place)]
    backbones = [Listed(one.name, one.name, "backbones") for one in local_backbones() if one.path]
    chance = [
        Listed(name, name, "networks that have learnt nothing")
        for name, one in NETWORKS.items()
        if one.account().parameters <= LARGEST and one.blueprint.input.channels in (1, 3)
    ]
    return [*runs, *backbones, *chance]


def first(place: Place = HERE) -> str:
    """The network that is looked into to begin with: the one that was named, or the default backbone."""
    return DEFAULT_BACKBONE if place.network is None else name_of(place.network, place)


def check(given: str, place: Place = HERE) -> None:
    """Whether there is what a person named on the command line; nothing is opened.

    Raises:
        QuestionError: There is neither a run nor a network nor a backbone of that name here.
    """
    if _is_run(Path(given)) or find_named(given) or is_text(given):
        return
    if given not in {one.name for one in local_backbones() if one.path}:
        raise _no_network(given, place)


def name_of(given: str, place: Place = HERE) -> str:
    """The name that a question has for what a person named on the command line."""
    if not _is_run(Path(given)):
        named = find_named(given)
        return given if named is None else named.name
    wanted = Path(given).resolve()
    return _RUN + next(name for name, path in _runs(place).items() if path.resolve() == wanted)


def subject_of(name: str, place: Place = HERE) -> "Subject":
    """Open the network of this name.

    Raises:
        QuestionError: There is none of that name.
        PellucidError: It cannot be opened: a damaged run, a text that is no network.
    """
    from pellucid.insight.subject import of_backbone, of_chance, of_run

    if name.startswith(_RUN):
        path = _runs(place).get(name.removeprefix(_RUN))
        if path is not None:
            from pellucid.run import load_run

            return of_run(load_run(path), name)
    elif name in NETWORKS or is_text(name):
        from pellucid.network.account import account
        from pellucid.network.text import parse

        blueprint = NETWORKS[name].blueprint if name in NETWORKS else parse(name)
        parameters = account(blueprint).parameters
        if parameters > LARGEST:
            raise QuestionError(
                f"That network has {parameters:,} parameters.",
                f"At most {LARGEST:,} are drawn by chance only to be looked at.",
                "Choose a smaller one, or train it and open the run.",
            )
        return of_chance(blueprint, name)
    elif name in {one.name for one in local_backbones() if one.path}:
        return of_backbone(name)
    raise _no_network(name, place)


def stamp_of(name: str) -> str:
    """What changes when a run is replaced by another of its name; empty of what is no run, or gone."""
    if not name.startswith(_RUN):
        return ""
    try:
        folder = folder_of(name.removeprefix(_RUN))
    except QuestionError:
        return ""
    return "-".join(map(str, (*stamp(folder, RECORD), *stamp(folder, MODEL))))


def _no_network(name: str, place: Place) -> QuestionError:
    names = [one.name for one in listed(place)]
    return QuestionError(
        f"There is no network {brief(name)} here.",
        f"One of {len(names)} was expected: runs below the lab's folder, backbones, networks with a name.",
        nearest(name[:200], names) or "Choose one of the list.",
    )


def _is_run(path: Path) -> bool:
    try:
        return is_run(path)
    except (OSError, ValueError):  # too long for a path, or a NUL byte in it: a network's text, say
        return False


def _runs(place: Place) -> dict[str, Path]:
    """The runs by name: their path below the folder; the one that was named may lie elsewhere."""
    root = place.folder.resolve()
    found = {_below(path.resolve(), root): path for path in find_runs(root)}
    if place.network is None or not _is_run(Path(place.network)):
        return found
    named = Path(place.network).resolve()
    if named in {path.resolve() for path in found.values()}:
        return found
    return {str(named): named, **found}


def _below(path: Path, root: Path) -> str:
    """The path as seen from the folder; of the folder itself its name."""
    return path.name if path == root else path.relative_to(root).as_posix()
