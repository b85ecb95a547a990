"""What key sets live through: clocks that are set, freezes, forks, and a machine that gives nothing."""

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.errors import AuthError, KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys
from tests.tokens.keysets import ADDRESS, KID, NEW, NEW_KID, OLD, POLICY, Hands, KeyServer, landed, refusal_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("wall", "steady"), [(600, 0), (0, 600), (600, 600), (-9e9, 600)])
async def test_keys_age_by_whichever_clock_says_more(
    keys: RemoteKeys, server: KeyServer, hands: Hands, wall: float, steady: float
) -> None:
    await keys.get(KID)
    hands.wall += wall
    hands.steady += steady
    await keys.get(KID)
    await landed(keys)
    assert server.fetches == 2


async def test_a_clock_that_is_set_back_neither_rejuvenates_keys_nor_stops_fetches(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    server.error = OSError()
    await refusal_of(keys, KID)
    server.error = None
    hands.wall -= 86400
    hands.steady += POLICY.backoff
    assert await keys.get(KID)


async def test_a_fetch_that_was_frozen_is_given_up_and_its_late_answer_ignored(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    hands.move(POLICY.max_age)
    frozen = server.gate = threading.Event()
    await keys.get(KID)
    first = keys._flight.current
    await asyncio.sleep(0.02)
    hands.wall += 60  # thawed a minute later
    server.pool, server.gate = NEW, None
    with suppress(KeyUnknown):  # as soon as the new answer is there
        await keys.get(KID)
    await landed(keys)
    assert keys.find(NEW_KID) is not None
    frozen.set()
    assert first is not None
    await asyncio.wait([asyncio.wrap_future(first)], timeout=5)
    assert keys.find(NEW_KID) is not None
    assert keys.find(KID) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_keeps_the_keys_and_can_fetch(keys: RemoteKeys, server: KeyServer, hands: Hands) -> None:
    asyncio.run(keys.get(KID))
    server.gate = threading.Event()
    hands.move(POLICY.max_age)
    asyncio.run(keys.get(KID))  # a fetch is under way when the process forks
    keys._flight.lock.acquire()  # and its lock is held by a thread that the child will not have
    child = os.fork()
    if child == 0:
        try:
            server.gate, server.pool = None, NEW
            found = asyncio.run(asyncio.wait_for(_until(lambda: keys, NEW_KID), timeout=10))
            os._exit(0 if found else 1)
        except BaseException:
            os._exit(2)
    keys._flight.lock.release()
    server.gate.set()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


async def _until(keys: Callable[[], RemoteKeys], kid: str) -> bool:
    for _ in range(100):
        try:
            return bool(await keys().get(kid))
        except AuthError:
            await asyncio.sleep(0.02)
    return False


async def test_when_no_thread_can_be_had_it_is_an_outage(
    server: KeyServer, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    keys = RemoteKeys(ADDRESS, POLICY, fetch=server, clock=hands.clock())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    refused = await refusal_of(keys, KID)
    assert isinstance(refused, KeysUnavailable)
    assert "RuntimeError" in refused.reason


async def test_when_no_event_loop_can_be_had_it_is_an_outage(
    server: KeyServer, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(coroutine: object) -> None:
        coroutine.close()  # type: ignore[attr-defined]  # it is one
        raise OSError("too many open files")

    keys = RemoteKeys(ADDRESS, POLICY, fetch=server, clock=hands.clock())
    monkeypatch.setattr("fastapi_cognito_guard.single_flight.asyncio.run", refuse)
    assert isinstance(await refusal_of(keys, KID), KeysUnavailable)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt()], ids=repr)
async def test_a_fetch_that_cancels_or_exits_is_an_outage_and_nobody_waits_for_it(
    hands: Hands, error: BaseException
) -> None:
    async def fetch(address: str) -> bytes:
        raise error

    keys = RemoteKeys(ADDRESS, POLICY, fetch=fetch, clock=hands.clock())
    started = time.monotonic()
    refused = await refusal_of(keys, KID)
    assert time.monotonic() - started < 1
    assert isinstance(refused, KeysUnavailable)
    assert type(error).__name__ in refused.reason


async def test_a_fetch_that_blocks_its_thread_does_not_cost_a_thread_for_each_request(hands: Hands) -> None:
    release, started = threading.Event(), []

    async def fetch(address: str) -> bytes:
        started.append(address)
        release.wait(30)  # blocks the loop: not even the deadline can end it
        raise OSError

    policy = KeyPolicy(timeout=0.01, backoff=60)
    keys = RemoteKeys(ADDRESS, policy, fetch=fetch, clock=hands.clock())
    for _ in range(6):
        waiting = asyncio.create_task(keys.get(KID))
        await asyncio.sleep(0.02)
        hands.move(5)
        waiting.cancel()
    release.set()
    assert len(started) == 2


async def test_warm_up_fetches_ahead_and_never_raises(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    server.error = OSError()
    assert await keys.warm_up() is False
    assert keys.status()["age"] is None
    server.error = None
    hands.move(POLICY.backoff)
    assert await keys.warm_up() is True
    assert await keys.warm_up() is True
    assert server.fetches == 2


@pytest.mark.parametrize("document", ["text", "bytes", "parsed"])
async def test_a_fetch_of_ones_own_may_parse_or_not(document: str, hands: Hands) -> None:
    async def fetch(address: str) -> object:
        text = json.dumps(OLD.jwks)
        return {"text": text, "bytes": text.encode(), "parsed": OLD.jwks}[document]

    keys = RemoteKeys(ADDRESS, POLICY, fetch=fetch, clock=hands.clock())  # type: ignore[arg-type]  # one of the three
    assert await keys.get(KID)
