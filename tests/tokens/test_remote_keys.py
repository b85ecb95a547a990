"""Keys at an address: shared fetches, refreshes ahead of expiry, and waits that are as short as possible."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.errors import KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.tokens.clock import Clock
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


async def test_keys_are_fetched_once_and_stay_the_same_objects(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    first = await keys.get(KID)
    assert await keys.get(KID) is first
    assert keys.find(KID) is first
    assert server.fetches == 1
    fake_time.move(POLICY.max_age)
    await keys.get(KID)
    await wait_for_fetch(keys)
    assert server.fetches == 2
    assert keys.find(KID) is first


async def test_cold_requests_of_many_tasks_share_one_fetch(keys: RemoteKeys, server: KeyServer) -> None:
    found = await asyncio.gather(*(keys.get(KID) for _ in range(200)))
    assert len(set(map(id, found))) == 1
    assert server.fetches == 1


@pytest.mark.parametrize("call", [lambda keys: keys.get(KID), RemoteKeys.warm_up], ids=["get", "warm_up"])
@pytest.mark.parametrize("reading", range(6))
async def test_keys_that_arrive_while_a_request_looks_for_them_are_not_fetched_again(
    reading: int, call: Callable[[RemoteKeys], Coroutine[Any, Any, object]], server: KeyServer
) -> None:
    """A second fetch would use up the one that a cooldown allows, and delay a rotated key by as much."""
    server.gate = gate = threading.Event()
    readings = -1  # of the clock, by the second call

    def wall() -> float:
        nonlocal readings
        readings += counting
        if readings == reading and not keys._flight.lock.locked():  # no result arrives while it is held
            gate.set()
            until = time.monotonic() + 5
            while keys._flight.current is not None and time.monotonic() < until:
                time.sleep(0.001)
        return 1_000_000.0

    counting = False
    keys = RemoteKeys(ADDRESS, POLICY, fetch=server, clock=Clock(wall=wall, steady=lambda: 500.0))
    first = asyncio.create_task(call(keys))
    await asyncio.sleep(0.02)
    counting = True
    second = asyncio.create_task(call(keys))
    await asyncio.sleep(0.02)
    counting = False
    gate.set()
    assert await first is await second
    assert server.fetches == 1


def test_cold_requests_of_many_threads_and_loops_share_one_fetch(keys: RemoteKeys, server: KeyServer) -> None:
    server.gate = threading.Event()
    found: list[object] = []

    def get_key() -> None:
        found.append(asyncio.run(keys.get(KID)))

    threads = [threading.Thread(target=get_key) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    server.gate.set()
    for thread in threads:
        thread.join(timeout=10)
    assert len(set(map(id, found))) == 1
    assert len(found) == 8
    assert server.fetches == 1


async def test_a_known_kid_never_waits_behind_a_fetch(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    server.gate = threading.Event()
    for age in (POLICY.max_age * 0.8, POLICY.max_age, POLICY.max_age * 5):
        fake_time.move(age)
        started = time.monotonic()
        assert await keys.get(KID)
        assert time.monotonic() - started < 0.5
    server.gate.set()
    await wait_for_fetch(keys)


async def test_a_known_kid_never_waits_behind_a_fetch_for_an_unknown_one(
    keys: RemoteKeys, server: KeyServer
) -> None:
    await keys.get(KID)
    server.gate = threading.Event()
    unknown = asyncio.create_task(keys.get("unknown"))
    await asyncio.sleep(0.02)
    assert await keys.get(KID)
    assert not unknown.done()
    server.gate.set()
    with pytest.raises(KeyUnknown):
        await unknown


async def test_keys_are_refreshed_ahead_of_expiry(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    fake_time.move(POLICY.max_age * 0.79)
    await keys.get(KID)
    assert server.fetches == 1
    fake_time.move(POLICY.max_age * 0.02)
    await keys.get(KID)
    await wait_for_fetch(keys)
    assert server.fetches == 2
    assert keys.status()["age"] == 0


async def test_each_answer_is_refreshed_at_an_age_of_its_own_so_that_a_fleet_does_not_fetch_in_step(
    server: KeyServer, fake_time: FakeTime
) -> None:
    draws = iter((1.0, 0.5, 0.0))
    keys = RemoteKeys(ADDRESS, POLICY, fetch=server, clock=fake_time.clock(), jitter=lambda: next(draws))
    await keys.get(KID)
    for fetches, age in ((1, 0.6), (2, 0.7)):
        fake_time.move(POLICY.max_age * age - 1)
        assert keys.find(KID)
        fake_time.move(2)
        assert keys.find(KID) is None
        assert await keys.get(KID)
        await wait_for_fetch(keys)
        assert server.fetches == fetches + 1
    fake_time.move(POLICY.max_age * 0.8 - 1)
    assert keys.find(KID)


async def test_with_patience_only_the_request_that_starts_a_refresh_of_stale_keys_waits(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    fake_time.move(POLICY.max_age)
    server.pool = NEW
    with pytest.raises(KeyUnknown):
        await keys.get(KID, patience=5)  # it waited, and the key is gone
    server.gate = threading.Event()
    fake_time.move(POLICY.max_age)
    for least, most in ((0.5, 5.0), (0.0, 0.45)):
        started = time.monotonic()
        assert await keys.get(NEW_KID, patience=0.5)
        assert least <= time.monotonic() - started < most
    server.gate.set()
    await wait_for_fetch(keys)


async def test_a_cancelled_request_does_not_end_the_fetch(keys: RemoteKeys, server: KeyServer) -> None:
    server.gate = threading.Event()
    first, second = (asyncio.create_task(keys.get(KID)) for _ in range(2))
    await asyncio.sleep(0.02)
    first.cancel()
    await asyncio.sleep(0.02)
    server.gate.set()
    assert await second is keys.find(KID)
    assert first.cancelled()
    assert server.fetches == 1


def test_a_closed_loop_does_not_end_the_fetch(keys: RemoteKeys, server: KeyServer) -> None:
    server.gate = threading.Event()

    async def give_up() -> None:
        await asyncio.wait_for(keys.get(KID), timeout=0.02)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    server.gate.set()
    asyncio.run(keys.get(KID))
    assert server.fetches == 1


async def test_a_fetch_is_abandoned_a_second_past_its_deadline_and_not_before(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    server.gate = threading.Event()
    waiting = [asyncio.create_task(keys.get(KID))]
    await asyncio.sleep(0.02)
    for seconds, fetches in ((POLICY.timeout + 0.75, 1), (0.25, 2)):
        fake_time.move(seconds)
        waiting.append(asyncio.create_task(keys.get(KID)))
        await asyncio.sleep(0.02)
        assert keys.status()["fetches"] == fetches
    server.gate.set()
    assert await waiting[-1] is keys.find(KID)
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_pool_lacks_an_unknown_kid_only_within_the_cooldown_of_a_good_answer(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    assert not keys.lacks("unknown")
    await catch_error(keys, "unknown")
    assert keys.lacks("unknown")
    assert not keys.lacks(KID)
    fake_time.move(POLICY.cooldown - 0.5)
    assert keys.lacks("unknown")
    fake_time.move(0.5)
    assert not keys.lacks("unknown")


async def test_a_pool_lacks_no_kid_while_a_fetch_is_under_way_or_after_it_failed(
    keys: RemoteKeys, server: KeyServer
) -> None:
    await keys.get(KID)
    server.gate, server.error = threading.Event(), OSError()
    unknown = asyncio.create_task(keys.get("unknown"))
    await asyncio.sleep(0.02)
    assert not keys.lacks("unknown")
    server.gate.set()
    with pytest.raises(KeysUnavailable):
        await unknown
    assert not keys.lacks("unknown")


async def test_a_pool_lacks_no_kid_once_its_keys_are_due_for_a_refresh(
    server: KeyServer, fake_time: FakeTime
) -> None:
    policy = KeyPolicy(max_age=10, cooldown=60)
    keys = RemoteKeys(ADDRESS, policy, fetch=server, clock=fake_time.clock(), jitter=lambda: 0.0)
    await keys.get(KID)
    await catch_error(keys, "unknown")
    fake_time.move(7.75)
    assert keys.lacks("unknown")
    fake_time.move(0.25)
    assert not keys.lacks("unknown")


async def test_an_unknown_kid_starts_no_cooldown_from_the_moment_that_keys_are_due_for_a_refresh(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    fake_time.move(POLICY.max_age * 0.8)
    assert isinstance(await catch_error(keys, "unknown"), KeyUnknown)  # a refresh, not a miss
    assert isinstance(await catch_error(keys, "unknown"), KeyUnknown)
    assert server.fetches == 3
    fake_time.move(POLICY.max_age * 0.8)
    assert await keys.warm_up()
    assert server.fetches == 4


async def test_with_patience_no_request_waits_for_a_refresh_of_keys_that_are_not_stale(
    keys: RemoteKeys, server: KeyServer, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    server.gate = threading.Event()
    fake_time.move(POLICY.max_age - 1)
    started = time.monotonic()
    assert await keys.get(KID, patience=5)
    assert time.monotonic() - started < 1
    server.gate.set()
    await wait_for_fetch(keys)
    assert server.fetches == 2


async def test_keys_are_no_longer_fresh_at_the_very_second_of_max_age(
    keys: RemoteKeys, fake_time: FakeTime
) -> None:
    await keys.get(KID)
    fake_time.move(POLICY.max_age - 0.5)
    assert keys.status()["fresh"] is True
    fake_time.move(0.5)
    assert keys.status()["fresh"] is False


async def test_keys_that_are_too_old_when_they_arrive_are_an_outage(server: KeyServer) -> None:
    seconds = iter(range(1_000_000))
    policy = KeyPolicy(max_age=0.1, max_stale=0.1, timeout=500)
    keys = RemoteKeys(
        ADDRESS, policy, fetch=server, clock=Clock(wall=lambda: next(seconds), steady=lambda: 0)
    )
    assert isinstance(await catch_error(keys, KID), KeysUnavailable)
    assert keys.status()["failures"] == 0


async def test_an_unknown_kid_is_503_if_the_answer_does_not_arrive_in_time(
    fake_time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    fetches: list[str] = []

    async def fetch(address: str) -> bytes:
        if fetches:
            release.wait(10)  # blocks the loop, so that the deadline cannot end it
        fetches.append(address)
        return json.dumps(OLD.jwks).encode()

    monkeypatch.setattr("fastapi_cognito_guard.tokens.remote_keys._GRACE", 0.05)
    keys = RemoteKeys(ADDRESS, KeyPolicy(timeout=0.3), fetch=fetch, clock=fake_time.clock())
    await keys.get(KID)
    assert isinstance(await catch_error(keys, "unknown"), KeysUnavailable)
    assert keys.status()["failures"] == 0
    release.set()
    await wait_for_fetch(keys)


def test_a_process_may_end_while_a_fetch_is_under_way() -> None:
    code = """
import asyncio, time
from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys

async def fetch(address):
    time.sleep(60)

async def main():
    keys = RemoteKeys("https://keys.example", KeyPolicy(), fetch=fetch, clock=Clock())
    await asyncio.wait([asyncio.ensure_future(keys.get("k"))], timeout=0.1)

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", code], timeout=20, check=True)
