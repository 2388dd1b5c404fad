"""Work tells its listener when a phase begins, advances and ends."""

import pytest

from pellucid.events import Advanced, Event, PhaseEnded, PhaseStarted, phase, silent


def test_a_phase_is_told_from_beginning_to_end() -> None:
    """Start, each advance and the end are heard in order, with the time that it took."""
    heard: list[Event] = []
    with phase(heard.append, "Looking", total=3) as advance:
        advance(1)
        advance(2)
    assert heard[:3] == [
        PhaseStarted("Looking", 3, "pictures"),
        Advanced("Looking", 1),
        Advanced("Looking", 2),
    ]
    assert isinstance(heard[3], PhaseEnded)
    assert heard[3].seconds >= 0 and not heard[3].failed


def test_a_phase_that_fails_is_over() -> None:
    """An error within a phase ends it, and passes through."""
    heard: list[Event] = []
    with pytest.raises(ValueError, match="no"), phase(heard.append, "Looking"):
        raise ValueError("no")
    started, ended = heard
    assert started == PhaseStarted("Looking", 0, "pictures")
    assert isinstance(ended, PhaseEnded) and ended.failed
    assert silent(heard[0]) is None
