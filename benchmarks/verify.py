"""From a token to a principal, beside the bare RSA verification that is in it."""

from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.report import Figure
from benchmarks.timing import Rounds, awaiting, calling, interleave
from benchmarks.tokens import Raw, access_tokens, id_tokens, junk, signed_parts, unknown_kids
from fastapi_cognito_guard import CognitoGuard, KeyPolicy
from fastapi_cognito_guard.errors import AlgorithmNotAllowed, AuthError, KeyUnknown, TokenMalformed
from fastapi_cognito_guard.testing import FakeUserPool

_TOKENS = 200
_KIDS = 4096
_HOUR = 3600.0


def measure(*, rounds: int, calls: int) -> tuple[list[Figure], Rounds]:
    """The guard alone, without an app around it."""
    pool = FakeUserPool()
    access, ids = access_tokens(pool, _TOKENS), id_tokens(pool, _TOKENS)
    raw = Raw(pool, access[0])
    unproven = CognitoGuard(pool.user_pool(token_use={"access", "id"}), remember=0)
    unknown, noise = unknown_kids(pool, _KIDS), junk(access[0])
    took = interleave(
        {
            "raw": calling(raw.verify, [signed_parts(token) for token in access]),
            "access": awaiting(unproven.verify, access),
            "id": awaiting(unproven.verify, ids),
            "remembered": awaiting(CognitoGuard(pool.user_pool()).verify, access),
            "junk": awaiting(refusing(unproven, TokenMalformed, AlgorithmNotAllowed), noise),
            "unknown kid": awaiting(refusing(_fetching(pool), KeyUnknown), unknown),
        },
        rounds=rounds,
        calls=calls,
    )
    return _figures(took), took


def refusing(guard: CognitoGuard, *due: type[AuthError]) -> Callable[[str], Awaitable[None]]:
    """Verify what is no good. Raises `AssertionError` where the guard takes it."""

    async def refuse(token: str) -> None:
        try:
            await guard.verify(token)
        except due:
            return
        raise AssertionError("the guard took what it should refuse")

    return refuse


def _fetching(pool: FakeUserPool) -> CognitoGuard:
    """A guard that fetches its keys, and after one fetch for an unknown kid lets the key server alone."""

    async def fetch(address: str) -> dict[str, Any]:
        return pool.jwks

    policy = KeyPolicy(max_age=_HOUR, cooldown=_HOUR)
    return CognitoGuard(pool.user_pool(jwks_uri="https://keys.example/jwks.json"), keys=policy, fetch=fetch)


def _figures(took: Rounds) -> list[Figure]:
    return [
        Figure("access token to principal / raw RSA verify", took.ratio("access", "raw"), most=1.8),
        Figure("ID token with 22 claims / raw RSA verify", took.ratio("id", "raw"), most=2.0),
        Figure("remembered token / raw RSA verify", took.ratio("remembered", "raw"), most=0.15),
        Figure("refusing junk / raw RSA verify", took.ratio("junk", "raw"), most=0.3),
        Figure("refusing an unknown kid / raw RSA verify", took.ratio("unknown kid", "raw"), most=0.3),
    ]
