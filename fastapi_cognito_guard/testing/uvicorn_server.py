"""An app under uvicorn on loopback, in a thread, for the time of a block."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from fastapi_cognito_guard.errors import ConfigurationError

if TYPE_CHECKING:
    import uvicorn

_START_TIMEOUT = 15.0  # seconds
_STOP_TIMEOUT = 2  # seconds for requests under way when it stops


def listen(port: int) -> socket.socket:
    """Listen on a port of 127.0.0.1; 0 is any free one. Raises `ConfigurationError` if it is taken."""
    if not 0 <= port < 65536:
        raise ConfigurationError(f"Port {port}: ports end at 65535. Try --port 0 for a free one.")
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} of 127.0.0.1: {error.strerror}. Try --port 0 for a free one."
        ) from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as uvicorn's own sockets have it
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the address of a listener."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def serving(app: ASGIApp, port: int | socket.socket = 0) -> Iterator[str]:
    """Serve an app under uvicorn on 127.0.0.1, and yield its address once it is up.

    ``port`` may be a socket of `listen`. Raises `ConfigurationError` if the server does not start.
    """
    server = _server(app)
    listener = listen(port) if isinstance(port, int) else port
    thread = threading.Thread(target=_run, args=(server, listener), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _START_TIMEOUT
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        if not server.started:
            raise ConfigurationError("The server did not start.")
        yield address_of(listener)
    finally:
        server.should_exit = True
        thread.join(timeout=_START_TIMEOUT)
        listener.close()


def _server(app: ASGIApp) -> "uvicorn.Server":
    try:
        import uvicorn
    except ImportError:
        raise ConfigurationError('This needs uvicorn: pip install "fastapi-cognito-guard[demo]".') from None
    # Only critical records: uvicorn logs an error for each WebSocket that is refused properly.
    return uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=_STOP_TIMEOUT))


def _run(server: "uvicorn.Server", listener: socket.socket) -> None:
    with suppress(SystemExit):  # uvicorn's sign of a failed start, which `serving` reports
        server.run(sockets=[listener])
