"""Remembered tokens: the same principal, judged again for time, and dead with its key."""

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


class Present:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def present() -> Present:
    return Present()


async def test_a_remembered_token_is_the_same_principal(present: Present) -> None:
    pool = FakeUserPool(now=present)
    guard = CognitoGuard(pool.user_pool(), now=present)
    token = pool.access_token()
    assert await guard.verify(token) is await guard.verify(token)
    forgetful = CognitoGuard(pool.user_pool(), now=present, remember=0)
    assert await forgetful.verify(token) is not await forgetful.verify(token)


async def test_time_is_judged_again(present: Present) -> None:
    pool = FakeUserPool(now=present)
    guard = CognitoGuard(pool.user_pool(), now=present)
    token = pool.access_token(expires_in=60)
    await guard.verify(token)
    present.now += 60
    with pytest.raises(TokenExpired):
        await guard.verify(token)
    present.now -= 71
    with pytest.raises(TokenNotYetValid):
        await guard.verify(token)


async def test_what_one_request_does_to_claims_the_next_does_not_see(present: Present) -> None:
    pool = FakeUserPool(now=present)
    guard = CognitoGuard(pool.user_pool(), now=present)
    token = pool.access_token(groups=["staff"])
    claims = (await guard.verify(token)).claims
    claims["cognito:groups"].append("admins")
    claims["sub"] = "somebody else"
    again = await guard.verify(token)
    assert again.claims["cognito:groups"] == ["staff"]
    assert again.claims["sub"] == again.sub


def test_requirements_run_for_a_remembered_token_too(present: Present) -> None:
    pool = FakeUserPool(now=present)
    client = client_of(build_app(CognitoGuard(pool.user_pool(), now=present)))
    headers = bearer(pool.access_token(scopes=["orders/read"]))
    for _ in range(3):
        assert client.get("/scope", headers=headers).status_code == 200
        assert client.get("/all-scopes", headers=headers).status_code == 403


async def test_a_remembered_token_dies_with_its_key_even_if_the_kid_lives_on(present: Present) -> None:
    pool, thief = FakeUserPool(now=present), FakeUserPool(now=present)
    published = {"jwks": pool.jwks}

    async def fetch(address: str) -> bytes:
        return json.dumps(published["jwks"]).encode()

    guard = CognitoGuard(UserPool(pool.id, client_ids=pool.client_id), now=present, fetch=fetch)
    token = pool.access_token(expires_in=86400)
    assert await guard.verify(token)
    kids = [key["kid"] for key in pool.jwks["keys"]]
    published["jwks"] = {
        "keys": [{**key, "kid": kid} for key, kid in zip(thief.jwks["keys"], kids, strict=True)]
    }
    present.now += 8000  # so old that the keys must be fetched again
    with pytest.raises(SignatureInvalid):
        await guard.verify(token)


async def test_refusals_are_not_remembered(present: Present, impostor: FakeUserPool) -> None:
    pool = FakeUserPool(now=present)
    guard = CognitoGuard(pool.user_pool(), now=present)
    expired, future = (
        pool.access_token(expires_in=-1),
        pool.access_token(claims={"iat": int(present.now) + 15}),
    )
    for token in (expired, future, impostor.access_token(), "junk", "", "\ud800"):
        with pytest.raises(AuthError):
            await guard.verify(token)
    present.now += 5
    assert await guard.verify(future)
    assert guard.status()["remembered"] == 1


async def test_the_cache_is_bounded_and_holds_no_token(present: Present) -> None:
    pool = FakeUserPool(now=present)
    guard = CognitoGuard(pool.user_pool(), now=present, remember=2)
    tokens = [pool.access_token() for _ in range(5)]
    for token in tokens:
        await guard.verify(token)
    assert guard.status()["remembered"] == 2
    texts = reachable_texts(guard)
    assert hash_token(tokens[-1]) in texts  # the search does reach the entries
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


def reachable_texts(start: object) -> set[str | bytes]:
    """Return every text that ``start`` refers to, however indirectly, within the package's own objects."""
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


async def test_a_guard_has_a_memory_of_its_own(present: Present) -> None:
    pool = FakeUserPool(now=present)
    token = pool.access_token(claims={"client_id": "app"})
    assert await CognitoGuard(pool.user_pool(client_ids="app"), now=present).verify(token)
    with pytest.raises(AuthError):
        await CognitoGuard(pool.user_pool(client_ids="web"), now=present).verify(token)


def test_many_threads_may_use_it(present: Present) -> None:
    import asyncio

    pool = FakeUserPool(now=present)
    guard = CognitoGuard(pool.user_pool(), now=present, remember=3)
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


async def test_a_lone_surrogate_after_a_header_that_is_known_is_malformed(present: Present) -> None:
    pool = FakeUserPool(now=present)
    guard = CognitoGuard(pool.user_pool(), now=present)
    token = pool.access_token()
    await guard.verify(token)
    with pytest.raises(TokenMalformed):
        await guard.verify(f"{token.partition('.')[0]}.\ud800.x")


async def test_behind_a_judge_of_other_rules_nothing_is_remembered(present: Present) -> None:
    pool = FakeUserPool(now=present)
    guard = CognitoGuard(pool.user_pool(), now=present)
    other = guard.verifier.with_validator(guard.validator)
    for _ in range(3):
        assert await other.verify(pool.access_token())
    assert other.status()["remembered"] == 0


async def test_a_text_that_lies_about_its_bytes_is_not_taken_for_a_remembered_token(
    present: Present, impostor: FakeUserPool
) -> None:
    pool = FakeUserPool(now=present)
    guard = CognitoGuard(pool.user_pool(), now=present)
    good = pool.access_token()
    await guard.verify(good)

    class Liar(str):
        def encode(self, *how: object) -> bytes:
            return good.encode()

    forged = ".".join([*good.split(".")[:1], *impostor.access_token().split(".")[1:]])
    with pytest.raises(AuthError):
        await guard.verify(Liar(forged))


async def test_a_remembered_token_that_has_expired_is_told_of_as_any_other(present: Present) -> None:
    pool = FakeUserPool(now=present)
    token = pool.access_token(expires_in=60)
    told = []
    for remember in (0, 10):
        guard = CognitoGuard(pool.user_pool(), now=present, remember=remember)
        await guard.verify(token)
        present.now += 60
        with pytest.raises(TokenExpired) as refused:
            await guard.verify(token)
        present.now -= 60
        told.append(refused.value.about)
    assert told[0] == told[1]
    assert told[0]["sub"] == pool.sub("ada")
