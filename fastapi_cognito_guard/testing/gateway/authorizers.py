"""Authorizers of API Gateway as the kit plays them: their rules for tokens, and their refusals."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from fastapi_cognito_guard.app.routes import RouteInfo
from fastapi_cognito_guard.claims import check_token_use_as_rest
from fastapi_cognito_guard.credentials import parse_token
from fastapi_cognito_guard.errors import AuthError, TokenMissing
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.middleware import is_public
from fastapi_cognito_guard.pool import ANY_CLIENT
from fastapi_cognito_guard.principal import Principal
from fastapi_cognito_guard.responses import Refusal, render
from fastapi_cognito_guard.testing.gateway.events import Flavour
from fastapi_cognito_guard.testing.trust import with_semantics

Dialect = Literal["rest", "http"]

_UNAUTHORIZED = Refusal(
    status=401, body={"message": "Unauthorized"}, headers={"x-amzn-ErrorType": "UnauthorizedException"}
)
_FORBIDDEN = Refusal(status=403, body={"message": "Forbidden"})


@dataclass(frozen=True)
class PlayedAuthorizer:
    """Authorizer of an API in front of an app.

    ``guard``    the app's guard
    ``own``      a guard that verifies tokens by the authorizer's rules
    ``check``    checks whether a principal may call a route
    ``refusal``  renders the authorizer's response to an error
    """

    guard: CognitoGuard
    own: CognitoGuard
    check: Callable[[CognitoGuard, Principal, RouteInfo], None]
    refusal: Callable[[AuthError], Refusal]

    def is_attached(self, route: RouteInfo) -> bool:
        """Return True if the route has an authorizer. A route with an optional token has none."""
        closed = self.guard.deny_by_default and not is_public(route.path_format, self.guard.public)
        return closed or (route.guarded and not route.optional)

    async def authorize(self, headers: Iterable[tuple[bytes, bytes]], route: RouteInfo) -> str:
        """Verify the token of a request, check it against the route and return it. Raises an `AuthError`."""
        token = parse_token(headers, self.guard.header)
        self.check(self.guard, await self.own.verify(token), route)
        return token


class AuthorizerKind(NamedTuple):
    """Kind of authorizer, and the dialect of its API."""

    dialect: Dialect
    build: Callable[[CognitoGuard], PlayedAuthorizer]


def _build_cognito(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build REST COGNITO_USER_POOLS. It checks no client; scopes of the route decide the type of token."""
    own = with_semantics(guard, "rest", client_ids=ANY_CLIENT, resource=None)
    return PlayedAuthorizer(guard, own, _check_as_rest, lambda error: render(error, "rest"))


def _build_rest_jwt(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build REST JWT. It checks tokens as an HTTP API does. Its refusals are assumed to be REST's."""
    return PlayedAuthorizer(
        guard, with_semantics(guard, "http"), _check_scopes, lambda error: render(error, "rest")
    )


def _build_http_jwt(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build HTTP API JWT."""
    return PlayedAuthorizer(
        guard, with_semantics(guard, "http"), _check_scopes, lambda error: render(error, "http")
    )


def _build_rest_lambda(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build a Lambda authorizer of a REST API, whose function verifies tokens with the app's guard."""
    return PlayedAuthorizer(guard, guard, _check_nothing, lambda error: _UNAUTHORIZED)


def _build_http_lambda(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build a Lambda authorizer of an HTTP API, whose function verifies tokens with the app's guard."""
    return PlayedAuthorizer(guard, guard, _check_nothing, _render_http_lambda_refusal)


def _render_http_lambda_refusal(error: AuthError) -> Refusal:
    # Without the identity source, the gateway answers by itself and does not invoke the function.
    return Refusal(status=401, body=_UNAUTHORIZED.body) if isinstance(error, TokenMissing) else _FORBIDDEN


def _check_as_rest(guard: CognitoGuard, principal: Principal, route: RouteInfo) -> None:
    """Check the type of token, then scopes."""
    # Where the app accepts access tokens without a scope, its export lists scopes that all of them have.
    takes_access = guard.semantics != "rest" and (
        guard.directory is not None or any("access" in pool.token_use for pool in guard.pools)
    )
    check_token_use_as_rest(principal, scoped=bool(route.scopes) or takes_access)
    _check_scopes(guard, principal, route)


def _check_scopes(guard: CognitoGuard, principal: Principal, route: RouteInfo) -> None:
    """Check the first requirement of scopes: a gateway has one list of alternatives for each route."""
    for requirement in route.requirements_of_kind("scope")[:1]:
        requirement.check(principal)


def _check_nothing(guard: CognitoGuard, principal: Principal, route: RouteInfo) -> None:
    """Leave all checks to the app."""


AUTHORIZERS: Mapping[Flavour, AuthorizerKind] = {
    "rest": AuthorizerKind("rest", _build_cognito),
    "rest-jwt": AuthorizerKind("rest", _build_rest_jwt),
    "http": AuthorizerKind("http", _build_http_jwt),
    "http-1.0": AuthorizerKind("http", _build_http_jwt),
    "lambda": AuthorizerKind("rest", _build_rest_lambda),
    "lambda-2.0": AuthorizerKind("http", _build_http_lambda),
}
