"""Cached tokens: the same principal, with its time checked again, for as long as its key is in use."""

import gc
import json
import threading
from types import FunctionType, ModuleType

import pytest

from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.errors import (
    AuthError,
    SignatureInvalid,
    TokenExpired,
    TokenMalformed,
    TokenNotYetValid,
)
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.cache import hash_token
from tests.apps import bearer, build_app, client_of

pytestmark = pytest.mark.anyio


class FakeTime:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


async def test_a_cached_token_is_the_same_principal(fake_time: FakeTime) -> None:
    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time)
    token = pool.access_token()
    assert await guard.verify(token) is await guard.verify(token)
    without_cache = CognitoGuard(pool.user_pool(), now=fake_time, remember=0)
    assert await without_cache.verify(token) is not await without_cache.verify(token)


async def test_the_time_of_a_cached_token_is_checked_again(fake_time: FakeTime) -> None:
    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time)
    token = pool.access_token(expires_in=60)
    await guard.verify(token)
    fake_time.now += 60
    with pytest.raises(TokenExpired):
        await guard.verify(token)
    fake_time.now -= 71
    with pytest.raises(TokenNotYetValid):
        await guard.verify(token)


async def test_a_change_of_claims_does_not_reach_the_next_request(fake_time: FakeTime) -> None:
    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time)
    token = pool.access_token(groups=["staff"])
    claims = (await guard.verify(token)).claims
    claims["cognito:groups"].append("admins")
    claims["sub"] = "another"
    again = await guard.verify(token)
    assert again.claims["cognito:groups"] == ["staff"]
    assert again.claims["sub"] == again.sub


def test_requirements_are_checked_for_a_cached_token_too(fake_time: FakeTime) -> None:
    pool = FakeUserPool(now=fake_time)
    client = client_of(build_app(CognitoGuard(pool.user_pool(), now=fake_time)))
    headers = bearer(pool.access_token(scopes=["orders/read"]))
    for _ in range(3):
        assert client.get("/scope", headers=headers).status_code == 200
        assert client.get("/all-scopes", headers=headers).status_code == 403


async def test_a_cached_token_is_refused_once_its_key_is_replaced_under_the_same_kid(
    fake_time: FakeTime,
) -> None:
    pool, attacker = FakeUserPool(now=fake_time), FakeUserPool(now=fake_time)
    published = {"jwks": pool.jwks}

    async def fetch(address: str) -> bytes:
        return json.dumps(published["jwks"]).encode()

    guard = CognitoGuard(UserPool(pool.id, client_ids=pool.client_id), now=fake_time, fetch=fetch)
    token = pool.access_token(expires_in=86400)
    assert await guard.verify(token)
    kids = [key["kid"] for key in pool.jwks["keys"]]
    published["jwks"] = {
        "keys": [{**key, "kid": kid} for key, kid in zip(attacker.jwks["keys"], kids, strict=True)]
    }
    fake_time.now += 8000  # so old that the keys must be fetched again
    for _ in range(2):  # the second time, the new key has been fetched already
        with pytest.raises(SignatureInvalid):
            await guard.verify(token)


async def test_refusals_are_not_cached(fake_time: FakeTime, impostor: FakeUserPool) -> None:
    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time)
    expired, future = (
        pool.access_token(expires_in=-1),
        pool.access_token(claims={"iat": int(fake_time.now) + 15}),
    )
    for token in (expired, future, impostor.access_token(), "junk", "", "\ud800"):
        with pytest.raises(AuthError):
            await guard.verify(token)
    fake_time.now += 5
    assert await guard.verify(future)
    assert guard.status()["remembered"] == 1


async def test_the_cache_is_bounded_and_holds_no_token(fake_time: FakeTime) -> None:
    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time, remember=2)
    tokens = [pool.access_token() for _ in range(5)]
    for token in tokens:
        await guard.verify(token)
    assert guard.status()["remembered"] == 2
    texts = collect_texts(guard)
    assert hash_token(tokens[-1]) in texts  # the search reaches the entries
    for token in tokens:
        _, payload, signature = token.split(".")
        assert not any(
            part in text for part in (payload, signature) for text in texts if isinstance(text, str)
        )
        assert not any(
            part.encode() in text
            for part in (payload, signature)
            for text in texts
            if isinstance(text, bytes)
        )


