"""The folder of a training that is under way: what was asked, how far it is, and its figures so far.

It stands beside the run that it will be (``runs/digits-1.unfinished``) and goes away when the run is there.
"""

import hashlib
import json
import math
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.data.fractions import Fractions
from pellucid.errors import PellucidError, RequestError, RunError, shown
from pellucid.events import Listener
from pellucid.request import TrainRequest
from pellucid.storage import storage_errors, whole_folder
from pellucid.training.checkpoint import State, has_state, read_state, write_state

if TYPE_CHECKING:  # PyTorch takes seconds to import
    from pellucid.training.epoch import Epoch
    from pellucid.training.loop import Loop, Trained

_REQUEST = "request.json"
_METRICS = "metrics.jsonl"
_SUFFIX = ".unfinished"
_WHAT = "the training under way"
_ANSWERS = "answers"
_SAVE_EVERY = 20.0  # seconds


@dataclass(frozen=True)
class Watch:
    """Who keeps the state of a training that is under way, and who is told of its epochs; nobody, if need be.

    Attributes:
        state: What to go on from.
        restoring: Surrounds the going on, and says what is wrong where the state is another network's.
        keep, tell, every: As the loop has them.
        left: What stands there after a training that failed, as a sentence.
    """

    state: State | None = None
    restoring: Callable[[], AbstractContextManager[None]] = nullcontext
    keep: Callable[[State], None] = lambda state: None
    tell: Callable[[list[dict[str, Any]]], None] = lambda lines: None
    every: float = math.inf
    left: Callable[[], str] = lambda: ""

    def take_up(self, loop: "Loop") -> None:
        """Have the loop go on from the state, where there is one."""
        if self.state is not None:
            with self.restoring():
                loop.restore(self.state)

    def see_through(
        self, loop: "Loop", listen: Listener, chosen: Mapping[str, Any] | None = None
    ) -> tuple["Trained", list[dict[str, Any]]]:
        """Run the loop to its end: what it ends with, and the line of every epoch, also of those before.

        Args:
            loop: It has taken up the state, if any.
            listen: Told of progress.
            chosen: Is kept with each state, so that a training that goes on need not choose it anew.

        Raises:
            DivergedError: the loss was no number any more; it says what stands there.
        """
        from pellucid.training.loop import DivergedError

        lines = [epoch.to_json() for epoch in loop.epochs]

        def tell(epoch: "Epoch") -> None:
            lines.append(epoch.to_json())
            self.tell(lines)

        def keep(state: State) -> None:
            self.keep(replace(state, facts={**state.facts, **(chosen or {})}))

        try:
            return loop.run(listen, keep, self.every, tell), lines
        except DivergedError as error:
            advice = f"{error.advice} {self.left()}".rstrip()
            raise DivergedError(error.came, error.expected, advice) from error


