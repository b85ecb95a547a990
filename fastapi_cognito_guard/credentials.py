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
        try:
            return parse_token(scope["headers"], name)
        except TokenMissing:
            if scope.get("type") != "websocket":
                raise
            raise TokenMissing(_advise_browser(name, protocol)) from None
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
    token = value[7:].decode("latin-1") if value.startswith(b"Bearer ") else _parse_other_form(value, name)
    if " " in token or "," in token:
        token = token.lstrip(" ")  # RFC 9110 section 11.4: one or more spaces stand before it
        if " " in token or "," in token:
            raise TokenMalformed("the header holds more than one token, or `Bearer` twice: send one token.")
    if not token:
        raise TokenMissing(f"the request carries no token: send {_show(name)}.")
    return token


def _show(name: bytes) -> str:
    return f"{name.decode('latin-1').title()}: Bearer <token>"


def _advise_browser(name: bytes, protocol: str | None) -> str:
    """Return what to do about a WebSocket without a token: a browser cannot set its headers."""
    if protocol is None:
        opening = 'write CognitoGuard(..., websocket_protocol="cognito-guard") for it, and open the WebSocket'
    else:
        opening = "let it open the WebSocket"
    return (
        f"the WebSocket carries no token. A browser cannot send {_show(name)}: {opening} with the "
        f'subprotocols ["{protocol or "cognito-guard"}", token].'
    )


def _parse_other_form(value: bytes, name: bytes) -> str:
    """Return the token of a header that does not begin with ``Bearer``; empty if there is none."""
    text = value.decode("latin-1")
    scheme, space, rest = text.partition(" ")
    if not space:
        return "" if text.lower() == "bearer" else text
    if scheme in _SIGNATURES:
        return ""
    if re.fullmatch(_SCHEME, scheme) is None:
        raise TokenMalformed(f"the header begins with no scheme: send {_show(name)}.")
    if scheme.lower() != "bearer":
        raise SchemeUnsupported(f"the header's scheme is not Bearer: send {_show(name)}.")
    return rest
