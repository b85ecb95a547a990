"""Guards of an app under test: which pools they trust, and twins of them in other dialects."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi_cognito_guard.app.routes import list_mounted_apps
from fastapi_cognito_guard.claims import ClaimsValidator, Semantics
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard
from fastapi_cognito_guard.middleware import find_guard
from fastapi_cognito_guard.pool import UserPool, index_by_issuer
from fastapi_cognito_guard.testing.pool import FakeUserPool

if TYPE_CHECKING:
    from fastapi import FastAPI

_TRUST = ("pools", "validator", "verifier")


def installed_guards(app: "FastAPI") -> set[CognitoGuard]:
    """Return the guards of an app and its mounted apps. Raises `ConfigurationError` if it has none."""
    mounted = (find_guard(inner) for _, inner in list_mounted_apps(app))
    return {installed_guard(app), *(guard for guard in mounted if isinstance(guard, CognitoGuard))}


@contextmanager
def trusting(app: "FastAPI", pool: FakeUserPool) -> Iterator[FakeUserPool]:
    """Make the app's guard accept the tokens of ``pool`` within the block. Its other settings stay.

    A pool with the id of one that the guard has stands in for that one, and only the keys are other ones:
    ``FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")``. Any other pool stands in for the
    guard's first. Nothing is fetched.
    """
    guard = installed_guard(app)
    before = {name: getattr(guard, name) for name in _TRUST}
    twin = CognitoGuard(
        *_with(pool, guard.pools),
        semantics=guard.semantics,
        leeway=guard.validator.leeway,
        claim_types=guard.validator.claim_types,
        max_token_length=guard.verifier.max_length,
        now=guard.now,
    )
    for name in _TRUST:
        setattr(guard, name, getattr(twin, name))
    try:
        yield pool
    finally:
        for name, value in before.items():
            setattr(guard, name, value)


def with_semantics(guard: CognitoGuard, semantics: Semantics, **settings: Any) -> CognitoGuard:
    """Return a copy of a guard in another dialect, with the same keys and clock, and other pool settings."""
    twin = copy(guard)
    pools = [replace(pool, **settings) for pool in guard.pools]
    twin.semantics = semantics
    twin.validator = ClaimsValidator(
        pools=index_by_issuer(pools),
        semantics=semantics,
        leeway=0,
        claim_types=guard.validator.claim_types,
    )
    twin.verifier = guard.verifier.with_validator(twin.validator)
    return twin


def _with(pool: FakeUserPool, pools: tuple[UserPool, ...]) -> list[UserPool]:
    stood_in = next((known for known in pools if known.id == pool.id), pools[0])
    own: dict[str, Any] = {"jwks": pool.jwks, "jwks_uri": None, "regions": ()}
    if stood_in.id != pool.id:
        own |= {"id": pool.id, "client_ids": {pool.client_id}}
    own["issuer"] = pool.user_pool().issuer
    return [replace(known, **own) if known is stood_in else known for known in pools]
