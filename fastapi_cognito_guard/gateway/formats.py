"""Formats in which gateways write claims, and their conversion to the types of the token.

Claims that Cognito defines and claims that the app declares are converted. Any other claim stays text, such
as a custom attribute ``"1"`` or ``"[x]"``.
"""

import re
from calendar import timegm
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from fastapi_cognito_guard.claim_types import (
    COGNITO_LISTS,
    COGNITO_OBJECTS,
    ClaimTypes,
    parse_declared,
    parse_json,
)
from fastapi_cognito_guard.claims import BOOLEANS, Claims, read_boolean
from fastapi_cognito_guard.errors import ClaimInvalid

ClaimsParser = Callable[[Mapping[str, Any], ClaimTypes], Claims]
_Parse = Callable[[str, str], Any]

_NUMBERS = ("exp", "iat", "nbf", "auth_time", "version")

_NONE: ClaimTypes = MappingProxyType({})
_MAX_DIGITS = 15
# java.util.Date.toString(). `strptime` would follow the machine's locale.
_DATE = (
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:UTC|GMT) ([0-9]{4})"
)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def parse_rest_claims(claims: Mapping[str, Any], types: ClaimTypes = _NONE) -> Claims:
    """Parse claims of a REST API, COGNITO_USER_POOLS: Java dates or digits, lists as ``a,b``."""
    values = _parse_claims(claims, _REST_API)
    parse_declared(values, types, _parse_comma_list)
    return values


def parse_http_claims(claims: Mapping[str, Any], types: ClaimTypes = _NONE) -> Claims:
    """Parse claims of an HTTP API, JWT: digits, lists as ``[a b]``."""
    values = _parse_claims(claims, _HTTP_API)
    parse_declared(values, types, _parse_bracket_list)
    return values


def copy_native_claims(claims: Mapping[str, Any], types: ClaimTypes = _NONE) -> Claims:
    """Copy claims of a REST API, JWT: they have the JSON types of the token."""
    return Claims(dict(claims))


def parse_context_claims(claims: Mapping[str, Any], types: ClaimTypes = _NONE) -> Claims:
    """Parse claims from the context of a Lambda authorizer: text, or the JSON types of the token."""
    values = Claims(dict(claims))
    parse_declared(values, types, _parse_json_list)
    return values


def _parse_claims(claims: Mapping[str, Any], parsers: Mapping[str, _Parse]) -> Claims:
    values = Claims(dict(claims))
    for name, parse in parsers.items():
        if name in values:
            text = values[name]
            if not isinstance(text, str):
                raise _format_error(name)
            values[name] = parse(name, text)
    return values


def _parse_number(name: str, text: str) -> int:
    if text.isdecimal() and text.isascii() and len(text) <= _MAX_DIGITS:
        return int(text)
    date = re.fullmatch(_DATE, text)
    if date is None:
        raise _format_error(name)
    month, day, hour, minute, second, year = date.groups()
    try:
        moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second))
    except ValueError:
        raise _format_error(name) from None
    return timegm(moment.timetuple())


def _parse_number_or_text(name: str, text: str) -> int | str:
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= _MAX_DIGITS else text


def _parse_comma_list(name: str, text: str) -> list[str]:
    """Split at commas. A group whose name has a comma becomes two names, neither of which is its own."""
    return list(filter(None, text.split(",")))


def _parse_bracket_list(name: str, text: str) -> list[str]:
    """Strip one pair of brackets and split at spaces.

    A group whose name has a space becomes two names, neither of which is its own. Cognito makes no such
    group, but triggers and federations may.
    """
    if not (text.startswith("[") and text.endswith("]")):
        raise _format_error(name)
    return list(filter(None, text[1:-1].split(" ")))


def _parse_json_list(name: str, text: str) -> list[str]:
    value = parse_json(text)
    if not isinstance(value, list):
        raise _format_error(name)
    return value


def _parse_objects(name: str, text: str) -> Any:
    """Parse JSON. Text of any other form stays text, which `Principal` does not hand out as an object."""
    value = parse_json(text)
    if name == "identities":
        value = parse_json(f"[{text}]") if not isinstance(value, list) else value
        return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else text
    return value if isinstance(value, dict) else text


def _parse_aud(name: str, text: str) -> list[str] | str:
    return _parse_bracket_list(name, text) if text.startswith("[") else text


def _format_error(name: str) -> ClaimInvalid:
    return ClaimInvalid(
        f"the gateway's format of {name} cannot be parsed: is its authorizer one for Cognito?"
    )


_BOTH: dict[str, _Parse] = {
    **dict.fromkeys(_NUMBERS, _parse_number),
    **dict.fromkeys(BOOLEANS, read_boolean),
    **dict.fromkeys(COGNITO_OBJECTS, _parse_objects),
    "updated_at": _parse_number_or_text,
}
_REST_API = {**_BOTH, **dict.fromkeys(COGNITO_LISTS, _parse_comma_list)}
_HTTP_API = {
    **_BOTH,
    **dict.fromkeys(COGNITO_LISTS, _parse_bracket_list),
    **dict.fromkeys(("aud", "scp"), _parse_aud),
}
