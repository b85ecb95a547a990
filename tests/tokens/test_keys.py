"""A pool's keys: fetched once, kept while fresh, served while stale, never replaced by a bad answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from fastapi_cognito_guard import KeyPolicy, UserPool
from fastapi_cognito_guard.errors import KeysUnavailable, KeyUnknown
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.keys import KeySet, fetch_over_https, read_keys
from tests.servers import Answer, serve_answers

pytestmark = pytest.mark.anyio
POLICY = KeyPolicy(max_age=600, max_stale=7200, cooldown=10, backoff=0.5)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class KeyServer:
    """What a guard is given as ``fetch``: counts, and answers with the pool's keys or fails."""

    def __init__(self, pool: FakeUserPool) -> None:
        self.pool = pool
        self.fetches = 0
        self.failing = False
        self.gate: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)

    async def __call__(self, address: str) -> bytes:
        self.fetches += 1
        assert address == f"{self.pool.issuer}/.well-known/jwks.json"
        await self.gate()
        if self.failing:
            raise OSError("unreachable")
        return json.dumps(self.pool.jwks).encode()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server() -> KeyServer:
    return KeyServer(FakeUserPool())


@pytest.fixture
def keys(server: KeyServer, clock: Clock) -> KeySet:
    pool = UserPool(server.pool.id, client_ids=server.pool.client_id)
    return KeySet(pool, POLICY, now=clock, fetch=server)


def kid_of(pool: FakeUserPool) -> str:
    kid: str = pool.jwks["keys"][0]["kid"]
    return kid


async def test_keys_are_fetched_once_and_built_once(keys: KeySet, server: KeyServer) -> None:
    first = await keys.key(kid_of(server.pool))
    assert await keys.key(kid_of(server.pool)) is first
    assert server.fetches == 1


async def test_cold_requests_share_one_fetch(keys: KeySet, server: KeyServer) -> None:
    found = await asyncio.gather(*(keys.key(kid_of(server.pool)) for _ in range(50)))
    assert len(set(map(id, found))) == 1
    assert server.fetches == 1


