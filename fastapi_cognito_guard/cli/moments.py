"""Times as people say them."""

from datetime import UTC, datetime

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def moment(seconds: object, now: float) -> str | None:
    """``2026-07-02 12:39:49 UTC (in 57 minutes)``; None for what is no time."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return None
    return f"{text} ({distance(seconds - now)})"


def distance(seconds: float) -> str:
    """``in 57 minutes``, ``2 days ago``, ``now``."""
    length = abs(int(seconds))
    for size, unit in _UNITS:
        if length >= size:
            count = length // size
            span = f"{count} {unit}{'s' if count != 1 else ''}"
            return f"in {span}" if seconds > 0 else f"{span} ago"
    return "now"
