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
from typing import IO, NamedTuple, cast

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

    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self._orders, self._answers = orders, answers

    def move(self, place: Place) -> None:
        """Set the library up anew, at another place."""
        self._send(place.to_dict())

    def ask(self, tokens: Sequence[str]) -> list[Answer]:
        """Verify tokens, one after the other. Raises `Ended`."""
        self._send(list(tokens))
        line = self._answers.readline()
        if not line:
            raise Ended
        return [Answer(*answer) for answer in json.loads(line)]

    def _send(self, order: object) -> None:
        try:
            self._orders.write(json.dumps(order) + "\n")
            self._orders.flush()
        except OSError as error:
            raise Ended from error


def _build_command(peer: Peer, *options: str) -> list[str]:
    if peer.make is None:
        return [shutil.which("node") or "node", str(_NODE)]
    return [sys.executable, "-m", "benchmarks.compare.worker", peer.name, *options]


@contextmanager
def start_library(peer: Peer, place: Place, *options: str) -> Iterator[Library]:
    """Start a process for a library at a place, and end it after the block, or after a minute."""
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    process = subprocess.Popen(  # noqa: S603 - our own command
        _build_command(peer, *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environ,
    )
    timer = Timer(_TIMEOUT, process.kill)
    timer.start()
    try:
        library = Library(cast(IO[str], process.stdin), cast(IO[str], process.stdout))
        library.move(place)
        yield library
    finally:
        timer.cancel()
        process.kill()
        process.communicate()
