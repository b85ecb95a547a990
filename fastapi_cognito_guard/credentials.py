"""The bearer token of a request (RFC 6750 section 2.1); as at the gateways, ``Bearer`` may be left out."""

import re
from collections.abc import Iterable

from starlette.types import Scope

from fastapi_cognito_guard.errors import SchemeUnsupported, TokenMalformed, TokenMissing

# AWS Signature Version 4 and 4A: the signature of an IAM caller, which HTTP APIs leave in the event.
_SIGNATURES = ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")

_SCHEME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"  # a token of RFC 9110 section 5.6.2


def find_token(scope: Scope, name: bytes, protocol: str | None) -> str:
    """Return the token of a request: from the header ``name`` (lower case), or from WebSocket subprotocols.

    ``protocol`` is the subprotocol that the token follows; None if it may stand in the header only. Raises
    the errors of `parse_token`.
    """
    offered = scope.get("subprotocols", ())  # only WebSockets have them
    if protocol not in offered:
        return parse_token(scope["headers"], name)
    after = offered.index(protocol) + 1
    if offered.count(protocol) > 1 or any(header == name for header, _ in scope["headers"]):
        raise TokenMalformed("there is more than one credential: send the header or the subprotocol.")
    if after == len(offered):
        raise TokenMissing(f"no token stands after the subprotocol {protocol}.")
    return str(offered[after])


def parse_token(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    """Return the one token in the header ``name`` (lower case).

    Raises `TokenMissing`, `SchemeUnsupported` for credentials of another scheme, or `TokenMalformed`.
    """
    values = [value for header, value in headers if header == name]
    if len(values) > 1:
        raise TokenMalformed("there is more than one credential header: send one.")
    value = values[0] if values else b""
    token = value[7:].decode("latin-1") if value.startswith(b"Bearer ") else _parse_other_form(value)
    if " " in token or "," in token:
        token = token.lstrip(" ")  # RFC 9110 section 11.4: one or more spaces stand before it
        if " " in token or "," in token:
            raise TokenMalformed("the header holds more than one token: send one.")
    if not token:
        raise TokenMissing("the request carries no token: send Authorization: Bearer <token>.")
    return token


def _parse_other_form(value: bytes) -> str:
    """Return the token of a header that does not begin with ``Bearer``; empty if there is none."""
    text = value.decode("latin-1")
    scheme, space, rest = text.partition(" ")
    if not space:
        return "" if text.lower() == "bearer" else text
    if scheme in _SIGNATURES:
        return ""
    if re.fullmatch(_SCHEME, scheme) is None:
        raise TokenMalformed("the header begins with no scheme: send Authorization: Bearer <token>.")
    if scheme.lower() != "bearer":
        raise SchemeUnsupported("the header's scheme is not Bearer: send Authorization: Bearer <token>.")
    return rest
