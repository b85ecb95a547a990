"""Hostile tokens to try on an app. Each has one fault and must be refused."""

from collections.abc import Collection
from typing import Any, Protocol

from starlette.applications import Starlette

from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.matrix.tokens import choose_client_id
from fastapi_cognito_guard.middleware import find_guard
from fastapi_cognito_guard.pool import ANY_BOUND_CLIENT
from fastapi_cognito_guard.principal import USER_ADMIN
from fastapi_cognito_guard.testing.forgeries import list_forgeries
from fastapi_cognito_guard.testing.gateway.app import Gateway
from fastapi_cognito_guard.testing.pool import FakeUserPool
from fastapi_cognito_guard.testing.trust import find_replaced_pool

_MAX_SHOWN = 10
_BY_RESOURCE = ("of another resource", "of no resource")
_BY_CLIENT = ("of another app client", "of no resource")


class Client(Protocol):
    """Client of an app: httpx's, Starlette's ``TestClient`` or a `GatewayClient`."""

    def request(self, method: str, url: str, *, headers: dict[str, str]) -> Any: ...


def attack_tokens(
    pool: FakeUserPool,
    *,
    groups: Collection[str] = ("admins",),
    scopes: Collection[str] = (USER_ADMIN,),
    resource: str | None = None,
) -> dict[str, str]:
    """Return hostile tokens by their fault, for an app that trusts ``pool``.

    Most are forged access tokens of the user ada with these groups and scopes. Some are signed by the pool,
    but for another app client, another resource or another time. ``resource`` is the app's, by default that
    of ``pool``.
    """
    audience = {"aud": resource or pool.resource}
    return dict(list_forgeries(pool, pool.access_token("ada", groups=groups, scopes=scopes, claims=audience)))


def assert_rejects_attacks(
    client: Client,
    path: str,
    *,
    pool: FakeUserPool | None = None,
    method: str = "GET",
    groups: Collection[str] = ("admins",),
    scopes: Collection[str] = (USER_ADMIN,),
) -> None:
    """Fail unless ``path`` answers 401 without a token and for each of `attack_tokens`.

    ``pool`` is the pool that the app trusts. The assertion then also fails if the path answers 401 to valid
    tokens with these groups and scopes, because its refusals would prove nothing. Without ``pool``, the
    tokens have the issuer of the app's pool, if ``client`` gives access to the app, and other keys.
    """
    __tracebackhide__ = True
    guard = _find_guard(client)
    if pool is not None:
        audience = {"aud": _find_resource(guard, pool)}
        access = pool.access_token(groups=groups, scopes=scopes, claims=audience)
        valid = (access, pool.id_token(groups=groups))
        if all(_send(client, method, path, token) == 401 for token in valid):
            raise AssertionError(
                f"{method} {path} refuses valid tokens of this pool too. Does the app trust the pool? "
                "Pass the groups= and scopes= that the route requires."
            )
    attacks = _list_attacks(guard, pool or _make_impostor(guard), groups=groups, scopes=scopes)
    statuses = {
        name: _send(client, method, path, token) for name, token in {"no token": None, **attacks}.items()
    }
    wrong = [f"  {name}: {status}" for name, status in statuses.items() if status != 401]
    if wrong:
        wrong[_MAX_SHOWN:] = [f"  and {len(wrong) - _MAX_SHOWN} more"] if len(wrong) > _MAX_SHOWN else []
        raise AssertionError("\n".join([f"{method} {path} should answer 401 to these, and did not:", *wrong]))


def _list_attacks(
    guard: CognitoGuard | None, pool: FakeUserPool, *, groups: Collection[str], scopes: Collection[str]
) -> dict[str, str]:
    """List the attacks on an app, without those that are none by the rules of its guard."""
    resource = _find_resource(guard, pool)
    attacks = attack_tokens(pool, groups=groups, scopes=scopes, resource=resource)
    accepted: tuple[str, ...] = _BY_RESOURCE if resource is None else ()
    if guard is not None and guard.semantics == "http" and resource is not None:
        accepted = _BY_CLIENT  # an HTTP API compares the client only where there is no aud
    elif _find_clients(guard, pool) is ANY_BOUND_CLIENT:
        accepted = _BY_CLIENT[:1]
    return {name: token for name, token in attacks.items() if name not in accepted}


def _find_resource(guard: CognitoGuard | None, pool: FakeUserPool) -> str | None:
    """Return the resource that the app requires, as far as that can be known."""
    replaced = None if guard is None else find_replaced_pool(guard, pool)
    return pool.resource if replaced is None else replaced.resource


def _find_clients(guard: CognitoGuard | None, pool: FakeUserPool) -> object:
    """Return the app clients that the app takes, as far as that can be known."""
    replaced = None if guard is None else find_replaced_pool(guard, pool)
    return None if replaced is None else replaced.client_ids


def _find_guard(client: Client) -> CognitoGuard | None:
    """Return the guard of the client's app, if the client gives access to it."""
    app = getattr(client, "app", None)
    app = app.app if isinstance(app, Gateway) else app
    guard = find_guard(app) if isinstance(app, Starlette) else None
    return guard if isinstance(guard, CognitoGuard) else None


def _make_impostor(guard: CognitoGuard | None) -> FakeUserPool:
    """Make a pool with the id and issuer of the guard's pool, and other keys."""
    if guard is None or not guard.pools:
        return FakeUserPool()
    pool = guard.pools[0]
    return FakeUserPool(pool.id, client_id=choose_client_id(pool), issuer=pool.issuers[0])


def _send(client: Client, method: str, path: str, token: str | None) -> int:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    status: int = client.request(method, path, headers=headers).status_code
    return status
