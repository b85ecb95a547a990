"""What a token says, for people; nothing of it is proven here."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi_cognito_guard.cli.moments import moment
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.tokens.jwt import parse

_KNOWN = frozenset(
    "sub iss aud client_id token_use username cognito:username cognito:groups scope email exp iat nbf "
    "auth_time jti origin_jti event_id version email_verified at_hash nonce".split()
)


class Seen(NamedTuple):
    """A token that was looked at. ``problem`` is why no authorizer reads any further."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    problem: str | None


def look(token: str) -> Seen:
    """As much of a token as can be seen, however wrong it is."""
    problem = None
    try:
        parse(token)
    except AuthError as error:
        problem = error.reason
    parts = token.split(".")
    if len(parts) == 5:
        problem = "it is encrypted (five parts), as Cognito's refresh tokens are: send the access token."
    header = _object(parts[0])
    claims = _object(parts[1]) if len(parts) == 3 else {}
    return Seen(header, claims, problem)


def rows(claims: Mapping[str, Any], now: float) -> list[tuple[str, object]]:
    """The claims that people ask for, then all others."""
    is_id = claims.get("token_use") == "id"
    scope = claims.get("scope")
    own = sorted(claims.keys() - _KNOWN)
    return [
        ("issuer", claims.get("iss")),
        ("app client", claims.get("aud" if is_id else "client_id")),
        ("audience", None if is_id else claims.get("aud")),
        ("user", claims.get("cognito:username" if is_id else "username")),
        ("sub", claims.get("sub")),
        ("email", claims.get("email")),
        ("groups", _listed(claims.get("cognito:groups"))),
        ("scopes", ", ".join(scope.split()) if isinstance(scope, str) else scope),
        ("signed in", moment(claims.get("auth_time"), now)),
        ("issued", moment(claims.get("iat"), now)),
        ("not before", moment(claims.get("nbf"), now)),
        ("expires", moment(claims.get("exp"), now) or "never says when"),
        *((name, claims[name]) for name in own),
    ]


def title(claims: Mapping[str, Any]) -> str:
    """What kind of token it is."""
    match claims.get("token_use"):
        case "access":
            return "An access token of a user" if "username" in claims else "An access token of a machine"
        case "id":
            return "An ID token"
        case _:
            return "A token, but none of Cognito's: it has no token_use"


def _listed(value: object) -> object:
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return ", ".join(value) if is_list and isinstance(value, list) else value


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
