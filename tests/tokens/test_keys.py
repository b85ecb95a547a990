"""A pool's keys under fire: who waits, what is fetched how often, and what is answered meanwhile."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import httpx
import pytest

from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.errors import AuthError, KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.fetch import FetchFailed, fetch_over_https
from fastapi_cognito_guard.tokens.gaps import backoff
from fastapi_cognito_guard.tokens.keys import KeySet
from tests.servers import Answer, drip, endless, fault_server, hang, reset, response

pytestmark = pytest.mark.anyio
POLICY = KeyPolicy(max_age=600, max_stale=7200, cooldown=10, backoff=0.5, timeout=3)
ADDRESS = "https://keys.example/jwks.json"
OLD, NEW = FakeUserPool(), FakeUserPool()
KID: str = OLD.jwks["keys"][0]["kid"]
NEW_KID: str = NEW.jwks["keys"][0]["kid"]


class Hands:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 500.0

    def clock(self) -> Clock:
        return Clock(wall=lambda: self.wall, steady=lambda: self.steady)

    def move(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class KeyServer:
    """What a key set is given as ``fetch``: counts, and answers, fails or waits as it is told."""

    def __init__(self) -> None:
        self.pool = OLD
        self.fetches = 0
        self.error: Exception | None = None
        self.gate: threading.Event | None = None

    async def __call__(self, address: str) -> bytes:
        assert address == ADDRESS
        self.fetches += 1
        gate, error, document = self.gate, self.error, json.dumps(self.pool.jwks).encode()
        if gate is not None:
            await asyncio.to_thread(gate.wait, 10)
        if error is not None:
            raise error
        return document


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
def keys(server: KeyServer, hands: Hands) -> KeySet:
    return KeySet(ADDRESS, POLICY, fetch=server, clock=hands.clock(), jitter=lambda: 0.0)


async def landed(keys: KeySet) -> None:
    """Wait, for a bounded time, until no fetch is under way."""
    for _ in range(500):
        if keys._flight is None:
            return
        await asyncio.sleep(0.005)
    raise AssertionError


async def refusal_of(keys: KeySet, kid: str) -> AuthError:
    with pytest.raises(AuthError) as refused:
        await keys.key(kid)
    return refused.value


# --- one fetch for all, and nobody waits who need not


async def test_keys_are_fetched_once_and_stay_the_same_objects(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    first = await keys.key(KID)
    assert await keys.key(KID) is first
    assert keys.find(KID) is first
    assert server.fetches == 1
    hands.move(POLICY.max_age)
    await keys.key(KID)
    await landed(keys)
    assert server.fetches == 2
    assert keys.find(KID) is first


async def test_cold_requests_of_many_tasks_share_one_fetch(keys: KeySet, server: KeyServer) -> None:
    found = await asyncio.gather(*(keys.key(KID) for _ in range(200)))
    assert len(set(map(id, found))) == 1
    assert server.fetches == 1


def test_cold_requests_of_many_threads_and_loops_share_one_fetch(keys: KeySet, server: KeyServer) -> None:
    server.gate = threading.Event()
    found: list[object] = []

    def ask() -> None:
        found.append(asyncio.run(keys.key(KID)))

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


async def test_a_known_kid_never_waits_behind_a_fetch(keys: KeySet, server: KeyServer, hands: Hands) -> None:
    await keys.key(KID)
    server.gate = threading.Event()
    for age in (POLICY.max_age * 0.8, POLICY.max_age, POLICY.max_age * 5):
        hands.move(age)
        started = time.monotonic()
        assert await keys.key(KID)
        assert time.monotonic() - started < 0.5
    server.gate.set()
    await landed(keys)


async def test_a_known_kid_never_waits_behind_a_fetch_for_an_unknown_one(
    keys: KeySet, server: KeyServer
) -> None:
    await keys.key(KID)
    server.gate = threading.Event()
    unknown = asyncio.create_task(keys.key("nobody's"))
    await asyncio.sleep(0.02)
    assert await keys.key(KID)
    assert not unknown.done()
    server.gate.set()
    with pytest.raises(KeyUnknown):
        await unknown


async def test_keys_are_refreshed_ahead_of_expiry(keys: KeySet, server: KeyServer, hands: Hands) -> None:
    await keys.key(KID)
    hands.move(POLICY.max_age * 0.79)
    await keys.key(KID)
    assert server.fetches == 1
    hands.move(POLICY.max_age * 0.02)
    await keys.key(KID)
    await landed(keys)
    assert server.fetches == 2
    assert keys.status()["age"] == 0


async def test_on_lambda_the_request_that_starts_a_refresh_of_stale_keys_may_wait_a_little_once(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    hands.move(POLICY.max_age)
    server.pool = NEW
    with pytest.raises(KeyUnknown):
        await keys.key(KID, patience=5)  # waited, and saw that the key is gone
    server.gate = threading.Event()
    hands.move(POLICY.max_age)
    for least, most in ((0.5, 5.0), (0.0, 0.45)):
        started = time.monotonic()
        assert await keys.key(NEW_KID, patience=0.5)
        assert least <= time.monotonic() - started < most
    server.gate.set()
    await landed(keys)


async def test_a_request_that_is_cancelled_does_not_take_the_fetch_with_it(
    keys: KeySet, server: KeyServer
) -> None:
    server.gate = threading.Event()
    first, second = (asyncio.create_task(keys.key(KID)) for _ in range(2))
    await asyncio.sleep(0.02)
    first.cancel()
    await asyncio.sleep(0.02)
    server.gate.set()
    assert await second is keys.find(KID)
    assert first.cancelled()
    assert server.fetches == 1


def test_a_loop_that_is_closed_does_not_take_the_fetch_with_it(keys: KeySet, server: KeyServer) -> None:
    server.gate = threading.Event()

    async def give_up() -> None:
        await asyncio.wait_for(keys.key(KID), timeout=0.02)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())
    server.gate.set()
    asyncio.run(keys.key(KID))
    assert server.fetches == 1


# --- an outage


async def test_stale_keys_serve_in_an_outage_for_max_stale_and_then_no_longer(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    server.error = OSError("unreachable")
    hands.move(POLICY.max_age + POLICY.max_stale - 1)
    assert await keys.key(KID)
    await landed(keys)
    status = keys.status()
    assert (status["fresh"], status["usable"], status["last_error"]) == (False, True, "OSError")
    hands.move(1)
    assert isinstance(await refusal_of(keys, KID), KeysUnavailable)
    assert keys.status()["usable"] is False


async def test_a_removed_key_dies_at_the_first_good_fetch(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    server.pool = NEW
    hands.move(POLICY.max_age)
    with suppress(KeyUnknown):  # as soon as the new answer is there
        await keys.key(KID)
    await landed(keys)
    assert keys.find(KID) is None
    assert isinstance(await refusal_of(keys, KID), KeyUnknown)


async def test_failed_fetches_back_off_and_the_refusal_says_for_how_long(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    server.error = OSError()
    told = []
    for fetches in range(1, 10):
        refused = await refusal_of(keys, KID)
        assert isinstance(refused, KeysUnavailable)
        assert "OSError" in refused.reason
        for _ in range(20):  # within the gap nothing is fetched, and nobody waits
            await refusal_of(keys, KID)
        assert server.fetches == fetches
        told.append(refused.retry_after)
        hands.move(refused.retry_after)
    assert told == [1, 1, 2, 4, 8, 16, 30, 30, 30]


async def test_jitter_only_shortens_a_gap_and_not_the_first(server: KeyServer, hands: Hands) -> None:
    keys = KeySet(ADDRESS, POLICY, fetch=server, clock=hands.clock(), jitter=lambda: 1.0)
    server.error = OSError()
    gaps = []
    for fetches in range(1, 9):
        await refusal_of(keys, KID)
        assert server.fetches == fetches
        gaps.append(keys._after_failure.seconds)
        hands.move(gaps[-1] + 0.001)
    assert gaps == [0.5, *(pytest.approx(0.9 * gap) for gap in (1, 2, 4, 8, 16, 30, 30))]


@pytest.mark.parametrize(("asked", "gap"), [(0, 0.5), (7, 7), (3600, 30)])
async def test_a_servers_retry_after_lengthens_a_gap_up_to_the_cap(
    keys: KeySet, server: KeyServer, asked: float, gap: float
) -> None:
    server.error = FetchFailed("it answered 503", retry_after=asked)
    refused = await refusal_of(keys, KID)
    assert "it answered 503" in refused.reason
    assert keys._after_failure.seconds == gap


async def test_any_positive_policy_is_valid(server: KeyServer, hands: Hands) -> None:
    policy = KeyPolicy(max_age=0.001, max_stale=0.001, cooldown=0.001, backoff=90, timeout=0.5)
    keys = KeySet(ADDRESS, policy, fetch=server, clock=hands.clock())
    server.error = OSError()
    refused = await refusal_of(keys, KID)
    assert isinstance(refused, KeysUnavailable)
    assert refused.retry_after == 90


async def test_recovery_comes_with_the_next_gap(keys: KeySet, server: KeyServer, hands: Hands) -> None:
    server.error = OSError()
    await refusal_of(keys, KID)
    server.error = None
    hands.move(POLICY.backoff)
    assert await keys.key(KID)
    assert keys.status() == {
        "kids": sorted(key["kid"] for key in OLD.jwks["keys"]),
        "age": 0, "fresh": True, "usable": True, "fetches": 2, "failures": 0, "last_error": None,
    }  # fmt: skip


async def test_one_blip_is_not_a_long_outage(keys: KeySet, server: KeyServer, hands: Hands) -> None:
    server.error = OSError()
    for _ in range(5):
        await refusal_of(keys, KID)
        hands.move(30)
    server.error = None
    await keys.key(KID)
    server.error = OSError()
    hands.move(POLICY.max_age + POLICY.max_stale)
    await refusal_of(keys, KID)
    assert keys._after_failure.seconds == POLICY.backoff


# --- unknown kids


async def test_a_flood_of_unknown_kids_is_one_fetch_per_cooldown_and_401(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    for period in range(1, 4):
        for n in range(50):
            assert isinstance(await refusal_of(keys, f"nobody's {n}"), KeyUnknown)
            assert await keys.key(KID)
        assert server.fetches == 1 + period
        hands.move(POLICY.cooldown)


async def test_a_key_that_was_rotated_in_is_accepted_at_once_where_nobody_missed_before(
    keys: KeySet, server: KeyServer
) -> None:
    await keys.key(KID)
    server.pool = NEW
    assert await keys.key(NEW_KID)
    assert keys.find(KID) is None


async def test_under_a_flood_a_rotated_key_is_refused_for_at_most_one_cooldown(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    await refusal_of(keys, "nobody's")
    server.pool = NEW
    assert isinstance(await refusal_of(keys, NEW_KID), KeyUnknown)
    hands.move(POLICY.cooldown - 1)
    assert isinstance(await refusal_of(keys, NEW_KID), KeyUnknown)
    hands.move(1)
    assert await keys.key(NEW_KID)


async def test_misses_never_delay_the_refresh_of_expiring_keys(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    hands.move(POLICY.max_age * 0.8 - 1)
    server.error = OSError()
    assert isinstance(await refusal_of(keys, "nobody's"), KeysUnavailable)
    server.error = None
    hands.move(1)
    await keys.key(KID)
    await landed(keys)
    assert server.fetches == 3
    assert keys.status()["age"] == 0


async def test_an_unknown_kid_is_503_while_nobody_can_tell_and_known_ones_go_on(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    server.error = OSError()
    for _ in range(5):
        refused = await refusal_of(keys, "perhaps new")
        assert isinstance(refused, KeysUnavailable)
        assert refused.retry_after == POLICY.cooldown
        assert await keys.key(KID)
    assert server.fetches == 2
    server.error = None
    hands.move(POLICY.cooldown)
    assert isinstance(await refusal_of(keys, "perhaps new"), KeyUnknown)


# --- clocks, freezes, forks


@pytest.mark.parametrize(("wall", "steady"), [(600, 0), (0, 600), (600, 600), (-9e9, 600)])
async def test_keys_age_by_whichever_clock_says_more(
    keys: KeySet, server: KeyServer, hands: Hands, wall: float, steady: float
) -> None:
    await keys.key(KID)
    hands.wall += wall
    hands.steady += steady
    await keys.key(KID)
    await landed(keys)
    assert server.fetches == 2


async def test_a_clock_that_is_set_back_neither_rejuvenates_keys_nor_stops_fetches(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    server.error = OSError()
    await refusal_of(keys, KID)
    server.error = None
    hands.wall -= 86400
    hands.steady += POLICY.backoff
    assert await keys.key(KID)


async def test_a_fetch_that_was_frozen_is_given_up_and_its_late_answer_ignored(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    hands.move(POLICY.max_age)
    frozen = server.gate = threading.Event()
    await keys.key(KID)
    first = keys._flight
    await asyncio.sleep(0.02)
    hands.wall += 60  # thawed a minute later
    server.pool, server.gate = NEW, None
    with suppress(KeyUnknown):  # as soon as the new answer is there
        await keys.key(KID)
    await landed(keys)
    assert keys.find(NEW_KID) is not None
    frozen.set()
    assert first is not None
    await asyncio.wait([asyncio.wrap_future(first.landed)], timeout=5)
    assert keys.find(NEW_KID) is not None
    assert keys.find(KID) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_keeps_the_keys_and_can_fetch(keys: KeySet, server: KeyServer, hands: Hands) -> None:
    asyncio.run(keys.key(KID))
    server.gate = threading.Event()
    hands.move(POLICY.max_age)
    asyncio.run(keys.key(KID))  # a fetch is under way when the process forks
    keys._lock.acquire()  # and its lock is held by a thread that the child will not have
    child = os.fork()
    if child == 0:
        try:
            server.gate, server.pool = None, NEW
            found = asyncio.run(asyncio.wait_for(_until(lambda: keys, NEW_KID), timeout=10))
            os._exit(0 if found else 1)
        except BaseException:
            os._exit(2)
    keys._lock.release()
    server.gate.set()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


async def _until(keys: Callable[[], KeySet], kid: str) -> bool:
    for _ in range(100):
        try:
            return bool(await keys().key(kid))
        except AuthError:
            await asyncio.sleep(0.02)
    return False


async def test_when_no_thread_can_be_had_it_is_an_outage(
    server: KeyServer, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    keys = KeySet(ADDRESS, POLICY, fetch=server, clock=hands.clock())
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

    keys = KeySet(ADDRESS, POLICY, fetch=server, clock=hands.clock())
    monkeypatch.setattr("fastapi_cognito_guard.tokens.keys.asyncio.run", refuse)
    assert isinstance(await refusal_of(keys, KID), KeysUnavailable)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt()], ids=repr)
async def test_a_fetch_that_cancels_or_exits_is_an_outage_and_nobody_waits_for_it(
    hands: Hands, error: BaseException
) -> None:
    async def fetch(address: str) -> bytes:
        raise error

    keys = KeySet(ADDRESS, POLICY, fetch=fetch, clock=hands.clock())
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
    keys = KeySet(ADDRESS, policy, fetch=fetch, clock=hands.clock())
    for _ in range(6):
        waiting = asyncio.create_task(keys.key(KID))
        await asyncio.sleep(0.02)
        hands.move(5)
        waiting.cancel()
    release.set()
    assert len(started) == 2


async def test_warm_up_fetches_ahead_and_never_raises(keys: KeySet, server: KeyServer, hands: Hands) -> None:
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

    keys = KeySet(ADDRESS, POLICY, fetch=fetch, clock=hands.clock())  # type: ignore[arg-type]  # one of the three
    assert await keys.key(KID)


# --- a real server that misbehaves

GOOD = response(OLD.jwks)
FAULTS: dict[str, Answer] = {
    "500": response(b"{}", "500 Internal Server Error"),
    "404": response(b"{}", "404 Not Found"),
    "204": response(b"", "204 No Content"),
    "a good set with status 203": response(OLD.jwks, "203 Non-Authoritative Information"),
    "a redirect": response(b"", "302 Found", {"Location": "http://127.0.0.1:9/"}),
    "HTML": response(b"<html>", headers={"Content-Type": "text/html"}),
    "half of it": response(json.dumps(OLD.jwks).encode()[:200]),
    "cut off": response(json.dumps(OLD.jwks).encode()[:200], length=5000),
    "too long": response(b" " * (64 * 1024 + 1)),
    "without end": endless,
    "compressed": response(b"\x1f\x8b\x08\x00junk", headers={"Content-Encoding": "gzip"}),
    "an empty set": response({"keys": []}),
    "no usable key": response({"keys": [{"kty": "EC", "kid": "x"}]}),
    "101 keys": response({"keys": [{"kid": str(n)} for n in range(101)]}),
    "nested deep": response(b"[" * 60_000),
    "not HTTP": b"SSH-2.0-OpenSSH\r\n",
    "nothing": hang,
    "a reset": reset,
    "a slow drip": drip,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_fault_of_the_key_server_never_costs_the_good_keys_nor_a_request_its_time(
    fault: Answer, hands: Hands
) -> None:
    policy = KeyPolicy(max_age=600, timeout=1)
    with fault_server(GOOD) as server:
        keys = KeySet(server.address, policy, fetch=fetch_over_https, clock=hands.clock(), jitter=lambda: 0.0)
        assert await keys.key(KID)
        server.answer = fault
        hands.move(policy.max_age)
        started = time.monotonic()
        assert await keys.key(KID)
        assert time.monotonic() - started < 0.8
        await landed(keys)
        assert keys.status()["failures"] == 1
        assert keys.status()["last_error"]
        server.answer = GOOD
        hands.move(policy.backoff)
        assert await keys.key(KID)
        await landed(keys)
        assert keys.status()["failures"] == 0
        assert len(server.requests) == 3


@pytest.mark.parametrize("fault", [hang, drip, endless], ids=["nothing", "a slow drip", "without end"])
async def test_a_cold_request_waits_no_longer_than_the_deadline(fault: Answer, hands: Hands) -> None:
    with fault_server(fault) as server:
        policy = KeyPolicy(timeout=0.3)
        keys = KeySet(server.address, policy, fetch=fetch_over_https, clock=hands.clock())
        started = time.monotonic()
        assert isinstance(await refusal_of(keys, KID), KeysUnavailable)
        assert time.monotonic() - started < 2


async def test_nobody_listening_is_an_outage(hands: Hands) -> None:
    keys = KeySet("http://127.0.0.1:9/", POLICY, fetch=fetch_over_https, clock=hands.clock())
    refused = await refusal_of(keys, KID)
    assert isinstance(refused, KeysUnavailable)
    assert "http://127.0.0.1:9/" in refused.reason


async def test_a_key_server_that_does_not_speak_tls_is_an_outage(hands: Hands) -> None:
    with fault_server(GOOD) as server:
        address = server.address.replace("http:", "https:")
        keys = KeySet(address, POLICY, fetch=fetch_over_https, clock=hands.clock())
        assert isinstance(await refusal_of(keys, KID), KeysUnavailable)


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7), ("", 0), ("soon", 0), ("-1", 0), ("1.5", 0), ("9" * 9, 0)]
)
async def test_the_servers_retry_after_is_read_in_seconds(header: str, seconds: float) -> None:
    answer = response(b"", "503 Service Unavailable", {"Retry-After": header})
    with fault_server(answer) as server, pytest.raises(FetchFailed, match="it answered 503") as failed:
        await fetch_over_https(server.address)
    assert failed.value.retry_after == seconds


async def test_a_fetch_asks_for_no_compression_and_follows_no_redirect() -> None:
    with fault_server(GOOD) as server:
        assert json.loads(await fetch_over_https(server.address)) == OLD.jwks
        assert "accept-encoding: identity" in server.requests[0].lower()


def test_gaps_never_shrink_without_jitter() -> None:
    gaps = [backoff(0.5, failures, asked=0, jitter=lambda: 0.0) for failures in range(1, 200)]
    assert all(before <= after for before, after in pairwise(gaps))
    assert (gaps[0], gaps[-1]) == (0.5, 30.0)


async def test_a_fetch_takes_64_kib_and_not_a_byte_more() -> None:
    with fault_server(response(b" " * 65536)) as server:
        assert len(await fetch_over_https(server.address)) == 65536
        server.answer = response(b" " * 65537)
        with pytest.raises(FetchFailed, match="longer than 64 KiB"):
            await fetch_over_https(server.address)


async def test_a_redirect_is_not_followed_even_to_good_keys() -> None:
    with fault_server(GOOD) as good, fault_server(b"") as server:
        server.answer = response(b"", "302 Found", {"Location": good.address})
        with pytest.raises(FetchFailed, match="it answered 302"):
            await fetch_over_https(server.address)
        assert good.requests == []


async def test_a_fetch_is_a_plain_get() -> None:
    with fault_server(GOOD) as server:
        await fetch_over_https(server.address)
        head = server.requests[0].lower()
    assert head.startswith("get /jwks.json http/1.1\r\n")
    assert "accept-encoding: identity\r\n" in head


@pytest.mark.parametrize(
    ("address", "asked"), [("http://127.0.0.1:9/", False), ("https://127.0.0.1:9/", True)]
)
async def test_proxies_of_the_environment_are_used_for_https_only(
    address: str, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def client(**settings: Any) -> httpx.AsyncClient:
        seen.append(settings["trust_env"])
        raise httpx.ConnectError("not in this test")

    monkeypatch.setattr(httpx, "AsyncClient", client)
    with pytest.raises(httpx.ConnectError):
        await fetch_over_https(address)
    assert seen == [asked]


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, 0),
        ({"Retry-After": "99999"}, 99999),
        ({"Retry-After": "100000"}, 0),
        ({"Retry-After": "\u00b2"}, 0),
    ],
)
async def test_retry_after_is_at_most_five_ascii_digits(fields: dict[str, str], seconds: float) -> None:
    answer = response(b"", "503 Service Unavailable", fields)
    with fault_server(answer) as server, pytest.raises(FetchFailed) as failed:
        await fetch_over_https(server.address)
    assert failed.value.retry_after == seconds


async def test_a_fetch_is_given_up_a_second_past_its_deadline_and_not_before(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    server.gate = threading.Event()
    waiting = [asyncio.create_task(keys.key(KID))]
    await asyncio.sleep(0.02)
    for seconds, fetches in ((POLICY.timeout + 0.75, 1), (0.25, 2)):
        hands.move(seconds)
        waiting.append(asyncio.create_task(keys.key(KID)))
        await asyncio.sleep(0.02)
        assert keys.status()["fetches"] == fetches
    server.gate.set()
    assert await waiting[-1] is keys.find(KID)
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_kid_is_certainly_lacking_only_within_the_cool_down_of_a_good_answer(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    assert not keys.lacks("nobody's")
    await refusal_of(keys, "nobody's")
    assert keys.lacks("nobody's")
    assert not keys.lacks(KID)
    hands.move(POLICY.cooldown - 0.5)
    assert keys.lacks("nobody's")
    hands.move(0.5)
    assert not keys.lacks("nobody's")


async def test_no_kid_is_certainly_lacking_while_a_fetch_is_under_way_or_after_it_failed(
    keys: KeySet, server: KeyServer
) -> None:
    await keys.key(KID)
    server.gate, server.error = threading.Event(), OSError()
    unknown = asyncio.create_task(keys.key("nobody's"))
    await asyncio.sleep(0.02)
    assert not keys.lacks("nobody's")
    server.gate.set()
    with pytest.raises(KeysUnavailable):
        await unknown
    assert not keys.lacks("nobody's")


async def test_no_kid_is_certainly_lacking_once_the_keys_are_due_for_a_refresh(
    server: KeyServer, hands: Hands
) -> None:
    keys = KeySet(ADDRESS, KeyPolicy(max_age=10, cooldown=60), fetch=server, clock=hands.clock())
    await keys.key(KID)
    await refusal_of(keys, "nobody's")
    hands.move(7.75)
    assert keys.lacks("nobody's")
    hands.move(0.25)
    assert not keys.lacks("nobody's")


async def test_keys_are_due_for_a_refresh_at_the_very_moment_and_an_unknown_kid_then_costs_no_cool_down(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    hands.move(POLICY.max_age * 0.8)
    assert isinstance(await refusal_of(keys, "nobody's"), KeyUnknown)  # a refresh, and not a miss
    assert isinstance(await refusal_of(keys, "nobody's"), KeyUnknown)
    assert server.fetches == 3
    hands.move(POLICY.max_age * 0.8)
    assert await keys.warm_up()
    assert server.fetches == 4


async def test_not_even_on_lambda_does_a_request_wait_for_a_refresh_of_keys_that_are_not_stale(
    keys: KeySet, server: KeyServer, hands: Hands
) -> None:
    await keys.key(KID)
    server.gate = threading.Event()
    hands.move(POLICY.max_age - 1)
    started = time.monotonic()
    assert await keys.key(KID, patience=5)
    assert time.monotonic() - started < 1
    server.gate.set()
    await landed(keys)
    assert server.fetches == 2


async def test_keys_are_no_longer_fresh_at_the_very_second_of_max_age(keys: KeySet, hands: Hands) -> None:
    await keys.key(KID)
    hands.move(POLICY.max_age - 0.5)
    assert keys.status()["fresh"] is True
    hands.move(0.5)
    assert keys.status()["fresh"] is False


async def test_keys_that_are_too_old_once_they_are_there_are_an_outage(server: KeyServer) -> None:
    seconds = iter(range(1_000_000))
    policy = KeyPolicy(max_age=0.1, max_stale=0.1, timeout=500)
    keys = KeySet(ADDRESS, policy, fetch=server, clock=Clock(wall=lambda: next(seconds), steady=lambda: 0))
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

    monkeypatch.setattr("fastapi_cognito_guard.tokens.keys._GRACE", 0.05)
    keys = KeySet(ADDRESS, KeyPolicy(timeout=0.3), fetch=fetch, clock=hands.clock())
    await keys.key(KID)
    assert isinstance(await refusal_of(keys, "nobody's"), KeysUnavailable)
    assert keys.status()["failures"] == 0
    release.set()
    await landed(keys)


def test_a_process_may_end_while_a_fetch_is_under_way() -> None:
    code = """
import asyncio, time
from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.keys import KeySet

async def fetch(address):
    time.sleep(60)

async def ask():
    keys = KeySet("https://keys.example", KeyPolicy(), fetch=fetch, clock=Clock())
    await asyncio.wait([asyncio.ensure_future(keys.key("k"))], timeout=0.1)

asyncio.run(ask())
"""
    subprocess.run([sys.executable, "-c", code], timeout=20, check=True)
