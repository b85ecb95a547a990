"""A pool's keys: one fetch for all, ahead of expiry, and nobody waits who need not."""

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
from tests.tokens.keysets import ADDRESS, KID, NEW, NEW_KID, OLD, POLICY, Hands, KeyServer, landed, refusal_of

pytestmark = pytest.mark.anyio


async def test_keys_are_fetched_once_and_stay_the_same_objects(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    first = await keys.get(KID)
    assert await keys.get(KID) is first
    assert keys.find(KID) is first
    assert server.fetches == 1
    hands.move(POLICY.max_age)
    await keys.get(KID)
    await landed(keys)
    assert server.fetches == 2
    assert keys.find(KID) is first


async def test_cold_requests_of_many_tasks_share_one_fetch(keys: RemoteKeys, server: KeyServer) -> None:
    found = await asyncio.gather(*(keys.get(KID) for _ in range(200)))
    assert len(set(map(id, found))) == 1
    assert server.fetches == 1


@pytest.mark.parametrize("ask", [lambda keys: keys.get(KID), RemoteKeys.warm_up], ids=["request", "warm-up"])
@pytest.mark.parametrize("look", range(6))
async def test_keys_that_land_while_somebody_looks_for_them_are_not_fetched_again(
    look: int, ask: Callable[[RemoteKeys], Coroutine[Any, Any, object]], server: KeyServer
) -> None:
    """It would take the one fetch that a cool-down allows, and a rotated key would be refused that long."""
    server.gate = gate = threading.Event()
    looks = -1  # of the second to ask, each of which reads the clock

    def wall() -> float:
        nonlocal looks
        looks += counting
        if looks == look and not keys._flight.lock.locked():  # nothing lands while somebody holds it
            gate.set()
            until = time.monotonic() + 5
            while keys._flight.current is not None and time.monotonic() < until:
                time.sleep(0.001)
        return 1_000_000.0

    counting = False
    keys = RemoteKeys(ADDRESS, POLICY, fetch=server, clock=Clock(wall=wall, steady=lambda: 500.0))
    first = asyncio.create_task(ask(keys))
    await asyncio.sleep(0.02)
    counting = True
    second = asyncio.create_task(ask(keys))
    await asyncio.sleep(0.02)
    counting = False
    gate.set()
    assert await first is await second
    assert server.fetches == 1


def test_cold_requests_of_many_threads_and_loops_share_one_fetch(keys: RemoteKeys, server: KeyServer) -> None:
    server.gate = threading.Event()
    found: list[object] = []

    def ask() -> None:
        found.append(asyncio.run(keys.get(KID)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
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
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    server.gate = threading.Event()
    for age in (POLICY.max_age * 0.8, POLICY.max_age, POLICY.max_age * 5):
        hands.move(age)
        started = time.monotonic()
        assert await keys.get(KID)
        assert time.monotonic() - started < 0.5
    server.gate.set()
    await landed(keys)


async def test_a_known_kid_never_waits_behind_a_fetch_for_an_unknown_one(
    keys: RemoteKeys, server: KeyServer
) -> None:
    await keys.get(KID)
    server.gate = threading.Event()
    unknown = asyncio.create_task(keys.get("nobody's"))
    await asyncio.sleep(0.02)
    assert await keys.get(KID)
    assert not unknown.done()
    server.gate.set()
    with pytest.raises(KeyUnknown):
        await unknown


async def test_keys_are_refreshed_ahead_of_expiry(keys: RemoteKeys, server: KeyServer, hands: Hands) -> None:
    await keys.get(KID)
    hands.move(POLICY.max_age * 0.79)
    await keys.get(KID)
    assert server.fetches == 1
    hands.move(POLICY.max_age * 0.02)
    await keys.get(KID)
    await landed(keys)
    assert server.fetches == 2
    assert keys.status()["age"] == 0


async def test_on_lambda_the_request_that_starts_a_refresh_of_stale_keys_may_wait_a_little_once(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    hands.move(POLICY.max_age)
    server.pool = NEW
    with pytest.raises(KeyUnknown):
        await keys.get(KID, patience=5)  # waited, and saw that the key is gone
    server.gate = threading.Event()
    hands.move(POLICY.max_age)
    for least, most in ((0.5, 5.0), (0.0, 0.45)):
        started = time.monotonic()
        assert await keys.get(NEW_KID, patience=0.5)
        assert least <= time.monotonic() - started < most
    server.gate.set()
    await landed(keys)


async def test_a_request_that_is_cancelled_does_not_take_the_fetch_with_it(
    keys: RemoteKeys, server: KeyServer
) -> None:
    server.gate = threading.Event()
    first, second = (asyncio.create_task(keys.get(KID)) for _ in range(2))
    await asyncio.sleep(0.02)
    first.cancel()
    await asyncio.sleep(0.02)
    server.gate.set()
    assert await second is keys.find(KID)
    assert first.cancelled()
    assert server.fetches == 1


def test_a_loop_that_is_closed_does_not_take_the_fetch_with_it(keys: RemoteKeys, server: KeyServer) -> None:
    server.gate = threading.Event()

    async def give_up() -> None:
        await asyncio.wait_for(keys.get(KID), timeout=0.02)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    server.gate.set()
    asyncio.run(keys.get(KID))
    assert server.fetches == 1


async def test_a_fetch_is_given_up_a_second_past_its_deadline_and_not_before(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    server.gate = threading.Event()
    waiting = [asyncio.create_task(keys.get(KID))]
    await asyncio.sleep(0.02)
    for seconds, fetches in ((POLICY.timeout + 0.75, 1), (0.25, 2)):
        hands.move(seconds)
        waiting.append(asyncio.create_task(keys.get(KID)))
        await asyncio.sleep(0.02)
        assert keys.status()["fetches"] == fetches
    server.gate.set()
    assert await waiting[-1] is keys.find(KID)
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_kid_is_certainly_lacking_only_within_the_cool_down_of_a_good_answer(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    assert not keys.lacks("nobody's")
    await refusal_of(keys, "nobody's")
    assert keys.lacks("nobody's")
    assert not keys.lacks(KID)
    hands.move(POLICY.cooldown - 0.5)
    assert keys.lacks("nobody's")
    hands.move(0.5)
    assert not keys.lacks("nobody's")


async def test_no_kid_is_certainly_lacking_while_a_fetch_is_under_way_or_after_it_failed(
    keys: RemoteKeys, server: KeyServer
) -> None:
    await keys.get(KID)
    server.gate, server.error = threading.Event(), OSError()
    unknown = asyncio.create_task(keys.get("nobody's"))
    await asyncio.sleep(0.02)
    assert not keys.lacks("nobody's")
    server.gate.set()
    with pytest.raises(KeysUnavailable):
        await unknown
    assert not keys.lacks("nobody's")


async def test_no_kid_is_certainly_lacking_once_the_keys_are_due_for_a_refresh(
    server: KeyServer, hands: Hands
) -> None:
    keys = RemoteKeys(ADDRESS, KeyPolicy(max_age=10, cooldown=60), fetch=server, clock=hands.clock())
    await keys.get(KID)
    await refusal_of(keys, "nobody's")
    hands.move(7.75)
    assert keys.lacks("nobody's")
    hands.move(0.25)
    assert not keys.lacks("nobody's")


async def test_keys_are_due_for_a_refresh_at_the_very_moment_and_an_unknown_kid_then_costs_no_cool_down(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    hands.move(POLICY.max_age * 0.8)
    assert isinstance(await refusal_of(keys, "nobody's"), KeyUnknown)  # a refresh, and not a miss
    assert isinstance(await refusal_of(keys, "nobody's"), KeyUnknown)
    assert server.fetches == 3
    hands.move(POLICY.max_age * 0.8)
    assert await keys.warm_up()
    assert server.fetches == 4


async def test_not_even_on_lambda_does_a_request_wait_for_a_refresh_of_keys_that_are_not_stale(
    keys: RemoteKeys, server: KeyServer, hands: Hands
) -> None:
    await keys.get(KID)
    server.gate = threading.Event()
    hands.move(POLICY.max_age - 1)
    started = time.monotonic()
    assert await keys.get(KID, patience=5)
    assert time.monotonic() - started < 1
    server.gate.set()
    await landed(keys)
    assert server.fetches == 2


async def test_keys_are_no_longer_fresh_at_the_very_second_of_max_age(keys: RemoteKeys, hands: Hands) -> None:
    await keys.get(KID)
    hands.move(POLICY.max_age - 0.5)
    assert keys.status()["fresh"] is True
    hands.move(0.5)
    assert keys.status()["fresh"] is False


async def test_keys_that_are_too_old_once_they_are_there_are_an_outage(server: KeyServer) -> None:
    seconds = iter(range(1_000_000))
    policy = KeyPolicy(max_age=0.1, max_stale=0.1, timeout=500)
    keys = RemoteKeys(
        ADDRESS, policy, fetch=server, clock=Clock(wall=lambda: next(seconds), steady=lambda: 0)
    )
    assert isinstance(await refusal_of(keys, KID), KeysUnavailable)
    assert keys.status()["failures"] == 0


async def test_an_unknown_kid_is_503_where_the_answer_does_not_come_in_time(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    fetches: list[str] = []

    async def fetch(address: str) -> bytes:
        if fetches:
            release.wait(10)  # blocks the loop: not even the deadline can end it
        fetches.append(address)
        return json.dumps(OLD.jwks).encode()

    monkeypatch.setattr("fastapi_cognito_guard.tokens.remote_keys._GRACE", 0.05)
    keys = RemoteKeys(ADDRESS, KeyPolicy(timeout=0.3), fetch=fetch, clock=hands.clock())
    await keys.get(KID)
    assert isinstance(await refusal_of(keys, "nobody's"), KeysUnavailable)
    assert keys.status()["failures"] == 0
    release.set()
    await landed(keys)


def test_a_process_may_end_while_a_fetch_is_under_way() -> None:
    code = """
import asyncio, time
from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys

async def fetch(address):
    time.sleep(60)

async def ask():
    keys = RemoteKeys("https://keys.example", KeyPolicy(), fetch=fetch, clock=Clock())
    await asyncio.wait([asyncio.ensure_future(keys.get("k"))], timeout=0.1)

asyncio.run(ask())
"""
    subprocess.run([sys.executable, "-c", code], timeout=20, check=True)
