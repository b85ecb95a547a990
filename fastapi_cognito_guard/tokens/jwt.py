"""RFC 7515 compact serialization, read strictly and believed not at all."""

import json
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass
from typing import Any, NoReturn

from fastapi_cognito_guard.errors import AlgorithmNotAllowed, TokenMalformed

MAX_LENGTH = 16 * 1024
_MAX_KID = 256
_MAX_DEPTH = 32
_FROM_URL = bytes.maketrans(b"-_+/", b"+/**")  # "+" and "/" become something base64 refuses
# RFC 7515 section 4: extensions that change what is signed, or where keys come from, are not ours.
_REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "enc", "cty"})
_TYPES = frozenset({"jwt", "at+jwt"})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedJwt:
    """A well-formed token of which nothing is known to be true."""

    kid: str
    payload: dict[str, Any]
    signing_input: bytes
    signature: bytes


def parse(token: str, *, max_length: int = MAX_LENGTH) -> UnverifiedJwt:
    """Read a compact JWT of the form that Cognito issues.

    Raises `TokenMalformed`, or `AlgorithmNotAllowed` for any ``alg`` but RS256.
    """
    if not isinstance(token, str) or not token.isascii():
        raise TokenMalformed("the token is not ASCII text.")
    if len(token) > max_length:
        raise TokenMalformed(f"the token is longer than {max_length} characters.")
    parts = token.encode("ascii").split(b".")
    if len(parts) != 3:
        raise TokenMalformed("the token is not three parts with dots between: send the JWT itself.")
    header, payload, signature = parts
    return UnverifiedJwt(
        kid=_check_header(_json_object(header)),
        payload=_json_object(payload),
        signing_input=header + b"." + payload,
        signature=decode_base64url(signature),
    )


def decode_base64url(text: bytes) -> bytes:
    """RFC 4648 section 5 without padding, canonical. Raises `TokenMalformed`."""
    standard = text.translate(_FROM_URL)
    try:
        data = a2b_base64(standard + b"=" * (-len(standard) % 4), strict_mode=True)
    except Base64Error:
        data = b""
    # Written back, it must be the same text: no trailing bits, no second spelling of one value.
    if not data or b2a_base64(data, newline=False).rstrip(b"=") != standard:
        raise TokenMalformed("a part of the token is not base64url.")
    return data


def _check_header(header: dict[str, Any]) -> str:
    alg = header.get("alg")
    if alg != "RS256":
        raise AlgorithmNotAllowed("alg is not RS256, the one that Cognito signs with.", algorithm=alg)
    if not _REFUSED_HEADERS.isdisjoint(header):
        raise TokenMalformed("the header asks for an extension (crit, b64, zip, enc or cty).")
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower() not in _TYPES:
        raise TokenMalformed("typ is neither JWT nor at+jwt.")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID:
        raise TokenMalformed("kid is missing, not a string, or too long.")
    return kid


def _json_object(part: bytes) -> dict[str, Any]:
    try:
        # One text for one meaning: UTF-8, no byte order mark (json refuses it), no duplicate names.
        text = decode_base64url(part).decode("utf-8")
        value = json.loads(text, object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
        if text.count("[") + text.count("{") > _MAX_DEPTH:
            _check_depth(value)
    except (ValueError, RecursionError):
        raise TokenMalformed("a part of the token is not JSON.") from None
    if not isinstance(value, dict):
        raise TokenMalformed("a part of the token is not a JSON object.")
    return value


def _check_depth(value: Any) -> None:
    """How deep Python's json goes differs by version; what comes after it would recurse too."""
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [
            item
            for container in level
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise ValueError("nested too deeply")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
