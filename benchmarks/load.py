"""Load generator in a process of its own. Each connection has one request at a time."""

import asyncio
import json
import sys
from collections.abc import Iterator
from itertools import cycle
from statistics import quantiles
from time import perf_counter
from typing import Any, NamedTuple

_DEADLINE = 60.0  # seconds for one burst


class Burst(NamedTuple):
    """Seconds per request of a burst, and the seconds within which half and 99 of 100 were answered."""

    throughput: float
    p50: float
    p99: float


class Tally:
    """Requests of a burst that are still to be sent and to be answered, and the seconds that answers took."""

    def __init__(self, requests: Iterator[bytes], count: int) -> None:
        self.requests = requests
        self.unsent = count
        self.unanswered = count
        self.seconds: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def fail(self, reason: str) -> None:
        """End the burst with an error."""
        if not self.done.done():
            self.done.set_exception(RuntimeError(reason))


class Connection(asyncio.Protocol):
    """Connection that sends the next request once the last one is answered."""

    transport: asyncio.Transport
    tally: Tally

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is TCP
        self.transport = transport

    def send(self, tally: Tally) -> None:
        """Send the next request, if there is one."""
        self.tally = tally
        if tally.unsent:
            tally.unsent -= 1
            self._sent = perf_counter()
            self.transport.write(next(tally.requests))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _read_content_length(head):
            return
        self._received = b""
        if not head.startswith(b"HTTP/1.1 200 "):
            self.tally.fail(f"an answer other than 200: {head[:40]!r}")
            return
        self.tally.seconds.append(perf_counter() - self._sent)
        self.tally.unanswered -= 1
        if self.tally.unanswered:
            self.send(self.tally)
        elif not self.tally.done.done():
            self.tally.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if hasattr(self, "tally"):
            self.tally.fail("the server closed a connection")


def _read_content_length(head: bytes) -> int:
    name = b"content-length:"
    start = head.lower().index(name) + len(name)
    return int(head[start:].partition(b"\r\n")[0])


async def send_burst(connections: list[Connection], requests: Iterator[bytes], count: int) -> Burst:
    """Send a burst over all connections."""
    tally = Tally(requests, count)
    start = perf_counter()
    for connection in connections:
        connection.send(tally)
    await asyncio.wait_for(tally.done, _DEADLINE)
    spent = perf_counter() - start
    centiles = quantiles(tally.seconds, n=100)
    return Burst(spent / count, centiles[49], centiles[98])


async def connect(port: int, count: int) -> list[Connection]:
    """Open connections to a server. They stay open for all bursts."""
    loop = asyncio.get_running_loop()
    pairs = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
    return [protocol for _, protocol in pairs]


def build_request(token: str) -> bytes:
    """Build a GET request."""
    return (
        "GET /me HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n" + f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()


async def run(order: dict[str, Any]) -> dict[str, list[Burst]]:
    """Run interleaved bursts. ``lanes`` has the port and the tokens of each by name."""
    lanes = {
        name: (
            await connect(lane["port"], order["connections"]),
            cycle([build_request(token) for token in lane["tokens"]]),
        )
        for name, lane in order["lanes"].items()
    }
    took: dict[str, list[Burst]] = {name: [] for name in lanes}
    for number in range(order["rounds"] + 1):
        for name in list(lanes)[:: -1 if number % 2 else 1]:
            took[name].append(await send_burst(*lanes[name], order["calls"]))
    return {name: bursts[1:] for name, bursts in took.items()}  # the first round is a warm-up


if __name__ == "__main__":
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)
