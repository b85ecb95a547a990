"""How gateways spell a token's claims, and the way back to the types that the token had.

Only claims that Cognito defines are converted. A custom attribute ``"1"`` or ``"[x]"`` stays text.
"""

import re
from calendar import timegm
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from fastapi_cognito_guard.claims import BOOLEANS, Claims
from fastapi_cognito_guard.errors import ClaimInvalid

Spelling = Callable[[Mapping[str, Any]], Claims]
_Read = Callable[[str, str], Any]

_NUMBERS = ("exp", "iat", "nbf", "auth_time", "version")
_LISTS = ("cognito:groups", "cognito:roles")

_MAX_DIGITS = 15
# java.util.Date.toString(). Not strptime: its names follow the machine's locale.
_DATE = (
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) (?:UTC|GMT) ([0-9]{4})"
)
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def parse_rest_claims(claims: Mapping[str, Any]) -> Claims:
    """REST COGNITO_USER_POOLS: Java dates or digits, ``true``, and ``a,b`` for lists."""
    return _read(claims, _REST_API)


def parse_http_claims(claims: Mapping[str, Any]) -> Claims:
    """HTTP API JWT: digits, ``true``, and ``[a b]`` for lists."""
    return _read(claims, _HTTP_API)


def copy_native_claims(claims: Mapping[str, Any]) -> Claims:
    """REST JWT: the JSON types of the token itself."""
    return Claims(dict(claims))


def _read(claims: Mapping[str, Any], readers: Mapping[str, _Read]) -> Claims:
    values = Claims(dict(claims))
    for name, read in readers.items():
        if name in values:
            text = values[name]
            if not isinstance(text, str):
                raise _unreadable(name)
            values[name] = read(name, text)
    return values


def _number(name: str, text: str) -> int:
    if text.isdecimal() and text.isascii() and len(text) <= _MAX_DIGITS:
        return int(text)
    date = re.fullmatch(_DATE, text)
    if date is None:
        raise _unreadable(name)
    month, day, hour, minute, second, year = date.groups()
    try:
        moment = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second))
    except ValueError:
        raise _unreadable(name) from None
    return timegm(moment.timetuple())


def _boolean(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise _unreadable(name)
    return text == "true"


def _comma_list(name: str, text: str) -> list[str]:
    """A group whose own name has a comma cannot be told from two groups here, and never matches."""
    return list(filter(None, text.split(",")))


def _bracket_list(name: str, text: str) -> list[str]:
    """Cognito's group names and role ARNs have no spaces, but may have brackets: strip one layer."""
    if not (text.startswith("[") and text.endswith("]")):
        raise _unreadable(name)
    return list(filter(None, text[1:-1].split(" ")))


def _bracket_list_or_text(name: str, text: str) -> list[str] | str:
    return _bracket_list(name, text) if text.startswith("[") else text


def _unreadable(name: str) -> ClaimInvalid:
    return ClaimInvalid(
        f"the gateway's spelling of {name} cannot be read: is its authorizer one for Cognito?"
    )


_BOTH: dict[str, _Read] = {**dict.fromkeys(_NUMBERS, _number), **dict.fromkeys(BOOLEANS, _boolean)}
_REST_API = {**_BOTH, **dict.fromkeys(_LISTS, _comma_list)}
_HTTP_API = {
    **_BOTH,
    **dict.fromkeys(_LISTS, _bracket_list),
    **dict.fromkeys(("aud", "scp"), _bracket_list_or_text),
}
