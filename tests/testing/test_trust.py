"""Tests of `trusting` and `with_semantics`: what they replace in a guard, and what stays."""

from dataclasses import replace

import pytest
from fastapi import FastAPI

from fastapi_cognito_guard import ANY_CLIENT, CognitoGuard, UserPool
from fastapi_cognito_guard.errors import (
    AuthError,
    ClaimInvalid,
    ClientMismatch,
    ConfigurationError,
    IssuerMismatch,
    TokenExpired,
    TokenMalformed,
    TokenUseMismatch,
)
from fastapi_cognito_guard.testing import FakeUserPool, trusting
from fastapi_cognito_guard.testing.trust import installed_guards, with_semantics
from tests.apps import NOW, build_app, guard_for

pytestmark = pytest.mark.anyio

APP_POOL = UserPool("eu-west-1_AppPool", client_ids={"web"}, jwks_uri="https://keys.example/jwks.json")


async def check_error(guard: CognitoGuard, token: str, error: type[AuthError]) -> None:
    with pytest.raises(error):
        await guard.verify(token)


async def test_a_pool_with_another_id_replaces_the_first_one(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    second = other_pool.user_pool()
    guard = CognitoGuard(APP_POOL, second, now=lambda: NOW)
    with trusting(build_app(guard), pool) as trusted:
        assert trusted is pool
        assert [each.id for each in guard.pools] == [pool.id, second.id]
        assert (await guard.verify(pool.access_token())).client_id == pool.client_id
        assert (await guard.verify(other_pool.access_token())).issuer == other_pool.issuer


@pytest.mark.parametrize("position", [0, 1], ids=["first", "second"])
async def test_of_a_pool_with_the_same_id_only_keys_and_issuer_are_replaced(
    other_pool: FakeUserPool, position: int
) -> None:
    fake = FakeUserPool(APP_POOL.id, client_id="another", now=lambda: NOW)
    pools = [other_pool.user_pool()]
    pools.insert(position, APP_POOL)
    guard = CognitoGuard(*pools, now=lambda: NOW)
    with trusting(build_app(guard), fake):
        assert guard.pools[position].client_ids == {"web"}
        assert (await guard.verify(fake.access_token(claims={"client_id": "web"}))).client_id == "web"
        await check_error(guard, fake.access_token(), ClientMismatch)
        assert (await guard.verify(other_pool.access_token())).issuer == other_pool.issuer


async def test_the_issuer_of_the_fake_pool_replaces_those_of_replicas() -> None:
    guard = CognitoGuard(UserPool(APP_POOL.id, client_ids={"web"}, regions={"us-east-1"}), now=lambda: NOW)
    fake = FakeUserPool(APP_POOL.id, client_id="web", issuer="http://127.0.0.1:9229/pool", now=lambda: NOW)
    with trusting(build_app(guard), fake):
        assert (await guard.verify(fake.access_token())).issuer == fake.issuer
    with trusting(build_app(guard), FakeUserPool("eu-west-1_Another")) as another:
        assert guard.pools[0].issuers == UserPool(another.id, client_ids="web").issuers


async def test_an_issuer_of_the_apps_own_is_replaced(pool: FakeUserPool) -> None:
    app_pool = UserPool(APP_POOL.id, client_ids={"web"}, issuer="https://proxy.example/pool")
    guard = CognitoGuard(app_pool, now=lambda: NOW)
    with trusting(build_app(guard), pool):
        assert (await guard.verify(pool.access_token())).issuer == pool.issuer


async def test_other_settings_of_the_guard_stay(pool: FakeUserPool) -> None:
    guard = CognitoGuard(
        APP_POOL, leeway=60, claim_types={"level": int}, max_token_length=2000, now=lambda: NOW
    )
    with trusting(build_app(guard), pool):
        assert (await guard.verify(pool.access_token(expires_in=-59))).username == "ada"
        await check_error(guard, pool.access_token(expires_in=-60), TokenExpired)
        await check_error(guard, pool.access_token(claims={"level": "3"}), ClaimInvalid)
        await check_error(guard, pool.access_token(claims={"x": "x" * 2000}), TokenMalformed)


async def test_the_semantics_of_the_guard_stay(pool: FakeUserPool) -> None:
    guard = CognitoGuard(APP_POOL, semantics="http", now=lambda: NOW)
    with trusting(build_app(guard), pool):
        bound = pool.access_token(claims={"aud": "https://api.example"})
        await check_error(guard, bound, ClientMismatch)  # an HTTP API checks aud first


@pytest.mark.parametrize("error", [None, KeyError])
async def test_the_guard_is_restored_after_the_block(
    pool: FakeUserPool, error: type[Exception] | None
) -> None:
    guard = CognitoGuard(APP_POOL, now=lambda: NOW)
    before = (guard.pools, guard.validator, guard.verifier)
    try:
        with trusting(build_app(guard), pool):
            if error is not None:
                raise error
    except KeyError:
        pass
    assert (guard.pools, guard.validator, guard.verifier) == before
    await check_error(guard, pool.access_token(), IssuerMismatch)


async def test_a_guard_in_another_dialect_has_the_same_keys_and_no_leeway(pool: FakeUserPool) -> None:
    guard = guard_for(pool, leeway=60, claim_types={"level": int})
    rest = with_semantics(guard, "rest", client_ids=ANY_CLIENT)
    assert (rest.semantics, guard.semantics) == ("rest", "strict")
    assert (await rest.verify(pool.id_token(claims={"aud": "another"}))).client_id == "another"
    await check_error(rest, pool.access_token(expires_in=-1), TokenExpired)
    await check_error(rest, pool.access_token(claims={"level": "3"}), ClaimInvalid)


async def test_the_guard_itself_is_unchanged_by_one_in_another_dialect(pool: FakeUserPool) -> None:
    guard = guard_for(pool, leeway=60)
    with_semantics(guard, "http", client_ids=ANY_CLIENT)
    await check_error(guard, pool.id_token(), TokenUseMismatch)
    await check_error(guard, pool.access_token(claims={"client_id": "another"}), ClientMismatch)
    assert (await guard.verify(pool.access_token(expires_in=-59))).username == "ada"


def test_guards_of_mounted_apps_are_found_at_any_depth(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    guards = [guard_for(pool), guard_for(other_pool)]
    outer, between, inner = build_app(guards[0]), FastAPI(), build_app(guards[1])
    outer.mount("/between", between)
    between.mount("/inner", inner)
    assert installed_guards(outer) == set(guards)
    with pytest.raises(ConfigurationError, match=r"guard\.install"):
        installed_guards(between)


RESOURCE = "https://api.example.com/shop"


async def test_tokens_name_the_resource_of_the_guard_within_the_block_only() -> None:
    fake = FakeUserPool(now=lambda: NOW)
    guard = CognitoGuard(replace(APP_POOL, resource=RESOURCE), now=lambda: NOW)
    with trusting(build_app(guard), fake):
        assert (await guard.verify(fake.access_token())).claim("aud") == RESOURCE
        assert (await guard.verify(fake.machine_token())).is_machine
        await check_error(guard, fake.access_token(claims={"aud": "https://other.example"}), ClientMismatch)
        with trusting(build_app(guard_for(fake)), fake):
            assert fake.resource == RESOURCE
    assert fake.resource is None


async def test_the_resource_is_that_of_the_replaced_pool(other_pool: FakeUserPool) -> None:
    fake = FakeUserPool(APP_POOL.id, client_id="web", now=lambda: NOW)
    guard = CognitoGuard(other_pool.user_pool(), replace(APP_POOL, resource=RESOURCE), now=lambda: NOW)
    with trusting(build_app(guard), fake):
        assert (await guard.verify(fake.access_token())).claim("aud") == RESOURCE
