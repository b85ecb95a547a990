"""Soak the guard under uvicorn: mixed tokens, rotating keys, and a key server that fails and recovers."""

import argparse
import asyncio
import random
import sys
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.soak import report
from benchmarks.soak.client import Connection
from benchmarks.soak.course import Course
from benchmarks.soak.generation import Sample, make_unknown
from benchmarks.soak.timeline import Timeline
from benchmarks.soak.verdicts import Tally
from benchmarks.soak.workers import Memory, run_workers
from fastapi_cognito_guard.testing import FakeUserPool
from tests.servers import FaultServer, fault_server, response

_CONNECTIONS = 16
_REQUESTS = 300  # on one connection, so that all workers get their share
_PAUSE = 0.03  # seconds between two requests on a connection
_UNKNOWN = 4096
_READING = 2.0  # seconds between two readings of memory


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="how long; 10 by default")
    given = parser.parse_args()
    pool = FakeUserPool()
    with fault_server(response(pool.jwks)) as server, TemporaryDirectory() as directory:
        run = Run(pool, server, Path(directory))
        asyncio.run(run.go(given.minutes * 60))
        log = Path(directory, "server.log").read_text()
        text, is_good = report.render(run.tally, run.memory, log, len(server.requests))
    print(text)  # noqa: T201 - output
    sys.exit(not is_good)


class Run:
    """One run, and what it has counted."""

    def __init__(self, pool: FakeUserPool, server: FaultServer, directory: Path) -> None:
        self._pool, self._server, self._directory = pool, server, directory
        self._start = time.monotonic()
        self.timeline = Timeline()
        self.tally, self.memory = Tally(self.timeline), Memory()
        self._unknown = cycle(make_unknown(pool, _UNKNOWN))

    async def go(self, seconds: float) -> None:
        """Send requests for so many seconds."""
        course = Course(self._pool, self._server, self.timeline, self._report)
        await course.publish_first()
        with run_workers(self._pool, self._server.address, self._directory) as port:
            works = [self._send(port) for _ in range(_CONNECTIONS)] + [course.run(), self._read_memory()]
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                    for work in works:
                        group.create_task(work)

    async def _send(self, port: int) -> None:
        connection = Connection(port)
        while True:
            for _ in range(_REQUESTS):
                await self._send_one(connection, self._choose())
                await asyncio.sleep(_PAUSE)
            connection.close()

    async def _send_one(self, connection: Connection, sample: Sample) -> None:
        sent = time.monotonic()
        try:
            answer = await connection.get(sample.token)
        except (OSError, EOFError, TimeoutError) as error:
            connection.close()
            self.tally.add_unanswered(sample, error)
            return
        self.tally.add(sample, answer, sent, time.monotonic())

    def _choose(self) -> Sample:
        """Choose a token: one in twelve has an unknown kid, and some are of withdrawn keys."""
        if random.random() < 1 / 12:  # noqa: S311 - no secret
            return next(self._unknown)
        return random.choice(random.choice(self.timeline.generations[-3:]).samples)  # noqa: S311 - no secret

    async def _read_memory(self) -> None:
        while True:
            await asyncio.sleep(_READING)
            self.memory.read(list(self.tally.workers), time.monotonic() - self._start)

    def _report(self, message: str) -> None:
        passed = time.monotonic() - self._start
        done = f"{self.tally.sent.total()} requests, {self.tally.wrong} wrong"
        print(f"... {passed:4.0f} s, {done}; {message}", file=sys.stderr, flush=True)  # noqa: T201 - progress


if __name__ == "__main__":
    main()
