"""Background calls: shared by all waiters, and independent of each of them."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from fastapi_cognito_guard.single_flight import SingleFlight, wait_for

NAME = "test-flight"
Result = str | BaseException


class GatedCall:
    """Call that counts its starts, and returns its result when the gate opens."""

    def __init__(self, result: str = "result") -> None:
        self.result = result
        self.starts = 0
        self.gate = threading.Event()

    async def __call__(self) -> str:
        self.starts += 1
        await asyncio.to_thread(self.gate.wait, 10)
        return self.result


@pytest.fixture
def flight() -> SingleFlight[str]:
    return SingleFlight(NAME)


@pytest.fixture
def call() -> GatedCall:
    return GatedCall()


def start(
    flight: SingleFlight[str],
    call: Callable[[], Awaitable[str]],
    on_result: Callable[[Result], None] = lambda result: None,
) -> Future[Result]:
    with flight.lock:
        return flight.start(call, on_result)


def join(flight: SingleFlight[str], call: Callable[[], Awaitable[str]]) -> Future[Result]:
    """Return the call under way, or a new one, as an owner does."""
    with flight.lock:
        return flight.current or flight.start(call, lambda result: None)


def test_many_waiters_in_threads_and_loops_share_one_call(flight: SingleFlight[str], call: GatedCall) -> None:
    results: list[Result] = []

    def wait() -> None:
        future = join(flight, call)
        assert asyncio.run(wait_for(future, 10))
        results.append(future.result())

    threads = [threading.Thread(target=wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    call.gate.set()
    for thread in threads:
        thread.join(timeout=10)
    assert results == ["result"] * 8
    assert call.starts == 1


def test_a_call_that_has_ended_is_no_longer_current(flight: SingleFlight[str], call: GatedCall) -> None:
    call.gate.set()
    first = start(flight, call)
    assert first.result(timeout=10) == "result"
    assert flight.current is None
    assert join(flight, call).result(timeout=10) == "result"
    assert call.starts == 2


def test_a_call_runs_in_a_named_thread_with_its_own_loop(flight: SingleFlight[str]) -> None:
    outer: object = None

    async def describe() -> str:
        thread = threading.current_thread()
        return f"{thread.name} {thread.daemon} {asyncio.get_running_loop() is outer}"

    async def main() -> Result:
        nonlocal outer
        outer = asyncio.get_running_loop()
        future = start(flight, describe)
        assert await wait_for(future, 10)
        return future.result()

    assert asyncio.run(main()) == f"{NAME} True False"


def test_a_call_may_return_any_awaitable_of_its_loop(flight: SingleFlight[str]) -> None:
    def call() -> Awaitable[str]:
        future = asyncio.get_running_loop().create_future()
        future.set_result("result")
        return future

    assert start(flight, call).result(timeout=10) == "result"


@pytest.mark.anyio
async def test_a_cancelled_waiter_does_not_end_the_call(flight: SingleFlight[str], call: GatedCall) -> None:
    future = start(flight, call)
    waiters: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(wait_for(future, 10)),
        asyncio.ensure_future(asyncio.wrap_future(future)),
    ]
    await asyncio.sleep(0.02)
    for waiter in waiters:
        waiter.cancel()
    await asyncio.wait(waiters, timeout=10)
    assert all(waiter.cancelled() for waiter in waiters)
    call.gate.set()
    assert await wait_for(future, 10)
    assert future.result() == "result"


def test_a_closed_loop_does_not_end_the_call(flight: SingleFlight[str], call: GatedCall) -> None:
    future = start(flight, call)
    assert asyncio.run(wait_for(future, 0.01)) is False
    call.gate.set()
    assert future.result(timeout=10) == "result"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("is_held", [False, True], ids=["lock free", "lock held"])
def test_a_forked_child_starts_anew(flight: SingleFlight[str], call: GatedCall, is_held: bool) -> None:
    future, lock = start(flight, call), flight.lock
    if is_held:
        lock.acquire()
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # ends a child that waits for the lock for ever
        try:
            other = GatedCall("of the child")
            other.gate.set()
            result = join(flight, other).result(timeout=5)
            os._exit(0 if (result, other.starts) == ("of the child", 1) else 1)
        except BaseException:
            os._exit(2)
    if is_held:
        lock.release()
    call.gate.set()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert future.result(timeout=10) == "result"
    assert flight.lock is lock


def test_the_late_result_of_an_abandoned_call_is_ignored(flight: SingleFlight[str], call: GatedCall) -> None:
    results: list[Result] = []
    abandoned = start(flight, call, results.append)
    with flight.lock:
        flight.abandon()
    other = GatedCall("of the next call")
    following = start(flight, other, results.append)
    call.gate.set()
    assert abandoned.result(timeout=10) == "result"  # its own waiters wake up all the same
    assert flight.current is following
    assert results == []
    other.gate.set()
    assert following.result(timeout=10) == "of the next call"
    assert results == ["of the next call"]


@pytest.mark.parametrize(
    "error", [OSError("no"), asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt()], ids=repr
)
def test_the_exception_of_a_call_is_its_result(flight: SingleFlight[str], error: BaseException) -> None:
    async def fail() -> str:
        raise error

    results: list[Result] = []
    result = start(flight, fail, results.append).result(timeout=10)
    assert type(result) is type(error)
    assert results == [result]
    assert flight.current is None


def test_an_error_before_the_first_await_is_a_result_too(flight: SingleFlight[str]) -> None:
    def fail() -> Awaitable[str]:
        raise ZeroDivisionError

    assert isinstance(start(flight, fail).result(timeout=10), ZeroDivisionError)


def test_without_a_free_thread_the_error_is_the_result(
    flight: SingleFlight[str], call: GatedCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    results: list[Result] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        future = start(flight, call, results.append)
    assert future.done()
    assert [str(result) for result in results] == ["can't start new thread"]
    assert results == [future.result()]
    assert flight.current is None
    call.gate.set()
    assert start(flight, call).result(timeout=10) == "result"


def test_on_result_holds_the_lock_and_comes_before_waiters_wake_up(
    flight: SingleFlight[str], call: GatedCall
) -> None:
    seen: list[tuple[Result, bool, bool]] = []
    futures: list[Future[Result]] = []
    futures.append(
        start(flight, call, lambda result: seen.append((result, flight.lock.locked(), futures[0].done())))
    )
    call.gate.set()
    assert futures[0].result(timeout=10) == "result"
    assert seen == [("result", True, False)]


def test_waiters_wake_up_also_if_on_result_fails(
    flight: SingleFlight[str], call: GatedCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.set())

    def fail(result: Result) -> None:
        raise ZeroDivisionError

    call.gate.set()
    assert start(flight, call, fail).result(timeout=10) == "result"
    assert reported.wait(10)
    assert start(flight, call).result(timeout=10) == "result"


@pytest.mark.anyio
async def test_wait_for_ends_with_the_future_or_with_the_time() -> None:
    future: Future[str] = Future()
    started = time.monotonic()
    assert await wait_for(future, 0.05) is False
    assert 0.04 < time.monotonic() - started < 5
    future.set_result("result")
    assert await wait_for(future, 0) is True


HANGING_NAME_SERVER = """
import asyncio, socket, time
from fastapi_cognito_guard import CognitoGuard, KeyPolicy
from fastapi_cognito_guard.testing import FakeUserPool

