"""Cost from a token to a principal, relative to a bare RSA verification."""

from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.bursts import Rounds, interleave, make_async_burst, make_sync_burst
from benchmarks.report import Figure
from benchmarks.tokens import (
    Raw,
    make_access_tokens,
    make_id_tokens,
    make_junk,
    make_tokens_with_unknown_kids,
    split_signature,
)
from fastapi_cognito_guard import CognitoGuard, KeyPolicy
from fastapi_cognito_guard.errors import AlgorithmNotAllowed, AuthError, KeyUnknown, TokenMalformed
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.cache import hash_token

_TOKENS = 200
_KIDS = 4096
_HOUR = 3600.0


def measure(*, rounds: int, calls: int) -> tuple[list[Figure], Rounds]:
    """Measure the guard without an app."""
    pool = FakeUserPool()
    access, ids = make_access_tokens(pool, _TOKENS), make_id_tokens(pool, _TOKENS)
    raw = Raw(pool, access[0])
    uncached = CognitoGuard(pool.user_pool(token_use={"access", "id"}), remember=0)
    unknown, noise = make_tokens_with_unknown_kids(pool, _KIDS), make_junk(access[0])
    took = interleave(
        {
            "raw": make_sync_burst(raw.verify, [split_signature(token) for token in access]),
            "access": make_async_burst(uncached.verify, access),
            "unchecked": make_async_burst(raw.read_unchecked, access),
            "digest": make_sync_burst(hash_token, access),
            "id": make_async_burst(uncached.verify, ids),
            "remembered": make_async_burst(CognitoGuard(pool.user_pool()).verify, access),
            "junk": make_async_burst(make_refused(uncached, TokenMalformed, AlgorithmNotAllowed), noise),
            "unknown kid": make_async_burst(make_refused(_make_fetching_guard(pool), KeyUnknown), unknown),
        },
        rounds=rounds,
        calls=calls,
    )
    return _build_figures(took), took


def make_refused(guard: CognitoGuard, *expected: type[AuthError]) -> Callable[[str], Awaitable[None]]:
    """Return a function that verifies an invalid token, and raises `AssertionError` if it is accepted."""

    async def refuse(token: str) -> None:
        try:
            await guard.verify(token)
        except expected:
            return
        raise AssertionError("the guard accepted an invalid token")

    return refuse


def _make_fetching_guard(pool: FakeUserPool) -> CognitoGuard:
    """Make a guard that fetches its keys, and fetches only once for unknown kids."""

    async def fetch(address: str) -> dict[str, Any]:
        return pool.jwks

    policy = KeyPolicy(max_age=_HOUR, cooldown=_HOUR)
    return CognitoGuard(pool.user_pool(jwks_uri="https://keys.example/jwks.json"), keys=policy, fetch=fetch)


def _build_figures(took: Rounds) -> list[Figure]:
    return [
        Figure("access token to principal / raw RSA verify", took.compute_ratio("access", "raw"), most=1.75),
        Figure(
            "for comparison: the same without any check but the signature / raw RSA verify",
            took.compute_ratio("unchecked", "raw"),
        ),
        Figure("ID token with 22 claims / raw RSA verify", took.compute_ratio("id", "raw"), most=2.0),
        Figure("remembered token / raw RSA verify", took.compute_ratio("remembered", "raw"), most=0.15),
        Figure("for comparison: SHA-256 of the token / raw RSA verify", took.compute_ratio("digest", "raw")),
        Figure("refusing junk / raw RSA verify", took.compute_ratio("junk", "raw"), most=0.3),
        Figure(
            "refusing an unknown kid / raw RSA verify", took.compute_ratio("unknown kid", "raw"), most=0.3
        ),
    ]
