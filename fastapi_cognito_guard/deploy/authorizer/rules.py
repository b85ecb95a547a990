"""Rules of a Lambda authorizer: decide by the caller, by the app's routes, or by the one request."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from fastapi_cognito_guard.claims import check_token_use_as_rest
from fastapi_cognito_guard.deploy.authorizer.event import MAX_ARN_LENGTH, AuthorizerEvent, AuthorizerRequest
from fastapi_cognito_guard.deploy.authorizer.policy import (
    Policy,
    allow_operations,
    allow_resource,
    check_operations,
)
from fastapi_cognito_guard.deploy.operations import Access, GatewayRoutes, Operation
from fastapi_cognito_guard.deploy.paths import format_path
from fastapi_cognito_guard.errors import AuthError, ConfigurationError, Forbidden
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.policy import takes_scopes
from fastapi_cognito_guard.principal import Principal

if TYPE_CHECKING:
    from fastapi import FastAPI

Allow = Callable[[Principal, AuthorizerRequest], bool]

_MAX_ESCAPES = 4  # an escape of an escape, and so on
_VARIABLE = re.compile(r"{[^{}]*?(\+?)}")


class AuthorizerRules(Protocol):
    """Rules for a caller whose token has been verified."""

    def build_policy(self, event: AuthorizerEvent, principal: Principal, *, simple: bool) -> Policy:
        """Return the policy of this caller; any value if the response is simple.

        Raises `Forbidden` if the caller may do nothing.
        """
        ...

    def find_denied_resource(self, event: AuthorizerEvent) -> str:
        """Return the resource to deny to a caller who is refused."""
        ...


class CallerRules:
    """Allow the whole API to every known caller. The app checks what its routes require."""

    def build_policy(self, event: AuthorizerEvent, principal: Principal, *, simple: bool) -> Policy:
        """Return a policy for the whole stage."""
        return allow_resource(self.find_denied_resource(event))

    def find_denied_resource(self, event: AuthorizerEvent) -> str:
        """Return the whole stage."""
        return f"{event.stage_arn}/*"


class RouteRules:
    """Allow the routes of the app that the caller may use, and no others. The response fits any request."""

    def __init__(self, guard: CognitoGuard, app: "FastAPI", allow: Allow | None, *, simple: bool) -> None:
        self._guard = guard
        self._allow = allow
        self._operations = GatewayRoutes(app, guard, tree=False).list_operations()
        self._by_route_key = {_drop_variable_names(str(each)): each for each in self._operations}
        if not simple:
            check_operations(self._operations, self._implies)

    def build_policy(self, event: AuthorizerEvent, principal: Principal, *, simple: bool) -> Policy:
        """Check each operation and return the policy. If simple, check the one that was called."""
        if event.is_websocket:
            raise ConfigurationError(
                "The handshake of a WebSocket API is not a route of the app: write "
                "lambda_authorizer(guard) for it, without app."
            )
        if simple:
            self._check_operation(self._find_called_operation(event), principal)
            return {}
        may_use = {each: self._is_allowed(each, principal) for each in self._operations}
        return allow_operations(
            event.stage_arn,
            allowed=[each for each in self._operations if may_use[each]],
            denied=[each for each in self._operations if not may_use[each]],
            deny_escapes=self._allow is not None,
        )

    def find_denied_resource(self, event: AuthorizerEvent) -> str:
        """Return the whole stage."""
        return f"{event.stage_arn}/*"

    def _find_called_operation(self, event: AuthorizerEvent) -> Operation:
        _check_route_key(event)
        operation = self._by_route_key.get(_drop_variable_names(event.route_key or ""))
        if operation is None:
            raise ConfigurationError(
                f"The API's route {event.route_key!r} is not a route of the app: give the API the app's "
                "routes (export writes them), or let policies decide: simple=False."
            )
        return operation

    def _is_allowed(self, operation: Operation, principal: Principal) -> bool:
        try:
            self._check_operation(operation, principal)
        except AuthError:
            return False
        return True

    def _check_operation(self, operation: Operation, principal: Principal) -> None:
        _check_access(self._guard, operation.access, principal)
        if operation.access.identity:
            request = AuthorizerRequest(method=operation.method, path=format_path(operation.path))
            _check_allow(self._allow, principal, request)

    def _implies(self, one: Operation, other: Operation) -> bool:
        """Return True if every caller who may use ``one`` may use ``other``."""
        has, needs = one.access, other.access
        if has.iam or not (needs.identity or needs.optional or needs.iam):
            return True  # no caller with a token may use the one, or every caller may use the other
        if self._allow is not None or not (has.identity or has.optional):
            return False
        return not needs.iam and self._takes_tokens_of(has, needs) and has.decidable >= needs.decidable

    def _takes_tokens_of(self, has: Access, needs: Access) -> bool:
        """Return True if ``needs`` takes each type of token that ``has`` takes."""
        takes = takes_scopes(needs.requirements)
        return self._guard.semantics != "rest" or takes in (None, takes_scopes(has.requirements))


class RequestRules:
    """Decide on this request alone, for authorizers whose responses are not cached."""

    def __init__(self, guard: CognitoGuard, app: "FastAPI | None", allow: Allow | None) -> None:
        self._guard = guard
        self._routes = None if app is None else GatewayRoutes(app, guard, tree=False)
        self._allow = allow

    def build_policy(self, event: AuthorizerEvent, principal: Principal, *, simple: bool) -> Policy:
        """Return a policy for the one resource that was called."""
        if simple:
            _check_route_key(event)
        request = event.request
        # The app gets the path without escapes, so all forms have to be allowed.
        for path in _list_spellings(event.path):
            self._check_route(event.method, path, principal)
            _check_allow(self._allow, principal, replace(request, path=path))
        if len(event.method_arn) > MAX_ARN_LENGTH or any(wildcard in event.path for wildcard in "*?"):
            raise Forbidden("the path cannot be a resource of a policy: it is too long, or contains * or ?.")
        return allow_resource(event.method_arn)

    def find_denied_resource(self, event: AuthorizerEvent) -> str:
        """Return the resource that was called, or the whole stage if a policy cannot name it."""
        return event.method_arn if len(event.method_arn) <= MAX_ARN_LENGTH else f"{event.stage_arn}/*"

    def _check_route(self, method: str, path: str, principal: Principal) -> None:
        if self._routes is None:
            return
        access = self._routes.find_access(method, path)
        if access is None:
            raise Forbidden("no route of the app takes this request.")
        _check_access(self._guard, access, principal)


def _check_access(guard: CognitoGuard, access: Access, principal: Principal) -> None:
    if access.iam:
        raise Forbidden(
            "the route requires an IAM caller: set the authorization of this route at the gateway to AWS_IAM."
        )
    if access.identity or access.optional:  # an optional token was given: it must do
        if guard.semantics == "rest":
            check_token_use_as_rest(principal, scoped=takes_scopes(access.requirements))
        for requirement in access.decidable:
            requirement.check(principal, now=guard.now)


def _check_allow(allow: Allow | None, principal: Principal, request: AuthorizerRequest) -> None:
    allowed: Any = True if allow is None else allow(principal, request)
    # Not by truth value: a coroutine, or any text, would be true.
    if allowed is not True and allowed is not False:
        raise ConfigurationError(f"allow must return True or False, and not {type(allowed).__name__}.")
    if allowed is False:
        raise Forbidden("allow returned False.")


def _check_route_key(event: AuthorizerEvent) -> None:
    if event.route_key is None or event.route_key not in event.identity_sources:
        raise ConfigurationError(
            "A simple response is reused for all routes of the API: add $context.routeKey to the "
            "authorizer's identity sources, or let policies decide: simple=False."
        )
    if event.is_sent(event.route_key):
        raise Forbidden(
            "the client itself sent the text of the route key, which may be an identity source without it."
        )


def _list_spellings(path: str) -> list[str]:
    """Return the path as it is, and each form that decoding its escapes gives, until there are none."""
    spellings = [path]
    while (decoded := unquote(spellings[-1])) != spellings[-1]:
        if len(spellings) > _MAX_ESCAPES:
            raise Forbidden("the path has escapes of escapes of escapes.")
        spellings.append(decoded)
    return spellings


def _drop_variable_names(route_key: str) -> str:
    return _VARIABLE.sub(r"{\1}", route_key)
