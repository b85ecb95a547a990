"""Reading values that somebody else wrote: each is checked for its type before anything is done with it."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi_cognito_guard.errors import ClaimInvalid

_BOXES = (dict, list)
_MAX_DEPTH = 32
_MAX_TOLD = 128


def strings(name: str, value: object) -> list[str]:
    """A claim's value that is a list of texts. Raises `ClaimInvalid`."""
    if isinstance(value, list):
        for item in value:
            if not isinstance(item, str):
                break
        else:
            return value
    raise wrong_type(name, "a list of strings")


def check_writable(values: Mapping[str, Any]) -> None:
    """As in a token: what comes after must be able to go through claims, and to write them.

    Raises `ClaimInvalid`.
    """
    try:
        if "".join(values).isascii() and "".join(values.values()).isascii():
            return  # as most gateways spell them: all is text
    except TypeError:  # a value that is no text
        pass
    if is_too_deep(values):
        raise ClaimInvalid("the claims are nested too deeply.")
    try:
        written = json.dumps(dict(values), ensure_ascii=False, default=str, skipkeys=True)
    except Exception as error:  # a value of a kind that JSON has not
        raise ClaimInvalid("the claims hold a value that cannot be written.") from error
    if not is_writable(written):
        raise ClaimInvalid("the claims have half a surrogate pair in them.")


def is_writable(text: str) -> bool:
    """Whether it can be written at all: half a surrogate pair would break the app's own answer."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_too_deep(values: Mapping[str, Any]) -> bool:
    """Whether claims are nested more than 32 deep: what comes after would have to recurse as deep."""
    level = [item for item in values.values() if type(item) is not str and isinstance(item, _BOXES)]
    for _ in range(_MAX_DEPTH - 1):
        if not level:
            return False
        items = (item for box in level for item in (box.values() if isinstance(box, dict) else box))
        level = [item for item in items if isinstance(item, _BOXES)]
    return bool(level)


def told(values: Mapping[str, Any], *, prefix: str = "") -> dict[str, str]:
    """What claims say of the caller and of themselves, for a log. Neither names nor addresses."""
    client = values.get("client_id", values.get("aud"))
    found = {**{name: values.get(name) for name in ("sub", "token_use", "jti")}, "client_id": client}
    return {prefix + name: escape_for_log(text) for name, text in found.items() if isinstance(text, str)}


def escape_for_log(text: str) -> str:
    """The first 128 characters, escaped: on one line, whatever somebody else has written."""
    return ascii(text[:_MAX_TOLD])[1:-1]


def wrong_type(name: str, due: str) -> ClaimInvalid:
    """The refusal of a claim that is not what it is due to be."""
    return ClaimInvalid(f"the claim {name} is missing or not {due}: is this a token of Cognito?")
