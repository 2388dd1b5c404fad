"""Progress on standard error: a bar with the time left on a terminal, one line a phase elsewhere."""

import sys
from types import TracebackType
from typing import Self

from pellucid.cli.output import complain
from pellucid.events import Advanced, Event, Measured, Notice, PhaseEnded, PhaseStarted

_WORTH_TELLING = 0.5  # seconds; shorter phases leave no line behind


class Progress:
    """Listens to work and shows how far it is; use as a context manager, and hand it over as the listener."""

    def __init__(self) -> None:
        self._bar: _Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        match event:
            case PhaseStarted():
                self._close()
                if sys.stderr.isatty():
                    self._bar = _Bar(event)
            case Advanced() if self._bar is not None:
                self._bar.advance(event.count)
            case Measured():
                told = ", ".join(f"{name} {_short(value)}" for name, value in event.values.items())
                if self._bar is not None:
                    self._bar.tell(told)
                elif event.done:
                    complain(f"  {event.done}: {told}")
            case PhaseEnded():
                self._close()
                if event.seconds >= _WORTH_TELLING and not event.failed:
                    complain(f"{event.name}: {event.seconds:.1f} s")
            case Notice():
                complain(f"Note: {event.text}")

    def _close(self) -> None:
        """Take away the bar, where there is one: else its thread would go on drawing."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _Bar:
    """One phase as a Rich progress bar that goes away when it is done."""

    def __init__(self, started: PhaseStarted) -> None:
        # Rich costs a tenth of a second to import, which only a terminal needs to pay.
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        known = started.total > 0
        columns = (
            (
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn(started.unit),
                TimeRemainingColumn(),
                TextColumn("left"),
            )
            if known
            else (SpinnerColumn(), TimeElapsedColumn())
        )
        self._progress = RichProgress(
            TextColumn("{task.description}"),
            *columns,
            TextColumn("{task.fields[told]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task(started.name, total=started.total if known else None, told="")
        self._progress.start()

    def advance(self, count: int) -> None:
        self._progress.update(self._task, advance=count)

    def tell(self, figures: str) -> None:
        self._progress.update(self._task, told=figures)

    def close(self) -> None:
        self._progress.stop()


def _short(value: float) -> str:
    """Four significant digits, whole where it is large."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