@pytest.mark.parametrize(
    ("claim", "kept"),
    [("x" * 100, 8), ("x" * 3000, 2), ([{"a": {}}] * 1000, 1), ("x" * 11000, 1)],
    ids=["short", "long", "many objects", "very long"],
)
async def test_long_tokens_do_not_fill_the_memory(fake_time: FakeTime, claim: object, kept: int) -> None:
    """Claims take up to 20 bytes for a character of the token."""
    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time, remember=8)
    for _ in range(8):
        await guard.verify(pool.access_token(claims={"custom:x": claim}))
    assert guard.status()["remembered"] == kept


async def test_a_token_that_counts_for_more_than_the_cache_is_verified_and_not_kept(
    fake_time: FakeTime,
) -> None:
    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time, remember=1)
    short, long = pool.access_token(), pool.access_token(claims={"custom:x": "x" * 3000})
    for token in (short, long, long):
        assert await guard.verify(token)
    assert guard.verifier.cache.find(hash_token(short))


def collect_texts(start: object) -> set[str | bytes]:
    """Return every text that ``start`` refers to, directly or not, without modules, types and functions."""
    found: set[str | bytes] = set()
    seen: set[int] = set()
    todo: list[object] = [start]
    while todo:
        each = todo.pop()
        if id(each) in seen or isinstance(each, ModuleType | type | FunctionType):
            continue
        seen.add(id(each))
        if isinstance(each, str | bytes):
            found.add(each)
        else:
            todo += gc.get_referents(each)
    return found


async def test_each_guard_has_its_own_cache(fake_time: FakeTime) -> None:
    pool = FakeUserPool(now=fake_time)
    token = pool.access_token(claims={"client_id": "app"})
    assert await CognitoGuard(pool.user_pool(client_ids="app"), now=fake_time).verify(token)
    with pytest.raises(AuthError):
        await CognitoGuard(pool.user_pool(client_ids="web"), now=fake_time).verify(token)


def test_many_threads_may_use_one_cache(fake_time: FakeTime) -> None:
    import asyncio

    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time, remember=3)
    tokens = [pool.access_token() for _ in range(6)]
    failures: list[BaseException] = []

    def work() -> None:
        async def verify_all() -> None:
            for _ in range(20):
                for token in tokens:
                    await guard.verify(token)

        try:
            asyncio.run(verify_all())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert failures == []


async def test_a_lone_surrogate_after_a_known_header_is_malformed(fake_time: FakeTime) -> None:
    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time)
    token = pool.access_token()
    await guard.verify(token)
    with pytest.raises(TokenMalformed):
        await guard.verify(f"{token.partition('.')[0]}.\ud800.x")


async def test_a_verifier_with_another_validator_has_no_cache(fake_time: FakeTime) -> None:
    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time)
    other = guard.verifier.with_validator(guard.validator)
    for _ in range(3):
        assert await other.verify(pool.access_token())
    assert other.status()["remembered"] == 0


async def test_a_string_subclass_cannot_pass_for_a_cached_token(
    fake_time: FakeTime, impostor: FakeUserPool
) -> None:
    pool = FakeUserPool(now=fake_time)
    guard = CognitoGuard(pool.user_pool(), now=fake_time)
    good = pool.access_token()
    await guard.verify(good)

    class Disguised(str):
        def encode(self, *how: object) -> bytes:
            return good.encode()

    forged = ".".join([*good.split(".")[:1], *impostor.access_token().split(".")[1:]])
    with pytest.raises(AuthError):
        await guard.verify(Disguised(forged))


async def test_an_expired_cached_token_is_logged_like_any_other(fake_time: FakeTime) -> None:
    pool = FakeUserPool(now=fake_time)
    token = pool.access_token(expires_in=60)
    logged = []
    for remember in (0, 10):
        guard = CognitoGuard(pool.user_pool(), now=fake_time, remember=remember)
        await guard.verify(token)
        fake_time.now += 60
        with pytest.raises(TokenExpired) as refused:
            await guard.verify(token)
        fake_time.now -= 60
        logged.append(refused.value.about)
    assert logged[0] == logged[1]
    assert logged[0]["sub"] == pool.sub("ada")
