"""Ctrl-C held back until a training stands between two steps, where its state is whole."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Held:
    """Whether the person has asked to stop.

    Attributes:
        holds: Whether an interrupt is held back at all; where none is, it may come in the middle of anything.
        hurried: Whether they asked twice, so that the interrupt came at once.
    """

    def __init__(self, holds: bool = True) -> None:
        self.holds = holds
        self.hurried = False
        self._asked = False

    def heed(self) -> None:
        """Stop here where it was asked for.

        Raises:
            KeyboardInterrupt: it was.
        """
        if self._asked:
            raise KeyboardInterrupt

    def ask(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGINT.

        Raises:
            KeyboardInterrupt: this is the second time.
        """
        if self._asked:
            self.hurried = True
            raise KeyboardInterrupt
        self._asked = True


@contextmanager
def interrupts_held() -> Iterator[Held]:
    """Within the block a first Ctrl-C waits for ``heed``; a second one interrupts at once.

    Only the main thread hears signals, and a handler of the program's own stays: then nothing is held.
    """
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    held = Held(holds=usual and threading.current_thread() is threading.main_thread())
    if not held.holds:
        yield held
        return
    signal.signal(signal.SIGINT, held.ask)
    try:
        yield held
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
