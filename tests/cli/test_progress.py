"""Progress on standard error: a bar on a terminal, a line elsewhere."""

import io
import sys
import threading

import pytest

from pellucid.cli.progress import Progress
from pellucid.events import Advanced, Notice, PhaseEnded, PhaseStarted


def test_away_from_a_terminal_a_long_phase_leaves_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Short phases leave none; notices are told; nothing goes to standard output."""
    with Progress() as listen:
        listen(PhaseStarted("Quick", 3, "pictures"))
        listen(PhaseEnded("Quick", 0.1))
        listen(PhaseStarted("Slow", 3, "pictures"))
        listen(Advanced("Slow", 3))
        listen(PhaseEnded("Slow", 2.34))
        listen(PhaseEnded("Broken off", 2.34, failed=True))
        listen(Notice("The cache cannot be written."))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "Slow: 2.3 s\nNote: The cache cannot be written.\n"


def terminal_of(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal in place of standard error."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    there = Terminal()
    monkeypatch.setattr(sys, "stderr", there)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    return there


def test_on_a_terminal_there_is_a_bar_with_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar shows how many of how many, and goes away; an error within does not leave it behind."""
    terminal = terminal_of(monkeypatch)
    with pytest.raises(ValueError, match="stop"), Progress() as listen:
        listen(PhaseStarted("Computing", 40, "pictures"))
        listen(Advanced("Computing", 10))
        raise ValueError("stop")
    assert "10/40" in terminal.getvalue()
    assert "left" in terminal.getvalue()
    assert "\x1b[?25h" in terminal.getvalue()  # the cursor is shown again


def test_no_bar_goes_on_after_the_next_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """A phase that never said that it was over leaves nobody drawing when another begins, or at the end."""
    terminal = terminal_of(monkeypatch)
    before = set(threading.enumerate())
    with Progress() as listen:
        listen(PhaseStarted("Training", 40, "pictures"))
        (first,) = set(threading.enumerate()) - before
        listen(PhaseStarted("Training", 40, "pictures"))
        first.join(10)
        assert not first.is_alive()
        (second,) = set(threading.enumerate()) - before
    second.join(10)
    assert not second.is_alive()
    assert terminal.getvalue().count("\x1b[?25h") == 2
