"""Tenants by a directory: attacks, failures and slowness of one must not reach another."""

import os
import threading
from typing import Any

import anyio
import pytest

from fastapi_cognito_guard import CognitoGuard, KeyPolicy, UserPool
from fastapi_cognito_guard.errors import (
    AuthError,
    ClaimInvalid,
    ClientMismatch,
    IssuerMismatch,
    KeysUnavailable,
    KeyUnknown,
    PoolsUnavailable,
    SignatureInvalid,
)
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import NOW
from tests.servers import fault_server, hang, response
from tests.tenants import Clock, Directory, guard_by

pytestmark = pytest.mark.anyio

ACME = FakeUserPool("eu-west-1_Acme", now=lambda: NOW)
GLOBEX = FakeUserPool("eu-west-1_Globex", now=lambda: NOW)
STRANGER = FakeUserPool("eu-west-1_Stranger", now=lambda: NOW)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def invent(number: int) -> str:
    """Return a token of a pool that nobody has, signed by a real key."""
    pool_id = f"eu-west-1_Invented{number}"
    issuer = f"https://cognito-idp.eu-west-1.amazonaws.com/{pool_id}"
    return STRANGER.access_token(claims={"iss": issuer})


async def fail(issuer: str) -> object:
    raise ConnectionRefusedError


async def sleep_long(issuer: str) -> object:
    await anyio.sleep(30)
    return None


async def refuse(guard: CognitoGuard, token: str, kind: type[AuthError]) -> str:
    """Verify a token that must be refused, and return the reason."""
    with pytest.raises(kind) as caught:
        await guard.verify(token)
    assert type(caught.value) is kind
    return caught.value.reason


async def test_tokens_of_all_pools_in_the_directory_are_accepted_and_of_no_other() -> None:
    directory = Directory(ACME, GLOBEX)
    guard = guard_by(directory)
    for _ in range(2):
        for pool in (ACME, GLOBEX):
            user = await guard.verify(pool.access_token("ada"))
            assert (user.pool_id, user.issuer) == (pool.id, pool.issuer)
        await refuse(guard, STRANGER.access_token(), IssuerMismatch)
    assert directory.asked == [ACME.issuer, GLOBEX.issuer, STRANGER.issuer]
    assert guard.status()["tenants"] == 2


async def test_a_token_that_another_tenant_has_signed_is_refused() -> None:
    guard = guard_by(Directory(ACME, GLOBEX))
    await guard.verify(ACME.access_token())
    await guard.verify(GLOBEX.access_token())
    claims = unverified_claims(ACME.access_token())
    await refuse(guard, GLOBEX.sign(claims), KeyUnknown)
    kid = ACME.signing_keys["access"].kid
    await refuse(guard, GLOBEX.sign(claims, header={"kid": kid}), SignatureInvalid)


async def test_the_client_of_one_tenant_is_not_that_of_another() -> None:
    other = FakeUserPool("eu-west-1_Other", client_id="7c2example", now=lambda: NOW)
    guard = guard_by(Directory(ACME, other))
    await guard.verify(other.access_token())
    await refuse(guard, other.access_token(claims={"client_id": ACME.client_id}), ClientMismatch)


async def test_no_key_is_fetched_before_the_directory_has_said_yes() -> None:
    fetched: list[str] = []

    async def fetch(url: str, **settings: Any) -> bytes:
        fetched.append(url)
        raise OSError

    directory = Directory()
    directory.pools[ACME.id] = UserPool(ACME.id, client_ids={ACME.client_id})
    guard = CognitoGuard(pools=directory, now=lambda: NOW, fetch=fetch)
    for number in range(20):
        await refuse(guard, invent(number), IssuerMismatch)
    assert fetched == []
    await refuse(guard, ACME.access_token(), KeysUnavailable)
    assert fetched == [f"{ACME.issuer}/.well-known/jwks.json"]


