"""Work that comes in parts: its last part is what is wanted, and each one is told of."""

from collections.abc import Iterator
from dataclasses import dataclass

from pellucid.events import Advanced, Event, PhaseEnded, PhaseStarted
from pellucid.insight.saliency.growing import finished


@dataclass(frozen=True)
class Part:
    """So much of the work."""

    done: int
    total: int


def parts() -> Iterator[Part]:
    yield from (Part(0, 20), Part(16, 20), Part(20, 20))


def test_the_last_part_is_the_whole_and_all_are_told_of() -> None:
    """Units of each part are told once, and add up to all of them."""
    heard: list[Event] = []
    assert finished(parts(), heard.append, "Covering", "squares") == Part(20, 20)
    assert heard[:-1] == [
        PhaseStarted("Covering", 20, "squares"),
        Advanced("Covering", 16),
        Advanced("Covering", 4),
    ]
    assert isinstance(heard[-1], PhaseEnded)
