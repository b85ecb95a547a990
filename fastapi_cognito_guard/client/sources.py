"""Where a caller's tokens come from: the pool's token endpoint, or a function of the caller's own."""

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
"""Gets a token. It runs in a thread with an event loop of its own, so it must not use what belongs to
another loop (a shared async client)."""

_MAX_ANSWER = 64 * 1024
_FOREVER = 1e12  # seconds; more is no time
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
_ADVICE = {  # by RFC 6749 section 5.2
    "invalid_request": "the request is not as the token endpoint wants it",
    "invalid_client": "check client_id and client_secret",
    "invalid_grant": "the refresh token has expired, was revoked, or is another client's: sign in again",
    "unauthorized_client": "allow the app client this grant",
    "unsupported_grant_type": "allow the app client this grant",
    "invalid_scope": "allow the app client these scopes, or ask for others",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """A machine signs in as itself (RFC 6749 section 4.4).

    ``domain``  as in `UserPool`: ``myapp.auth.eu-west-1.amazoncognito.com``
    ``scopes``  to ask for; without any, all that the app client may have
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
    """A user has signed in, and this goes on for them (RFC 6749 section 6).

    ``client_secret``  of an app client that has one
    ``token_use``      which token to send: ``"access"``, or ``"id"`` to APIs that take those
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
    """A token, and for how many seconds it is good. ``source`` is what to ask the next time."""

    token: str
    lifetime: float
    source: TokenSource


async def ask(source: TokenSource, now: Callable[[], float]) -> Issued:
    """A new token. Raises `TokenRequestFailed`, or what a token provider raises."""
    if isinstance(source, ClientCredentials):
        scope = {"scope": " ".join(source.scopes)} if source.scopes else {}
        answer = await _request(source, {"grant_type": "client_credentials", **scope})
        token = _checked(answer.get("access_token"))
    elif isinstance(source, RefreshToken):
        form = {"grant_type": "refresh_token", "refresh_token": source.refresh_token}
        answer = await _request(source, form)
        token = _checked(answer.get(f"{source.token_use}_token"))
        rotated = answer.get("refresh_token")  # where the app client rotates them
        source = replace(source, refresh_token=rotated) if isinstance(rotated, str) else source
    else:
        given = source()
        answer, token = {}, _checked(await given if inspect.isawaitable(given) else given, own=True)
    return Issued(token, _lifetime(answer.get("expires_in"), token, now()), source)


async def _request(source: ClientCredentials | RefreshToken, form: dict[str, str]) -> Mapping[str, Any]:
    """One short, bounded POST. The caller keeps the deadline."""
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
    return _read(address, answer.status_code, body)


def _read(address: str, status: int, body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if status == 200 and isinstance(answer, dict):
        return answer
    error = answer.get("error") if isinstance(answer, dict) else None
    known = error if isinstance(error, str) and error in _ADVICE else None  # nothing else is repeated
    advice = f"{known}: {_ADVICE[known]}" if known else "it is no token endpoint, or it is out of order"
    raise TokenRequestFailed(f"{address} answered {status}, {advice}.", status=status, error=known)


def _checked(token: object, *, own: bool = False) -> str:
    """A token as RFC 6750 has them. ``own``: whether a function of the caller's has given it."""
    if isinstance(token, str) and _TOKEN.fullmatch(token):
        return token
    if own:
        what = (
            "a text that no Authorization header can have" if isinstance(token, str) else type(token).__name__
        )
        raise TokenRequestFailed(f"The token provider gave {what}: let it return the bare token.")
    raise TokenRequestFailed(
        "No token was given. A machine has no ID token; a user has one with the scope openid."
    )


def _lifetime(expires_in: object, token: str, now: float) -> float:
    """What the endpoint says, else what the token says, else 0: then it is not kept."""
    if expires_in is not None:
        return _seconds(expires_in)
    try:
        expires_at = parse(token).payload.get("exp")
    except (TokenMalformed, AlgorithmNotAllowed):  # not Cognito's, which is no reason not to send it
        return 0
    return _seconds(expires_at) - now if _seconds(expires_at) > now else 0


def _seconds(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < _FOREVER else 0
