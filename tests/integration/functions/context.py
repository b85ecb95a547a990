"""Conversion between claims and the flat context of a Lambda authorizer."""

import json
from collections.abc import Mapping
from typing import Any

_NUMBERS = ("exp", "iat", "auth_time", "version")
_LISTS = ("cognito:groups",)


def to_context(claims: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """Flatten claims: REST APIs allow no lists or objects in a context, so those become JSON text."""
    return {
        name: value if isinstance(value, str | int | float) else json.dumps(value)
        for name, value in claims.items()
    }


def to_claims(context: Mapping[str, Any]) -> dict[str, Any]:
    """Restore the claims. REST APIs turn numbers into text, HTTP APIs do not."""
    claims = dict(context)
    claims.update({name: int(claims[name]) for name in _NUMBERS if name in claims})
    claims.update({name: json.loads(claims[name]) for name in _LISTS if name in claims})
    return claims