@pytest.mark.parametrize(
    "issuer",
    [
        "https://evil.example/eu-west-1_Acme", "http://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Acme",
        "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Acme/", "eu-west-1_Acme", "../eu-west-1_Acme",
        "https://cognito-idp.eu-west-1.amazonaws.com.evil.example/eu-west-1_Acme",
    ],
)  # fmt: skip
async def test_an_issuer_of_another_form_does_not_reach_the_directory(issuer: str) -> None:
    directory = Directory(ACME)
    await refuse(guard_by(directory), ACME.access_token(claims={"iss": issuer}), IssuerMismatch)
    assert directory.asked == []


@pytest.mark.parametrize("issuer", [None, 5, ["a"], {"a": "b"}, "", True])
async def test_an_issuer_that_is_no_text_does_not_reach_the_directory(issuer: object) -> None:
    directory = Directory(ACME)
    token = ACME.sign({**unverified_claims(ACME.access_token()), "iss": issuer})
    await refuse(guard_by(directory), token, ClaimInvalid)
    assert directory.asked == []


async def test_an_issuer_of_another_region_does_not_reach_the_directory() -> None:
    directory = Directory(ACME, FakeUserPool("us-east-1_Acme"))
    guard = guard_by(directory, regions=["eu-west-1", "eu-central-1"])
    await guard.verify(ACME.access_token())
    for host, pool in (("us-east-1", "us-east-1_Acme"), ("us-east-1", ACME.id), ("eu-west-1", "us-east-1_A")):
        issuer = f"https://cognito-idp.{host}.amazonaws.com/{pool}"
        await refuse(guard, ACME.access_token(claims={"iss": issuer}), IssuerMismatch)
    assert directory.asked == [ACME.issuer]


async def test_a_flood_of_invented_issuers_pushes_out_no_tenant() -> None:
    directory = Directory(ACME, GLOBEX)
    guard = guard_by(directory, remember=2)
    tokens = [ACME.access_token(), GLOBEX.access_token()]
    for token in tokens:
        await guard.verify(token)
    for number in range(50):
        await refuse(guard, invent(number), IssuerMismatch)
    for pool in (ACME, GLOBEX):
        await guard.verify(pool.access_token("eve"))
    assert len(directory.asked) == 52


async def test_the_number_of_tenants_in_memory_is_bounded() -> None:
    pools = [FakeUserPool(f"eu-west-1_Tenant{number}", now=lambda: NOW) for number in range(4)]
    guard = guard_by(Directory(*pools), remember=3)
    for pool in pools:
        await guard.verify(pool.access_token())
    assert guard.status()["tenants"] == 3


async def test_while_invented_issuers_take_all_places_known_tenants_are_served_and_asked_for() -> None:
    clock, directory = Clock(), Directory(ACME, GLOBEX)
    guard = guard_by(directory, clock=clock, at_once=2, keep=60, deadline=30)
    known = {pool.id: pool.access_token() for pool in (ACME, GLOBEX)}
    for token in known.values():
        await guard.verify(token)

    async def answer(issuer: str) -> object:
        return await sleep_long(issuer) if "Invented" in issuer else directory.pools.get(issuer[-14:])

    directory.behaviour = answer
    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(guard.verify, invent(number))
        await anyio.wait_all_tasks_blocked()
        assert len(directory.asked) == 4  # two of the invented ones; the others wait for a place
        clock.time += 61
        directory.pools = {}  # both tenants are removed meanwhile
        for token in known.values():
            await refuse(guard, token, IssuerMismatch)
        assert directory.asked[-2:] == [ACME.issuer, GLOBEX.issuer]
        group.cancel_scope.cancel()


async def test_a_look_alike_of_a_tenant_neither_removes_it_nor_keeps_it_out() -> None:
    clock = Clock()

    async def find(issuer: str) -> UserPool | None:  # by the whole issuer, unlike `Directory`
        asked.append(issuer)
        return ACME.user_pool() if issuer == ACME.issuer else None

    asked: list[str] = []
    guard = guard_by(find, clock=clock, keep=60)
    alike = [f"https://cognito-idp.{region}.amazonaws.com/{ACME.id}" for region in ("us-east-1", "eu-west-2")]
    await refuse(guard, ACME.access_token(claims={"iss": alike[0]}), IssuerMismatch)
    token = ACME.access_token()
    await guard.verify(token)
    clock.time += 61
    for issuer in alike:
        await refuse(guard, ACME.access_token(claims={"iss": issuer}), IssuerMismatch)
    await guard.verify(token)
    for issuer in alike:
        await refuse(guard, ACME.access_token(claims={"iss": issuer}), IssuerMismatch)
    assert asked == [alike[0], ACME.issuer, *alike, ACME.issuer]


