"""How long a key server is left alone: after a failure, and after a kid that it did not know."""

from collections.abc import Callable
from typing import NamedTuple

from fastapi_cognito_guard.tokens.clock import Clock, Moment

_LONGEST = 30.0


class Cooldown(NamedTuple):
    """So many seconds from a moment on."""

    seconds: float = 0.0
    since: Moment | None = None

    def left(self, clock: Clock) -> float:
        """Seconds until the next fetch may start; 0 or less once it may."""
        return 0.0 if self.since is None else self.seconds - clock.since(self.since)


def backoff(first: float, failures: int, *, asked: float, jitter: Callable[[], float]) -> float:
    """Seconds to wait after so many failures in a row.

    The first gap is ``first``, each next one double, up to 30 s (or ``first``, if that is more). What the
    server asked for can lengthen a gap up to that. Jitter only shortens, by a tenth at most.
    """
    longest = max(first, _LONGEST)
    gap = min(first * 2.0 ** min(failures - 1, 64), longest)
    if failures > 1:
        gap *= 1 - 0.1 * jitter()
    return max(gap, min(asked, longest))
