"""The course of a run: what happens to the keys and to their server, in cycles of under a minute."""

import asyncio
import time
from collections.abc import Callable
from itertools import count

from benchmarks.soak.generation import Generation, make_samples
from benchmarks.soak.timeline import Fault, Timeline
from fastapi_cognito_guard.testing import FakeUserPool
from tests.servers import Answer, FaultServer, drip, endless, hang, reset, response

_FAULTS: dict[str, Answer] = {
    "stall": hang,
    "500": response({"message": "Internal"}, "500 Internal Server Error"),
    "reset": reset,
    "junk": response(b"<!doctype html><title>Not keys</title>"),
    "drip": drip,
    "429": response({"message": "Slow down"}, "429 Too Many Requests"),
    "endless": endless,
    "no keys": response({"keys": []}),
}
_SHORT, _LONG = 3.0, 14.0  # seconds: within the reserve of the keys, and beyond it


class Course:
    """Changes of the keys and of their server, each of which is noted in the timeline."""

    def __init__(
        self, pool: FakeUserPool, server: FaultServer, timeline: Timeline, report: Callable[[str], None]
    ) -> None:
        self._pool, self._server, self._timeline, self._report = pool, server, timeline, report
        self._is_broken = False

    async def publish_first(self) -> None:
        """Make the tokens of the pool's first keys, before the workers start."""
        now = time.monotonic()
        first = Generation(now, complete=float("-inf"))
        first.samples = await asyncio.to_thread(make_samples, self._pool, first)
        self._timeline.generations.append(first)
        self._server.answer = response(self._pool.jwks)

    async def run(self) -> None:
        """Go on until it is cancelled."""
        names = list(_FAULTS)
        for number in count():
            await asyncio.sleep(3)
            await self._rotate()
            await asyncio.sleep(6)
            await self._fail(names[number % len(names)], _SHORT)
            await asyncio.sleep(11)
            await self._fail(names[(number + 1) % len(names)], _LONG, rotate=number % 2 == 1)
            await asyncio.sleep(23)

    async def _fail(self, name: str, seconds: float, *, rotate: bool = False) -> None:
        self._report(f"key server: {name} for {seconds:.0f} s{', keys rotate meanwhile' if rotate else ''}")
        fault = Fault(name, time.monotonic())
        self._timeline.faults.append(fault)
        self._server.answer, self._is_broken = _FAULTS[name], True
        await asyncio.sleep(seconds / 2)
        if rotate:
            await self._rotate()
        await asyncio.sleep(fault.start + seconds - time.monotonic())
        self._server.answer, self._is_broken = response(self._pool.jwks), False
        fault.end = time.monotonic()

    async def _rotate(self) -> None:
        """Publish new keys beside the last ones, and withdraw those before."""
        self._report("keys rotate")
        new = Generation(time.monotonic())
        for old in self._timeline.generations[:-1]:
            old.withdrawn = min(old.withdrawn, new.published)
        await asyncio.to_thread(self._pool.rotate, keep_old=True)
        if not self._is_broken:
            self._server.answer = response(self._pool.jwks)
        new.complete = time.monotonic()
        new.samples = await asyncio.to_thread(make_samples, self._pool, new)
        self._timeline.generations = [*self._timeline.generations[-2:], new]
