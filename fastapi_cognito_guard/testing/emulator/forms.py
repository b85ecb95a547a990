"""What clients send to the local pool: read strictly, so that it means one thing only."""

import binascii
from base64 import b64decode
from urllib.parse import parse_qsl

from starlette.requests import Request

from fastapi_cognito_guard.testing.emulator.oauth import OAuthError, Parameters

_FORM = "application/x-www-form-urlencoded"
_MAX_FORM = 16 * 1024


async def form_of(request: Request) -> Parameters:
    """A form's fields. Raises `OAuthError` for a body that is no form, too long, or ambiguous."""
    if (
        request.headers.get("content-type", "").partition(";")[0].strip()
        != "application/x-www-form-urlencoded"
    ):
        raise OAuthError("invalid_request", "the body is application/x-www-form-urlencoded")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_FORM:
            raise OAuthError("invalid_request", "the body is too long")
    try:
        return single(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise OAuthError("invalid_request", "the body is not a form") from None


def single(pairs: list[tuple[str, str]]) -> Parameters:
    """RFC 6749 section 3.1: no parameter is there twice, and one without a value is not there."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise OAuthError("invalid_request", "a parameter is there more than once")
    return {name: value for name, value in fields.items() if value}


def basic_of(request: Request) -> tuple[str, str] | None:
    """Client id and secret in the header (RFC 6749 section 2.3.1)."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise OAuthError("invalid_client") from None
    return client_id, secret
