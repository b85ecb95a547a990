"""Uvicorn on loopback, in a thread, for the duration of a block."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.extras import format_install

if TYPE_CHECKING:
    import uvicorn

_START_TIMEOUT = 15.0  # seconds
_STOP_TIMEOUT = 2  # seconds that open requests have to finish


def listen(port: int) -> socket.socket:
    """Listen on a port of 127.0.0.1; 0 is any free one. Raises `ConfigurationError` if it is taken."""
    if not 0 <= port < 65536:
        raise ConfigurationError(f"Port {port} is not between 0 and 65535. Try --port 0 for a free one.")
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} of 127.0.0.1: {os.strerror(error.errno or 0)}. Try --port 0 for a free one."
        ) from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as uvicorn's own sockets have it
    return listener


def get_address(listener: socket.socket) -> str:
    """Return the URL of a server on this socket."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def serve_app(app: ASGIApp, port: int | socket.socket = 0) -> Iterator[str]:
    """Serve an app under uvicorn on 127.0.0.1, and yield its address once it is up.

    ``port`` may be a socket of `listen`. Raises `ConfigurationError` if the server does not start.
    """
    server = _build_server(app)
    listener = listen(port) if isinstance(port, int) else port
    thread = threading.Thread(target=_run_server, args=(server, listener), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _START_TIMEOUT
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        if not server.started:
            raise ConfigurationError("The server did not start: check the app's lifespan.")
        yield get_address(listener)
    finally:
        server.should_exit = True
        thread.join(timeout=_START_TIMEOUT)
        listener.close()


def _build_server(app: ASGIApp) -> "uvicorn.Server":
    try:
        import uvicorn
    except ImportError:
        raise ConfigurationError(f"This needs uvicorn: {format_install('demo')}.") from None
    # Only critical records: uvicorn logs an error for each WebSocket that the app refuses.
    return uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=_STOP_TIMEOUT))


def _run_server(server: "uvicorn.Server", listener: socket.socket) -> None:
    with suppress(SystemExit):  # uvicorn raises it if the start fails, which `serve_app` reports
        server.run(sockets=[listener])
