"""Refusals as clients see them, in the dialect of this library or of the gateway it mirrors.

``strict`` follows RFC 6750; ``rest`` a REST API's COGNITO_USER_POOLS authorizer; ``http`` an HTTP API's
JWT authorizer. All bodies have the gateways' shape. Nothing from a token is ever repeated.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.errors import (
    AlgorithmNotAllowed,
    AuthError,
    ClientMismatch,
    Forbidden,
    GatewayClaimsMissing,
    InsufficientScope,
    IssuerMismatch,
    KeysUnavailable,
    SchemeUnsupported,
    TokenExpired,
    TokenMalformed,
    TokenMissing,
    Unauthenticated,
)

RestScopeStatus = Literal[401, 403]

_NOT_AUTHORIZED = {"Message": "User is not authorized to access this resource"}
# Where a text was captured from the real service; other refusals use the class's own description.
_HTTP_DESCRIPTIONS: Mapping[type[AuthError], str] = {
    TokenMalformed: "token contains an invalid number of segments",
    SchemeUnsupported: "token contains an invalid number of segments",
    ClientMismatch: "the token does not have a valid audience",
    IssuerMismatch: "issuer does not match",
    KeysUnavailable: "JWKS communication error",
}


class Refusal(NamedTuple):
    """What is sent instead of the route's answer."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def content(self) -> bytes:
        """The body's bytes: compact JSON, as the gateways write it."""
        return json.dumps(self.body, separators=(",", ":")).encode()


def render(
    error: AuthError,
    semantics: Semantics,
    *,
    rest_scope_status: RestScopeStatus = 401,
    metadata_url: str | None = None,
) -> Refusal:
    """The refusal for an error.

    ``rest_scope_status`` is what ``rest`` answers when a scope is missing; ``metadata_url`` is what
    ``strict`` adds to challenges (RFC 9728 section 5.1).
    """
    if semantics == "rest" and isinstance(error, InsufficientScope) and rest_scope_status == 401:
        return _rest_unauthorized(error)
    refusal = _DIALECTS[semantics](error)
    return _pointing_to(metadata_url, refusal) if semantics == "strict" and metadata_url else refusal


def _pointing_to(metadata_url: str, refusal: Refusal) -> Refusal:
    challenge = refusal.headers.get("WWW-Authenticate")
    if challenge is None:
        return refusal
    comma = "," if "=" in challenge else ""
    told = f'{challenge}{comma} resource_metadata="{metadata_url}"'
    return refusal._replace(headers={**refusal.headers, "WWW-Authenticate": told})


def _strict(error: AuthError) -> Refusal:
    body = {"message": error.message}
    if isinstance(error, KeysUnavailable):
        return Refusal(status=503, body=body, headers={"Retry-After": str(error.retry_after)})
    if isinstance(error, Unauthenticated):
        challenge = "Bearer"
        if error.presented:
            challenge += f' error="invalid_token", error_description="{error.description}"'
        return Refusal(status=401, body=body, headers={"WWW-Authenticate": challenge})
    if isinstance(error, InsufficientScope):
        scope = " ".join(error.required)
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        return Refusal(status=403, body=body, headers={"WWW-Authenticate": challenge})
    return Refusal(status=error.status, body=body)


def _rest(error: AuthError) -> Refusal:
    if isinstance(error, KeysUnavailable):
        return _rest_refusal(500, {"message": None}, "AuthorizerConfigurationException")
    if isinstance(error, Forbidden):
        return _rest_refusal(403, _NOT_AUTHORIZED, "AccessDeniedException")
    return _rest_unauthorized(error)


def _rest_unauthorized(error: AuthError) -> Refusal:
    expired = isinstance(error, TokenExpired)
    message = "The incoming token has expired" if expired else "Unauthorized"
    return _rest_refusal(401, {"message": message}, "UnauthorizedException")


def _rest_refusal(status: int, body: Mapping[str, Any], kind: str) -> Refusal:
    return Refusal(status=status, body=body, headers={"x-amzn-ErrorType": kind})


def _http(error: AuthError) -> Refusal:
    if isinstance(error, InsufficientScope):
        scopes = " ".join(error.required)
        challenge = (
            f'Bearer scope="{scopes}" error="insufficient_scope" '
            f'error_description="expected scopes: [{scopes}]"'
        )
        return Refusal(status=403, body={"message": "Forbidden"}, headers={"www-authenticate": challenge})
    if isinstance(error, Forbidden):
        return Refusal(status=403, body={"message": "Forbidden"})
    if isinstance(error, TokenMissing | GatewayClaimsMissing):
        challenge = "Bearer"
    else:
        challenge = f'Bearer scope="" error="invalid_token" error_description="{_http_description(error)}"'
    return Refusal(status=401, body={"message": "Unauthorized"}, headers={"www-authenticate": challenge})


def _http_description(error: AuthError) -> str:
    if isinstance(error, AlgorithmNotAllowed) and error.algorithm is not None:
        return f"signing method {error.algorithm} is invalid"
    return _HTTP_DESCRIPTIONS.get(type(error), error.description)


_DIALECTS: Mapping[Semantics, Callable[[AuthError], Refusal]] = {
    "strict": _strict,
    "rest": _rest,
    "http": _http,
}
