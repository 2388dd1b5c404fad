"""What the project promises of its speed, and whether a benchmark's figures keep it."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.spread import Spread, rounded


@dataclass(frozen=True)
class Target:
    """A promise on one figure: at most ``limit``, in the figure's unit."""

    figure: str
    limit: float
    pictures: int | None = None  # the promise is for so many pictures


TARGETS = (
    Target("cold run", 42, pictures=2000),
    Target("warm run", 5, pictures=2000),
    Target("export of the trunk", 20),
    Target("pellucid --help", 0.3),
    Target("peak memory, large / small", 1.2),
)


def judge(figures: Mapping[str, Spread], pictures: int) -> dict[str, dict[str, object]]:
    """Figure -> its limit, the median that was measured, and whether the median keeps it."""
    return {
        target.figure: {
            "limit": target.limit,
            "median": rounded(figures[target.figure].median),
            "kept": figures[target.figure].median <= target.limit,
        }
        for target in TARGETS
        if target.figure in figures and target.pictures in (None, pictures)
    }
