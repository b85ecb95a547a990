"""Rules of a gateway's authorizer, which decides before the app, and the routes that have one.

Both the computed matrix and the played gateways of the test kit read them here.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fastapi_cognito_guard.app.routes import RouteInfo
from fastapi_cognito_guard.claims import ClaimsValidator, Semantics, check_token_use_as_rest
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.middleware import is_public
from fastapi_cognito_guard.pool import index_by_issuer
from fastapi_cognito_guard.principal import Principal

CheckRoute = Callable[[CognitoGuard, Principal, RouteInfo], None]


def is_attached(guard: CognitoGuard, route: RouteInfo) -> bool:
    """Return True if the route has an authorizer. A route with an optional token has none."""
    closed = guard.deny_by_default and not is_public(route.path_format, guard.public)
    return closed or (route.guarded and not route.optional)


def check_as_rest(guard: CognitoGuard, principal: Principal, route: RouteInfo) -> None:
    """Check the type of token, then scopes, as the authorizer for user pools. Raises an `AuthError`."""
    # Where the app accepts access tokens without a scope, its export lists scopes that all of them have.
    takes_access = guard.semantics != "rest" and (
        guard.directory is not None or any("access" in pool.token_use for pool in guard.pools)
    )
    check_token_use_as_rest(principal, scoped=bool(route.scopes) or takes_access)
    check_scopes(guard, principal, route)


def check_scopes(guard: CognitoGuard, principal: Principal, route: RouteInfo) -> None:
    """Check the first requirement of scopes: a gateway has one list of alternatives for each route."""
    for requirement in route.requirements_of_kind("scope")[:1]:
        requirement.check(principal)


def check_nothing(guard: CognitoGuard, principal: Principal, route: RouteInfo) -> None:
    """Leave all checks to the app."""


def build_authorizers_validator(
    guard: CognitoGuard, semantics: Semantics, **settings: Any
) -> ClaimsValidator:
    """Return the rules for claims of a gateway's authorizer: another dialect, and other pool settings."""
    pools = [replace(pool, **settings) for pool in guard.pools]
    return ClaimsValidator(
        pools=index_by_issuer(pools),
        semantics=semantics,
        leeway=0,
        claim_types=guard.validator.claim_types,
    )
