"""Work that comes in parts: each part is a result of all that was done so far, and the last is the whole.

Who wants to see it grow goes through the parts; who does not calls ``finished``.
"""

from collections.abc import Iterator
from typing import Protocol, TypeVar

from pellucid.events import Listener, phase


class Growing(Protocol):
    """A result that knows how much of the work went into it."""

    @property
    def done(self) -> int:
        """Units of work that are done."""

    @property
    def total(self) -> int:
        """Units that there are."""


Grown = TypeVar("Grown", bound=Growing)


def finished(parts: Iterator[Grown], listen: Listener, name: str, unit: str) -> Grown:
    """The last of the parts; the listener is told of each on the way.

    Args:
        parts: At least one, the first before any work was done.
        listen: Told of the progress.
        name: What is being done.
        unit: What it is counted in.
    """
    found = next(parts)
    with phase(listen, name, found.total, unit) as advance:
        for more in parts:
            advance(more.done - found.done)
            found = more
    return found
