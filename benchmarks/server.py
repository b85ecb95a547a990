"""Throughput of the same routes under uvicorn on loopback, in a process for each app."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.bursts import Rounds
from benchmarks.load import CONNECTIONS
from benchmarks.report import Figure
from benchmarks.routes import FIRST_SEEN, REMEMBERED, Route, build_app, guarded_route, idle_route, open_route
from benchmarks.tokens import make_access_tokens
from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import FakeUserPool

_TIMEOUT = 300  # seconds for all bursts


def measure(*, rounds: int, calls: int) -> tuple[list[Figure], Rounds]:
    """Measure protected and unprotected routes over HTTP."""
    pool = FakeUserPool()
    many = make_access_tokens(pool, FIRST_SEEN)
    with TemporaryDirectory() as directory, ExitStack() as servers:
        keys = Path(directory, "jwks.json")
        keys.write_text(json.dumps(pool.jwks))
        ports = [servers.enter_context(_serve(kind, keys)) for _, kind, _ in _LANES]
        lanes = {
            name: {"port": port, "tokens": many[:tokens]}
            for (name, _, tokens), port in zip(_LANES, ports, strict=True)
        }
        took = Rounds([name for name, _, _ in _LANES])
        took.seconds = _run_load({"lanes": lanes, "rounds": rounds, "calls": calls})
    return _build_figures(took), took


_ROUTES: dict[str, Route] = {"open": open_route, "idle": idle_route, "guarded": guarded_route}
_LANES = (
    ("no guard", "open", REMEMBERED),
    ("idle dependency", "idle", REMEMBERED),
    ("first seen", "guarded", FIRST_SEEN),
    ("remembered", "guarded", REMEMBERED),
)


def _build_figures(took: Rounds) -> list[Figure]:
    return [
        Figure(
            f"{title} / no guard, uvicorn, {CONNECTIONS} connections, throughput",
            took.compute_ratio(name, "no guard").invert(),
            least=least,
        )
        for title, name, least in (
            ("protected route, first-seen tokens", "first seen", 0.50),
            ("protected route, remembered tokens", "remembered", 0.80),
            ("for comparison: an idle dependency", "idle dependency", None),
        )
    ]


def _run_load(order: dict[str, Any]) -> dict[str, list[float]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(order).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=_TIMEOUT,
    )
    took: dict[str, list[float]] = json.loads(done.stdout)
    return took


@contextmanager
def _serve(kind: str, keys: Path) -> Iterator[int]:
    """Run a server in a process, and yield its port."""
    command = [sys.executable, "-m", "benchmarks.server", kind, str(keys)]
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


def _run(kind: str, keys: Path) -> None:
    import uvicorn

    guard = CognitoGuard(FakeUserPool().user_pool(jwks=json.loads(keys.read_text())))
    app = build_app(_ROUTES[kind], guard if kind == "guarded" else None)
    # asyncio disables Nagle's algorithm only if the protocol is named, and its delay would dominate.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)  # noqa: T201 - the parent reads the port
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    _run(sys.argv[1], Path(sys.argv[2]))
