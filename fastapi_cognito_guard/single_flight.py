"""One background call at a time, shared by all who need its result."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


class SingleFlight(Generic[_Result]):
    """At most one call under way, in a thread with an event loop of its own.

    Waiters may be cancelled, and their event loops closed: the call goes on. A forked child has neither
    the thread nor, perhaps, a free lock, so it starts with a new lock and without a call.
    """

    def __init__(self, thread_name: str) -> None:
        self._thread_name = thread_name
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self.current: Future[_Result | BaseException] | None = None

    @property
    def lock(self) -> threading.Lock:
        """The lock that guards `current`, and the owner's state that results change."""
        if self._process != os.getpid():
            self._reset()
        return self._lock

    def start(
        self,
        call: Callable[[], Awaitable[_Result]],
        on_result: Callable[[_Result | BaseException], None],
    ) -> Future[_Result | BaseException]:
        """Start ``call`` and return the future of its result. The caller holds `lock`.

        ``on_result`` takes the result, or the exception, while the lock is held and before waiters wake
        up. It is not called for a call that was abandoned.
        """
        future: Future[_Result | BaseException] = Future()
        future.set_running_or_notify_cancel()  # a cancelled waiter cannot cancel it
        self.current = future

        def run() -> None:
            result = _run(call)
            with self.lock:
                self._finish(future, result, on_result)

        try:
            threading.Thread(target=run, name=self._thread_name, daemon=True).start()
        except RuntimeError as error:  # the system has no more threads
            self._finish(future, error, on_result)
        return future

    def abandon(self) -> None:
        """Forget the call under way, whose result no longer counts. The caller holds `lock`."""
        self.current = None

    def _finish(
        self,
        future: Future[_Result | BaseException],
        result: _Result | BaseException,
        on_result: Callable[[_Result | BaseException], None],
    ) -> None:
        try:
            if self.current is future:
                self.current = None
                on_result(result)
        finally:
            future.set_result(result)


async def wait_for(future: Future[_Result], seconds: float) -> bool:
    """Wait at most ``seconds`` for ``future``. Return True if it is done."""
    if not future.done():
        await asyncio.wait([asyncio.wrap_future(future)], timeout=seconds)
    return future.done()


def _run(call: Callable[[], Awaitable[_Result]]) -> _Result | BaseException:
    async def main() -> _Result:
        return await call()

    try:
        return asyncio.run(main())
    except BaseException as error:  # also a call that cancels itself or exits
        return error
