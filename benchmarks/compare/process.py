"""Processes of libraries."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import NamedTuple

from benchmarks.compare.adapters import Peer
from benchmarks.compare.place import Place

_NODE = Path(__file__).with_name("worker.cjs")
_TIMEOUT = 60.0  # seconds until a process is ended


class Answer(NamedTuple):
    """Answer to a token."""

    text: str
    seconds: float


class Ended(Exception):
    """The process has ended without an answer."""


class Library:
    """Library in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, tokens: Sequence[str]) -> list[Answer]:
        """Verify tokens, one after the other. Raises `Ended`."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(list(tokens)) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise Ended from error
        line = self._process.stdout.readline()
        if not line:
            raise Ended
        return [Answer(*answer) for answer in json.loads(line)]


def build_command(peer: Peer) -> list[str]:
    """Return the command of a library's process."""
    if peer.make is None:
        return [shutil.which("node") or "node", str(_NODE)]
    return [sys.executable, "-m", "benchmarks.compare.worker", peer.name]


@contextmanager
def start_library(peer: Peer, place: Place) -> Iterator[Library]:
    """Start a process for a library at a place, and end it after the block, or after a minute."""
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "LOG_LEVEL": "CRITICAL"}
    process = subprocess.Popen(  # noqa: S603 - our own command
        build_command(peer),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environ,
    )
    assert process.stdin is not None
    timer = Timer(_TIMEOUT, process.kill)
    timer.start()
    try:
        with process:
            process.stdin.write(json.dumps(place.to_dict()) + "\n")
            yield Library(process)
            process.stdin.close()
            process.wait(timeout=10)
    finally:
        timer.cancel()
        process.kill()