socket.getaddrinfo = lambda *args, **options: time.sleep(60)
pool = FakeUserPool()
guard = CognitoGuard(pool.user_pool(jwks_uri="https://keys.example/"), keys=KeyPolicy(timeout=0.1))
assert not asyncio.run(guard.warm_up())
print("no keys")
"""


def test_a_name_server_that_hangs_does_not_delay_the_end_of_the_process() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGING_NAME_SERVER], capture_output=True, timeout=30, check=True
    )
    assert ended.stdout == b"no keys\n"


def test_a_blocking_call_of_a_background_call_runs_in_a_daemon_thread(flight: SingleFlight[str]) -> None:
    async def call() -> str:
        return await asyncio.to_thread(lambda: str(threading.current_thread().daemon))

    assert start(flight, call).result(timeout=10) == "True"


def test_a_blocking_call_that_fails_fails_the_background_call(flight: SingleFlight[str]) -> None:
    async def call() -> str:
        return await asyncio.to_thread(lambda: str(1 / 0))

    assert isinstance(start(flight, call).result(timeout=10), ZeroDivisionError)


def test_an_executor_of_the_background_calls_own_is_used(flight: SingleFlight[str]) -> None:
    async def call() -> str:
        with ThreadPoolExecutor(thread_name_prefix="own") as executor:
            name = asyncio.get_running_loop().run_in_executor(
                executor, lambda: threading.current_thread().name
            )
            return await name

    assert str(start(flight, call).result(timeout=10)).startswith("own")


def test_a_result_for_a_waiter_whose_loop_is_closed_is_no_error(
    flight: SingleFlight[str], call: GatedCall, caplog: pytest.LogCaptureFixture
) -> None:
    async def wait_in_vain() -> None:
        assert not await wait_for(start(flight, call), 0.01)

    asyncio.run(wait_in_vain())
    pending = flight.current
    call.gate.set()
    assert pending is not None
    assert pending.result(timeout=10) == "result"
    for thread in [each for each in threading.enumerate() if each.name == NAME]:
        thread.join(timeout=10)
    assert not [record for record in caplog.records if record.name == "concurrent.futures"]


def test_a_blocking_call_that_ends_after_its_deadline_is_no_error(flight: SingleFlight[str]) -> None:
    gate, blocked = threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        assert gate.wait(timeout=10)

    async def call() -> str:
        async with asyncio.timeout(0.05):
            await asyncio.to_thread(block)
        return "not reached"

    assert isinstance(start(flight, call).result(timeout=10), TimeoutError)
    assert blocked.wait(timeout=10)
    gate.set()
    for thread in [each for each in threading.enumerate() if each.name == "cognito-blocking"]:
        thread.join(timeout=10)  # an error in it would fail this test
