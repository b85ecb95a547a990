"""Mutated tokens, by hypothesis: each yields exactly the claims that the pool signed, or a refusal."""

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastapi_cognito_guard import CognitoGuard, Principal
from fastapi_cognito_guard.claims import IAT_AHEAD
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.principal import copy_all_claims
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.apps import NOW
from tests.attacks.forge import (
    ATTACKER,
    CLAIMS,
    GOOD,
    HEADER,
    ID_KEY,
    KEY,
    OTHER,
    POOL,
    b64,
    encode_part,
    forge_token,
)

pytestmark = pytest.mark.anyio

TOKENS = {
    "ada": GOOD,
    "eve": POOL.access_token("eve", groups=["users"]),
    "a machine": POOL.machine_token(scopes=["orders/read"]),
    "ada's ID token": POOL.id_token("ada"),
    "ada, expired": POOL.access_token("ada", groups=["admins"], expires_in=-60),
    "another client": POOL.access_token("ada", claims={"client_id": "another"}),
    "another pool": OTHER.access_token("ada", groups=["admins"]),
    "an attacker": forge_token({**HEADER, "kid": ATTACKER.kid}, sign=ATTACKER.sign),
}
ACCEPTED = {TOKENS[name] for name in ("ada", "eve", "a machine", "another pool")}
GUARD = CognitoGuard(POOL.user_pool(), OTHER.user_pool(), now=lambda: NOW)
"""One guard for all examples, so that its cache is under test as well."""

tokens = st.sampled_from(sorted(TOKENS.values()))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
HEADERS = "alg kid typ cty crit b64 zip enc jku jwk x5u x5c iss exp x".split()
NAMES = "iss sub aud exp nbf iat jti auth_time token_use client_id scope scp username version x".split()
NAMES += ["cognito:groups", "cognito:username", "email", "email_verified", "__proto__", ""]
NEAR: list[Any] = "access id ada RS256 none HS256 JWT at+jwt true false \ud800".split()
NEAR += [POOL.issuer, OTHER.issuer, POOL.client_id, [POOL.client_id], ["admins"], KEY.kid, ID_KEY.kid]
NEAR += [NOW, NOW - 1, NOW + 1, 2**53]
near = st.sampled_from(NEAR)
DROPPED = object()


def apply_changes(values: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**values, **changes}.items() if value is not DROPPED}


def draw_changes(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(names), near | json_values | st.just(DROPPED), max_size=3)


async def verify_or_refuse(hostile: str) -> Principal | None:
    """Return the principal, or None for a refusal with 401. Any other exception fails the test."""
    try:
        return await GUARD.verify(hostile)
    except AuthError as refused:
        assert refused.status == 401
        assert hostile[:40] not in refused.reason or len(hostile) < 40
        return None


async def assert_as_signed(hostile: str) -> None:
    """Check that only an original, accepted token yields a principal, with the claims that were signed."""
    user = await verify_or_refuse(hostile)
    if hostile in ACCEPTED:
        assert user is not None
        assert copy_all_claims(user) == unverified_claims(hostile)
    else:
        assert user is None


edits = st.lists(
    st.tuples(
        st.integers(0, 4000), st.integers(0, 3), st.text(max_size=3) | st.sampled_from(list("AQgw-_=+/.~"))
    ),
    max_size=4,
)


def apply_edits(text: str, steps: list[tuple[int, int, str]]) -> str:
    """Replace, insert or delete some characters at each step."""
    for at, length, letters in steps:
        at %= len(text) + 1
        text = text[:at] + letters + text[at + length :]
    return text


@given(original=tokens, steps=edits)
@settings(max_examples=250)
async def test_an_edited_token_is_401(original: str, steps: list[tuple[int, int, str]]) -> None:
    await assert_as_signed(apply_edits(original, steps))


@given(original=tokens, which=st.integers(0, 2), at=st.integers(0), bits=st.integers(1, 255))
@settings(max_examples=200)
async def test_a_token_with_a_changed_byte_in_any_part_is_401(
    original: str, which: int, at: int, bits: int
) -> None:
    parts = original.split(".")
    octets = bytearray(decode_b64(parts[which]))
    octets[at % len(octets)] ^= bits
    parts[which] = b64(bytes(octets))
    assert await verify_or_refuse(".".join(parts)) is None


