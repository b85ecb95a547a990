"""RFC 7515 compact serialization, read strictly and believed not at all."""

import json
from collections.abc import Callable
from math import isfinite
from typing import Any, NoReturn

from fastapi_cognito_guard.errors import AlgorithmNotAllowed, TokenMalformed
from fastapi_cognito_guard.tokens.base64url import decode
from fastapi_cognito_guard.validation import is_too_deep

MAX_LENGTH = 16 * 1024
_BRACE = ord("{")
_MAX_KID = 256
_MAX_KEPT_HEADER = 512  # bytes
_MAX_KEPT_HEADERS = 64
# RFC 7515 section 4: extensions that change what is signed, or where keys come from, are not ours.
_REFUSED_HEADERS = frozenset({"crit", "b64", "zip", "enc", "cty"})
_TYPES = frozenset({"jwt", "at+jwt"})


class UnverifiedJwt:
    """A well-formed token of which nothing is known to be true."""

    __slots__ = ("header", "kid", "payload", "signature", "signing_input")

    def __init__(
        self, header: str, kid: str, payload: dict[str, Any], signing_input: bytes, signature: bytes
    ) -> None:
        self.header = header
        self.kid = kid
        self.payload = payload
        self.signing_input = signing_input
        self.signature = signature


class KnownHeaders:
    """The few headers that a pool's tokens have, vetted before. Filled only after a good signature.

    ``kids`` has the kid of each by its text.
    """

    def __init__(self) -> None:
        self.kids: dict[str, str] = {}

    def keep(self, jwt: UnverifiedJwt) -> None:
        """Remember the header of a token that was good, if it is short, and new."""
        if jwt.header not in self.kids and len(jwt.header) <= _MAX_KEPT_HEADER:
            if len(self.kids) >= _MAX_KEPT_HEADERS:
                self.kids = {}
            self.kids[jwt.header] = jwt.kid


def check_length(token: object, max_length: int) -> None:
    """The cheapest check, before anything looks into a token. Raises `TokenMalformed`."""
    if not isinstance(token, str) or len(token) > max_length:
        raise TokenMalformed(f"the token is not a text of at most {max_length} characters.")


def parse(
    token: str,
    *,
    max_length: int = MAX_LENGTH,
    headers: KnownHeaders | None = None,
    on_new_header: Callable[[str], None] | None = None,
) -> UnverifiedJwt:
    """Read a compact JWT of the form that Cognito issues, the cheapest check first.

    ``on_new_header`` sees the kid of a header that is not in ``headers`` before the payload is read, and
    may refuse it. Raises `TokenMalformed`, or `AlgorithmNotAllowed` for any ``alg`` but RS256.
    """
    check_length(token, max_length)
    first, last = token.find("."), token.rfind(".")
    if first == last or token.find(".", first + 1) != last:
        raise TokenMalformed("the token is not three parts with dots between: send the JWT itself.")
    header = token[:first]
    kid = headers.kids.get(header) if headers is not None else None
    if kid is None:
        kid = _check_header(_json_object(header))
        if on_new_header is not None:
            on_new_header(kid)
    payload = _json_object(token[first + 1 : last])
    return UnverifiedJwt(header, kid, payload, token[:last].encode(), decode(token[last + 1 :]))


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


def _json_object(part: str) -> dict[str, Any]:
    octets = decode(part)
    if octets[0] != _BRACE:  # nor a byte order mark, nor white space
        raise TokenMalformed("a part of the token is not a JSON object.")
    try:
        # One text for one meaning: UTF-8, no name twice, and nothing after the object.
        text = octets.decode()
        value: dict[str, Any]
        value, end = _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        raise TokenMalformed("a part of the token is not JSON.") from None
    if end != len(text):
        raise TokenMalformed("a part of the token is more than a JSON object.")
    # How deep Python's own json goes differs by version. First, because writing it recurses, too.
    if _has_boxes_in_boxes(text) and is_too_deep(value):
        raise TokenMalformed("a part of the token is nested too deeply.")
    if "\\u" in text:  # and not for "\\/", which Cognito writes in every issuer
        _check_writable(value)
    return value


def _has_boxes_in_boxes(text: str) -> bool:
    """Whether an object holds more than one list, or another object: else nothing can be nested deeply."""
    return text.rfind("{") > 0 or text.find("[") != text.rfind("[")


def _check_writable(value: dict[str, Any]) -> None:
    """An escaped half of a surrogate pair is JSON, but no text: no answer could ever repeat it."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise TokenMalformed("a part of the token has half a surrogate pair in it.") from None


def _finite(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise ValueError("beyond any number")
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_JSON = json.JSONDecoder(
    object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant, parse_float=_finite
)
