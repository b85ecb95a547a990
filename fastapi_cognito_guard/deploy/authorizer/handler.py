"""The guard as a Lambda authorizer: the same verifier and the same requirements, in front of any gateway."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from weakref import finalize

from starlette.types import Scope

from fastapi_cognito_guard.credentials import find_token
from fastapi_cognito_guard.deploy.authorizer.event import AuthorizerEvent, parse_event
from fastapi_cognito_guard.deploy.authorizer.policy import deny_resource
from fastapi_cognito_guard.deploy.authorizer.rules import (
    Allow,
    AuthorizerRules,
    CallerRules,
    RequestRules,
    RouteRules,
)
from fastapi_cognito_guard.errors import AuthError, ConfigurationError, Forbidden, Unauthenticated
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.principal import Principal, copy_all_claims
from fastapi_cognito_guard.request_state import RequestState
from fastapi_cognito_guard.settings import check_sync

if TYPE_CHECKING:
    from fastapi import FastAPI

Response = dict[str, Any]

CLAIMS_KEY = "cognito_claims"
"""Name of the claims in the context of a `lambda_authorizer`. AWS reserves ``claims``."""

_PATIENCE = 0.1  # seconds to wait for a refresh of stale keys, as behind `lambda_handler`
_MAX_WEBSOCKET_BYTES = 8192


class Unauthorized(Exception):
    """Error with the one text that a REST API answers with 401."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def lambda_authorizer(
    guard: CognitoGuard,
    *,
    app: "FastAPI | None" = None,
    allow: Allow | None = None,
    cached: bool = True,
    simple: bool = False,
) -> Callable[[dict[str, Any], Any], Response]:
    """Return the handler of a Lambda authorizer: REST TOKEN and REQUEST, HTTP payload 1.0 and 2.0, WebSocket.

    ``app``     check the scopes, groups and claims that its routes require; without it, every caller with a
                valid token may call the whole API
    ``allow``   a further check: ``allow(principal, request)`` returns True, or False for a caller who may
                not. See `AuthorizerRequest` for its argument. It does not run again behind the gateway
    ``cached``  True if the gateway caches responses (by default for 300 s) and reuses each for the whole
                API. The policy then names all routes of ``app`` that the caller may use. With False it is
                for one request, and the authorizer's TTL must be 0
    ``simple``  respond ``{"isAuthorized": ...}``, for HTTP APIs with simple responses. If routes decide,
                ``$context.routeKey`` must be among the identity sources

    A missing or bad token is 401 at a REST API and 403 at an HTTP API; a caller who may not is 403. If there
    is no decision (keys unavailable, a wrong setting) the handler raises, which makes 500.

    The guard's ``revoked`` is asked too. A gateway that caches responses goes on to accept a token that is
    revoked later, for as long as its TTL; a guard with ``revoked`` in the function behind refuses it.

    The context of its responses is for ``CognitoGuard(lambda_context=lambda_claims)`` in the function behind.

    Raises `ConfigurationError` for settings that contradict each other, and for routes that no policy can
    distinguish.
    """
    check_sync("allow", allow)
    if app is None and allow is not None and cached:
        raise ConfigurationError(
            "allow decides by route, and a cached response is reused for all routes: give app=, and allow "
            "runs for each of its routes; or write cached=False, and give the authorizer a TTL of 0.",
            setting="cached",
        )
    if app is None and allow is None:
        return _Handler(guard, CallerRules(), simple=simple, cached=cached)
    if cached and app is not None:
        return _Handler(guard, RouteRules(guard, app, allow, simple=simple), simple=simple, cached=True)
    return _Handler(guard, RequestRules(guard, app, allow), simple=simple, cached=False)


def lambda_claims(context: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the claims in a context that `lambda_authorizer` has written; None for any other context.

    For ``CognitoGuard(lambda_context=lambda_claims)``. Raises `ValueError` for claims that cannot be read.
    """
    if CLAIMS_KEY not in context:
        return None
    claims = json.loads(context[CLAIMS_KEY])
    if not isinstance(claims, dict):
        raise ValueError("claims are a JSON object")
    return claims


class _Handler:
    """Handler with one event loop for all invocations, since the guard's fetches outlive each of them."""

    def __init__(self, guard: CognitoGuard, rules: AuthorizerRules, *, simple: bool, cached: bool) -> None:
        self._cached = cached
        self._guard = guard
        self._rules = rules
        self._simple = simple
        self._loop = asyncio.new_event_loop()
        finalize(self, self._loop.close)

    def __call__(self, event: dict[str, Any], context: Any) -> Response:
        parsed = parse_event(event, self._guard.header)
        self._check_settings(parsed)
        return self._decide(parsed)

    def _check_settings(self, event: AuthorizerEvent) -> None:
        if self._simple and not event.accepts_simple:
            raise ConfigurationError(
                "simple=True is for HTTP APIs, payload 2.0 with simple responses: drop it, or set those.",
                setting="simple",
            )
        header = self._guard.header
        if self._cached and not event.is_cached_by(header):
            raise ConfigurationError(
                "The gateway would reuse this response for every caller with the same identity source, and "
                f"the {header.decode()} header, which has the token, is not one: make the header one of the "
                "authorizer's identity sources, or write cached=False and give it a TTL of 0.",
                setting="identity_source",
            )

    def _decide(self, event: AuthorizerEvent) -> Response:
        state = RequestState(self._guard)
        scope = {"type": "http", "method": event.method, "path": event.path}
        try:
            self._check_key(event)
            token = self._find_token(event)
            verifying = self._guard.verify(token, patience=_PATIENCE)
            principal = state.principal = self._loop.run_until_complete(verifying)
            response = self._build_allowed(event, principal)
        except AuthError as error:
            self._guard.record_refusal(state, scope, error, error.status)
            return self._build_refused(event, error, state.principal)
        self._guard.record_outcome(state, scope, None)
        return response

    def _check_key(self, event: AuthorizerEvent) -> None:
        if self._cached and event.is_ambiguous(self._guard.header):
            raise Forbidden(
                "the token stands in two places of the request, and only one may be a key: send one."
            )

    def _find_token(self, event: AuthorizerEvent) -> str:
        scope: Scope = {"headers": event.headers, "subprotocols": event.subprotocols}
        return find_token(scope, self._guard.header, self._guard.websocket_protocol)

    def _build_allowed(self, event: AuthorizerEvent, principal: Principal) -> Response:
        policy = self._rules.build_policy(event, principal, simple=self._simple)
        context = {CLAIMS_KEY: json.dumps(copy_all_claims(principal), separators=(",", ":"))}
        if self._simple:
            return {"isAuthorized": True, "context": context}
        response = {"principalId": principal.sub, "policyDocument": policy, "context": context}
        if event.is_websocket:
            _check_websocket_size(response)
        return response

    def _build_refused(
        self, event: AuthorizerEvent, error: AuthError, principal: Principal | None
    ) -> Response:
        if not isinstance(error, Unauthenticated) and error.status >= 500:
            raise error
        if self._simple:
            return {"isAuthorized": False}
        if isinstance(error, Unauthenticated) and event.is_rest:
            raise Unauthorized from None
        policy = deny_resource(self._rules.find_denied_resource(event))
        return {"principalId": "nobody" if principal is None else principal.sub, "policyDocument": policy}


def _check_websocket_size(response: Response) -> None:
    if len(json.dumps(response)) > _MAX_WEBSOCKET_BYTES:
        raise ConfigurationError(
            "A WebSocket API takes responses of 8 KB at most, and this caller's is larger: give the token "
            "fewer or shorter claims."
        )
