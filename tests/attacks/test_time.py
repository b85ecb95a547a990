"""Attacks on the times of a token: exp, nbf, iat and auth_time. The pool signed every token."""

from typing import Any

import pytest

from tests.apps import NOW, guard_for
from tests.attacks.forge import (
    CLAIMS,
    POOL,
    assert_refused,
    drop,
    forge_claims,
    forge_each,
    forge_token,
    forge_without,
    get_refusal_code,
    parametrize_hostile,
)

pytestmark = pytest.mark.anyio

NOT_NUMBERS: list[Any] = [None, "", "4000000000", "never", True, False, [], [4_000_000_000], {}]
TOO_LARGE = [2**53, -(2**53), 2**63, 2**64, 10**30, -(10**30), 10**400, -(10**400), 1e300]


@parametrize_hostile({
    "claim_invalid": {
        "RFC 7519 4.1.4 no exp": forge_without("exp"),
        "RFC 7519 4.1.4 expires instead of exp": forge_token(
            payload={**drop(CLAIMS, "exp"), "expires": NOW + 60}
        ),
        **{f"RFC 7519 2 {case}": text
           for name in ("exp", "nbf", "iat", "auth_time")
           for case, text in forge_each(name, *NOT_NUMBERS, *TOO_LARGE).items()},
    },
    "token_expired": {
        "RFC 7519 4.1.4 exp is now": forge_claims(exp=NOW),
        "RFC 7519 4.1.4 exp is a millisecond ago": forge_claims(exp=NOW - 0.001),
        "RFC 7519 4.1.4 exp is a second ago": forge_claims(exp=NOW - 1),
        **{f"RFC 7519 4.1.4 {case}": text
           for case, text in forge_each("exp", 0, -1, 0.5, -0.0, 1, -4e9, 1e-300).items()},
        "RFC 7519 4.1.4 exp before iat": forge_claims(iat=NOW - 5, exp=NOW - 10),
        "RFC 7519 4.1.4 expired and not yet valid": forge_claims(exp=NOW - 1, nbf=NOW + 1),
    },
    "token_not_yet_valid": {
        f"RFC 7519 4.1.5 {name} is {ahead} s ahead": forge_claims(**{name: NOW + ahead})
        for name, limit in (("nbf", 0), ("iat", 10))
        for ahead in (limit + 0.001, limit + 1, 3600, 1e9, NOW * 999)
    },
})  # fmt: skip
async def test_an_expired_or_premature_token_or_an_invalid_time_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@parametrize_hostile({
    "token_expired": {"exp, exactly the leeway ago": forge_claims(exp=NOW - 5)},
    "token_not_yet_valid": {
        "nbf, more than the leeway ahead": forge_claims(nbf=NOW + 5.001),
        "iat, more than ten seconds ahead": forge_claims(iat=NOW + 10.001),
        "nbf within the leeway, iat beyond it": forge_claims(nbf=NOW + 1, iat=NOW + 11),
    },
    "claim_invalid": {
        "RFC 7519 2 exp is a string": forge_claims(exp="4000000000"),
        "RFC 7519 2 exp is true": forge_claims(exp=True),
        "RFC 7519 2 exp beyond the range of floats": forge_claims(exp=10**400),
    },
})  # fmt: skip
async def test_a_token_beyond_the_leeway_is_401(hostile: str, code: str) -> None:
    await assert_refused(hostile, code, leeway=5)


IN_TIME = {
    "exp a millisecond ahead": forge_claims(exp=NOW + 0.001),
    "nbf and iat are now": forge_claims(nbf=NOW, iat=NOW),
    "no nbf, iat, auth_time": forge_without("nbf", "iat", "auth_time"),
    "exp is the largest accepted number": forge_claims(exp=2**53 - 1),
}
IN_LEEWAY = {
    "exp, just less than the leeway ago": forge_claims(exp=NOW - 4.999),
    "nbf and iat, exactly the leeway ahead": forge_claims(nbf=NOW + 5, iat=NOW + 5),
}


@pytest.mark.parametrize("good", IN_TIME.values(), ids=IN_TIME)
async def test_a_token_within_its_validity_is_accepted(good: str) -> None:
    assert (await guard_for(POOL).verify(good)).username == "ada"


@pytest.mark.parametrize("good", IN_LEEWAY.values(), ids=IN_LEEWAY)
async def test_a_token_within_the_leeway_is_accepted_and_without_leeway_is_401(good: str) -> None:
    assert (await guard_for(POOL, leeway=5).verify(good)).username == "ada"
    assert await get_refusal_code(guard_for(POOL), good) in {"token_expired", "token_not_yet_valid"}


async def test_a_cached_token_expires_too() -> None:
    now = NOW
    guard = guard_for(POOL, now=lambda: now)
    good = forge_claims(exp=NOW + 10, nbf=NOW - 10)
    assert (await guard.verify(good)).username == "ada"
    for now, code in ((NOW + 10, "token_expired"), (NOW - 10.5, "token_not_yet_valid")):  # noqa: B007 - the guard's clock reads it
        assert await get_refusal_code(guard, good) == code
