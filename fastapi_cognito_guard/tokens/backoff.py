"""Waiting periods between fetches from a key server."""

from collections.abc import Callable
from typing import NamedTuple

from fastapi_cognito_guard.tokens.clock import Clock, Moment

_LONGEST = 30.0  # seconds


class Cooldown(NamedTuple):
    """A waiting period: ``seconds`` counted from ``since``."""

    seconds: float = 0.0
    since: Moment | None = None

    def left(self, clock: Clock) -> float:
        """Return the seconds until the next fetch may start; 0 or less if it may start now."""
        return 0.0 if self.since is None else self.seconds - clock.since(self.since)


def backoff(first: float, failures: int, *, asked: float, jitter: Callable[[], float]) -> float:
    """Return the seconds to wait after so many failures in a row.

    The first period is ``first``, and each next one is double, up to 30 s (or ``first``, if that is more).
    ``asked``, the server's own wish, can lengthen a period up to the same limit. Jitter shortens a period
    by a tenth at most.
    """
    longest = max(first, _LONGEST)
    seconds = min(first * 2.0 ** min(failures - 1, 64), longest)
    if failures > 1:
        seconds *= 1 - 0.1 * jitter()
    return max(seconds, min(asked, longest))
