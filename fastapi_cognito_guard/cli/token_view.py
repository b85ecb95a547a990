"""Unverified view of a token for people: its claims, its kind, its times."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.tokens.jwt import parse

_STANDARD_CLAIMS = frozenset(
    "sub iss aud client_id token_use username cognito:username cognito:groups scope email exp iat nbf "
    "auth_time jti origin_jti event_id version email_verified at_hash nonce".split()
)
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


class DecodedToken(NamedTuple):
    """Unverified header and claims. ``problem``: the reason for which every authorizer refuses the token."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    problem: str | None


def decode_token(token: str) -> DecodedToken:
    """Decode a token as far as possible, without its signature. Parts that cannot be read are empty."""
    problem = None
    try:
        parse(token)
    except AuthError as error:
        problem = error.reason
    parts = token.split(".")
    if len(parts) == 5:
        problem = "it is encrypted (five parts), as Cognito's refresh tokens are: send the access token."
    header = _decode_object(parts[0])
    claims = _decode_object(parts[1]) if len(parts) == 3 else {}
    return DecodedToken(header, claims, problem)


def list_fields(claims: Mapping[str, Any], now: float) -> list[tuple[str, object]]:
    """List the well-known claims under plain names, then custom claims in alphabetical order."""
    is_id = claims.get("token_use") == "id"
    scope = claims.get("scope")
    custom = sorted(claims.keys() - _STANDARD_CLAIMS)
    return [
        ("issuer", claims.get("iss")),
        ("app client", claims.get("aud" if is_id else "client_id")),
        ("audience", None if is_id else claims.get("aud")),
        ("user", claims.get("cognito:username" if is_id else "username")),
        ("sub", claims.get("sub")),
        ("email", claims.get("email")),
        ("groups", _join_names(claims.get("cognito:groups"))),
        ("scopes", ", ".join(scope.split()) if isinstance(scope, str) else scope),
        ("signed in", format_time(claims.get("auth_time"), now)),
        ("issued", format_time(claims.get("iat"), now)),
        ("not before", format_time(claims.get("nbf"), now)),
        ("expires", format_time(claims.get("exp"), now) or "exp is not a time"),
        *((name, claims[name]) for name in custom),
    ]


def describe_kind(claims: Mapping[str, Any]) -> str:
    """Describe the kind of token: access token, ID token, or one of another issuer."""
    match claims.get("token_use"):
        case "access":
            return "An access token of a user" if "username" in claims else "An access token of a machine"
        case "id":
            return "An ID token"
        case _:
            return "Not a token of Cognito: it has no token_use"


def format_time(seconds: object, now: float) -> str | None:
    """Format seconds since the epoch as ``2026-07-02 12:39:49 UTC (in 57 minutes)``.

    Return None for a value that is not a time.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return None
    return f"{text} ({format_distance(seconds - now)})"


def format_distance(seconds: float) -> str:
    """Format a distance from now: ``in 57 minutes``, ``2 days ago``, ``now``."""
    length = abs(int(seconds))
    for size, unit in _UNITS:
        if length >= size:
            count = length // size
            span = f"{count} {unit}{'s' if count != 1 else ''}"
            return f"in {span}" if seconds > 0 else f"{span} ago"
    return "now"


def _join_names(value: object) -> object:
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return ", ".join(value) if is_list and isinstance(value, list) else value


def _decode_object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
