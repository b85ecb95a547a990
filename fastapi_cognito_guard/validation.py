"""Checks of values that others wrote. Each value is checked for its type before it is used."""

import json
from asyncio import CancelledError
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fastapi_cognito_guard.errors import ClaimInvalid

CALLBACK_ERRORS = (Exception, SystemExit, CancelledError)
"""Errors of an app's callback, none of which may end a request or the server."""

NQCHAR = r"[\x21\x23-\x5B\x5D-\x7E]"
"""Pattern of one character of a scope (RFC 6749 appendix A), which a quoted parameter takes unescaped."""

_CONTAINERS = (dict, list)
_MAX_DEPTH = 32
_MAX_LOGGED = 128  # characters of one value
_MAX_WORD = 200
_UNESCAPED = "/{}:@!$&()*+,;=-._~"  # of paths (RFC 3986 section 3.3), and of their templates
_LOGGED_CLAIMS = ("sub", "token_use", "jti")


def check_writable(values: Mapping[str, Any]) -> None:
    """Check that claims can be written as JSON and encoded as UTF-8, as those of a token can.

    Raises `ClaimInvalid`.
    """
    try:
        if "".join(values).isascii() and "".join(values.values()).isascii():
            return  # as most gateways write them: everything is text
    except TypeError:  # a value that is not text
        pass
    if is_too_deep(values):
        raise ClaimInvalid("the claims are nested too deeply.")
    try:
        written = json.dumps(dict(values), ensure_ascii=False, default=str, skipkeys=True)
    except Exception as error:  # a value of a type that JSON does not have
        raise ClaimInvalid("the claims hold a value that cannot be written.") from error
    if not is_encodable(written):
        raise ClaimInvalid("the claims have half a surrogate pair in them.")


def is_encodable(text: str) -> bool:
    """Return False for a text with half a surrogate pair, which no response could repeat."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_too_deep(values: Mapping[str, Any]) -> bool:
    """Return True if claims are nested more than 32 deep: code that recurses over them could fail."""
    level = [item for item in values.values() if type(item) is not str and isinstance(item, _CONTAINERS)]
    for _ in range(_MAX_DEPTH - 1):
        if not level:
            return False
        items = (item for box in level for item in (box.values() if isinstance(box, dict) else box))
        level = [item for item in items if isinstance(item, _CONTAINERS)]
    return bool(level)


def loggable_claims(values: Mapping[str, Any], *, prefix: str = "") -> dict[str, str]:
    """Return the claims that a log may hold: no name, email address or phone number."""
    client, act = values.get("client_id", values.get("aud")), values.get("act")
    found = {**{name: values.get(name) for name in _LOGGED_CLAIMS}, "client_id": client}
    found["actor"] = act.get("sub") if isinstance(act, dict) else None
    return {prefix + name: escape_for_log(text) for name, text in found.items() if isinstance(text, str)}


def escape_for_log(text: str) -> str:
    """Return the first 128 characters, escaped, so that a log line stays one line."""
    return ascii(text[:_MAX_LOGGED])[1:-1]


def escape_word(text: str) -> str:
    """Return the first 200 characters as one word of ASCII: a method or a path, in percent-encoding.

    It has no spaces, quotes and line breaks, so that no client can forge a field of a log line.
    """
    return quote(text[:_MAX_WORD], safe=_UNESCAPED, errors="backslashreplace")[:_MAX_WORD]


def escape_unprintable(text: str) -> str:
    """Return a text with escapes for control characters, which a terminal or a page would execute."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