async def test_a_cancelled_request_does_not_take_the_fetch_with_it(keys: KeySet, server: KeyServer) -> None:
    opened = asyncio.Event()
    server.gate = opened.wait
    first, second = (asyncio.create_task(keys.key(kid_of(server.pool))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    opened.set()
    assert await second
    assert first.cancelled()
    assert server.fetches == 1


async def test_keys_are_fetched_again_when_they_are_no_longer_fresh(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    await keys.key(kid_of(server.pool))
    clock.now += POLICY.max_age
    await keys.key(kid_of(server.pool))
    assert server.fetches == 2


async def test_a_removed_key_dies_at_the_first_good_fetch(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    old = kid_of(server.pool)
    await keys.key(old)
    server.pool.rotate()
    clock.now += POLICY.max_age
    with pytest.raises(KeyUnknown):
        await keys.key(old)


async def test_stale_keys_serve_in_an_outage_and_then_no_longer(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    kid = kid_of(server.pool)
    await keys.key(kid)
    server.failing = True
    clock.now += POLICY.max_age + POLICY.max_stale - 1
    assert await keys.key(kid)
    assert keys.status()["fresh"] is False
    clock.now += 1
    with pytest.raises(KeysUnavailable):
        await keys.key(kid)


async def test_an_unknown_kid_is_401_and_one_fetch_per_cooldown(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    await keys.key(kid_of(server.pool))
    clock.now += POLICY.cooldown
    for n in range(20):
        with pytest.raises(KeyUnknown):
            await keys.key(f"nobody's {n}")
    assert server.fetches == 2


async def test_a_key_that_was_rotated_in_is_found_after_the_cooldown(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    await keys.key(kid_of(server.pool))
    server.pool.rotate()
    clock.now += POLICY.cooldown
    assert await keys.key(kid_of(server.pool))


async def test_an_outage_is_503_with_an_honest_retry_after_and_not_a_stampede(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    server.failing = True
    for _ in range(20):
        with pytest.raises(KeysUnavailable, match="OSError") as refused:
            await keys.key("any")
    assert server.fetches == 1
    assert refused.value.retry_after == 1
    gaps = []
    for _ in range(8):
        clock.now += 30
        with pytest.raises(KeysUnavailable) as refused:
            await keys.key("any")
        gaps.append(refused.value.retry_after)
    assert gaps == [1, 2, 4, 8, 16, 30, 30, 30]


async def test_an_unknown_kid_in_an_outage_is_503_because_nobody_knows(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    await keys.key(kid_of(server.pool))
    server.failing = True
    clock.now += POLICY.cooldown
    with pytest.raises(KeysUnavailable):
        await keys.key("perhaps new")
    assert await keys.key(kid_of(server.pool))


async def test_recovery_is_at_the_next_gap(keys: KeySet, server: KeyServer, clock: Clock) -> None:
    server.failing = True
    with pytest.raises(KeysUnavailable):
        await keys.key(kid_of(server.pool))
    server.failing = False
    clock.now += POLICY.backoff
    assert await keys.key(kid_of(server.pool))
    assert keys.status() | {"kids": 2} == {
        "pool": server.pool.id, "kids": 2, "age": 0.0, "fresh": True, "failures": 0, "last_error": None,
    }  # fmt: skip


async def test_a_clock_that_is_set_back_makes_keys_old_and_not_young(
    keys: KeySet, server: KeyServer, clock: Clock
) -> None:
    await keys.key(kid_of(server.pool))
    clock.now -= 500
    assert keys.status()["fresh"] is False


async def test_a_fetch_has_a_deadline_all_in_all(server: KeyServer, clock: Clock) -> None:
    server.gate = asyncio.Event().wait
    pool = UserPool(server.pool.id, client_ids="web")
    keys = KeySet(pool, KeyPolicy(timeout=0.05), now=clock, fetch=server)
    with pytest.raises(KeysUnavailable, match="TimeoutError"):
        await keys.key("any")


def test_keys_outlive_the_event_loop_that_fetched_them(keys: KeySet, server: KeyServer) -> None:
    async def find() -> None:
        await keys.key(kid_of(server.pool))

    for _ in range(3):
        asyncio.run(find())
    assert server.fetches == 1


async def test_warm_up_fetches_ahead_and_never_raises(keys: KeySet, server: KeyServer, clock: Clock) -> None:
    server.failing = True
    assert await keys.warm_up() is False
    server.failing = False
    clock.now += 1
    assert await keys.warm_up() is True
    assert await keys.warm_up() is True
    assert server.fetches == 2


@pytest.mark.parametrize("kind", ["mapping", "path"])
async def test_keys_can_be_given_offline(kind: str, clock: Clock, tmp_path: Path) -> None:
    pool = FakeUserPool()
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(pool.jwks))
    keys = KeySet(pool.user_pool(jwks=pool.jwks if kind == "mapping" else file), POLICY, now=clock)
    assert await keys.key(kid_of(pool))


async def test_a_key_file_that_is_not_there_is_503_and_names_the_reason(clock: Clock, tmp_path: Path) -> None:
    keys = KeySet(FakeUserPool().user_pool(jwks=tmp_path / "none.json"), POLICY, now=clock)
    with pytest.raises(KeysUnavailable, match="FileNotFoundError"):
        await keys.key("any")


def test_only_good_keys_of_a_set_count(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    good, twin = pool.jwks["keys"][0], other_pool.jwks["keys"][0]
    bad: list[Any] = [
        None,
        5,
        {},
        {**twin, "kty": "EC"},
        {**twin, "kid": ["x"]},
        {**twin, "kid": ""},
        {**twin, "use": "enc"},
        {**twin, "alg": "RS512"},
        {**twin, "d": "AQAB"},
        {**twin, "e": "Aw"},
        {**twin, "e": 65537},
        {**twin, "n": "AQAB"},
        {**twin, "n": twin["n"] + "=="},
        {**twin, "n": "ü"},
        {**twin, "kid": "twice"},
        {**twin, "kid": "twice"},
    ]
    assert list(read_keys({"keys": [*bad, good, *bad]})) == [good["kid"]]


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"keys": None}, {"keys": []}, {"keys": {"a": 1}}, {"keys": [{}] * 101}],
    ids=repr,
)
def test_a_set_without_a_usable_key_is_no_set(document: Any) -> None:
    with pytest.raises(ValueError, match=r"usable key|not a JWK set"):
        read_keys(document)


ANSWERS: Mapping[str, tuple[int, dict[str, str], bytes]] = {
    "an error": (500, {}, b"{}"),
    "not found": (404, {}, b"{}"),
    "a redirect": (302, {"Location": "http://127.0.0.1:9/"}, b""),
    "no content": (204, {}, b""),
    "HTML": (200, {"Content-Type": "text/html"}, b"<html>"),
    "half of it": (200, {}, b'{"keys": ['),
    "too long": (200, {}, b" " * (64 * 1024 + 1)),
    "an empty set": (200, {}, b'{"keys": []}'),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_a_bad_answer_of_a_real_server_never_replaces_good_keys(
    answer: tuple[int, dict[str, str], bytes], clock: Clock
) -> None:
    pool = FakeUserPool()
    good: Answer = (200, {}, json.dumps(pool.jwks).encode())
    with serve_answers([good, answer, good]) as (address, seen):
        keys = KeySet(UserPool(pool.id, client_ids="web", jwks_uri=address), POLICY, now=clock)
        assert await keys.key(kid_of(pool))
        clock.now += POLICY.max_age
        assert await keys.key(kid_of(pool))
        assert keys.status()["failures"] == 1
        clock.now += POLICY.backoff
        assert await keys.key(kid_of(pool))
        assert keys.status()["failures"] == 0
    assert len(seen) == 3


async def test_keys_come_over_real_http_without_compression() -> None:
    pool = FakeUserPool()
    with serve_answers([(200, {}, json.dumps(pool.jwks).encode())]) as (address, seen):
        assert json.loads(await fetch_over_https(address)) == pool.jwks
    assert seen[0]["accept-encoding"] == "identity"