async def test_while_the_directory_fails_a_look_alike_that_was_refused_removes_no_tenant() -> None:
    clock, directory = Clock(), Directory(ACME)

    async def refuse_all(issuer: str) -> object:
        return None

    guard = guard_by(directory, clock=clock, keep=60)
    await guard.verify(ACME.access_token())
    clock.time += 61
    directory.behaviour = refuse_all
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{ACME.id}"
    await refuse(guard, ACME.access_token(claims={"iss": issuer}), IssuerMismatch)
    directory.behaviour = fail
    await guard.verify(ACME.access_token())


async def test_an_issuer_of_a_region_that_the_pool_does_not_list_is_refused() -> None:
    guard = guard_by(Directory(ACME))  # which answers by the id alone
    issuer = f"https://cognito-idp.us-east-1.amazonaws.com/{ACME.id}"
    await refuse(guard, ACME.access_token(claims={"iss": issuer}), IssuerMismatch)
    await guard.verify(ACME.access_token())
    await refuse(guard, ACME.access_token(claims={"iss": issuer}), IssuerMismatch)


async def test_all_issuers_of_a_pool_and_its_replicas_are_one_tenant() -> None:
    directory = Directory()
    directory.pools[ACME.id] = ACME.user_pool(regions=["eu-central-1"])
    guard = guard_by(directory)
    for issuer in directory.pools[ACME.id].issuers:
        assert (await guard.verify(ACME.access_token(claims={"iss": issuer}))).pool_id == ACME.id
    assert len(directory.asked) == 1


async def test_a_fixed_pool_is_not_asked_for_and_its_id_cannot_be_taken() -> None:
    impostor = FakeUserPool(ACME.id, client_id=ACME.client_id, now=lambda: NOW)
    directory = Directory(impostor, GLOBEX)
    local = ACME.user_pool(issuer="http://127.0.0.1:9229/eu-west-1_Acme")
    for fixed, issuer in ((ACME.user_pool(), ACME.issuer), (local, local.issuers[0])):
        guard = guard_by(directory, fixed)
        await guard.verify(ACME.access_token(claims={"iss": issuer}))
        with pytest.raises(AuthError):
            await guard.verify(impostor.access_token())
        await guard.verify(GLOBEX.access_token())
    assert set(directory.asked) == {GLOBEX.issuer}


async def test_a_kid_that_the_fixed_pools_lack_may_be_a_tenants() -> None:
    with fault_server(response(GLOBEX.jwks)) as server:
        fixed = GLOBEX.user_pool(jwks_uri=server.address)
        guard = guard_by(Directory(ACME), fixed)
        await refuse(guard, STRANGER.sign(unverified_claims(GLOBEX.access_token())), KeyUnknown)
        await guard.verify(ACME.access_token())


async def test_many_requests_for_one_issuer_are_one_question() -> None:
    directory = Directory(ACME)
    ready, results = anyio.Event(), []

    async def answer(issuer: str) -> object:
        await ready.wait()
        return directory.pools[ACME.id]

    async def call() -> None:
        results.append((await guard.verify(token)).pool_id)

    directory.behaviour = answer
    guard, token = guard_by(directory), ACME.access_token()
    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(call)
        await anyio.wait_all_tasks_blocked()
        ready.set()
    assert results == [ACME.id] * 50
    assert directory.asked == [ACME.issuer]


async def test_a_client_that_leaves_takes_no_answer_away_from_others() -> None:
    directory, entered = Directory(ACME), anyio.Event()

    async def answer(issuer: str) -> object:
        if len(directory.asked) == 1:
            entered.set()
            await anyio.sleep(30)
        return directory.pools[ACME.id]

    async def call_and_leave() -> None:
        with scope:
            await guard.verify(token)

    directory.behaviour = answer
    guard, token, scope = guard_by(directory, deadline=30), ACME.access_token(), anyio.CancelScope()
    async with anyio.create_task_group() as group:
        group.start_soon(call_and_leave)
        await entered.wait()
        group.start_soon(guard.verify, token)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
    assert directory.asked == [ACME.issuer] * 2
    assert guard.status()["tenants"] == 1


