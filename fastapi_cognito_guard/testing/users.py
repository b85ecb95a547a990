"""Users who are signed in without a token, for tests of an app."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

from starlette.requests import HTTPConnection

from fastapi_cognito_guard.claims import build_principal, check_types
from fastapi_cognito_guard.dependants import asks_for_scopes
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.guard import CognitoGuard, installed_guard
from fastapi_cognito_guard.matrix.tokens import choose_client_id, choose_pool
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.principal import USER_ADMIN, Principal, TokenUse
from fastapi_cognito_guard.request_state import STATE, RequestState
from fastapi_cognito_guard.testing.signins import SignIn, check_list
from fastapi_cognito_guard.testing.trust import installed_guards
from fastapi_cognito_guard.validation import check_writable

if TYPE_CHECKING:
    from fastapi import FastAPI

_LIFETIME = 3600  # seconds


@contextmanager
def as_user(
    app: "FastAPI",
    username: str | None = "ada",
    *,
    groups: Collection[str] = (),
    scopes: Collection[str] = (USER_ADMIN,),
    email: str | None = None,
    client_id: str | None = None,
    pool_id: str | None = None,
    token_use: TokenUse | None = None,
    level: str | None = None,
    actor: str | None = None,
    claims: Mapping[str, Any] | None = None,
) -> Iterator[Principal]:
    """Make every request within the block this user's, with or without a token.

    All requirements are still checked: ``require_scope`` and others, the scopes of ``Security``, and with
    ``semantics="rest"`` the type of token that a route accepts. Tokens are not read.

    ``username``   None for a machine: a client that acts for itself
    ``email``      of ID tokens; access tokens have none
    ``client_id``  by default one of the pool's clients
    ``pool_id``    by default the guard's first pool; any pool may be in a directory
    ``token_use``  by default ``"access"``, or ``"id"`` if the guard accepts only that; with
                   ``semantics="rest"`` the type that each route requires
    ``level``      the authentication level reached (``acr``), just now
    ``actor``      the client id of a party that acts for the user (``act``)
    ``claims``     are added or replaced; a claim that is None is left out

    Raises `ConfigurationError` for an app without a guard, for a pool that the guard cannot have, and for an
    ``email`` that no token would have.
    """
    guard = installed_guard(app)
    pool = choose_pool(guard, pool_id)
    if email is not None and (token_use or _choose_token_use(guard, pool, scoped=False)) == "access":
        raise ConfigurationError(
            'An access token has no email: write token_use="id"; or, if a trigger of the pool adds the '
            'claim, claims={"email": ...}.',
            setting="email",
        )
    sign_in = _build_sign_in(
        pool,
        username,
        client_id,
        auth_time=int(guard.now()),
        groups=groups,
        scopes=scopes,
        email=email,
        level=level,
        actor=actor,
    )
    build = partial(_build_principal, guard, pool)
    access = build(sign_in.build_access_claims(), claims, is_machine=username is None)
    principals: dict[TokenUse, Principal] = {"access": access, "id": access}  # a machine has no ID token
    if username is not None:
        principals["id"] = build(sign_in.build_id_claims(), claims)

    async def identify(connection: HTTPConnection) -> Principal:
        use = token_use or _choose_token_use(guard, pool, scoped=asks_for_scopes(connection.scope))
        state = connection.scope.get(STATE)
        if isinstance(state, RequestState):  # so that decisions name the user
            state.principal = principals[use]
        return principals[use]

    with _replace_identify(installed_guards(app), identify):
        yield principals[token_use or _choose_token_use(guard, pool, scoped=False)]


def _build_sign_in(
    pool: UserPool,
    username: str | None,
    client_id: str | None,
    *,
    groups: Collection[str],
    scopes: Collection[str],
    **fields: Any,
) -> SignIn:
    if client_id is None:
        client_id = choose_client_id(pool)
    return SignIn(
        username=username or "",
        sub=client_id if username is None else str(uuid5(NAMESPACE_DNS, f"{username}.{pool.id}")),
        client_id=client_id,
        groups=check_list("groups", groups),
        scopes=check_list("scopes", scopes),
        resource=pool.resource,
        **fields,
    )


def _choose_token_use(guard: CognitoGuard, pool: UserPool, *, scoped: bool | None) -> TokenUse:
    """Return the type of token that the guard accepts at a route with or without scopes."""
    if guard.semantics == "rest":
        return "id" if scoped is False else "access"
    return "id" if pool.token_use == {"id"} else "access"


def _build_principal(
    guard: CognitoGuard,
    pool: UserPool,
    own: dict[str, Any],
    claims: Mapping[str, Any] | None,
    *,
    is_machine: bool = False,
) -> Principal:
    now = int(guard.now())
    issue = {"iss": pool.issuers[0], "iat": now, "exp": now + _LIFETIME, "jti": str(uuid4())}
    if is_machine:
        own |= {"username": None, "cognito:groups": None}
    merged = {**issue, **own, **(claims or {})}
    values = {name: value for name, value in merged.items() if value is not None}
    use: TokenUse = own["token_use"]
    check_writable(values)
    check_types(values, use)
    return build_principal(values, "token", use, guard.semantics, guard.validator.claim_types, pool=pool)


@contextmanager
def _replace_identify(guards: Collection[CognitoGuard], identify: object) -> Iterator[None]:
    """Replace ``identify`` of the guards within the block."""
    before = [(guard, vars(guard).get("identify")) for guard in guards]
    for guard in guards:
        vars(guard)["identify"] = identify
    try:
        yield
    finally:
        for guard, replacement in before:
            if replacement is None:
                del vars(guard)["identify"]
            else:  # of an outer block
                vars(guard)["identify"] = replacement
