"""Lambda Runtime API: a server for one process that runs a function with AWS's own runtime client."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

_PATIENCE = 20.0
_LIFETIME = 300.0  # seconds to wait for the next event
_LIMIT = 6 * 1024 * 1024  # bytes; Lambda's limit for a response
_ROOT = "/2018-06-01/runtime"


class Answer(NamedTuple):
    """Result that the process posted. ``kind`` is ``response``, ``error`` or ``init/error``."""

    kind: str
    request: str
    body: Any


class Function:
    """Process of a function, with its queues of events and results."""

    def __init__(self) -> None:
        self.events: queue.Queue[tuple[str, bytes] | None] = queue.Queue()
        self.answers: queue.Queue[Answer] = queue.Queue()
        self.process: subprocess.Popen[bytes] | None = None
        self.invocations = 0

    def invoke(self, event: Any) -> Answer:
        """Invoke the function once. Raises `queue.Empty` if it does not answer in time."""
        self.invocations += 1
        request = f"invocation-{self.invocations}"
        self.events.put((request, json.dumps(event).encode()))
        answer = self.answers.get(timeout=_PATIENCE)
        assert answer.request == request
        return answer

    def wait_for_exit(self) -> int:
        """Wait for the process to end, and return its status."""
        assert self.process is not None
        return self.process.wait(timeout=_PATIENCE)


def find_python() -> str | None:
    """Return a Python with AWS's runtime client, or None. scripts/test installs it and sets the variable."""
    return os.environ.get("LAMBDA_PYTHON")


@contextmanager
def run_function(
    python: str, task_root: Path, handler: str, environ: Mapping[str, str], log: Path
) -> Iterator[Function]:
    """Run the function in a process of its own, as Lambda does. It ends with the block."""
    function = Function()
    with _serve(function) as address, log.open("wb") as output:
        function.process = subprocess.Popen(
            [python, "-m", "awslambdaric", handler],
            cwd=task_root,
            env=_build_environment(task_root, handler, address) | dict(environ),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield function
        finally:
            function.process.kill()
            function.process.wait(timeout=_PATIENCE)
            function.events.put(None)


def _build_environment(task_root: Path, handler: str, address: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONWARNINGS": "error",
        "AWS_LAMBDA_RUNTIME_API": address,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_NAME": "orders",
        "AWS_REGION": "eu-west-1",
        "LAMBDA_TASK_ROOT": str(task_root),
        "_HANDLER": handler,
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, function: Function) -> None:
        self.function = function
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    timeout = _PATIENCE
    server: _Server

    def do_GET(self) -> None:
        event = _wait_for_event(self.server.function) if self.path == f"{_ROOT}/invocation/next" else None
        if event is None:  # an unknown path, or the function has ended
            self.close_connection = True
            return
        self._answer(200, event[1], _build_headers(event[0]))

    def do_POST(self) -> None:
        length = min(int(self.headers["Content-Length"]), _LIMIT)
        answer = _parse_post(self.path, self.rfile.read(length))
        if answer is not None:
            self.server.function.answers.put(answer)
        self._answer(404 if answer is None else 202)

    def _answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@contextmanager
def _serve(function: Function) -> Iterator[str]:
    server = _Server(function)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=_PATIENCE)


def _wait_for_event(function: Function) -> tuple[str, bytes] | None:
    try:
        return function.events.get(timeout=_LIFETIME)
    except queue.Empty:
        return None


def _build_headers(request: str) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": request,
        "Lambda-Runtime-Deadline-Ms": str(int((time.time() + _PATIENCE) * 1000)),
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:orders",
    }


def _parse_post(path: str, body: bytes) -> Answer | None:
    if path == f"{_ROOT}/init/error":
        return Answer("init/error", "", json.loads(body))
    parts = path.removeprefix(f"{_ROOT}/invocation/").split("/")
    if path.startswith(f"{_ROOT}/invocation/") and len(parts) == 2 and parts[1] in ("response", "error"):
        return Answer(parts[1], parts[0], json.loads(body))
    return None
