"""Numbers, names and moments as a reader sees them; what the figures mean is left to `answer`."""

import math
from datetime import UTC, datetime

NO_BREAK = "\N{NO-BREAK SPACE}"
UNDEFINED = "\N{EN DASH}"


def percent(share: float | None, unit: str = f"{NO_BREAK}%") -> str:
    """A share of 0..1 as ``97.2 %``; only all is ever called 100.0 % and only none 0.0 %."""
    if share is None or not math.isfinite(share):
        return UNDEFINED
    for digits in (1, 2):
        text = f"{100 * share:.{digits}f}"
        if float(text) not in (0.0, 100.0) or share in (0.0, 1.0):
            return text + unit
    return (f"<{NO_BREAK}0.01" if share < 0.5 else f">{NO_BREAK}99.99") + unit


def span(interval: tuple[float, float] | list[float]) -> str:
    """An interval of shares as ``85.8 to 99.5 %``."""
    low, high = interval
    return f"{percent(low, unit='')} to {percent(high)}"


def points(difference: float) -> str:
    """A difference of two shares in percentage points: ``2.8 points``."""
    return f"{100 * difference:.1f}{NO_BREAK}points"


def number(value: float | None, digits: int = 3) -> str:
    """A figure such as a loss with a fixed number of decimals, or a dash where it is not defined."""
    return UNDEFINED if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def short(value: float) -> str:
    """A setting such as a regularisation: four significant digits, no exponent where it can be helped."""
    return f"{float(f'{value:.4g}'):.10g}" if 1e-4 <= abs(value) < 1e10 else f"{value:.4g}"


def counted(count: int, noun: str, plural: str = "") -> str:
    """A count with its noun: ``1 picture``, ``1,280 pictures``."""
    return f"{count:,}{NO_BREAK}{noun if count == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """A time as ``5.10 s``, ``31.4 s`` or ``2 min 05 s``."""
    if round(seconds, 1) < 60:
        return f"{seconds:.{2 if seconds < 10 else 1}f}{NO_BREAK}s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}{NO_BREAK}min {rest:02d}{NO_BREAK}s"


def moment(iso: str) -> str:
    """An ISO 8601 moment as ``22 November 2026, 12:00 UTC``; what cannot be read is given back as it came."""
    try:
        when = datetime.fromisoformat(iso).astimezone(UTC)
    except ValueError:
        return iso
    return f"{when.day} {when:%B %Y, %H:%M} UTC"
