"""Responses to refused requests, in three dialects.

``strict`` follows RFC 6750, ``rest`` the COGNITO_USER_POOLS authorizer of a REST API, and ``http`` the JWT
authorizer of an HTTP API. All bodies have the gateways' shape. No response repeats anything from a token.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.errors import (
    AlgorithmNotAllowed,
    AuthError,
    ClientMismatch,
    Forbidden,
    GatewayClaimsMissing,
    InsufficientLevel,
    InsufficientScope,
    IssuerMismatch,
    KeysUnavailable,
    PoolsUnavailable,
    RevocationUnavailable,
    SchemeUnsupported,
    TokenExpired,
    TokenMalformed,
    TokenMissing,
    Unauthenticated,
    Unavailable,
)

RestScopeStatus = Literal[401, 403]

_NOT_AUTHORIZED = {"Message": "User is not authorized to access this resource"}
# Texts captured from the real service. Other refusals use the description of their class.
_HTTP_DESCRIPTIONS: Mapping[type[AuthError], str] = {
    TokenMalformed: "token contains an invalid number of segments",
    SchemeUnsupported: "token contains an invalid number of segments",
    ClientMismatch: "the token does not have a valid audience",
    IssuerMismatch: "issuer does not match",
    KeysUnavailable: "JWKS communication error",
}


class Refusal(NamedTuple):
    """Response that replaces the route's own."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def content(self) -> bytes:
        """Body as compact JSON, which the gateways write."""
        return json.dumps(self.body, separators=(",", ":")).encode()


def render(
    error: AuthError,
    semantics: Semantics,
    *,
    rest_scope_status: RestScopeStatus = 401,
    metadata_url: str | None = None,
) -> Refusal:
    """Render an error as a response.

    ``rest_scope_status`` is the status of ``rest`` for a missing scope. ``strict`` adds ``metadata_url`` to
    its challenges (RFC 9728 section 5.1).
    """
    if semantics == "rest" and isinstance(error, InsufficientScope) and rest_scope_status == 401:
        return _render_rest_unauthorized(error)
    refusal = _DIALECTS[semantics](error)
    return _add_metadata_url(metadata_url, refusal) if semantics == "strict" and metadata_url else refusal


def _add_metadata_url(metadata_url: str, refusal: Refusal) -> Refusal:
    challenge = refusal.headers.get("WWW-Authenticate")
    if challenge is None:
        return refusal
    comma = "," if "=" in challenge else ""
    extended = f'{challenge}{comma} resource_metadata="{metadata_url}"'
    return refusal._replace(headers={**refusal.headers, "WWW-Authenticate": extended})


def _render_strict(error: AuthError) -> Refusal:
    body = {"message": error.message}
    if isinstance(error, Unavailable):
        return Refusal(status=503, body=body, headers={"Retry-After": str(error.retry_after)})
    if isinstance(error, Unauthenticated):
        challenge = "Bearer"
        if error.presented:
            challenge += " " + ", ".join(f'{name}="{value}"' for name, value in _list_parameters(error))
        return Refusal(status=401, body=body, headers={"WWW-Authenticate": challenge})
    if isinstance(error, InsufficientScope):
        scope = " ".join(error.required)
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        return Refusal(status=403, body=body, headers={"WWW-Authenticate": challenge})
    return Refusal(status=error.status, body=body)


def _list_parameters(error: AuthError) -> Iterator[tuple[str, str]]:
    """List the parameters of the challenge to a token that was refused (RFC 6750, RFC 9470)."""
    is_level = isinstance(error, InsufficientLevel)
    yield "error", "insufficient_user_authentication" if is_level else "invalid_token"
    yield "error_description", error.description
    if isinstance(error, InsufficientLevel):
        yield from error.challenge.items()


def _render_rest(error: AuthError) -> Refusal:
    if isinstance(error, Unavailable):
        return _build_rest_refusal(500, {"message": None}, "AuthorizerConfigurationException")
    if isinstance(error, Forbidden):
        return _build_rest_refusal(403, _NOT_AUTHORIZED, "AccessDeniedException")
    return _render_rest_unauthorized(error)


def _render_rest_unauthorized(error: AuthError) -> Refusal:
    expired = isinstance(error, TokenExpired)
    message = "The incoming token has expired" if expired else "Unauthorized"
    return _build_rest_refusal(401, {"message": message}, "UnauthorizedException")


def _build_rest_refusal(status: int, body: Mapping[str, Any], kind: str) -> Refusal:
    return Refusal(status=status, body=body, headers={"x-amzn-ErrorType": kind})


def _render_http(error: AuthError) -> Refusal:
    if isinstance(error, InsufficientScope):
        scopes = " ".join(error.required)
        challenge = (
            f'Bearer scope="{scopes}" error="insufficient_scope" '
            f'error_description="expected scopes: [{scopes}]"'
        )
        return Refusal(status=403, body={"message": "Forbidden"}, headers={"www-authenticate": challenge})
    if isinstance(error, Forbidden):
        return Refusal(status=403, body={"message": "Forbidden"})
    if isinstance(
        error, RevocationUnavailable | PoolsUnavailable
    ):  # no gateway asks, so that it has no form of its own
        return _render_strict(error)
    if isinstance(error, TokenMissing | GatewayClaimsMissing):
        challenge = "Bearer"
    else:
        parameters = {**dict(_list_parameters(error)), "error_description": _describe_for_http(error)}
        challenge = 'Bearer scope="" ' + " ".join(f'{name}="{value}"' for name, value in parameters.items())
    return Refusal(status=401, body={"message": "Unauthorized"}, headers={"www-authenticate": challenge})


def _describe_for_http(error: AuthError) -> str:
    if isinstance(error, AlgorithmNotAllowed) and error.algorithm is not None:
        return f"signing method {error.algorithm} is invalid"
    return _HTTP_DESCRIPTIONS.get(type(error), error.description)


_DIALECTS: Mapping[Semantics, Callable[[AuthError], Refusal]] = {
    "strict": _render_strict,
    "rest": _render_rest,
    "http": _render_http,
}
