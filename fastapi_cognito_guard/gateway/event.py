"""The gateway door: where each flavour of authorizer puts its claims, and how it spells them.

One row a flavour. A row matches by a positive marker only: that an event has an ``authorizer`` proves
nothing (``{"lambda": null}``, ``{"claims": null}`` are unauthenticated requests). Known claims get back
the types they have in a token; all others stay as they were delivered, because only the app knows them.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from fastapi_cognito_guard.claims import GatewayClaims
from fastapi_cognito_guard.errors import ClaimInvalid
from fastapi_cognito_guard.gateway.formats import (
    Spelling,
    copy_native_claims,
    parse_http_claims,
    parse_rest_claims,
)
from fastapi_cognito_guard.principal import Source
from fastapi_cognito_guard.validation import check_writable

Event = Mapping[str, Any]
_OTHERS = frozenset({"principalId", "jwt", "lambda", "iam"})
LambdaContext = Callable[[Mapping[str, Any]], Mapping[str, Any] | None]
"""Maps the context of the developer's own Lambda authorizer to claims, or to None for nobody."""


class Flavour(NamedTuple):
    """A kind of authorizer: the section of the event it writes, if it is there, and its spelling."""

    name: str
    source: Source
    section: Callable[[Event], Mapping[str, Any] | None]
    spelling: Spelling


def read_claims(event: object, lambda_context: LambdaContext | None = None) -> GatewayClaims | None:
    """What an authorizer has vouched for, or None where none has. Not judged yet.

    Raises `ClaimInvalid` for claims that cannot be read: they are refused, not skipped.
    """
    if not isinstance(event, dict):
        return None
    for flavour in FLAVOURS:
        section = flavour.section(event)
        if section:
            check_writable(section)
            return GatewayClaims(flavour.spelling(section), flavour.source)
    if lambda_context is None:
        return None
    context = _lambda_section(event)
    return _mapped(context, lambda_context) if context else None


def _mapped(context: Mapping[str, Any], lambda_context: LambdaContext) -> GatewayClaims | None:
    try:
        claims = lambda_context(context)
        values = dict(claims) if isinstance(claims, Mapping) else None
    except Exception as error:  # what it cannot read is no reason to answer 500, nor to look elsewhere
        raise ClaimInvalid(f"lambda_context raised {type(error).__name__} for this context.") from error
    if claims is None:
        return None
    if values is None:
        raise ClaimInvalid("lambda_context returns a mapping of claims, or None for nobody.")
    check_writable(values)
    return GatewayClaims(copy_native_claims(values), "lambda")


def find_authorizer(event: Event) -> Mapping[str, Any]:
    """What an authorizer has left in the event; empty where there was none."""
    context = event.get("requestContext")
    authorizer = context.get("authorizer") if isinstance(context, dict) else None
    return authorizer if isinstance(authorizer, dict) else {}


def _http_2(event: Event) -> Mapping[str, Any] | None:
    """HTTP API, payload 2.0: ``authorizer.jwt.claims`` and nothing else."""
    if event.get("version") != "2.0":
        return None
    authorizer = find_authorizer(event)
    jwt = authorizer.get("jwt")
    return _mapping(jwt.get("claims")) if isinstance(jwt, dict) and len(authorizer) == 1 else None


def _http_1(event: Event) -> Mapping[str, Any] | None:
    """HTTP API, payload 1.0: ``authorizer.claims``; ``principalId`` would be a Lambda authorizer's."""
    return _flat_claims(event) if event.get("version") == "1.0" else None


def _rest_cognito(event: Event) -> Mapping[str, Any] | None:
    """REST API, COGNITO_USER_POOLS: ``authorizer.claims`` alone, and every claim is text."""
    claims = _flat_claims(event) if "version" not in event else None
    return claims if claims and isinstance(claims.get("exp"), str) else None


def _rest_jwt(event: Event) -> Mapping[str, Any] | None:
    """REST API, JWT: in the same place, but with the token's own JSON types, so not in the row above."""
    return _flat_claims(event) if "version" not in event else None


def _flat_claims(event: Event) -> Mapping[str, Any] | None:
    """Beside the context of another authorizer they would be somebody else's words."""
    authorizer = find_authorizer(event)
    return _mapping(authorizer.get("claims")) if _OTHERS.isdisjoint(authorizer) else None


def _lambda_section(event: Event) -> Mapping[str, Any] | None:
    """A Lambda authorizer's context: ``authorizer.lambda`` (2.0), or flat beside ``principalId``.

    The events of a WebSocket API have the flat one, for as long as the connection lasts.
    """
    authorizer = find_authorizer(event)
    version = event.get("version", "1.0")
    if version == "2.0":
        return _mapping(authorizer.get("lambda")) if len(authorizer) == 1 else None
    return authorizer if version == "1.0" and "principalId" in authorizer else None


def _mapping(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, dict) else None


FLAVOURS = (
    Flavour(name="HTTP API JWT, payload 2.0", source="http", section=_http_2, spelling=parse_http_claims),
    Flavour(name="HTTP API JWT, payload 1.0", source="http", section=_http_1, spelling=parse_http_claims),
    Flavour(name="REST COGNITO_USER_POOLS", source="rest", section=_rest_cognito, spelling=parse_rest_claims),
    Flavour(name="REST JWT", source="rest", section=_rest_jwt, spelling=copy_native_claims),
)
