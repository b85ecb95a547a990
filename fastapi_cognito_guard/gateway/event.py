"""Claims in API Gateway's events: their place and format for each kind of authorizer.

`FORMATS` has one row per kind. A row matches by a positive marker only: an ``authorizer`` alone proves
nothing (``{"lambda": null}`` and ``{"claims": null}`` are unauthenticated requests). Claims that Cognito
defines get back the types that they have in a token. All others stay as they are: only the app knows their
types.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from fastapi_cognito_guard.claim_types import ClaimTypes
from fastapi_cognito_guard.claims import GatewayClaims
from fastapi_cognito_guard.errors import ClaimInvalid
from fastapi_cognito_guard.gateway.formats import (
    ClaimsParser,
    copy_native_claims,
    parse_context_claims,
    parse_http_claims,
    parse_rest_claims,
)
from fastapi_cognito_guard.principal import Source
from fastapi_cognito_guard.validation import CALLBACK_ERRORS, check_writable

Event = Mapping[str, Any]
_OFFLINE = "offlineContext_"  # with this begin the ids of serverless-offline
_OTHERS = frozenset({"principalId", "jwt", "lambda", "iam"})
LambdaContext = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""Maps the context of your own Lambda authorizer to claims, or to None if it identifies nobody."""


class EventFormat(NamedTuple):
    """The claims of one kind of authorizer: the function that finds them, and the one that parses them."""

    source: Source
    find: Callable[[Event], Mapping[str, Any] | None]
    parse: ClaimsParser


def read_claims(
    event: object, lambda_context: LambdaContext | None = None, claim_types: ClaimTypes = MappingProxyType({})
) -> GatewayClaims | None:
    """Return the claims that an authorizer vouches for, or None. They are not validated yet.

    Raises `ClaimInvalid` for claims that cannot be parsed: they are refused, not skipped.
    """
    if not isinstance(event, dict):
        return None
    for source, find, parse in FORMATS:
        section = find(event)
        if section:
            check_writable(section)
            return GatewayClaims(parse(section, claim_types), source)
    if lambda_context is None:
        return None
    context = _find_lambda_context(event)
    return _map_context(context, lambda_context, claim_types) if context else None


def _map_context(
    context: Mapping[str, Any], lambda_context: LambdaContext, claim_types: ClaimTypes
) -> GatewayClaims | None:
    try:
        claims = lambda_context(context)
        values = dict(claims) if isinstance(claims, Mapping) else None
    except CALLBACK_ERRORS as error:  # a context that it cannot read is a refusal, not a 500
        raise ClaimInvalid(f"lambda_context raised {type(error).__name__} for this context.") from error
    if claims is None:
        return None
    if values is None:
        raise ClaimInvalid("lambda_context returns a mapping of claims, or None for nobody.")
    check_writable(values)
    return GatewayClaims(parse_context_claims(values, claim_types), "lambda")


def find_authorizer(event: Event) -> Mapping[str, Any]:
    """Return the section that an authorizer left in the event; empty if there is none.

    serverless-offline takes a whole section from a header of the client's, and verifies no token.
    """
    context = event.get("requestContext")
    if not isinstance(context, dict) or str(context.get("apiId")).startswith(_OFFLINE):
        return {}
    authorizer = context.get("authorizer")
    return authorizer if isinstance(authorizer, dict) else {}


def _find_http_2(event: Event) -> Mapping[str, Any] | None:
    """Find the claims of an HTTP API, payload 2.0: ``authorizer.jwt.claims``, and no other section."""
    if event.get("version") != "2.0":
        return None
    authorizer = find_authorizer(event)
    jwt = authorizer.get("jwt")
    return _as_mapping(jwt.get("claims")) if isinstance(jwt, dict) and len(authorizer) == 1 else None


def _find_http_1(event: Event) -> Mapping[str, Any] | None:
    """Find the claims of an HTTP API, payload 1.0: ``authorizer.claims`` without ``principalId``."""
    return _find_flat_claims(event) if event.get("version") == "1.0" else None


def _find_rest_cognito(event: Event) -> Mapping[str, Any] | None:
    """Find the claims of a REST API, COGNITO_USER_POOLS: ``authorizer.claims``, all of them text."""
    claims = _find_flat_claims(event) if "version" not in event else None
    return claims if claims and isinstance(claims.get("exp"), str) else None


def _find_rest_jwt(event: Event) -> Mapping[str, Any] | None:
    """Find the claims of a REST API, JWT: in the same place, but with the JSON types of the token."""
    return _find_flat_claims(event) if "version" not in event else None


def _find_flat_claims(event: Event) -> Mapping[str, Any] | None:
    """Find ``authorizer.claims``, unless the section is another authorizer's."""
    authorizer = find_authorizer(event)
    return _as_mapping(authorizer.get("claims")) if _OTHERS.isdisjoint(authorizer) else None


def _find_lambda_context(event: Event) -> Mapping[str, Any] | None:
    """Find the context of a Lambda authorizer: ``authorizer.lambda`` (2.0), or flat beside ``principalId``.

    The events of a WebSocket API have the flat form, during the whole connection.
    """
    authorizer = find_authorizer(event)
    version = event.get("version", "1.0")
    if version == "2.0":
        return _as_mapping(authorizer.get("lambda")) if len(authorizer) == 1 else None
    return authorizer if version == "1.0" and "principalId" in authorizer else None


def _as_mapping(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


FORMATS = (
    EventFormat("http", find=_find_http_2, parse=parse_http_claims),
    EventFormat("http", find=_find_http_1, parse=parse_http_claims),
    EventFormat("rest", find=_find_rest_cognito, parse=parse_rest_claims),
    EventFormat("rest", find=_find_rest_jwt, parse=copy_native_claims),
)