def decode_b64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@given(st.tuples(tokens, tokens, tokens))
@settings(max_examples=200)
async def test_a_token_from_parts_of_several_tokens_is_401(originals: tuple[str, str, str]) -> None:
    await assert_as_signed(".".join(original.split(".")[n] for n, original in enumerate(originals)))


@given(st.permutations(GOOD.split(".")) | st.lists(st.sampled_from([*GOOD.split("."), ""]), max_size=6))
async def test_a_token_with_reordered_missing_or_extra_parts_is_401(parts: list[str]) -> None:
    await assert_as_signed(".".join(parts))


@given(header=st.dictionaries(st.text(), json_values, max_size=3), changes=draw_changes(HEADERS))
@settings(max_examples=250)
async def test_a_changed_header_under_the_old_signature_is_401(
    header: dict[str, Any], changes: dict[str, Any]
) -> None:
    _, body, signature = GOOD.split(".")
    await assert_as_signed(f"{encode_part(apply_changes({**header, **HEADER}, changes))}.{body}.{signature}")


@given(draw_changes(HEADERS))
@settings(max_examples=250)
@example({"kid": ID_KEY.kid})
async def test_a_changed_header_that_the_pool_signed_leaves_the_claims_as_they_are_or_is_401(
    changes: dict[str, Any],
) -> None:
    header = apply_changes(HEADER, changes)
    user = await verify_or_refuse(forge_token(header))
    if user is not None:
        assert copy_all_claims(user) == CLAIMS
        assert (header["alg"], header["kid"]) == ("RS256", KEY.kid)
        assert str(header.get("typ", "JWT")).lower() in {"jwt", "at+jwt"}
        assert not {"crit", "b64", "zip", "enc", "cty"} & header.keys()


@given(draw_changes(NAMES), st.dictionaries(st.text(), json_values, max_size=2))
@settings(max_examples=400)
@example({"exp": NOW + 1}, {})
@example({"iss": OTHER.issuer}, {})
async def test_changed_claims_that_the_pool_signed_are_valid_and_unchanged_or_401(
    changes: dict[str, Any], others: dict[str, Any]
) -> None:
    claims = apply_changes({**others, **CLAIMS}, changes)
    user = await verify_or_refuse(forge_token(payload=claims))
    if user is None:
        return
    flag = claims.get("email_verified")
    assert copy_all_claims(user) == {
        **claims,
        **({"email_verified": flag == "true"} if isinstance(flag, str) else {}),
    }
    assert (user.issuer, user.token_use, user.client_id) == (POOL.issuer, "access", POOL.client_id)
    assert (user.sub, user.username) == (claims["sub"], claims.get("username"))
    assert type(claims["exp"]) in (int, float)
    assert NOW < claims["exp"] < 2**53
    assert claims.get("nbf", 0) <= NOW >= claims.get("iat", 0) - IAT_AHEAD
    assert user.groups == set(claims.get("cognito:groups", []))


@given(steps=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 3), st.binary(max_size=3)), max_size=3))
@settings(max_examples=250)
async def test_corrupted_json_that_the_pool_signed_is_valid_and_unchanged_or_401(
    steps: list[tuple[int, int, bytes]],
) -> None:
    octets = json.dumps(CLAIMS).encode()
    for at, length, new in steps:
        at %= len(octets) + 1
        octets = octets[:at] + new + octets[at + length :]
    user = await verify_or_refuse(forge_token(payload=octets))
    if user is not None:
        assert copy_all_claims(user) == json.loads(octets)
        assert (user.issuer, user.token_use, user.client_id) == (POOL.issuer, "access", POOL.client_id)


@given(st.lists(st.binary(max_size=40) | st.text(max_size=20), max_size=4))
async def test_random_parts_are_401(parts: list[bytes | str]) -> None:
    assert (
        await verify_or_refuse(".".join(b64(each) if isinstance(each, bytes) else each for each in parts))
        is None
    )


@pytest.mark.parametrize("name", TOKENS)
async def test_the_unmutated_tokens_are_accepted_or_401_as_listed(name: str) -> None:
    await assert_as_signed(TOKENS[name])
