"""HTTP server on loopback that publishes a pool's keys, with faults on demand."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, NamedTuple

from fastapi_cognito_guard.errors import ConfigurationError

Fault = int | Literal["hang", "garbage"]
"""Fault of a key server: an error status, no answer (``"hang"``), or a body that is not JSON."""

HANG = 10.0  # seconds until a hanging request is answered with 504


class Answer(NamedTuple):
    """Status and body of a response."""

    status: int
    body: bytes


class PublishedDocument:
    """Document of a server, and the fault that replaces it for the time being."""

    def __init__(self, content: Callable[[], object]) -> None:
        self._content = content
        self._fault: Fault | None = None
        self._mended = threading.Event()

    @contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        """Fail in this way within the block. Requests that hang are answered when it ends."""
        if fault not in {"hang", "garbage"} and not (isinstance(fault, int) and 400 <= fault <= 599):
            raise ConfigurationError(
                f'{fault!r} is no fault: use a status from 400 to 599, "hang" or "garbage".'
            )
        before, self._fault = (self._fault, self._mended), fault
        self._mended = threading.Event()
        try:
            yield
        finally:
            self._mended.set()
            self._fault, self._mended = before

    def answer(self) -> Answer:
        """Return the current response. With the fault ``"hang"``, wait for at most `HANG` seconds first."""
        fault, mended = self._fault, self._mended
        if fault is None:
            return Answer(200, json.dumps(self._content()).encode())
        if fault == "garbage":
            return Answer(200, b"<!doctype html><title>Not keys</title>")
        if fault == "hang":
            mended.wait(HANG)
            return Answer(504, b'{"message":"Gateway Timeout"}')
        return Answer(fault, b'{"message":"Broken on purpose"}')


@contextmanager
def serve_document(path: str, document: PublishedDocument) -> Iterator[str]:
    """Serve a document at ``path`` on a free port of 127.0.0.1, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == path
            answer = document.answer() if found else Answer(404, b'{"message":"Not Found"}')
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *args: object) -> None:
            """Write nothing into the output of a user's tests."""

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{path}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that have hung up."""