@dataclass
class Unfinished:
    """The folder for the run at ``run``; it need not exist.

    Attributes:
        run: Where the run will stand.
        resumed: Whether a training goes on that began earlier.
        other: Gives another place, where this one was taken meanwhile; None where a person named it.
        made: Whether the folder was made here, and is nobody else's.
    """

    run: Path
    resumed: bool = False
    other: Callable[[], Path] | None = None
    made: bool = False

    @property
    def ours(self) -> bool:
        """Whether what stands there is this training's, and no other's."""
        return self.made or self.resumed

    @property
    def folder(self) -> Path:
        """Where it stands."""
        return self.run.with_name(f"{self.run.name}{_SUFFIX}")

    @property
    def command(self) -> str:
        """What to type to go on."""
        name = str(self.run)
        return f"pellucid train --resume {shlex.quote(name) if name.isprintable() else shown(name)}"

    @property
    def left(self) -> str:
        """What stands there after a training that failed, as a sentence; "" where it had learnt nothing."""
        if not has_state(self.folder):
            return ""
        return f"The last good state is kept in {shown(self.folder)}; delete that to train at the same place."

    def refuse_another(self) -> None:
        """See that no other training is under way there.

        Raises:
            RequestError: there is one.
        """
        if not self.resumed and self.folder.exists():
            raise RequestError(
                f"There is an unfinished training at {shown(self.folder)}.",
                "A place without one was expected, so that what it has learnt is not lost.",
                f"Go on with it: {self.command}. Or delete it.",
            )

    def watch(self, training: str = "") -> Watch:
        """What keeps the state of a training here, once it was begun.

        Args:
            training: Its name, where it is one of several, whose states stand in folders of their own.

        Raises:
            RunError: its state is damaged.
        """
        place = self._place(training)

        def keep(state: State) -> None:
            self._put(place, state)

        return Watch(read_state(place), self.restoring, keep, self.tell, _SAVE_EVERY, lambda: self.left)

    def answers(self, training: str, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """What a training answered, which is carried out only where that does not stand here already.

        Raises:
            RunError: what stands here is damaged.
            StorageError: it cannot be written.
        """
        place = self._place(training)
        state = read_state(place)
        if state is None:
            state = State({_ANSWERS: make()}, {})
            self._put(place, state)
        with self.restoring():
            return np.asarray(state.tensors[_ANSWERS], np.float32)

    def _place(self, training: str) -> Path:
        """The folder of a training's state."""
        if not training:
            return self.folder
        return self.folder / hashlib.blake2b(training.encode(), digest_size=8).hexdigest()

    def _put(self, place: Path, state: State) -> None:
        with storage_errors(place, _WHAT):
            place.mkdir(exist_ok=True)
        write_state(place, state)

    def begin(self, request: TrainRequest, digest: str) -> Watch:
        """Make the folder, or look at the one that is there; what keeps the state, and has the last one.

        Args:
            request: What was asked.
            digest: Of the pictures that are there now.

        Raises:
            RequestError: there is an unfinished training already, and this one is another.
            RunError: a training goes on, and the pictures are others now, or its folder is damaged.
            StorageError: the folder cannot be made.
        """
        if self.other is not None and not self.resumed and self.folder.exists():
            self.run = self.other()
        self.refuse_another()
        if self.resumed:
            if _read(self.folder)["digest"] != digest:
                raise RunError(
                    f"The pictures of {shown(request.source)} are not those that {shown(self.folder)} began"
                    " with.",
                    "The very same pictures were expected, since what was learnt so far rests on them.",
                    f"Bring them back, or delete {shown(self.folder)} and train again.",
                )
            return self.watch()
        with storage_errors(self.folder, _WHAT), whole_folder(self.folder) as partial:
            told = {"request": request.to_json(), "digest": digest}
            (partial / _REQUEST).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        self.made = True
        return self.watch()

    def tell(self, lines: Sequence[Mapping[str, Any]]) -> None:
        """Write the figures so far, all of them, for whoever looks on."""
        with storage_errors(self.folder, _WHAT):
            partial = self.folder / f".{_METRICS}.{os.getpid()}"
            partial.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
            partial.replace(self.folder / _METRICS)  # whoever reads sees whole lines only

    def remove(self) -> None:
        """Delete the folder, now that the run is there."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Within the block, an interrupt says how the training goes on, where one is under way.

        One that began here and ended before it had learnt anything leaves nothing behind, so that the same
        command can be given again, set right.

        Raises:
            KeyboardInterrupt: the person's, with the sentences.
        """
        try:
            yield
        except PellucidError:
            self._remove_empty()
            raise
        except KeyboardInterrupt as error:
            self._remove_empty()
            if not self.ours or not self.folder.exists():
                raise
            raise KeyboardInterrupt(
                f"Interrupted. What was learnt so far is kept in {shown(self.folder)}. "
                f"Go on with: {self.command}"
            ) from error

    def _remove_empty(self) -> None:
        """Delete the folder where it began here and nothing was learnt."""
        if self.made and not has_state(self.folder):
            self.remove()

    @contextmanager
    def restoring(self) -> Iterator[None]:
        """Within the block a training takes up its state again; one of another network is told.

        Raises:
            RunError: it is.
        """
        try:
            yield
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise self.damaged("its checkpoint is not one of this network") from error

    def damaged(self, what: str) -> RunError:
        """The error that says what is wrong with the folder."""
        return RunError(
            f"The unfinished training {shown(self.folder)} is damaged: {what}.",
            "A folder as 'pellucid train' wrote it was expected.",
            "Delete it and train again.",
        )


def run_of(given: Path) -> Path:
    """The run that is meant: its own place, or that of its unfinished training."""
    return given.with_name(given.name.removesuffix(_SUFFIX)) if given.name.endswith(_SUFFIX) else given


def request_to_resume(run: Path) -> TrainRequest:
    """What was asked of the unfinished training for the run at ``run``.

    Raises:
        RunError: there is none, or it is damaged.
    """
    try:
        fields = dict(_read(Unfinished(run).folder)["request"])
        _check_kinds(fields)
        split, weights = fields.pop("split"), fields.pop("weights")
        return TrainRequest(
            **fields,
            split=Fractions(*split),
            weights=Path(weights) if weights else None,
            out=run,
        )
    except RequestError as error:
        raise Unfinished(run).damaged(f"{_REQUEST} asks what cannot be: {error.came[:-1]}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise Unfinished(run).damaged(f"{_REQUEST} lacks or mistakes {error}") from error


_KINDS: dict[str, type | tuple[type, ...]] = {
    "source": str,
    "seed": int,
    "batch": (int, type(None)),
    "network": (str, type(None)),
    "epochs": (int, type(None)),
    "learning_rate": (int, float, type(None)),
    "mix": str,
    "unfreeze": str,
    "views": (int, type(None)),
    "budget": (int, float, type(None)),
    "steps": (str, type(None)),
}


def _check_kinds(fields: Mapping[str, Any]) -> None:
    """See that what a request does not check by itself is text or a number where it has to be."""
    for name, kind in _KINDS.items():
        if not isinstance(fields[name], kind):
            raise TypeError(f"{name}: {fields[name]!r}")


def _read(folder: Path) -> dict[str, Any]:
    """request and digest, as ``begin`` wrote them."""
    unfinished = Unfinished(folder.with_name(folder.name.removesuffix(_SUFFIX)))
    if not folder.is_dir():
        raise RunError(
            f"There is no unfinished training at {shown(folder)}.",
            "The folder of a training that was interrupted was expected.",
            "Train anew; a features run goes on from what is cached by itself.",
        )
    try:
        told = json.loads((folder / _REQUEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise unfinished.damaged(f"{_REQUEST} is missing") from error
    except (OSError, ValueError) as error:
        raise unfinished.damaged(f"{_REQUEST} cannot be read ({error})") from error
    if not isinstance(told, dict) or not {"request", "digest"} <= set(told):
        raise unfinished.damaged(f"{_REQUEST} does not hold a request and a digest")
    return told
