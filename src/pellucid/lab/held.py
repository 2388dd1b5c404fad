"""What the lab keeps between questions so that it is quick: networks, people's pictures, and passes.

Each is bounded, and the one that was asked for longest ago goes first. What is gone is made again, which
takes time and changes no answer; only a person's own picture cannot be, and the page is told to send it anew.
"""

import hashlib
import math
import re
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from pellucid.errors import PictureError
from pellucid.lab.examples import example_bytes
from pellucid.lab.picture import unreadable
from pellucid.lab.question import QuestionError, brief
from pellucid.lab.runs import picture as picture_of_run
from pellucid.lab.subjects import stamp_of, subject_of

if TYPE_CHECKING:  # PyTorch takes seconds to import
    from pellucid.insight.inside import Inside
    from pellucid.insight.saliency.map import Saliency
    from pellucid.insight.subject import Subject

PICTURE_BYTES = 128 * 2**20
"""Bytes of people's pictures that are kept, as files."""

PASS_BYTES = 256 * 2**20
"""Bytes of feature maps that are kept, as long as there is more than one pass."""

GROWING = 2
"""Saliency maps on which work goes on."""

SUBJECTS = 3
"""Networks that are kept open."""

_OWN = re.compile(r"own-[0-9a-f]{32}")

Thing = TypeVar("Thing")


class ForgottenError(QuestionError):
    """A person's picture that is no longer kept, or never was; the page that has it sends it again."""


class Shelf(Generic[Thing]):
    """Things by name, as long as they weigh no more than ``limit`` together; the newest one always stays."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.weight = 0
        self._held: OrderedDict[object, tuple[Thing, int]] = OrderedDict()

    def get(self, name: object) -> Thing | None:
        """The thing of this name, which now counts as the newest; None where there is none."""
        if name not in self._held:
            return None
        self._held.move_to_end(name)
        return self._held[name][0]

    def put(self, name: object, thing: Thing, weight: int) -> None:
        """Keep a thing, and let go of the oldest until the rest weighs no more than the limit."""
        if name in self._held:
            self.weight -= self._held.pop(name)[1]
        self._held[name] = thing, weight
        self.weight += weight
        while self.weight > self.limit and len(self._held) > 1:
            _, (_, gone) = self._held.popitem(last=False)
            self.weight -= gone

    def drop(self, wanted: Callable[[object], bool]) -> None:
        """Let go of all whose name is so."""
        for name in [one for one in self._held if wanted(one)]:
            self.weight -= self._held.pop(name, (None, 0))[1]  # memory may be tidied in between (``forget``)

    def __len__(self) -> int:
        return len(self._held)


@dataclass
class Growth:
    """A saliency map on which work goes on.

    Attributes:
        inside: The pass that it is of.
        parts: What makes the next part.
        latest: The map so far.
    """

    inside: "Inside"
    parts: "Iterator[Saliency]"
    latest: "Saliency"


class Held:
    """What is kept for one lab.

    One thread at a time may look into a network: whoever asks takes ``lock`` for as long.

    Attributes:
        lock: Held while a network is looked into.
        growing: Saliency maps on which work goes on.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.growing: Shelf[Growth] = Shelf(GROWING)
        self._pictures: Shelf[bytes] = Shelf(PICTURE_BYTES)
        self._subjects: Shelf[tuple[Subject, str]] = Shelf(SUBJECTS)
        self._passes: Shelf[Inside] = Shelf(PASS_BYTES)
        self._given: dict[str, bytes] = {}
        self._givers: Counter[str] = Counter()
        self._named: dict[str, Subject] = {}
        self._left: deque[tuple[str, str]] = deque()

    def add_picture(self, data: bytes, *, always: bool = False) -> str:
        """Keep a picture's file, and say under which name: equal files have equal names."""
        name = f"own-{hashlib.blake2b(data, digest_size=16).hexdigest()}"
        with self.lock:
            if always:
                self._given[name] = data
                self._givers[name] += 1
            else:
                self._pictures.put(name, data, len(data))
        return name

    def picture(self, name: str) -> bytes:
        """The file of a shipped picture, of one that was added, or of one that a run answered.

        Raises:
            ForgottenError: It was added and is no longer kept, or was never added here.
            QuestionError: There is no picture of that name.
        """
        with self.lock:
            data = (
                self._given.get(name)
                or self._pictures.get(name)
                or example_bytes(name)
                or picture_of_run(name)
            )
        if data is not None:
            return data
        if _OWN.fullmatch(name):
            raise ForgottenError(
                "That picture is no longer kept here.",
                "A picture that was given since the lab was opened was expected.",
                "Give it again.",
            )
        raise QuestionError(
            f"There is no picture {brief(name)}.",
            "A shipped picture or one that was given was expected.",
            "Choose one of the list.",
        )

    def add_subject(self, subject: "Subject") -> None:
        """Keep a network under its own name until it is forgotten: the one that a notebook holds."""
        with self.lock:
            self._let_go()
            self._named[subject.name] = subject

    def forget(self, network: str, picture: str) -> None:
        """Let go of a network that was added, and of its picture where nobody else gave the same one.

        It waits for no lock, since Python tidies memory wherever a thread happens to be: where a network is
        looked into meanwhile, it is done when the next one is added.
        """
        self._left.append((network, picture))
        if self.lock.acquire(blocking=False):
            try:
                self._let_go()
            finally:
                self.lock.release()

    def _let_go(self) -> None:
        while self._left:
            network, picture = self._left.popleft()
            self._named.pop(network, None)
            self._drop_passes(network)
            self._givers[picture] -= 1
            if self._givers[picture] <= 0:
                del self._givers[picture]
                self._given.pop(picture, None)

    def _drop_passes(self, network: str) -> None:
        for shelf in (self._passes, self.growing):
            shelf.drop(lambda key: isinstance(key, tuple) and key[0] == network)

    def subject(self, name: str) -> "Subject":
        """The network of this name, opened if it is not, and anew where another run has its name now.

        Raises:
            PellucidError: There is none, or it cannot be opened.
        """
        with self.lock:
            if name in self._named:
                return self._named[name]
            stamp, kept = stamp_of(name), self._subjects.get(name)
            if kept is not None and kept[1] == stamp:
                return kept[0]
            self._subjects.drop(lambda key: key == name)
            self._drop_passes(name)
            opened = subject_of(name)
            self._subjects.put(name, (opened, stamp), 1)
            return opened

    def inside(self, network: str, picture: str) -> "Inside":
        """The network with this picture in it.

        Raises:
            PellucidError: There is no such network or picture, or one does not suit the other.
        """
        with self.lock:
            subject = self.subject(network)  # first: a run that was replaced takes its passes along
            found = self._passes.get((network, picture))
            if found is None:
                data = self.picture(picture)
                try:
                    found = subject.look(subject.preprocess.read(data))
                except PictureError as error:
                    raise unreadable(error) from error
                size = sum(4 * math.prod(layer.shape) for layer in found.layers)
                self._passes.put((network, picture), found, size)
            return found


HELD = Held()
"""What this process keeps."""
