"""Remote keys on a faulty machine: changed clocks, freezes, forks, and no threads or event loops."""

import asyncio
import json
import os
import threading
import time
from contextlib import suppress

import pytest

from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.errors import AuthError, KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys
from tests.tokens.key_server import (
    ADDRESS,
    KID,
    NEW,
    NEW_KID,
    OLD,
    POLICY,
    FakeTime,
    KeyServer,
    catch_error,
    wait_for_fetch,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("wall", "steady"), [(600, 0), (0, 600), (600, 600), (-9e9, 600)])
async def test_keys_age_by_the_clock_that_shows_more(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime, wall: float, steady: float
) -> None:
    await keys.get(KID)
    fake_time.wall += wall
    fake_time.steady += steady
    await keys.get(KID)
    await wait_for_fetch(keys)
    assert server.fetches == 2


async def test_a_clock_that_is_set_back_does_not_stop_fetches(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    server.error = OSError()
    await catch_error(keys, KID)
    server.error = None
    fake_time.wall -= 86400
    fake_time.steady += POLICY.backoff
    assert await keys.get(KID)


async def test_a_frozen_fetch_is_abandoned_and_its_late_answer_is_ignored(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    fake_time.move(POLICY.max_age)
    frozen = server.gate = threading.Event()
    await keys.get(KID)
    first = keys._flight.current
    await asyncio.sleep(0.02)
    fake_time.wall += 60  # thawed a minute later
    server.pool, server.gate = NEW, None
    with suppress(KeyUnknown):  # once the new answer has arrived
        await keys.get(KID)
    await wait_for_fetch(keys)
    assert keys.find(NEW_KID) is not None
    frozen.set()
    assert first is not None
    await asyncio.wait([asyncio.wrap_future(first)], timeout=5)
    assert keys.find(NEW_KID) is not None
    assert keys.find(KID) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_keeps_the_keys_and_can_fetch(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    asyncio.run(keys.get(KID))
    server.gate = threading.Event()
    fake_time.move(POLICY.max_age)
    asyncio.run(keys.get(KID))  # a fetch is under way when the process forks
    keys._flight.lock.acquire()  # and a thread that the child will lack holds the lock
    child = os.fork()
    if child == 0:
        try:
            server.gate, server.pool = None, NEW
            found = asyncio.run(asyncio.wait_for(_find(keys, NEW_KID), timeout=10))
            os._exit(0 if found else 1)
        except BaseException:
            os._exit(2)
    keys._flight.lock.release()
    server.gate.set()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


async def _find(keys: RemoteKeys, kid: str) -> bool:
    for _ in range(100):
        try:
            return bool(await keys.get(kid))
        except AuthError:
            await asyncio.sleep(0.02)
    return False


async def test_a_machine_without_free_threads_is_an_outage(
    server: KeyServer, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    keys = RemoteKeys(ADDRESS, POLICY, fetch=server, clock=fake_time.clock())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    refused = await catch_error(keys, KID)
    assert isinstance(refused, KeysUnavailable)
    assert "RuntimeError" in refused.reason


async def test_a_machine_without_event_loops_is_an_outage(
    server: KeyServer, fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**options: object) -> None:
        raise OSError("too many open files")

    keys = RemoteKeys(ADDRESS, POLICY, fetch=server, clock=fake_time.clock())
    monkeypatch.setattr("fastapi_cognito_guard.single_flight.asyncio.Runner", refuse)
    assert isinstance(await catch_error(keys, KID), KeysUnavailable)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt()], ids=repr)
async def test_a_fetch_that_cancels_or_exits_is_an_outage_at_once(
    fake_time: FakeTime, error: BaseException
) -> None:
    async def fetch(address: str) -> bytes:
        raise error

    keys = RemoteKeys(ADDRESS, POLICY, fetch=fetch, clock=fake_time.clock())
    started = time.monotonic()
    refused = await catch_error(keys, KID)
    assert time.monotonic() - started < 1
    assert isinstance(refused, KeysUnavailable)
    assert type(error).__name__ in refused.reason


async def test_a_fetch_that_blocks_its_thread_does_not_take_a_thread_per_request(fake_time: FakeTime) -> None:
    release, started = threading.Event(), []

    async def fetch(address: str) -> bytes:
        started.append(address)
        release.wait(30)  # blocks the loop, so that the deadline cannot end it
        raise OSError

    policy = KeyPolicy(timeout=0.01, backoff=60)
    keys = RemoteKeys(ADDRESS, policy, fetch=fetch, clock=fake_time.clock())
    for _ in range(6):
        waiting = asyncio.create_task(keys.get(KID))
        await asyncio.sleep(0.02)
        fake_time.move(5)
        waiting.cancel()
    release.set()
    assert len(started) == 2


async def test_warm_up_fetches_ahead_and_never_raises(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    server.error = OSError()
    assert await keys.warm_up() is False
    assert keys.status()["age"] is None
    server.error = None
    fake_time.move(POLICY.backoff)
    assert await keys.warm_up() is True
    assert await keys.warm_up() is True
    assert server.fetches == 2


@pytest.mark.parametrize("document", ["text", "bytes", "parsed"])
async def test_a_custom_fetch_may_return_text_bytes_or_parsed_keys(
    document: str, fake_time: FakeTime
) -> None:
    async def fetch(address: str) -> object:
        text = json.dumps(OLD.jwks)
        return {"text": text, "bytes": text.encode(), "parsed": OLD.jwks}[document]

    keys = RemoteKeys(ADDRESS, POLICY, fetch=fetch, clock=fake_time.clock())  # type: ignore[arg-type]  # the type is one of the three
    assert await keys.get(KID)
