"""Authorizers of API Gateway as the kit plays them: their rules for tokens, and their refusals."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from fastapi_cognito_guard.app.routes import RouteInfo
from fastapi_cognito_guard.credentials import parse_token
from fastapi_cognito_guard.errors import AuthError, TokenMissing
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.matrix.doors import (
    CheckRoute,
    check_as_rest,
    check_nothing,
    check_scopes,
    is_attached,
)
from fastapi_cognito_guard.pool import ANY_CLIENT
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
    check: CheckRoute
    refusal: Callable[[AuthError], Refusal]

    def is_attached(self, route: RouteInfo) -> bool:
        """Return True if the route has an authorizer. A route with an optional token has none."""
        return is_attached(self.guard, route)

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
    return PlayedAuthorizer(guard, own, check_as_rest, lambda error: render(error, "rest"))


def _build_rest_jwt(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build REST JWT. It checks tokens as an HTTP API does. Its refusals are assumed to be REST's."""
    return PlayedAuthorizer(
        guard, with_semantics(guard, "http"), check_scopes, lambda error: render(error, "rest")
    )


def _build_http_jwt(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build HTTP API JWT."""
    return PlayedAuthorizer(
        guard, with_semantics(guard, "http"), check_scopes, lambda error: render(error, "http")
    )


def _build_rest_lambda(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build a Lambda authorizer of a REST API, whose function verifies tokens with the app's guard."""
    return PlayedAuthorizer(guard, guard, check_nothing, lambda error: _UNAUTHORIZED)


def _build_http_lambda(guard: CognitoGuard) -> PlayedAuthorizer:
    """Build a Lambda authorizer of an HTTP API, whose function verifies tokens with the app's guard."""
    return PlayedAuthorizer(guard, guard, check_nothing, _render_http_lambda_refusal)


def _render_http_lambda_refusal(error: AuthError) -> Refusal:
    # Without the identity source, the gateway answers by itself and does not invoke the function.
    return Refusal(status=401, body=_UNAUTHORIZED.body) if isinstance(error, TokenMissing) else _FORBIDDEN


AUTHORIZERS: Mapping[Flavour, AuthorizerKind] = {
    "rest": AuthorizerKind("rest", _build_cognito),
    "rest-jwt": AuthorizerKind("rest", _build_rest_jwt),
    "http": AuthorizerKind("http", _build_http_jwt),
    "http-1.0": AuthorizerKind("http", _build_http_jwt),
    "lambda": AuthorizerKind("rest", _build_rest_lambda),
    "lambda-2.0": AuthorizerKind("http", _build_http_lambda),
}
