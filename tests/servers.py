"""HTTP server on loopback with responses of the test's choice, also broken, slow or missing ones."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_READ_LIMIT = 65536
_TIMEOUT = 10.0  # seconds

Answer = bytes | Callable[[socket.socket, threading.Event], None]
"""Bytes of a whole HTTP response, or a function that writes to the connection."""


@dataclass
class FaultServer:
    """Server whose ``answer`` may be changed at any time. ``requests`` holds the head of each request."""

    address: str = ""
    answer: Answer = b""
    requests: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)


@contextmanager
def fault_server(answer: Answer) -> Iterator[FaultServer]:
    """Serve within the block. All connections and threads end with it."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = FaultServer(f"http://127.0.0.1:{listener.getsockname()[1]}/jwks.json", answer)
    threads: list[threading.Thread] = []

    def accept() -> None:
        while not server.stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=_serve, args=(connection, server), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        server.stopping.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (acceptor, *threads):
            thread.join(timeout=_TIMEOUT)


def _serve(connection: socket.socket, server: FaultServer) -> None:
    with connection:
        connection.settimeout(_TIMEOUT)
        try:
            head = connection.recv(_READ_LIMIT)
            if not head:
                return
            server.requests.append(head.decode("latin-1"))
            if isinstance(server.answer, bytes):
                connection.sendall(server.answer)
            else:
                server.answer(connection, server.stopping)
        except OSError:
            return


def response(
    body: bytes | object,
    status: str = "200 OK",
    headers: dict[str, str] | None = None,
    length: int | None = None,
) -> bytes:
    """Build a whole response. ``length`` overrides the true Content-Length."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"Content-Length": str(len(content) if length is None else length), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}Connection: close\r\n\r\n".encode() + content


def hang(connection: socket.socket, stopping: threading.Event) -> None:
    """Send nothing."""
    stopping.wait(_TIMEOUT)


def reset(connection: socket.socket, stopping: threading.Event) -> None:
    """Reset the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def drip(connection: socket.socket, stopping: threading.Event) -> None:
    """Send one byte at a time, each within any read timeout."""
    for byte in response(b" " * 10_000):
        if stopping.wait(0.02):
            return
        connection.sendall(bytes([byte]))


def endless(connection: socket.socket, stopping: threading.Event) -> None:
    """Send an endless body."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not stopping.is_set():
        connection.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
