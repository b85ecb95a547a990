"""Verification of tokens: only the signature counts, never a key that the token names."""

import json
from collections.abc import Awaitable, Callable

import pytest

from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.errors import (
    AuthError,
    ClaimInvalid,
    IssuerMismatch,
    KeyUnknown,
    SignatureInvalid,
    TokenMalformed,
)
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import NOW, guard_for

pytestmark = pytest.mark.anyio


async def test_a_good_token_becomes_a_principal(pool: FakeUserPool) -> None:
    token = pool.access_token("ada", groups=["admins"], scopes=["orders/read", "openid"])
    user = await guard_for(pool).verify(token)
    assert (user.username, user.groups, user.scopes) == (
        "ada",
        frozenset({"admins"}),
        frozenset({"orders/read", "openid"}),
    )
    assert (user.sub, user.issuer, user.source) == (pool.sub("ada"), pool.issuer, "token")
    assert user.claims == unverified_claims(token)


async def test_verify_takes_the_bare_token(pool: FakeUserPool) -> None:
    with pytest.raises(TokenMalformed):
        await guard_for(pool).verify(f"Bearer {pool.access_token()}")


@pytest.mark.parametrize("token", [None, 5, b"a.b.c", ["a.b.c"], "A" * 16385], ids=repr)
async def test_a_value_that_is_no_token_is_malformed_also_after_a_good_token(
    pool: FakeUserPool, token: object
) -> None:
    guard = guard_for(pool)
    for _ in range(2):
        with pytest.raises(TokenMalformed):
            await guard.verify(token)  # type: ignore[arg-type]  # the mistake
        await guard.verify(pool.access_token())


async def test_the_maximum_length_of_a_token_is_a_setting(pool: FakeUserPool) -> None:
    token = pool.access_token()
    assert await guard_for(pool, max_token_length=len(token)).verify(token)
    with pytest.raises(TokenMalformed):
        await guard_for(pool, max_token_length=len(token) - 1).verify(token)


async def test_a_token_with_an_unknown_kid_is_refused(pool: FakeUserPool, impostor: FakeUserPool) -> None:
    with pytest.raises(KeyUnknown):
        await guard_for(pool).verify(impostor.access_token())


async def test_a_token_with_the_right_kid_and_the_wrong_key_is_refused(
    pool: FakeUserPool, impostor: FakeUserPool
) -> None:
    kid = next(key["kid"] for key in pool.jwks["keys"])
    forged = impostor.sign(unverified_claims(pool.access_token()), header={"kid": kid})
    with pytest.raises(SignatureInvalid):
        await guard_for(pool).verify(forged)


async def test_a_key_in_the_token_is_never_used(pool: FakeUserPool, impostor: FakeUserPool) -> None:
    (jwk, *_) = impostor.jwks["keys"]
    for header in (
        {"jwk": jwk},
        {"jku": "https://evil.example/jwks.json"},
        {"x5c": ["AAAA"]},
        {"x5u": "https://e"},
    ):
        with pytest.raises(KeyUnknown):
            await guard_for(pool).verify(impostor.sign(unverified_claims(pool.access_token()), header=header))


async def test_a_changed_byte_in_any_part_is_refused(pool: FakeUserPool) -> None:
    guard, token = guard_for(pool), pool.access_token("ada", groups=["admins"])
    starts = [0, token.index(".") + 1, token.rindex(".") + 1]
    for start in starts:
        for offset in (0, 3, 40, 100):
            at = start + offset
            changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
            with pytest.raises(AuthError) as refused:
                await guard.verify(changed)
            assert refused.value.status == 401


@pytest.mark.parametrize("iss", [None, 5, ["x"], {"a": 1}], ids=repr)
async def test_an_issuer_that_is_not_a_string_is_refused(pool: FakeUserPool, iss: object) -> None:
    with pytest.raises(ClaimInvalid):
        await guard_for(pool).verify(pool.access_token(claims={"iss": iss}))


def make_fetch(*pools: FakeUserPool, seen: list[str]) -> Callable[[str], Awaitable[bytes]]:
    async def fetch(address: str) -> bytes:
        seen.append(address)
        (pool,) = (pool for pool in pools if pool.id in address)
        return json.dumps(pool.jwks).encode()

    return fetch


async def test_several_pools_are_chosen_by_issuer_and_keep_their_keys_apart(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    seen: list[str] = []
    pools = [UserPool(each.id, client_ids=each.client_id) for each in (pool, other_pool)]
    fetch = make_fetch(pool, other_pool, seen=seen)
    guard = CognitoGuard(*pools, now=lambda: NOW, fetch=fetch)
    assert (await guard.verify(pool.access_token("ada"))).issuer == pool.issuer
    assert (await guard.verify(other_pool.access_token("ada"))).issuer == other_pool.issuer
    with pytest.raises(KeyUnknown):
        await guard.verify(other_pool.access_token(claims={"iss": pool.issuer}))
    fetched = (pool, other_pool, pool)  # the last for the kid that the first pool lacks
    assert seen == [f"{each.issuer}/.well-known/jwks.json" for each in fetched]


async def test_in_a_flood_an_unknown_kid_is_refused_before_the_payload_is_parsed(pool: FakeUserPool) -> None:
    seen: list[str] = []
    guard = CognitoGuard(
        UserPool(pool.id, client_ids=pool.client_id), now=lambda: NOW, fetch=make_fetch(pool, seen=seen)
    )
    await guard.verify(pool.access_token())
    good = unverified_claims(pool.access_token())
    foreign = pool.sign({**good, "iss": "https://other.example"}, header={"kid": "unknown"})
    with pytest.raises(IssuerMismatch):  # the better reason, as no fetch was needed
        await guard.verify(foreign)
    with pytest.raises(KeyUnknown):
        await guard.verify(pool.sign(good, header={"kid": "unknown"}))
    assert len(seen) == 2
    for token in (foreign, foreign.partition(".")[0] + ".junk.junk"):
        with pytest.raises(KeyUnknown, match="just now"):
            await guard.verify(token)
    assert await guard.verify(pool.access_token())
    assert len(seen) == 2


async def test_a_token_of_an_unknown_issuer_fetches_nothing(
    pool: FakeUserPool, other_pool: FakeUserPool
) -> None:
    seen: list[str] = []
    fetch = make_fetch(pool, seen=seen)
    guard = CognitoGuard(UserPool(pool.id, client_ids="web"), fetch=fetch)
    with pytest.raises(IssuerMismatch, match=pool.id):
        await guard.verify(other_pool.access_token())
    assert seen == []


async def test_a_flood_at_one_pool_does_not_refuse_a_first_token_of_another(
    pool: FakeUserPool, other_pool: FakeUserPool, impostor: FakeUserPool
) -> None:
    pools = [UserPool(each.id, client_ids=each.client_id) for each in (pool, other_pool)]
    guard = CognitoGuard(*pools, now=lambda: NOW, fetch=make_fetch(pool, other_pool, seen=[]))
    await guard.verify(pool.access_token())
    for _ in range(2):
        with pytest.raises(KeyUnknown):
            await guard.verify(impostor.access_token())
    assert (await guard.verify(other_pool.access_token())).issuer == other_pool.issuer
