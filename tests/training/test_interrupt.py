"""Ctrl-C between two steps: held back once, heeded where a state is whole, and at once when hurried."""

import os
import signal
import threading

import pytest

from pellucid.training.interrupt import Held, interrupts_held


def test_the_first_interrupt_waits_until_it_is_heeded() -> None:
    """SIGINT does not break in; ``heed`` raises then, and not before."""
    with interrupts_held() as held:
        held.heed()
        os.kill(os.getpid(), signal.SIGINT)
        whole = True  # a step that is not broken off
        with pytest.raises(KeyboardInterrupt):
            held.heed()
    assert whole and held.holds and not held.hurried
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_comes_at_once() -> None:
    """Whoever presses twice is not kept waiting, and it is known that the state may not be whole."""
    with pytest.raises(KeyboardInterrupt), interrupts_held() as held:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        held.heed()
    assert held.hurried
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_programs_own_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the program handles SIGINT itself, and in other threads, nothing is changed."""
    heard: list[int] = []

    def own(number: int, frame: object) -> None:
        heard.append(number)

    before = signal.signal(signal.SIGINT, own)
    try:
        with interrupts_held() as held:
            os.kill(os.getpid(), signal.SIGINT)
            held.heed()
            assert not held.holds  # what the program's handler raises comes in the middle of a step
        assert signal.getsignal(signal.SIGINT) is own
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
    found: list[Held] = []

    def elsewhere() -> None:
        with interrupts_held() as held:
            found.append(held)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert [one.holds for one in found] == [False]
