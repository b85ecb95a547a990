"""Run a fleet through virtual time: a heap of requests, one key source for each environment."""

from collections import Counter
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf
from random import Random

from benchmarks.fleet.policies import Build, Keys, moving_pyjwt
from benchmarks.fleet.world import WINDOW, Endpoint, VirtualTime, Weather


@dataclass(frozen=True)
class Fleet:
    """Environments or workers, each with keys of its own.

    ``size``      how many there are at a time
    ``ramp``      seconds in which they start
    ``period``    seconds between two requests to the same one, on average
    ``lifetime``  seconds after which one is replaced by a new one, on average
    ``sample``    how many are simulated at most; each stands for ``size / sample``
    """

    size: int
    ramp: float
    period: float = 5.0
    lifetime: float = inf
    sample: int = 100

    @property
    def simulated(self) -> int:
        """The number of those that are simulated."""
        return min(self.size, self.sample)

    @property
    def weight(self) -> float:
        """How many a simulated one stands for."""
        return self.size / self.simulated


@dataclass
class Outcome:
    """Fetches and refusals by window of time."""

    endpoint: Endpoint
    requests: Counter[int] = field(default_factory=Counter)
    refused: dict[int, Counter[int]] = field(default_factory=lambda: {401: Counter(), 503: Counter()})
    last_refusal: float = -inf

    def note(self, now: float, status: int) -> None:
        """Count one request."""
        window = int(now // WINDOW)
        self.requests[window] += 1
        if status != 200:
            self.refused[status][window] += 1
            self.last_refusal = now

    def share(self, status: int, first: float, last: float) -> float:
        """Return the share of the requests between two moments that got this status."""
        windows = _list_windows(first, last)
        asked = sum(self.requests[window] for window in windows)
        return sum(self.refused[status][window] for window in windows) / asked if asked else 0.0

    def peak(self, first: float, last: float) -> float:
        """Return the highest rate of fetches per second between two moments, over a window."""
        return max(self.endpoint.rate(window) for window in _list_windows(first, last))

    def mean(self, first: float, last: float) -> float:
        """Return the mean rate of fetches per second between two moments."""
        windows = _list_windows(first, last)
        return sum(self.endpoint.rate(window) for window in windows) / len(windows)


async def simulate(build: Build, fleet: Fleet, weather: Weather, *, until: float, seed: int = 1) -> Outcome:
    """Send good tokens to each environment until a moment, and count what becomes of them."""
    time, random = VirtualTime(), Random(seed)  # noqa: S311 - no secret
    endpoint = Endpoint(time, weather, weight=fleet.weight)
    outcome = Outcome(endpoint)
    environments = Environments(build, fleet, time, endpoint, random)
    heap = [(random.uniform(0, fleet.ramp), index) for index in range(fleet.simulated)]
    heapify(heap)
    with moving_pyjwt(time):
        while heap[0][0] < until:
            time.now, index = heappop(heap)
            kid = endpoint.kids[random.random() < weather.share_of_new_key(time.now)]
            outcome.note(time.now, await environments.get(index).ask(kid))
            heappush(heap, (time.now + random.expovariate(1 / fleet.period), index))
    return outcome


class Environments:
    """The environments there are. One that is too old is replaced by a new one, which has no keys yet."""

    def __init__(
        self, build: Build, fleet: Fleet, time: VirtualTime, endpoint: Endpoint, random: Random
    ) -> None:
        self._build, self._endpoint = build, endpoint
        self._fleet, self._time, self._random = fleet, time, random
        self._there: dict[int, tuple[Keys, float]] = {}

    def get(self, index: int) -> Keys:
        """Return the keys of an environment, of a new one if it has come to its end."""
        keys, end = self._there.get(index, (None, -inf))
        if keys is None or self._time.now >= end:
            keys = self._build(self._time, self._endpoint, Random(self._random.random()))  # noqa: S311 - no secret
            lifetime = self._fleet.lifetime
            left = inf if lifetime == inf else self._random.expovariate(1 / lifetime)
            self._there[index] = keys, self._time.now + left
        return keys


def _list_windows(first: float, last: float) -> range:
    return range(int(first // WINDOW), max(int(first // WINDOW) + 1, int(last // WINDOW)))
