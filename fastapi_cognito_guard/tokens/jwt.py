"""Parse compact JWTs (RFC 7515) strictly. Nothing in them is verified here."""

import json
from collections.abc import Callable
from math import isfinite
from typing import Any, NoReturn

from fastapi_cognito_guard.errors import AlgorithmNotAllowed, TokenMalformed
from fastapi_cognito_guard.tokens.base64url import decode
from fastapi_cognito_guard.validation import is_too_deep

MAX_LENGTH = 16 * 1024  # characters
_BRACE = ord("{")
_MAX_KID = 256
_MAX_KEPT_HEADER = 512  # characters
_MAX_KEPT_HEADERS = 64
# RFC 7515 section 4: extensions that change the signed content or the source of keys are refused.
_REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "enc", "cty"})
_TYPES = frozenset({"jwt", "at+jwt"})


class UnverifiedJwt:
    """Well-formed token whose signature is not verified."""

    __slots__ = ("header", "kid", "length", "payload", "signature", "signing_input")

    def __init__(
        self,
        header: str,
        kid: str,
        payload: dict[str, Any],
        signing_input: bytes,
        signature: bytes,
        length: int,
    ) -> None:
        self.header = header
        self.kid = kid
        self.payload = payload
        self.signing_input = signing_input
        self.signature = signature
        self.length = length  # characters of the token


class KnownHeaders:
    """Headers of verified tokens, which need no second check.

    A pool's tokens have few different headers. ``kids`` maps the text of each to its kid.
    """

    def __init__(self) -> None:
        self.kids: dict[str, str] = {}

    def keep(self, jwt: UnverifiedJwt) -> None:
        """Keep the header of a token whose signature is good, if it is short and new."""
        if jwt.header not in self.kids and len(jwt.header) <= _MAX_KEPT_HEADER:
            if len(self.kids) >= _MAX_KEPT_HEADERS:
                self.kids = {}
            self.kids[jwt.header] = jwt.kid


def check_length(token: object, max_length: int) -> None:
    """Check type and length, before anything else reads a token. Raises `TokenMalformed`."""
    if not isinstance(token, str):
        raise TokenMalformed("the token is not a text.")
    if len(token) > max_length:
        raise TokenMalformed(
            f"the token is longer than max_token_length, {max_length} characters: give it fewer claims, or "
            "set CognitoGuard(max_token_length=...)."
        )


def parse(
    token: str,
    *,
    max_length: int = MAX_LENGTH,
    headers: KnownHeaders | None = None,
    on_new_header: Callable[[str], None] | None = None,
) -> UnverifiedJwt:
    """Parse a compact JWT of the form that Cognito issues, the cheapest check first.

    ``on_new_header`` gets the kid of a header that is not in ``headers``, before the payload is parsed; it
    may raise. Raises `TokenMalformed`, or `AlgorithmNotAllowed` for any ``alg`` but RS256.
    """
    check_length(token, max_length)
    first, last = token.find("."), token.rfind(".")
    if first == last or token.find(".", first + 1) != last:
        raise TokenMalformed("the token is not three parts with dots between: send the JWT itself.")
    header = token[:first]
    kid = headers.kids.get(header) if headers is not None else None
    if kid is None:
        kid = _check_header(_parse_object(decode(header)))
        if on_new_header is not None:
            on_new_header(kid)
    payload, signature = decode(token[first + 1 : last]), decode(token[last + 1 :])
    return UnverifiedJwt(header, kid, _parse_object(payload), token[:last].encode(), signature, len(token))


def _check_header(header: dict[str, Any]) -> str:
    """Return the kid of an acceptable header."""
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


def _parse_object(octets: bytes) -> dict[str, Any]:
    if octets[0] != _BRACE:  # also refuses a byte order mark, and white space
        raise TokenMalformed("a part of the token is not a JSON object.")
    try:
        # One spelling for one meaning: UTF-8, no duplicate names, and nothing after the object.
        text = octets.decode()
        value: dict[str, Any]
        value, end = _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        raise TokenMalformed("a part of the token is not JSON.") from None
    if end != len(text):
        raise TokenMalformed("a part of the token is more than a JSON object.")
    # Before it is written: Python's json recurses, to a depth that differs by version.
    if _may_be_nested(text) and is_too_deep(value):
        raise TokenMalformed("a part of the token is nested too deeply.")
    if "\\u" in text:  # not for "\\/", which Cognito writes in every issuer
        _check_writable(value)
    return value


def _may_be_nested(text: str) -> bool:
    """Return True if an object holds another object, or more than one list."""
    return text.rfind("{") > 0 or text.find("[") != text.rfind("[")


def _check_writable(value: dict[str, Any]) -> None:
    """Refuse an escaped half of a surrogate pair: it is valid JSON, but cannot be encoded in a response."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise TokenMalformed("a part of the token has half a surrogate pair in it.") from None


def _parse_float(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("beyond any number")
    return number


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_JSON = json.JSONDecoder(
    object_pairs_hook=_build_object, parse_constant=_refuse_constant, parse_float=_parse_float
)
