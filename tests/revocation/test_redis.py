"""The Redis backend against a real server."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest
import redis

from fastapi_cognito_guard.errors import ConfigurationError, RevocationUnavailable
from fastapi_cognito_guard.revocation import Denylist, RedisBackend, Revocation, open_backend
from fastapi_cognito_guard.revocation.backends import CALLS_AT_ONCE
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, bearer, build_app, client_of, guard_for
from tests.revocation import contract
from tests.servers import fault_server, hang

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_the_redis_backend_keeps_the_contract(redis_url: str, pool: FakeUserPool) -> None:
    backend = RedisBackend(redis_url)
    await contract.check_entries(backend)
    await contract.check_later_time_wins(backend)
    await contract.check_as_denylist(backend, pool)


@pytest.mark.parametrize("decode", [False, True])
async def test_a_client_of_the_apps_own_is_used(redis_url: str, decode: bool) -> None:
    with redis.Redis.from_url(redis_url, decode_responses=decode) as client:
        await contract.check_entries(RedisBackend(client))
        await contract.check_later_time_wins(RedisBackend(client))


async def test_an_entry_ends_by_itself_and_a_second_one_does_not_shorten_it(redis_url: str) -> None:
    backend, key = RedisBackend(redis_url), contract.make_key()
    with redis.Redis.from_url(redis_url) as client:
        for seconds, left in ((600, 600), (10, 600), (900, 900)):
            await backend.add(key, 1_000, seconds)
            time_to_live: Any = client.ttl(f"cognito-guard:revoked:{key}")
            assert left - 30 <= time_to_live <= left


async def test_an_entry_that_is_no_number_refuses_and_is_no_answer(
    redis_url: str, pool: FakeUserPool
) -> None:
    user = f"user-{uuid4()}"
    with redis.Redis.from_url(redis_url) as client:
        client.set(f"cognito-guard:revoked:sub:{pool.sub(user)}", "soon")
    guard = guard_for(pool, revoked=Denylist(RedisBackend(redis_url)))
    with pytest.raises(RevocationUnavailable, match="ValueError"):
        await guard.verify(pool.access_token(user))


async def test_a_server_that_refuses_connections_is_an_outage(pool: FakeUserPool) -> None:
    guard = guard_for(pool, revoked=Denylist(RedisBackend("redis://:s3cret@127.0.0.1:9/0")))
    with pytest.raises(RevocationUnavailable, match="nothing listens") as caught:
        await guard.verify(pool.access_token())
    assert "s3cret" not in caught.value.reason


async def test_a_server_that_hangs_holds_up_neither_requests_nor_more_threads_than_its_own(
    pool: FakeUserPool,
) -> None:
    with fault_server(hang) as server:
        backend = RedisBackend(server.address.replace("http://", "redis://"))
        guard = guard_for(pool, revoked=Revocation(Denylist(backend), deadline=0.2))
        token, refused = pool.access_token(), []

        async def call() -> None:
            with pytest.raises(RevocationUnavailable):
                await guard.verify(token)
            refused.append(time.monotonic())

        start, before = time.monotonic(), set(threading.enumerate())
        async with anyio.create_task_group() as group:
            for _ in range(5 * CALLS_AT_ONCE):
                group.start_soon(call)
        started = set(threading.enumerate()) - before
        assert len(refused) == 5 * CALLS_AT_ONCE
        assert max(refused) - start < 10
        assert 0 < sum(thread.name.startswith("cognito-revocation") for thread in started) <= CALLS_AT_ONCE


async def test_one_backend_serves_any_number_of_event_loops(redis_url: str, pool: FakeUserPool) -> None:
    denylist = Denylist(RedisBackend(redis_url), now=lambda: NOW)
    user = f"user-{uuid4()}"
    await denylist.revoke(sub=pool.sub(user))
    app = build_app(guard_for(pool, revoked=denylist))

    def call() -> list[int]:  # each call of a client without `with` has an event loop of its own
        tokens = pool.access_token(user), pool.access_token("ada")
        return [client_of(app).get("/me", headers=bearer(token)).status_code for token in tokens]

    assert [await anyio.to_thread.run_sync(call) for _ in range(2)] == [[401, 200]] * 2


FORKED = """
import asyncio, os, sys
from fastapi_cognito_guard.revocation import RedisBackend
backend = RedisBackend(sys.argv[1])
asyncio.run(backend.add("sub:forked", 5, 60))
if (child := os.fork()) == 0:
    found = asyncio.run(asyncio.wait_for(backend.find(["sub:forked"]), 10))
    os._exit(0 if found == {"sub:forked": 5} else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_has_threads_of_its_own(redis_url: str) -> None:
    root = str(Path(__file__).parents[2])
    result = subprocess.run(
        [sys.executable, "-c", FORKED, redis_url],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": root, "PATH": ""},
    )
    assert (result.stdout.strip(), result.returncode) == ("0", 0)


WRONG: list[Any] = [
    "",
    "localhost",
    "http://localhost",
    "redis://localhost:port",
    5,
    None,
    redis.asyncio.Redis,
]


@pytest.mark.parametrize("server", WRONG, ids=str)
def test_an_address_that_is_none_is_a_wrong_setting(server: Any) -> None:
    with pytest.raises(ConfigurationError, match="redis://"):
        RedisBackend(server)


@pytest.mark.parametrize(
    "url",
    ["", "redis", "mysql://h/t", "dynamodb://", "dynamodb://eu-west-1", "dynamodb://r/a/b", 5, "redis://[x"],
)
def test_an_address_of_no_backend_is_refused_without_repeating_it(url: Any) -> None:
    with pytest.raises(ConfigurationError, match="dynamodb://REGION/TABLE") as caught:
        open_backend(url)
    assert "mysql" not in str(caught.value)


def test_an_address_opens_its_backend() -> None:
    assert isinstance(open_backend("rediss://:s3cret@example.com/1"), RedisBackend)


@pytest.mark.parametrize("library", ["redis", "boto3"])
def test_without_its_extra_a_backend_says_what_to_install(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    extra, url = {"redis": ("redis", "redis://h"), "boto3": ("dynamodb", "dynamodb://r/t")}[library]
    with pytest.raises(ConfigurationError, match=rf"\[{extra}\]"):
        open_backend(url)
