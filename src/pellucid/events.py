"""What work in progress says of itself; the progress bar, the run's log and tests listen.

Work calls its listener and never asks anything back, so nothing that listens can change a result.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter


@dataclass(frozen=True)
class PhaseStarted:
    """A phase of ``total`` units begins (``total`` is 0 where the number is not known)."""

    name: str
    total: int
    unit: str


@dataclass(frozen=True)
class Advanced:
    """``count`` more units of the phase are done."""

    name: str
    count: int


@dataclass(frozen=True)
class Measured:
    """Figures of the phase so far, by name, such as the loss; ``done`` is what they are figures of."""

    name: str
    done: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class PhaseEnded:
    """The phase is over after ``seconds`` of wall-clock time; ``failed`` where it did not come to its end."""

    name: str
    seconds: float
    failed: bool = False


@dataclass(frozen=True)
class Notice:
    """Something that a person should know of: a fallback, a doubt, a choice made for them."""

    text: str


Event = PhaseStarted | Advanced | Measured | PhaseEnded | Notice
Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """Listen and do nothing."""


@contextmanager
def phase(
    listen: Listener, name: str, total: int = 0, unit: str = "pictures"
) -> Iterator[Callable[[int], None]]:
    """Announce a phase around a block; the value yielded reports how many more units are done.

    It is over where the block fails, too: whoever showed it has to clear it away.
    """
    started = perf_counter()
    listen(PhaseStarted(name, total, unit))
    try:
        yield lambda count: listen(Advanced(name, count))
    except BaseException:
        listen(PhaseEnded(name, perf_counter() - started, failed=True))
        raise
    listen(PhaseEnded(name, perf_counter() - started))
