"""Throughput and latency of the same routes under uvicorn on loopback, in a process for each app.

uvicorn runs with httptools and uvloop where they are installed.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.bursts import Ratio, Rounds
from benchmarks.report import Figure
from benchmarks.routes import FIRST_SEEN, REMEMBERED, Route, build_app, guarded_route, idle_route, open_route
from benchmarks.tokens import make_access_tokens
from fastapi_cognito_guard import CognitoGuard, KeyPolicy
from fastapi_cognito_guard.testing import FakeUserPool

_TIMEOUT = 300  # seconds for all bursts
_CONNECTIONS = (1, 16, 256)
_ROUNDS_EACH = 8  # requests that each connection sends in a burst, at least


def measure(*, rounds: int, calls: int) -> tuple[list[Figure], Rounds]:
    """Measure protected and unprotected routes over HTTP."""
    pool = FakeUserPool()
    many = make_access_tokens(pool, FIRST_SEEN)
    figures: list[Figure] = []
    medians = Rounds([])
    with TemporaryDirectory() as directory, ExitStack() as servers:
        keys = Path(directory, "jwks.json")
        keys.write_text(json.dumps(pool.jwks))
        address = servers.enter_context(pool.serve())
        ports = {kind: servers.enter_context(_serve(kind, keys, address)) for kind in _KINDS}
        lanes = {name: {"port": ports[kind], "tokens": many[:tokens]} for name, kind, tokens in _LANES}
        for connections in _CONNECTIONS:
            order = {"lanes": lanes, "rounds": rounds, "calls": max(calls, _ROUNDS_EACH * connections)}
            took = _Latencies(_run_load({**order, "connections": connections}), connections)
            figures += took.build_figures()
            medians.seconds |= took.throughput.seconds
    return figures, medians


_KINDS = ("open", "idle", "guarded", "refreshing")
_ROUTES: dict[str, Route] = {"open": open_route, "idle": idle_route}
_LANES = (
    ("no guard", "open", REMEMBERED),
    ("idle dependency", "idle", REMEMBERED),
    ("first-seen tokens", "guarded", FIRST_SEEN),
    ("remembered tokens", "guarded", REMEMBERED),
    ("remembered tokens, keys refreshed 5 times a second", "refreshing", REMEMBERED),
)
_LEAST = {"first-seen tokens": 0.50, "remembered tokens": 0.80}


class _Latencies:
    """Bursts of all lanes over one number of connections, as ratios."""

    def __init__(self, bursts: dict[str, list[list[float]]], connections: int) -> None:
        self._connections = connections
        self._prefix = f"uvicorn, {connections} connection{'s' if connections > 1 else ''}"
        self.throughput, self._p50, self._p99 = (self._pick(bursts, index) for index in range(3))

    def build_figures(self) -> list[Figure]:
        """Return the throughput and latency of each lane, relative to the app without a guard."""
        fresh, refreshing = _LANES[3][0], _LANES[4][0]
        under_way = self._compare(self._p99, refreshing, fresh)
        figures = [figure for name, kind, _ in _LANES[1:4] for figure in self._build_lane(name)]
        title = f"{self._prefix}: keys refreshed 5 times a second / keys fresh, p99"
        return [*figures, Figure(title, under_way, most=1.2)]

    def _build_lane(self, name: str) -> list[Figure]:
        title = f"{self._prefix}: {name} / no guard"
        throughput = self._compare(self.throughput, name, "no guard").invert()
        least = _LEAST.get(name) if self._connections == _CONNECTIONS[1] else None
        return [
            Figure(f"{title}, throughput", throughput, least=least),
            Figure(f"{title}, p50", self._compare(self._p50, name, "no guard")),
            Figure(f"{title}, p99", self._compare(self._p99, name, "no guard")),
        ]

    def _pick(self, bursts: dict[str, list[list[float]]], index: int) -> Rounds:
        rounds = Rounds([])
        for name, each in bursts.items():
            rounds.seconds[self._label(name)] = [burst[index] for burst in each]
        return rounds

    def _compare(self, took: Rounds, name: str, base: str) -> Ratio:
        return took.compute_ratio(self._label(name), self._label(base))

    def _label(self, name: str) -> str:
        return f"{name}, {self._connections} connections"


def _run_load(order: dict[str, Any]) -> dict[str, list[list[float]]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(order).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=_TIMEOUT,
    )
    took: dict[str, list[list[float]]] = json.loads(done.stdout)
    return took


@contextmanager
def _serve(kind: str, keys: Path, address: str) -> Iterator[int]:
    """Run a server in a process, and yield its port."""
    command = [sys.executable, "-m", "benchmarks.server", kind, str(keys), address]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    try:
        if server.stdout is None or not (line := server.stdout.readline()):
            raise RuntimeError(f"the {kind} server did not start")
        yield int(line)
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _run(kind: str, keys: Path, address: str) -> None:
    import uvicorn

    pool = FakeUserPool()
    if kind == "refreshing":
        # Keys are refreshed once they have reached 0.8 of max_age.
        guard = CognitoGuard(pool.user_pool(jwks_uri=address), keys=KeyPolicy(max_age=0.25))
    else:
        guard = CognitoGuard(pool.user_pool(jwks=json.loads(keys.read_text())))
    route = _ROUTES.get(kind)
    app = build_app(guarded_route, guard) if route is None else build_app(route)
    # asyncio disables Nagle's algorithm only if the protocol is named, and its delay would dominate.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)  # noqa: T201 - the parent reads the port
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_keep_alive=_TIMEOUT)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    _run(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
