"""One background call at a time, shared by all who need its result."""

import asyncio
import sys
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, Generic, TypeVar, TypeVarTuple, Unpack

import anyio

from fastapi_cognito_guard.forks import reset_in_children

_Result = TypeVar("_Result")
_Arguments = TypeVarTuple("_Arguments")


class SingleFlight(Generic[_Result]):
    """At most one call under way, in a thread with an event loop of its own.

    Waiters may be cancelled, and their event loops closed: the call goes on. A forked child has neither
    the thread nor, perhaps, a free lock, so it starts with a new lock and without a call.
    """

    def __init__(self, thread_name: str) -> None:
        self._thread_name = thread_name
        self.reset()
        reset_in_children(self)

    def reset(self) -> None:
        """Forget the call under way. ``lock`` guards it, and the owner's state that results change."""
        self.lock = threading.Lock()
        self.current: Future[_Result | BaseException] | None = None

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
    """Wait at most ``seconds`` for ``future``, under asyncio or Trio. Return True if it is done."""
    if not future.done():
        done, call_soon = anyio.Event(), _find_call_soon()

        def wake(finished: Future[_Result]) -> None:
            with suppress(RuntimeError):  # the waiter's event loop is closed
                call_soon(done.set)

        future.add_done_callback(wake)
        with anyio.move_on_after(seconds):
            await done.wait()
    return future.done()


def _find_call_soon() -> Callable[[Callable[[], None]], object]:
    """Return the function by which other threads schedule a call in this event loop, without waiting."""
    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:  # not asyncio, so it is Trio, which then is loaded
        token: Any = sys.modules["trio"].lowlevel.current_trio_token()
        call_soon: Callable[[Callable[[], None]], object] = token.run_sync_soon
        return call_soon


class _DaemonLoop(asyncio.SelectorEventLoop):
    """Event loop whose blocking calls run in daemon threads: a name server that hangs delays no exit."""

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[_Arguments]], _Result],
        *args: *_Arguments,
    ) -> asyncio.Future[_Result]:
        """Run a function in a new daemon thread, unless an executor is given."""
        if executor is not None:
            return super().run_in_executor(executor, func, *args)
        result: Future[_Result] = Future()
        result.set_running_or_notify_cancel()

        def run() -> None:
            try:
                result.set_result(func(*args))
            except BaseException as error:
                result.set_exception(error)

        threading.Thread(target=run, name="cognito-blocking", daemon=True).start()
        return asyncio.wrap_future(result, loop=self)


def _run(call: Callable[[], Awaitable[_Result]]) -> _Result | BaseException:
    async def main() -> _Result:
        return await call()

    try:
        with asyncio.Runner(loop_factory=_DaemonLoop) as runner:
            return runner.run(main())
    except BaseException as error:  # also a call that cancels itself or exits
        return error
