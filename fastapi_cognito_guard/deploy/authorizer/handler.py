"""The guard as a Lambda authorizer: the same verifier and the same demands, in front of any gateway."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from weakref import finalize

from fastapi_cognito_guard.credentials import parse_token
from fastapi_cognito_guard.deploy.authorizer import policy as grants
from fastapi_cognito_guard.deploy.authorizer.event import AuthorizerEvent, AuthorizerRequest, parse_event
from fastapi_cognito_guard.deploy.authorizer.rules import Allow, ByCaller, ByRequest, ByRoutes, Judgement
from fastapi_cognito_guard.errors import AuthError, ConfigurationError, Unauthenticated
from fastapi_cognito_guard.guard import CognitoGuard
from fastapi_cognito_guard.principal import Principal, copy_all_claims
from fastapi_cognito_guard.request_state import RequestState
from fastapi_cognito_guard.settings import check_sync

if TYPE_CHECKING:
    from fastapi import FastAPI

Answer = dict[str, Any]

_CLAIMS = "cognito_claims"
_PATIENCE = 0.1  # seconds that one may wait for a refresh of stale keys, as behind `lambda_handler`
_MOST_BYTES_OF_A_WEBSOCKET = 8192


class Unauthorized(Exception):
    """The one text that a REST API answers with 401."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


def lambda_authorizer(
    guard: CognitoGuard,
    *,
    app: "FastAPI | None" = None,
    allow: Allow | None = None,
    cached: bool = True,
    simple: bool = False,
) -> Callable[[dict[str, Any], Any], Answer]:
    """The handler of a Lambda authorizer: REST TOKEN and REQUEST, HTTP payload 1.0 and 2.0.

    ``app``     whose routes' scopes, groups and claims decide; without it, only who is calling does
    ``allow``   decides too: ``allow(principal, request)`` is True, or the caller may not. See
                `AuthorizerRequest` for what it is asked about. Nobody behind the gateway asks it again
    ``cached``  whether the gateway keeps answers (by default for 300 s), and reuses each for the whole API.
                Then a policy names all routes of ``app`` that the caller may use. With False it
                speaks of one request, and the authorizer's TTL must be 0
    ``simple``  answer ``{"isAuthorized": ...}``, for HTTP APIs with simple responses. Where routes decide,
                ``$context.routeKey`` must be among the identity sources

    A caller without a good token is 401 at a REST API and 403 at an HTTP API; one who may not is 403. Where
    nothing can be said (keys that cannot be had, a wrong setting) it raises, which makes 500.

    The context of its answers is for ``CognitoGuard(lambda_context=lambda_claims)`` in the function behind.

    Raises `ConfigurationError` for settings that contradict each other, and for routes that no policy can
    tell apart.
    """
    check_sync("allow", allow)
    if app is None and allow is not None and cached:
        raise ConfigurationError(
            "allow decides by route, and a kept answer is reused for all of them: give app=, whose routes "
            "are then asked about one by one; or cached=False, and the authorizer a TTL of 0.",
            setting="cached",
        )
    if app is None and allow is None:
        return _Handler(guard, ByCaller(), simple=simple, cached=cached)
    if cached and app is not None:
        return _Handler(guard, ByRoutes(guard, app, allow, simple=simple), simple=simple, cached=True)
    return _Handler(guard, ByRequest(guard, app, allow), simple=simple, cached=False)


def lambda_claims(context: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The way back: claims from the context that `lambda_authorizer` has written, or None from any other.

    For ``CognitoGuard(lambda_context=lambda_claims)``. Raises `ValueError` for claims that cannot be read.
    """
    if _CLAIMS not in context:
        return None
    claims = json.loads(context[_CLAIMS])
    if not isinstance(claims, dict):
        raise ValueError("claims are a JSON object")
    return claims


class _Handler:
    """One event loop for all invocations, since the guard's fetches outlive each."""

    def __init__(self, guard: CognitoGuard, judgement: Judgement, *, simple: bool, cached: bool) -> None:
        self._cached = cached
        self._guard = guard
        self._judgement = judgement
        self._simple = simple
        self._header = guard.header
        self._loop = asyncio.new_event_loop()
        finalize(self, self._loop.close)

    def __call__(self, event: dict[str, Any], context: Any) -> Answer:
        asked = parse_event(event, self._header)
        if self._simple and not asked.takes_simple:
            raise ConfigurationError(
                "simple=True is for HTTP APIs, payload 2.0 with simple responses: drop it, or set those.",
                setting="simple",
            )
        if self._cached and not asked.is_kept_by(self._header):
            raise ConfigurationError(
                "An answer would be kept for whoever sends the same identity source, and that is not the "
                f"{self._header.decode()} header, which says who is calling: make the header one of the "
                "authorizer's identity sources, or write cached=False and give it a TTL of 0.",
                setting="identity_source",
            )
        return self._answer(asked)

    def _answer(self, asked: AuthorizerEvent) -> Answer:
        state = RequestState(self._guard)
        scope = {"type": "http", "method": asked.method, "path": asked.path}
        try:
            token = parse_token(asked.headers, self._header)
            verifying = self._guard.verify(token, patience=_PATIENCE)
            principal = state.principal = self._loop.run_until_complete(verifying)
            answer = self._yes(asked, principal)
        except AuthError as error:
            self._guard.record_refusal(state, scope, error, error.status)
            return self._no(asked, error, state.principal)
        self._guard.record_outcome(state, scope, None)
        return answer

    def _yes(self, asked: AuthorizerEvent, principal: Principal) -> Answer:
        policy = self._judgement.policy(asked, principal, simple=self._simple)
        context = {_CLAIMS: json.dumps(copy_all_claims(principal), separators=(",", ":"))}
        if self._simple:
            return {"isAuthorized": True, "context": context}
        return _fitting(asked, {"principalId": principal.sub, "policyDocument": policy, "context": context})

    def _no(self, asked: AuthorizerEvent, error: AuthError, principal: Principal | None) -> Answer:
        if not isinstance(error, Unauthenticated) and error.status >= 500:
            raise error
        if self._simple:
            return {"isAuthorized": False}
        if isinstance(error, Unauthenticated) and asked.is_rest:
            raise Unauthorized from None
        denied = grants.deny(self._judgement.denied(asked))
        return {"principalId": "nobody" if principal is None else principal.sub, "policyDocument": denied}


def _fitting(asked: AuthorizerEvent, answer: Answer) -> Answer:
    if asked.is_websocket and len(json.dumps(answer)) > _MOST_BYTES_OF_A_WEBSOCKET:
        raise ConfigurationError("A WebSocket API takes answers of 8 KB at most, and this caller's has more.")
    return answer


__all__ = ["AuthorizerRequest", "lambda_authorizer", "lambda_claims"]
