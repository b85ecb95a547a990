"""A token's claims as the flat context of a Lambda authorizer, and the way back."""

import json
from collections.abc import Mapping
from typing import Any

_NUMBERS = ("exp", "iat", "auth_time", "version")
_LISTS = ("cognito:groups",)


def to_context(claims: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """REST APIs take no lists or objects in a context: those go as JSON text."""
    return {
        name: value if isinstance(value, str | int | float) else json.dumps(value)
        for name, value in claims.items()
    }


def to_claims(context: Mapping[str, Any]) -> dict[str, Any]:
    """The way back. REST APIs make text of numbers, HTTP APIs do not."""
    claims = dict(context)
    claims.update({name: int(claims[name]) for name in _NUMBERS if name in claims})
    claims.update({name: json.loads(claims[name]) for name in _LISTS if name in claims})
    return claims
