"""Authorizers of API Gateway, each with its own rules and refusals."""

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
_DENIED = Refusal(status=403, body={"message": "Forbidden"})


@dataclass(frozen=True)
class PlayedAuthorizer:
    """Authorizer of an API in front of the app that has ``guard``.

    ``own``      the guard that verifies tokens by the authorizer's rules
    ``check``    checks the principal's access to a route
    ``refusal``  renders the gateway's response
    """

    guard: CognitoGuard
    own: CognitoGuard
    check: Callable[[CognitoGuard, Principal, RouteInfo], None]
    refusal: Callable[[AuthError], Refusal]

    def is_attached(self, route: RouteInfo) -> bool:
        """Return True if the route has an authorizer. A route with an optional token has none."""
        closed = self.guard.deny_by_default and not is_public(route.path_format, self.guard.public)
        return closed or (route.guarded and not route.optional)

    async def find_token(self, headers: Iterable[tuple[bytes, bytes]], route: RouteInfo) -> str:
        """Return the token of a request that may pass. Raises an `AuthError`."""
        token = parse_token(headers, self.guard.header)
        self.check(self.guard, await self.own.verify(token), route)
        return token


class AuthorizerKind(NamedTuple):
    """Kind of authorizer, and the dialect of its API."""

    dialect: Dialect
    build: Callable[[CognitoGuard], PlayedAuthorizer]


def _cognito(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build REST COGNITO_USER_POOLS: it checks no client, and scopes decide the type of token."""
    own = with_semantics(guard, "rest", client_ids=ANY_CLIENT, resource=None)
    return PlayedAuthorizer(guard, own, _check_as_rest, lambda error: render(error, "rest"))


def _rest_jwt(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build REST JWT: it checks tokens as an HTTP API does. Its refusals are unknown, and REST's here."""
    return PlayedAuthorizer(
        guard, with_semantics(guard, "http"), _check_scopes, lambda error: render(error, "rest")
    )


def _http(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build HTTP API JWT."""
    return PlayedAuthorizer(
        guard, with_semantics(guard, "http"), _check_scopes, lambda error: render(error, "http")
    )


def _rest_lambda(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build a Lambda authorizer of a REST API that identifies the caller with the guard."""
    return PlayedAuthorizer(guard, guard, _check_nothing, lambda error: _UNAUTHORIZED)


def _http_lambda(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build a Lambda authorizer of an HTTP API. Without a token, it is not invoked: 401 instead of 403."""
    return PlayedAuthorizer(guard, guard, _check_nothing, _http_lambda_refusal)


def _http_lambda_refusal(error: AuthError) -> Refusal:
    return Refusal(status=401, body=_UNAUTHORIZED.body) if isinstance(error, TokenMissing) else _DENIED


def _check_as_rest(guard: CognitoGuard, principal: Principal, route: RouteInfo) -> None:
    """Check as REST does. If the app accepts access tokens, routes without scopes have a catch-all list."""
    takes_access = guard.semantics != "rest" and any("access" in pool.token_use for pool in guard.pools)
    check_token_use_as_rest(principal, scoped=bool(route.scopes) or takes_access)
    _check_scopes(guard, principal, route)


def _check_scopes(guard: CognitoGuard, principal: Principal, route: RouteInfo) -> None:
    """Check the first requirement on scopes: a gateway has one list for a route."""
    for requirement in route.requirements_of_kind("scope")[:1]:
        requirement.check(principal)


def _check_nothing(guard: CognitoGuard, principal: Principal, route: RouteInfo) -> None:
    """Leave all checks to the app."""


AUTHORIZERS: Mapping[Flavour, AuthorizerKind] = {
    "rest": AuthorizerKind("rest", _cognito),
    "rest-jwt": AuthorizerKind("rest", _rest_jwt),
    "http": AuthorizerKind("http", _http),
    "http-1.0": AuthorizerKind("http", _http),
    "lambda": AuthorizerKind("rest", _rest_lambda),
    "lambda-2.0": AuthorizerKind("http", _http_lambda),
}
