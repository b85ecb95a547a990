"""A pool's key document on loopback, over real HTTP: as it should be, or as broken as a test wants it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, NamedTuple

from fastapi_cognito_guard.errors import ConfigurationError

Fault = int | Literal["hang", "garbage"]
"""How a key server fails: with a status, by saying nothing, or by saying what is no JSON."""

HANG = 10.0  # seconds, after which a hanging answer is given up


class Answer(NamedTuple):
    """What a server says."""

    status: int
    body: bytes


class Document:
    """What a server publishes, and how it fails meanwhile."""

    def __init__(self, content: Callable[[], object]) -> None:
        self._content = content
        self._fault: Fault | None = None
        self._mended = threading.Event()

    @contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        """Fails in this way within the block. Answers that hang are given up at its end."""
        if fault not in {"hang", "garbage"} and not (isinstance(fault, int) and 400 <= fault <= 599):
            raise ConfigurationError('A fault is a status from 400 to 599, "hang" or "garbage".')
        before, self._fault = (self._fault, self._mended), fault
        self._mended = threading.Event()
        try:
            yield
        finally:
            self._mended.set()
            self._fault, self._mended = before

    def answer(self) -> Answer:
        """What is said now. Hangs for at most `HANG` seconds where that is the fault."""
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
def serve_document(path: str, document: Document) -> Iterator[str]:
    """Serve it at ``path`` on a free port of 127.0.0.1; yields the address."""

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
            """Quiet: a user's test output is not ours to write to."""

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
        """Quiet, too: whoever asked may have hung up meanwhile."""
