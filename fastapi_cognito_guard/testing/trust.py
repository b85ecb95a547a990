"""Guards of an app under test: their trust in fake pools, and copies of them in other dialects."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fastapi_cognito_guard.app.routes import list_mounted_apps
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard
from fastapi_cognito_guard.matrix.doors import build_authorizers_validator
from fastapi_cognito_guard.middleware import find_guard
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.testing.pool import FakeUserPool

if TYPE_CHECKING:
    from fastapi import FastAPI

_TRUST = ("pools", "validator", "verifier")


def installed_guards(app: "FastAPI") -> set[CognitoGuard]:
    """Return the guards of an app and its mounted apps. Raises `ConfigurationError` if it has none."""
    mounted = (find_guard(inner) for _, inner in list_mounted_apps(app))
    found = {installed_guard(app), *(guard for guard in mounted if isinstance(guard, CognitoGuard))}
    return found.union(*(guard.bound for guard in found))


@contextmanager
def trusting(app: "FastAPI", pool: FakeUserPool) -> Iterator[FakeUserPool]:
    """Make the app's guard accept the tokens of ``pool`` within the block. Its other settings stay.

    If the guard requires a ``resource``, the tokens that ``pool`` issues within the block name it in ``aud``.

    If the guard has a pool with the id of ``pool``, as with ``FakeUserPool("eu-west-1_Abc123Xyz",
    client_id="4b1example")``, only that pool's keys and issuer are replaced. Otherwise ``pool`` replaces the
    guard's first pool. Beside a directory of pools it replaces none. Nothing is fetched. The same goes for
    the guards of further resources (``guard.for_resource``).
    """
    guard = installed_guard(app)
    guards, own_resource = (guard, *guard.bound), pool.resource
    before = [{name: getattr(each, name) for name in _TRUST} for each in guards]
    replaced = find_replaced_pool(guard, pool)
    pool.resource = (replaced and replaced.resource) or own_resource
    for each in guards:
        twin = _build_twin(each, pool)
        vars(each).update({name: getattr(twin, name) for name in _TRUST})
    try:
        yield pool
    finally:
        pool.resource = own_resource
        for each, values in zip(guards, before, strict=True):
            vars(each).update(values)


def with_semantics(guard: CognitoGuard, semantics: Semantics, **settings: Any) -> CognitoGuard:
    """Return a copy of a guard in another dialect, with the same keys and clock, and other pool settings.

    It plays a gateway's authorizer, and does not ask if a token was revoked.
    """
    twin = copy(guard)
    twin.semantics = semantics
    twin.validator = build_authorizers_validator(guard, semantics, **settings)
    twin.verifier = guard.verifier.with_validator(twin.validator, **settings)
    twin.revocation = None  # no gateway asks
    return twin


def find_replaced_pool(guard: CognitoGuard, fake: FakeUserPool) -> UserPool | None:
    """Return the pool of a guard in whose place ``fake`` stands: the one with its id, or the first.

    Beside a directory, which has any number of pools, it stands in no other's place.
    """
    first = guard.pools[0] if guard.directory is None else None
    return next((pool for pool in guard.pools if pool.id == fake.id), first)


def _build_twin(guard: CognitoGuard, pool: FakeUserPool) -> CognitoGuard:
    """Build a guard with the same rules that trusts ``pool``."""
    return CognitoGuard(
        *_replace_pool(guard.pools, find_replaced_pool(guard, pool), pool),
        pools=guard.directory,
        semantics=guard.semantics,
        leeway=guard.validator.leeway,
        claim_types=guard.validator.claim_types,
        max_token_length=guard.verifier.max_length,
        now=guard.now,
    )


def _replace_pool(
    pools: tuple[UserPool, ...], replaced: UserPool | None, fake: FakeUserPool
) -> list[UserPool]:
    if replaced is None:
        return [*pools, fake.user_pool()]
    settings: dict[str, Any] = {
        "issuer": fake.user_pool().issuer,
        "jwks": fake.jwks,
        "jwks_uri": None,
        "regions": (),
    }
    if replaced.id != fake.id:
        settings |= {"id": fake.id, "client_ids": {fake.client_id}}
    return [replace(pool, **settings) if pool is replaced else pool for pool in pools]
