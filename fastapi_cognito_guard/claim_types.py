"""Types of an app's own claims, which a pre-token-generation trigger or a custom attribute adds to tokens.

Most gateways deliver every claim as text. A declared claim gets its type back, at every door; a value that
does not have the declared type is refused, at every door.
"""

import json
import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from fastapi_cognito_guard.errors import ClaimInvalid, ConfigurationError

ClaimTypes = Mapping[str, Any]
"""Types by claim: ``str``, ``bool``, ``int``, ``float``, ``list[str]`` or ``dict``."""

SplitList = Callable[[str, str], list[str]]
"""Splits a gateway's text of a list; gets the claim's name and the text."""

# Claims that Cognito defines and that are not text in a token.
COGNITO_LISTS = frozenset({"cognito:groups", "cognito:roles", "amr"})
COGNITO_OBJECTS = frozenset({"identities", "address", "act"})
COGNITO_TYPED = (
    COGNITO_LISTS
    | COGNITO_OBJECTS
    | {"exp", "iat", "nbf", "auth_time", "version", "updated_at"}
    | {"email_verified", "phone_number_verified", "aud", "scp"}
)
_RESERVED = COGNITO_TYPED | set(
    "sub iss jti client_id token_use username scope email cognito:username origin_jti event_id acr".split()
)
_TYPES = (str, bool, int, float, list[str], dict)
_MAX_DIGITS = 15
_INTEGER = rf"-?[0-9]{{1,{_MAX_DIGITS}}}"
_NUMBER = rf"-?[0-9]{{1,{_MAX_DIGITS}}}(\.[0-9]{{1,20}})?([eE][+-]?[0-9]{{1,2}})?"


def check_claim_types(given: object) -> ClaimTypes:
    """Return the declarations of an app's claims. Raises `ConfigurationError`."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) and name for name in given):
        raise ConfigurationError(
            'claim_types maps names to types: claim_types={"is_admin": bool, "roles": list[str]}.',
            setting="claim_types",
        )
    for name, declared in given.items():
        if name in _RESERVED:
            raise ConfigurationError(
                f"claim_types has {name}, whose type Cognito defines: leave it out.", setting="claim_types"
            )
        if declared not in _TYPES:
            raise ConfigurationError(
                f"claim_types[{name!r}] is one of str, bool, int, float, list[str], dict.",
                setting="claim_types",
            )
    return dict(given)


def check_declared(values: Mapping[str, Any], types: ClaimTypes) -> None:
    """Check the types of declared claims; null counts as absent. Raises `ClaimInvalid`."""
    for name, declared in types.items():
        if values.get(name) is not None and not _has_type(values[name], declared):
            raise _type_error(name, declared)


def parse_declared(values: dict[str, Any], types: ClaimTypes, split_list: SplitList) -> None:
    """Give declared claims that a gateway delivers as text their types back. Raises `ClaimInvalid`."""
    for name, declared in types.items():
        text = values.get(name)
        if isinstance(text, str):
            values[name] = split_list(name, text) if declared == list[str] else _parse(name, text, declared)


def parse_json(text: str) -> Any:
    """Return the value of a JSON text, or None if it is not strict JSON."""
    try:
        return json.loads(text, object_pairs_hook=_build_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def describe_type(value: object) -> str:
    """Return the declaration that fits a value, as it is written in code."""
    if isinstance(value, list):
        return "list[str]"
    return "dict" if isinstance(value, dict) else type(value).__name__


def _has_type(value: object, declared: Any) -> bool:
    if declared is float:
        return type(value) in (int, float)
    if declared == list[str]:
        # A gateway's text of a list could not be split into items with these characters.
        return isinstance(value, list) and all(isinstance(item, str) and _is_plain(item) for item in value)
    return type(value) is declared


def _is_plain(item: str) -> bool:
    return re.fullmatch(r"[^\s,]+", item) is not None


def _parse(name: str, text: str, declared: Any) -> Any:
    if declared is bool and text in ("true", "false"):
        return text == "true"
    if declared is int and re.fullmatch(_INTEGER, text):
        return int(text)
    if declared is float and re.fullmatch(_NUMBER, text) and isfinite(float(text)):
        return float(text)
    if declared is dict:
        value = parse_json(text)
        if isinstance(value, dict):
            return value
    if declared is str:
        return text
    raise _type_error(name, declared)


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _type_error(name: str, declared: Any) -> ClaimInvalid:
    form = "list[str] (items without commas and white space)" if declared == list[str] else declared.__name__
    return ClaimInvalid(
        f"the claim {name} cannot be read as {form}: check the trigger that sets it, and claim_types."
    )
