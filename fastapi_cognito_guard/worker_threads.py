"""A few threads for blocking calls, for which any event loop can wait."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from fastapi_cognito_guard.forks import reset_in_children
from fastapi_cognito_guard.single_flight import wait_for

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_Result = TypeVar("_Result")


class WorkerThreads:
    """Threads for the calls of one client, whatever event loop they come from: asyncio's or Trio's.

    A store that hangs occupies these threads and no others. A call that nobody waits for any more is taken
    out of the queue. A forked child gets threads of its own.
    """

    def __init__(self, name: str, size: int) -> None:
        """``size``: how many calls run at once."""
        self._name = name
        self._size = size
        self.reset()
        reset_in_children(self)

    def reset(self) -> None:
        """Leave the threads there are, which a child does not have."""
        self._executor: ThreadPoolExecutor | None = None

    async def run(self, call: Callable[[], _Result]) -> _Result:
        """Run a blocking call, and return its result."""
        future = self._find_executor().submit(call)
        try:
            await wait_for(future, math.inf)
        finally:
            future.cancel()  # has no effect on a call that runs or is done
        return future.result()

    def _find_executor(self) -> "ThreadPoolExecutor":
        if self._executor is None:
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(self._size, thread_name_prefix=self._name)
        return self._executor
