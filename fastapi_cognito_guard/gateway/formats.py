"""Formats in which gateways write claims, and their conversion to the types of the token.

Only claims that Cognito defines are converted. A custom attribute ``"1"`` or ``"[x]"`` stays text.
"""

import re
from calendar import timegm
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fastapi_cognito_guard.claims import BOOLEANS, Claims
from fastapi_cognito_guard.errors import ClaimInvalid

ClaimsParser = Callable[[Mapping[str, Any]], Claims]
_Parse = Callable[[str, str], Any]

_NUMBERS = ("exp", "iat", "nbf", "auth_time", "version")
_LISTS = ("cognito:groups", "cognito:roles")

_MAX_DIGITS = 15
# java.util.Date.toString(). `strptime` would follow the machine's locale.
_DATE = (
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:UTC|GMT) ([0-9]{4})"
)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def parse_rest_claims(claims: Mapping[str, Any]) -> Claims:
    """Parse claims of a REST API, COGNITO_USER_POOLS: Java dates or digits, ``true``, lists as ``a,b``."""
    return _parse_claims(claims, _REST_API)


def parse_http_claims(claims: Mapping[str, Any]) -> Claims:
    """Parse claims of an HTTP API, JWT: digits, ``true``, lists as ``[a b]``."""
    return _parse_claims(claims, _HTTP_API)


def copy_native_claims(claims: Mapping[str, Any]) -> Claims:
    """Copy claims of a REST API, JWT: they have the JSON types of the token."""
    return Claims(dict(claims))


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


def _parse_boolean(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise _format_error(name)
    return text == "true"


def _parse_comma_list(name: str, text: str) -> list[str]:
    """Split at commas. A group whose name has a comma becomes two names, neither of which is its own."""
    return list(filter(None, text.split(",")))


def _parse_bracket_list(name: str, text: str) -> list[str]:
    """Strip one pair of brackets and split at spaces. Group names and role ARNs have no spaces."""
    if not (text.startswith("[") and text.endswith("]")):
        raise _format_error(name)
    return list(filter(None, text[1:-1].split(" ")))


def _parse_aud(name: str, text: str) -> list[str] | str:
    return _parse_bracket_list(name, text) if text.startswith("[") else text


def _format_error(name: str) -> ClaimInvalid:
    return ClaimInvalid(
        f"the gateway's format of {name} cannot be parsed: is its authorizer one for Cognito?"
    )


_BOTH: dict[str, _Parse] = {
    **dict.fromkeys(_NUMBERS, _parse_number),
    **dict.fromkeys(BOOLEANS, _parse_boolean),
}
_REST_API = {**_BOTH, **dict.fromkeys(_LISTS, _parse_comma_list)}
_HTTP_API = {
    **_BOTH,
    **dict.fromkeys(_LISTS, _parse_bracket_list),
    **dict.fromkeys(("aud", "scp"), _parse_aud),
}
