"""Attacks on time: when a token begins and ends, and in which types and sizes; all signed by the pool."""

from typing import Any

import pytest

from tests.apps import NOW, guard_for
from tests.attacks.forge import (
    CLAIMS,
    POOL,
    assert_refused,
    claiming,
    code_of,
    each,
    missing,
    token,
    trying,
    without,
)

pytestmark = pytest.mark.anyio

NO_NUMBERS: list[Any] = [None, "", "4000000000", "never", True, False, [], [4_000_000_000], {}]
TOO_LARGE = [2**53, -(2**53), 2**63, 2**64, 10**30, -(10**30), 10**400, -(10**400), 1e300]


@trying({
    "claim_invalid": {
        "RFC 7519 4.1.4 no exp": missing("exp"),
        "RFC 7519 4.1.4 exp by another name": token(payload={**without(CLAIMS, "exp"), "expires": NOW + 60}),
        **{f"RFC 7519 2 {case}": text
           for name in ("exp", "nbf", "iat", "auth_time")
           for case, text in each(name, *NO_NUMBERS, *TOO_LARGE).items()},
    },
    "token_expired": {
        "RFC 7519 4.1.4 exp is now": claiming(exp=NOW),
        "RFC 7519 4.1.4 exp is a moment ago": claiming(exp=NOW - 0.001),
        "RFC 7519 4.1.4 exp is a second ago": claiming(exp=NOW - 1),
        **{f"RFC 7519 4.1.4 {case}": text
           for case, text in each("exp", 0, -1, 0.5, -0.0, 1, -4e9, 1e-300).items()},
        "RFC 7519 4.1.4 exp before iat": claiming(iat=NOW - 5, exp=NOW - 10),
        "RFC 7519 4.1.4 expired and not yet valid": claiming(exp=NOW - 1, nbf=NOW + 1),
    },
    "token_not_yet_valid": {
        f"RFC 7519 4.1.5 {name} is {ahead} s ahead": claiming(**{name: NOW + ahead})
        for name, beyond in (("nbf", 0), ("iat", 10))
        for ahead in (beyond + 0.001, beyond + 1, 3600, 1e9, NOW * 999)
    },
})  # fmt: skip
async def test_no_clock_is_fooled(hostile: str, code: str) -> None:
    await assert_refused(hostile, code)


@trying({
    "token_expired": {"exp, all of the leeway ago": claiming(exp=NOW - 5)},
    "token_not_yet_valid": {
        "nbf, more than the leeway ahead": claiming(nbf=NOW + 5.001),
        "iat, more than ten seconds ahead": claiming(iat=NOW + 10.001),
        "nbf within the leeway, iat not": claiming(nbf=NOW + 1, iat=NOW + 11),
    },
    "claim_invalid": {
        "RFC 7519 2 exp is a text": claiming(exp="4000000000"),
        "RFC 7519 2 exp is true": claiming(exp=True),
        "RFC 7519 2 exp is too large to add to": claiming(exp=10**400),
    },
})  # fmt: skip
async def test_leeway_is_no_more_than_it_says(hostile: str, code: str) -> None:
    await assert_refused(hostile, code, leeway=5)


IN_TIME = {
    "exp a moment ahead": claiming(exp=NOW + 0.001),
    "nbf and iat are now": claiming(nbf=NOW, iat=NOW),
    "no nbf, iat, auth_time": missing("nbf", "iat", "auth_time"),
    "exp at the end of all numbers": claiming(exp=2**53 - 1),
}
IN_LEEWAY = {
    "exp, almost the leeway ago": claiming(exp=NOW - 4.999),
    "nbf and iat, the leeway ahead": claiming(nbf=NOW + 5, iat=NOW + 5),
}


@pytest.mark.parametrize("good", IN_TIME.values(), ids=IN_TIME)
async def test_a_token_in_its_time_counts(good: str) -> None:
    assert (await guard_for(POOL).verify(good)).username == "ada"


@pytest.mark.parametrize("good", IN_LEEWAY.values(), ids=IN_LEEWAY)
async def test_a_token_within_the_leeway_counts_and_without_leeway_does_not(good: str) -> None:
    assert (await guard_for(POOL, leeway=5).verify(good)).username == "ada"
    assert await code_of(guard_for(POOL), good) in {"token_expired", "token_not_yet_valid"}


async def test_a_token_that_is_remembered_expires_all_the_same() -> None:
    now = NOW
    guard = guard_for(POOL, now=lambda: now)
    good = claiming(exp=NOW + 10, nbf=NOW - 10)
    assert (await guard.verify(good)).username == "ada"
    for now, code in ((NOW + 10, "token_expired"), (NOW - 10.5, "token_not_yet_valid")):  # noqa: B007 - the clock
        assert await code_of(guard, good) == code
