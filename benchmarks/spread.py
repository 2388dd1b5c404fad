"""Measurements of one thing (the best, the median, each of them), and of many things in a table."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median

Better = Callable[[Iterable[float]], float]
"""``min`` or ``max``: which of several measurements is the best."""


@dataclass(frozen=True)
class Spread:
    """Measurements of one thing, in the order in which they were taken; at least one.

    Attributes:
        values: In ``unit``.
        unit: As it is printed.
        better: ``min`` or ``max``.
    """

    values: tuple[float, ...]
    unit: str = "s"
    better: Better = min

    @property
    def best(self) -> float:
        """The best of them."""
        return self.better(self.values)

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    def to_json(self) -> dict[str, object]:
        """For a record."""
        return {
            "unit": self.unit,
            "best": rounded(self.best),
            "median": rounded(self.median),
            "runs": [rounded(value) for value in self.values],
        }


class Figures:
    """What a benchmark has measured so far, by name; each is told on standard error as it comes in."""

    def __init__(self) -> None:
        self._spreads: dict[str, Spread] = {}

    def note(self, name: str, *values: float, unit: str = "s", better: Better = min) -> None:
        """Add measurements; ``unit`` and ``better`` count the first time."""
        known = self._spreads.get(name, Spread((), unit, better))
        self._spreads[name] = Spread((*known.values, *values), known.unit, known.better)
        tell(f"  {name}: {shown(median(values))} {known.unit}")

    def rate(self, name: str, value: float, unit: str = "pictures/s") -> None:
        """Add one measurement of which more is better."""
        self.note(name, value, unit=unit, better=max)

    def spreads(self) -> Mapping[str, Spread]:
        """All of them, in the order in which they were first noted."""
        return self._spreads

    def table(self) -> str:
        """One line a figure: its best, its median, how many measurements, its unit."""
        width = max(map(len, self._spreads))
        lines = [f"{'':{width}}  {'best':>8}  {'median':>8}  {'of':>3}"]
        lines += [
            f"{name:{width}}  {shown(one.best):>8}  {shown(one.median):>8}  {len(one.values):>3}  {one.unit}"
            for name, one in self._spreads.items()
        ]
        return "\n".join(lines)


def medians(runs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Of each phase of several runs, the median of its seconds."""
    listed = list(runs)
    return {name: rounded(median(run.get(name, 0.0) for run in listed)) for name in listed[0]}


def rounded(value: float) -> float:
    """To four significant digits."""
    return float(f"{value:.4g}")


def shown(value: float) -> str:
    """To three significant digits, without an exponent."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def tell(line: str) -> None:
    """A line on standard error, at once: how far the benchmark is."""
    print(line, file=sys.stderr, flush=True)
