"""The tokens of a caller: their claims, as a pool writes them."""

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from fastapi_cognito_guard.claims import Claims
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.matrix.callers import Caller
from fastapi_cognito_guard.pool import ANY_CLIENT, AnyClient, UserPool
from fastapi_cognito_guard.principal import TokenUse

_LIFETIME = 3600  # seconds
_TENANT = "us-east-1_Example"  # the pool of a caller where only a directory knows which pools there are


def choose_pool(guard: CognitoGuard, pool_id: str | None) -> UserPool:
    """Return the pool with this id, or the first. Raises `ConfigurationError` if the guard cannot have it."""
    pools = {pool.id: pool for pool in guard.pools}
    if guard.directory is not None and (pool_id is not None or not pools):
        pool_id = pool_id or _TENANT
        return pools.get(pool_id) or UserPool(pool_id, client_ids=ANY_CLIENT)
    if pool_id is not None and pool_id not in pools:
        raise ConfigurationError(
            f"The guard has no pool {pool_id}: write one of {', '.join(pools)}.", setting="pool_id"
        )
    return guard.pools[0] if pool_id is None else pools[pool_id]


def choose_client_id(pool: UserPool) -> str:
    """Return an app client whose tokens a guard with this pool takes."""
    return "any-client" if isinstance(pool.client_ids, AnyClient) else min(pool.client_ids)


def build_claims(caller: Caller, pool: UserPool, *, now: float) -> list[Claims]:
    """Return the claims of the tokens that a caller may send: none, an access token, an ID token, or both."""
    if caller.kind in ("nobody", "iam"):
        return []
    uses: list[TokenUse] = ["access"] if caller.kind == "machine" else ["access", "id"]
    return [_build_claims(caller, pool, use, int(now)) for use in uses if caller.token_use in (None, use)]


def _build_claims(caller: Caller, pool: UserPool, use: TokenUse, now: int) -> Claims:
    client = choose_client_id(pool)
    name = caller.name
    sub = client if caller.kind == "machine" else str(uuid5(NAMESPACE_DNS, f"{name}.{pool.id}"))
    claims: dict[str, Any] = {
        "iss": pool.issuers[0],
        "sub": sub,
        "token_use": use,
        "iat": now,
        "exp": now + _LIFETIME,
        "auth_time": now - caller.age,
        "jti": str(uuid5(NAMESPACE_DNS, f"{use}.{name}.{pool.id}")),
        "cognito:groups": list(caller.groups) or None,
        "acr": caller.level,
        "act": None if caller.actor is None else {"sub": caller.actor},
        **(_list_access_claims(caller, pool, client) if use == "access" else _list_id_claims(name, client)),
        **caller.claims,
    }
    return Claims({name: value for name, value in claims.items() if value is not None})


def _list_access_claims(caller: Caller, pool: UserPool, client: str) -> dict[str, Any]:
    return {
        "version": 2,
        "client_id": client,
        "aud": pool.resource,
        "scope": " ".join(caller.token_scopes),
        "username": None if caller.kind == "machine" else caller.name,
    }


def _list_id_claims(name: str, client: str) -> dict[str, Any]:
    return {"aud": client, "cognito:username": name, "email": "caller@example.com", "email_verified": True}
