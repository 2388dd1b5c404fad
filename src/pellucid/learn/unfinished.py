"""The folder of a training that is under way: what was asked, how far it is, and its figures so far.

It stands beside the run that it will be (``runs/digits-1.unfinished``) and goes away when the run is there.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pellucid.data.fractions import Fractions
from pellucid.errors import RequestError, RunError, shown
from pellucid.request import TrainRequest
from pellucid.storage import storage_errors
from pellucid.training.checkpoint import State, read_state, write_state

_REQUEST = "request.json"
_METRICS = "metrics.jsonl"
_WHAT = "the training under way"


@dataclass(frozen=True)
class Unfinished:
    """The folder for the run at ``run``; it need not exist.

    Attributes:
        run: Where the run will stand.
        resumed: Whether a training goes on that began earlier.
    """

    run: Path
    resumed: bool = False

    @property
    def folder(self) -> Path:
        """Where it stands."""
        return self.run.with_name(f"{self.run.name}.unfinished")

    def begin(self, request: TrainRequest, digest: str) -> State | None:
        """Make the folder, or look at the one that is there; the state to go on from, if any.

        Args:
            request: What was asked.
            digest: Of the pictures that are there now.

        Raises:
            RequestError: there is an unfinished training already, and this one is another.
            RunError: a training goes on, and the pictures are others now, or its folder is damaged.
            StorageError: the folder cannot be made.
        """
        if self.resumed:
            told = _read(self.folder)
            if told.get("digest") not in (None, digest):
                raise RunError(
                    f"The pictures of {shown(request.source)} are not those that {shown(self.folder)} began"
                    " with.",
                    "The very same pictures were expected, since what was learnt so far rests on them.",
                    f"Bring them back, or delete {shown(self.folder)} and train again.",
                )
            return read_state(self.folder)
        if self.folder.exists():
            raise RequestError(
                f"There is an unfinished training at {shown(self.folder)}.",
                "A place without one was expected.",
                f"Go on with it: pellucid train --resume {shown(self.run)}. Or delete it.",
            )
        with storage_errors(self.folder, _WHAT):
            self.folder.mkdir(parents=True)
            told = {"request": request.to_json(), "digest": digest}
            (self.folder / _REQUEST).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        return None

    def keep(self, state: State) -> None:
        """Put a state in place of the last one."""
        write_state(self.folder, state)

    def tell(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Write the figures so far, all of them, for whoever looks on."""
        with storage_errors(self.folder, _WHAT):
            text = "".join(json.dumps(line) + "\n" for line in lines)
            (self.folder / _METRICS).write_text(text, encoding="utf-8")

    def remove(self) -> None:
        """Delete the folder, now that the run is there."""
        shutil.rmtree(self.folder, ignore_errors=True)


def request_to_resume(run: Path) -> TrainRequest:
    """What was asked of the unfinished training for the run at ``run``.

    Raises:
        RunError: there is none, or it is damaged.
    """
    fields = dict(_read(Unfinished(run).folder).get("request", {}))
    try:
        split, weights = fields.pop("split"), fields.pop("weights")
        return TrainRequest(
            **fields,
            split=Fractions(*split),
            weights=Path(weights) if weights else None,
            out=run,
        )
    except (KeyError, TypeError) as error:
        raise _damaged(Unfinished(run).folder, f"{_REQUEST} lacks or mistakes {error}") from error


def _read(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / _REQUEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(
            f"There is no unfinished training at {shown(folder)}.",
            "The folder of a training that was interrupted was expected.",
            "Train anew; a features run goes on from what is cached by itself.",
        ) from error
    except (OSError, ValueError) as error:
        raise _damaged(folder, f"{_REQUEST} cannot be read ({error})") from error
    if not isinstance(told, dict):
        raise _damaged(folder, f"{_REQUEST} is no object")
    return told


def _damaged(folder: Path, what: str) -> RunError:
    return RunError(
        f"The unfinished training {shown(folder)} is damaged: {what}.",
        "A folder as 'pellucid train' wrote it was expected.",
        "Delete it and train again.",
    )