async def test_one_slow_tenant_delays_no_other() -> None:
    directory = Directory(ACME, GLOBEX)

    async def answer(issuer: str) -> object:
        return await sleep_long(issuer) if issuer == GLOBEX.issuer else directory.pools[ACME.id]

    directory.behaviour = answer
    guard = guard_by(directory, deadline=0.2)
    async with anyio.create_task_group() as group:
        group.start_soon(refuse, guard, GLOBEX.access_token(), PoolsUnavailable)
        await anyio.wait_all_tasks_blocked()
        await guard.verify(ACME.access_token())
        assert directory.asked == [GLOBEX.issuer, ACME.issuer]
    reason = await refuse(guard, GLOBEX.access_token(), PoolsUnavailable)
    assert "no answer within 0.2 s" in reason


async def test_an_outage_of_one_tenants_keys_stops_no_other() -> None:
    directory = Directory(ACME)
    with fault_server(hang) as server:
        directory.pools[GLOBEX.id] = GLOBEX.user_pool(jwks_uri=server.address)
        policy = KeyPolicy(timeout=0.1)
        guard = CognitoGuard(pools=directory, now=lambda: NOW, keys=policy)
        await refuse(guard, GLOBEX.access_token(), KeysUnavailable)
        await guard.verify(ACME.access_token())


async def test_the_wait_after_an_unknown_kid_of_one_tenant_holds_no_other_up() -> None:
    with fault_server(response(ACME.jwks)) as acme, fault_server(response(GLOBEX.jwks)) as globex:
        directory = Directory()
        for pool, server in ((ACME, acme), (GLOBEX, globex)):
            directory.pools[pool.id] = pool.user_pool(jwks_uri=server.address)
        guard = guard_by(directory)
        for _ in range(3):
            await refuse(guard, STRANGER.sign(unverified_claims(ACME.access_token())), KeyUnknown)
        await guard.verify(GLOBEX.access_token())
        await guard.verify(ACME.access_token())


async def test_a_removed_tenant_is_refused_after_keep_also_with_a_token_that_was_good_before() -> None:
    clock, directory = Clock(), Directory(ACME)
    guard = guard_by(directory, clock=clock, keep=60)
    token = ACME.access_token()
    await guard.verify(token)
    directory.pools.clear()
    clock.time += 59
    await guard.verify(token)
    clock.time += 2
    await refuse(guard, token, IssuerMismatch)
    await refuse(guard, ACME.access_token("bob"), IssuerMismatch)
    assert guard.status()["tenants"] == 0
    directory.pools[ACME.id] = ACME.user_pool()
    clock.time += 31
    await guard.verify(token)
    assert len(directory.asked) == 3


async def test_a_client_that_is_taken_away_is_refused_after_keep_also_with_a_remembered_token() -> None:
    clock, directory = Clock(), Directory(ACME)
    guard = guard_by(directory, clock=clock, keep=60)
    token = ACME.access_token()
    await guard.verify(token)
    directory.pools[ACME.id] = ACME.user_pool(client_ids={"7c2example"})
    clock.time += 61
    await refuse(guard, token, ClientMismatch)
    await guard.verify(ACME.access_token(claims={"client_id": "7c2example"}))


async def test_a_new_tenant_is_accepted_after_keep_missing() -> None:
    clock, directory = Clock(), Directory()
    guard = guard_by(directory, clock=clock, keep_missing=30)
    token = ACME.access_token()
    await refuse(guard, token, IssuerMismatch)
    directory.pools[ACME.id] = ACME.user_pool()
    clock.time += 29
    await refuse(guard, token, IssuerMismatch)
    clock.time += 2
    await guard.verify(token)


