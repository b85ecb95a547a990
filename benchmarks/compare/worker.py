"""Process of one library. It reads orders as lines of JSON, and writes the answers to the tokens of each.

An order is a place, for which the library is set up anew, or a list of tokens. It is set up for the first
token, so that its failure to start is an answer too, and again as long as it fails. ``--fastapi`` imports
FastAPI first.
"""

import asyncio
import json
import logging
import sys
import warnings
from inspect import isawaitable
from time import perf_counter
from typing import Any

from benchmarks.compare.adapters import COMPARED, Check, Peer
from benchmarks.compare.place import Place


class Worker:
    """Library at a place."""

    def __init__(self, peer: Peer, place: Place) -> None:
        self._peer, self._place = peer, place
        self._check: Check | None = None

    async def answer(self, token: str) -> tuple[str, float]:
        """Return the answer to a token and the seconds that it took."""
        begin = perf_counter()
        try:
            if self._check is None:
                self._check = self._peer.set_up(self._place)
            result = self._check(token)
            result = await result if isawaitable(result) else result
        except Exception as error:  # a library may fail in any way
            return f"`{describe_error(error)}`", perf_counter() - begin
        known = f"`{result}`" if result in (None, False) else "accepts"
        return known, perf_counter() - begin


def describe_error(error: Exception) -> str:
    """Return the name of an error, and its HTTP status if it has one."""
    status: Any = getattr(error, "status_code", getattr(error, "status", None))
    return f"{type(error).__name__} {status}" if isinstance(status, int) else type(error).__name__


async def run(peer: Peer) -> None:
    """Answer orders until the input ends."""
    worker: Worker | None = None
    for line in sys.stdin:
        order = json.loads(line)
        if worker is None or isinstance(order, dict):
            worker = Worker(peer, Place(**order))
            continue
        answers = [await worker.answer(token) for token in order]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable()
    if "--fastapi" in sys.argv:
        import fastapi  # noqa: F401 - for its time
    asyncio.run(run(next(peer for peer in COMPARED if peer.name == sys.argv[1])))
