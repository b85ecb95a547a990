"""What an authorizer of API Gateway decides about a request: by its own rules, in its own words."""

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
from fastapi_cognito_guard.testing.trust import speaking

Dialect = Literal["rest", "http"]

_UNAUTHORIZED = Refusal(
    status=401, body={"message": "Unauthorized"}, headers={"x-amzn-ErrorType": "UnauthorizedException"}
)
_DENIED = Refusal(status=403, body={"message": "Forbidden"})


@dataclass(frozen=True)
class Deciding:
    """The authorizer of an API in front of ``guard``'s app.

    ``own``    the guard by whose rules it judges tokens
    ``check``  what it asks besides, of a caller at a route
    """

    guard: CognitoGuard
    own: CognitoGuard
    check: Callable[[CognitoGuard, Principal, RouteInfo], None]
    refusal: Callable[[AuthError], Refusal]

    def guards(self, demand: RouteInfo) -> bool:
        """Whether the route has an authorizer. There is none that takes requests without a token, too."""
        closed = self.guard.deny_by_default and not is_public(demand.path_format, self.guard.public)
        return closed or (demand.guarded and not demand.optional)

    async def token(self, headers: Iterable[tuple[bytes, bytes]], demand: RouteInfo) -> str:
        """The request's token, once it may pass. Raises an `AuthError`."""
        token = parse_token(headers, self.guard.header)
        self.check(self.guard, await self.own.verify(token), demand)
        return token


class Authorizer(NamedTuple):
    """A kind of authorizer, and the dialect of its API."""

    dialect: Dialect
    over: Callable[[CognitoGuard], Deciding]


def _cognito(guard: CognitoGuard) -> Deciding:
    """REST COGNITO_USER_POOLS: it looks at no client, and scopes say which token a route takes."""
    own = speaking(guard, "rest", client_ids=ANY_CLIENT, resource=None)
    return Deciding(guard, own, _check_as_rest, lambda error: render(error, "rest"))


def _rest_jwt(guard: CognitoGuard) -> Deciding:
    """REST JWT: it reads tokens as an HTTP API does. Its refusals are not known; here they are REST's."""
    return Deciding(guard, speaking(guard, "http"), _check_scopes, lambda error: render(error, "rest"))


def _http(guard: CognitoGuard) -> Deciding:
    """HTTP API JWT."""
    return Deciding(guard, speaking(guard, "http"), _check_scopes, lambda error: render(error, "http"))


def _rest_lambda(guard: CognitoGuard) -> Deciding:
    """REST API, a Lambda function that has the guard: it says who is calling, and no more."""
    return Deciding(guard, guard, _check_nothing, lambda error: _UNAUTHORIZED)


def _http_lambda(guard: CognitoGuard) -> Deciding:
    """HTTP API, the same. Only without a token the answer is 401: then the function is not asked."""
    return Deciding(guard, guard, _check_nothing, _http_lambda_refusal)


def _http_lambda_refusal(error: AuthError) -> Refusal:
    return Refusal(status=401, body=_UNAUTHORIZED.body) if isinstance(error, TokenMissing) else _DENIED


def _check_as_rest(guard: CognitoGuard, principal: Principal, demand: RouteInfo) -> None:
    """An app that takes access tokens on all routes gives those without scopes a list that has them all."""
    takes_access = guard.semantics != "rest" and any("access" in pool.token_use for pool in guard.pools)
    check_token_use_as_rest(principal, scoped=bool(demand.scopes) or takes_access)
    _check_scopes(guard, principal, demand)


def _check_scopes(guard: CognitoGuard, principal: Principal, demand: RouteInfo) -> None:
    """Any one of a list. Of several requirements, a gateway can only be told one."""
    for requirement in demand.requirements_of_kind("scope")[:1]:
        requirement.check(principal)


def _check_nothing(guard: CognitoGuard, principal: Principal, demand: RouteInfo) -> None:
    """Left to the app."""


AUTHORIZERS: Mapping[Flavour, Authorizer] = {
    "rest": Authorizer("rest", _cognito),
    "rest-jwt": Authorizer("rest", _rest_jwt),
    "http": Authorizer("http", _http),
    "http-1.0": Authorizer("http", _http),
    "lambda": Authorizer("rest", _rest_lambda),
    "lambda-2.0": Authorizer("http", _http_lambda),
}