async def test_a_good_token_stays_in_the_cache_while_its_tenant_is_confirmed() -> None:
    clock, directory = Clock(), Directory(ACME)
    guard = guard_by(directory, clock=clock, keep=60)
    token = ACME.access_token()
    first = await guard.verify(token)
    for _ in range(3):
        clock.time += 61
        await guard.verify(token)
        assert await guard.verify(token) is await guard.verify(token)
    assert (await guard.verify(token)).sub == first.sub
    assert len(directory.asked) == 4


async def test_while_the_directory_fails_known_tenants_count_for_keep_stale_and_no_longer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, directory = Clock(), Directory(ACME)
    guard = guard_by(directory, clock=clock, keep=60, keep_stale=600)
    token = ACME.access_token(expires_in=7200)
    await guard.verify(token)
    directory.behaviour = fail
    clock.time += 61
    for _ in range(5):
        await guard.verify(token)
    assert len(directory.asked) == 2  # a failure counts for a second
    assert "The pool eu-west-1_Acme counts on." in caplog.text
    assert "refused" in await refuse(guard, GLOBEX.access_token(), PoolsUnavailable)
    clock.time += 598
    await guard.verify(token)
    clock.time += 2
    await refuse(guard, token, PoolsUnavailable)
    directory.behaviour = None
    clock.time += 1.1
    await guard.verify(token)


async def test_while_a_known_tenant_is_asked_for_others_do_not_wait() -> None:
    clock, directory = Clock(), Directory(ACME)
    guard = guard_by(directory, clock=clock, keep=60, deadline=30)
    await guard.verify(ACME.access_token())
    clock.time += 61
    directory.behaviour = sleep_long
    async with anyio.create_task_group() as group:
        group.start_soon(guard.verify, ACME.access_token("bob"))
        await anyio.wait_all_tasks_blocked()
        for _ in range(3):
            await guard.verify(ACME.access_token("eve"))
        group.cancel_scope.cancel()
    assert len(directory.asked) == 2


async def test_a_failure_is_asked_again_after_a_second_only() -> None:
    clock, directory = Clock(), Directory(ACME)
    guard = guard_by(directory, clock=clock)
    directory.behaviour = fail
    for _ in range(5):
        await refuse(guard, ACME.access_token(), PoolsUnavailable)
    assert len(directory.asked) == 1
    clock.time += 1.1
    directory.behaviour = None
    await guard.verify(ACME.access_token())


async def test_a_blocking_function_stops_no_other_request() -> None:
    entered, go = threading.Event(), threading.Event()

    def find(issuer: str) -> UserPool | None:
        entered.set()
        go.wait(20)
        return ACME.user_pool()

    guard = guard_by(find, GLOBEX.user_pool(), deadline=20)
    async with anyio.create_task_group() as group:
        group.start_soon(guard.verify, ACME.access_token())
        await anyio.to_thread.run_sync(entered.wait, 20)
        await guard.verify(GLOBEX.access_token())
        go.set()


async def test_a_blocking_function_that_hangs_is_left_after_the_deadline() -> None:
    go = threading.Event()

    def find(issuer: str) -> UserPool | None:
        go.wait(20)
        return None

    guard = guard_by(find, deadline=0.1, at_once=1)
    before = set(threading.enumerate())
    try:
        for number in range(6):
            await refuse(guard, invent(number), PoolsUnavailable)
        started = set(threading.enumerate()) - before
        assert sum(thread.name.startswith("cognito-directory") for thread in started) == 2
    finally:
        go.set()


async def test_a_function_that_returns_an_awaitable_is_awaited() -> None:
    directory = Directory(ACME)
    guard = guard_by(lambda issuer: directory(issuer))
    await guard.verify(ACME.access_token())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_asks_for_itself() -> None:
    directory = Directory(ACME)
    guard = guard_by(directory)
    anyio.run(guard.verify, ACME.access_token())
    child = os.fork()
    if child == 0:
        try:
            anyio.run(guard.verify, ACME.access_token())
        finally:
            os._exit(0 if len(directory.asked) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_event_loops_one_after_another_share_what_is_known() -> None:
    directory = Directory(ACME)
    guard = guard_by(directory)
    for _ in range(3):
        anyio.run(guard.verify, ACME.access_token())
    assert len(directory.asked) == 1
