"""The world of the simulation: virtual time, and the address of the keys."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any

from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.clock import Clock

WINDOW = 10  # seconds: rates are counted in windows of this length


class Unreachable(Exception):
    """The address of the keys cannot be reached."""


class Throttled(Exception):
    """The address of the keys answers 429."""


class VirtualTime:
    """Time that moves only when the simulation moves it."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        """Return the present moment, in seconds."""
        return self.now

    def clock(self) -> Clock:
        """Return the package's clock, on this time."""
        return Clock(wall=self.read, steady=self.read)


@dataclass(frozen=True)
class Weather:
    """What happens at the address of the keys; all times in seconds.

    ``outage``    first and last moment in which it cannot be reached
    ``rotation``  the moment from which tokens are signed with the new key; the old one stays published
    ``lifetime``  seconds after which no token of the old key is left
    ``limit``     fetches per second that it answers; 429 beyond
    """

    outage: tuple[float, float] = (inf, inf)
    rotation: float = inf
    lifetime: float = 3600
    limit: float = inf

    def share_of_new_key(self, now: float) -> float:
        """Return the share of the requests that carry a token of the new key."""
        return min(1.0, max(0.0, (now - self.rotation) / self.lifetime))


@cache
def build_pools() -> tuple[FakeUserPool, FakeUserPool]:
    """Return the pool before and after the rotation."""
    return FakeUserPool(), FakeUserPool()


class Endpoint:
    """The address of the keys. It counts each fetch as ``weight`` fetches of the whole fleet."""

    def __init__(self, time: VirtualTime, weather: Weather, *, weight: float) -> None:
        self._time = time
        self._weather = weather
        self._weight = weight
        old, new = (pool.jwks["keys"] for pool in build_pools())
        self.kids = (old[0]["kid"], new[0]["kid"])
        self._before, self._after = {"keys": old}, {"keys": [*old, *new]}
        self._rate = weather.limit / weight
        self._places, self._since = max(1.0, self._rate), 0.0
        self.fetches: Counter[int] = Counter()

    def fetch(self) -> Mapping[str, Any]:
        """Return the key document at this moment. Raises `Unreachable` or `Throttled`."""
        now = self._time.now
        self.fetches[int(now // WINDOW)] += 1
        first, last = self._weather.outage
        if first <= now < last:
            raise Unreachable
        if not self._has_place(now):
            raise Throttled
        return self._after if now >= self._weather.rotation else self._before

    def _has_place(self, now: float) -> bool:
        """Take one place of a token bucket that holds one second of the limit."""
        if self._rate == inf:
            return True
        self._places = min(max(1.0, self._rate), self._places + (now - self._since) * self._rate)
        self._since = now
        if self._places < 1:
            return False
        self._places -= 1
        return True

    def rate(self, window: int) -> float:
        """Return the fetches per second of the whole fleet in one window."""
        return self.fetches[window] * self._weight / WINDOW
