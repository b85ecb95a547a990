"""Strict parsing of requests to the local pool: each has one meaning only."""

import json
from base64 import b64decode
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request

from fastapi_cognito_guard.testing.emulator.errors import OAuthError
from fastapi_cognito_guard.testing.emulator.oauth import Credentials, Parameters

_FORM = "application/x-www-form-urlencoded"
_MAX_LENGTH = 16 * 1024  # bytes
_MAX_FIELDS = 50


async def read_form(request: Request) -> Parameters:
    """Read the fields of a form. Raises `OAuthError` for another type, a long body, or a repeated field."""
    body = await _read_body(request, _FORM)
    try:
        return parse_parameters(
            parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
        )
    except ValueError:
        raise OAuthError("invalid_request", "the body is not a form") from None


async def read_json(request: Request) -> object:
    """Read a JSON body. Raises `OAuthError` for another type, a long body, or what is not JSON."""
    try:
        return json.loads(await _read_body(request, "application/json"))
    except (ValueError, RecursionError):
        raise OAuthError("invalid_client_metadata", "the body is not JSON") from None


async def _read_body(request: Request, media_type: str) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip() != media_type:
        raise OAuthError("invalid_request", f"the body is {media_type}")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_LENGTH:
            raise OAuthError("invalid_request", "the body is too long")
    return body


def parse_parameters(pairs: list[tuple[str, str]]) -> Parameters:
    """Refuse repeated parameters, and drop those without a value (RFC 6749 section 3.1)."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthError("invalid_request", "a parameter is there more than once")
    return {name: value for name, value in fields.items() if value}


def read_basic_credentials(request: Request) -> tuple[Credentials, ...]:
    """Read client id and secret from the ``Authorization`` header; empty without them.

    Clients that follow RFC 6749 section 2.3.1 encode both as in a form first, and others do not: the result
    is the pair as it is, and decoded.
    """
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ()
    try:
        client_id, _, secret = b64decode(credentials.strip(), validate=True).decode().partition(":")
    except ValueError:  # not base64, or not UTF-8
        raise OAuthError("invalid_client") from None
    return (client_id, secret), (unquote_plus(client_id), unquote_plus(secret))
