"""Sources of a caller's tokens: the pool's token endpoint, or a function of the caller."""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import httpx

from fastapi_cognito_guard.addresses import build_sign_in_url
from fastapi_cognito_guard.errors import (
    AlgorithmNotAllowed,
    ConfigurationError,
    TokenMalformed,
    TokenRequestFailed,
)
from fastapi_cognito_guard.tokens.jwt import parse

TokenProvider = Callable[[], str | Awaitable[str]]
"""Returns a token. It runs in a thread with an event loop of its own, so it must not use objects of another
loop (a shared async client)."""

_MAX_ANSWER = 64 * 1024
_FOREVER = 1e12  # seconds; a larger number is not a time
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
_ADVICE = {  # by RFC 6749 section 5.2
    "invalid_request": "the token endpoint does not accept the form of the request",
    "invalid_client": "check client_id and client_secret",
    "invalid_grant": "the refresh token has expired, was revoked, or is another client's: sign in again",
    "unauthorized_client": "allow the app client this grant",
    "unsupported_grant_type": "allow the app client this grant",
    "invalid_scope": "allow the app client these scopes, or ask for others",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """Credentials of a machine that signs in as itself (RFC 6749 section 4.4).

    ``domain``  as in `UserPool`: ``myapp.auth.eu-west-1.amazoncognito.com``
    ``scopes``  to request; by default all that the app client may have
    """

    domain: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: Collection[str] = ()

    def __post_init__(self) -> None:
        build_sign_in_url(self.domain)
        if isinstance(self.scopes, str):
            raise ConfigurationError(f'scopes is a list: scopes=["{self.scopes}"].', setting="scopes")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """Refresh token of a user who has signed in (RFC 6749 section 6).

    ``client_secret``  for an app client that has one
    ``token_use``      the token to send: ``"access"``, or ``"id"`` for APIs that accept ID tokens
    """

    domain: str
    client_id: str
    refresh_token: str = field(repr=False)
    client_secret: str | None = field(default=None, repr=False)
    token_use: Literal["access", "id"] = "access"

    def __post_init__(self) -> None:
        build_sign_in_url(self.domain)
        if self.token_use not in {"access", "id"}:
            raise ConfigurationError('token_use is "access" or "id".', setting="token_use")


TokenSource = ClientCredentials | RefreshToken | TokenProvider


class Issued(NamedTuple):
    """Token, its lifetime in seconds, and the source to use the next time."""

    token: str
    lifetime: float
    source: TokenSource


async def request_token(source: TokenSource, now: Callable[[], float]) -> Issued:
    """Obtain a new token. Raises `TokenRequestFailed`, or the exception of a token provider."""
    if isinstance(source, ClientCredentials):
        scope = {"scope": " ".join(source.scopes)} if source.scopes else {}
        answer = await _post(source, {"grant_type": "client_credentials", **scope})
        token = _check_token(answer.get("access_token"))
    elif isinstance(source, RefreshToken):
        form = {"grant_type": "refresh_token", "refresh_token": source.refresh_token}
        answer = await _post(source, form)
        token = _check_token(answer.get(f"{source.token_use}_token"))
        rotated = answer.get("refresh_token")  # if the app client rotates them
        source = replace(source, refresh_token=rotated) if isinstance(rotated, str) else source
    else:
        given = source()
        answer, token = (
            {},
            _check_token(await given if inspect.isawaitable(given) else given, from_provider=True),
        )
    return Issued(token, _find_lifetime(answer.get("expires_in"), token, now()), source)


async def _post(source: ClientCredentials | RefreshToken, form: dict[str, str]) -> Mapping[str, Any]:
    """Send one short, bounded POST. The caller sets the deadline."""
    address = f"{build_sign_in_url(source.domain)}/oauth2/token"
    request = httpx.Request(
        "POST",
        address,
        data={**form, "client_id": source.client_id},
        headers={"accept": "application/json", "accept-encoding": "identity"},
    )
    secret = source.client_secret
    auth = None if secret is None else httpx.BasicAuth(source.client_id, secret)
    proxied = request.url.scheme == "https"  # plain http is for loopback, which no proxy can reach
    body = b""
    try:
        async with httpx.AsyncClient(timeout=httpx.Timeout(None), trust_env=proxied) as client:
            answer = await client.send(request, auth=auth, stream=True)
            async for chunk in answer.aiter_raw():
                body += chunk
                if len(body) > _MAX_ANSWER:
                    break
            await answer.aclose()
    except httpx.HTTPError as error:
        raise TokenRequestFailed(
            f"The token endpoint {address} cannot be reached ({type(error).__name__}): check the domain, and "
            "the network path from this machine to it."
        ) from error
    return _parse_answer(address, answer.status_code, body)


def _parse_answer(address: str, status: int, body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    error = answer.get("error") if isinstance(answer, dict) else None
    known = error if isinstance(error, str) and error in _ADVICE else None  # no other text is repeated
    advice = f"{known}: {_ADVICE[known]}" if known else "it is no token endpoint, or it is out of order"
    raise TokenRequestFailed(f"{address} answered {status}, {advice}.", status=status, error=known)


def _check_token(token: object, *, from_provider: bool = False) -> str:
    """Return a token of the form of RFC 6750. ``from_provider``: it comes from the caller's own function."""
    if isinstance(token, str) and _TOKEN.fullmatch(token):
        return token
    if from_provider:
        what = (
            "a text that no Authorization header can have" if isinstance(token, str) else type(token).__name__
        )
        raise TokenRequestFailed(f"The token provider gave {what}: let it return the bare token.")
    raise TokenRequestFailed(
        "No token was given. A machine has no ID token; a user has one with the scope openid."
    )


def _find_lifetime(expires_in: object, token: str, now: float) -> float:
    """Return the lifetime by the endpoint, else by the token, else 0: then the token is not kept."""
    if expires_in is not None:
        return _as_seconds(expires_in)
    try:
        expires_at = parse(token).payload.get("exp")
    except (TokenMalformed, AlgorithmNotAllowed):  # not a token of Cognito, but it may be sent
        return 0
    return _as_seconds(expires_at) - now if _as_seconds(expires_at) > now else 0


def _as_seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < _FOREVER else 0
