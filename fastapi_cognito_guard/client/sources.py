"""Sources of a caller's tokens: the pool's token endpoint, or a function of the caller."""

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi_cognito_guard.addresses import build_sign_in_url, check_http_hosts
from fastapi_cognito_guard.client.endpoint import TokenEndpoint, find_lifetime, is_bearer_token
from fastapi_cognito_guard.client.keeper import Issued
from fastapi_cognito_guard.errors import ConfigurationError, TokenRequestFailed

TokenProvider = Callable[[], str | Awaitable[str]]
"""Returns a token. It runs in a thread with an event loop of its own, so it must not use objects of another
loop (a shared async client)."""

_REFRESH_TOKEN = re.compile(r"[\x21-\x7E]+")  # RFC 6749 appendix A.17, without the blank
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

    ``domain``      as in `UserPool`: ``myapp.auth.eu-west-1.amazoncognito.com``
    ``scopes``      to request; by default all that the app client may have
    ``http_hosts``  as in `UserPool`: emulators that may be reached over plain http
    """

    domain: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: Collection[str] = ()
    http_hosts: Collection[str] | str = field(default=(), repr=False)

    def __post_init__(self) -> None:
        _check_domain(self)
        if isinstance(self.scopes, str):
            raise ConfigurationError(f'scopes is a list: scopes=["{self.scopes}"].', setting="scopes")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """Refresh token of a user who has signed in (RFC 6749 section 6).

    ``client_secret``  for an app client that has one
    ``token_use``      the token to send: ``"access"``, or ``"id"`` for APIs that accept ID tokens
    ``http_hosts``     as in `UserPool`: emulators that may be reached over plain http
    """

    domain: str
    client_id: str
    refresh_token: str = field(repr=False)
    client_secret: str | None = field(default=None, repr=False)
    token_use: Literal["access", "id"] = "access"
    http_hosts: Collection[str] | str = field(default=(), repr=False)

    def __post_init__(self) -> None:
        _check_domain(self)
        if self.token_use not in {"access", "id"}:
            raise ConfigurationError('token_use is "access" or "id".', setting="token_use")


def _check_domain(source: ClientCredentials | RefreshToken) -> None:
    http_hosts = check_http_hosts(source.http_hosts)
    object.__setattr__(source, "http_hosts", http_hosts)
    build_sign_in_url(source.domain, http_hosts=http_hosts)


TokenSource = ClientCredentials | RefreshToken | TokenProvider


async def request_token(source: TokenSource, now: Callable[[], float]) -> Issued:
    """Obtain a new token. Raises `TokenRequestFailed`, or the exception of a token provider."""
    if isinstance(source, ClientCredentials):
        scope = {"scope": " ".join(source.scopes)} if source.scopes else {}
        answer = await _post(source, {"grant_type": "client_credentials", **scope})
        token = _read_token(answer, "access_token")
        return Issued(token, find_lifetime(answer.get("expires_in"), token, now()))
    if isinstance(source, RefreshToken):
        answer = await _post(source, {"grant_type": "refresh_token", "refresh_token": source.refresh_token})
        token = _read_token(answer, f"{source.token_use}_token")
        lifetime = find_lifetime(answer.get("expires_in"), token, now())
        return Issued(token, lifetime, _read_rotated(answer))
    given = source()
    token = _check_given(await given if inspect.isawaitable(given) else given)
    return Issued(token, find_lifetime(None, token, now()))


def advise_on_delay(source: TokenSource) -> str:
    """Return what helps if no token comes in time."""
    if callable(source):
        return "give the token provider a time limit of its own"
    return "check the domain and the network"


async def _post(source: ClientCredentials | RefreshToken, form: dict[str, str]) -> Mapping[str, Any]:
    endpoint = TokenEndpoint(
        source.domain, source.client_id, source.client_secret, frozenset(source.http_hosts)
    )
    return await endpoint.post(form, _ADVICE)


def _read_token(answer: Mapping[str, Any], name: str) -> str:
    token = answer.get(name)
    if is_bearer_token(token):
        return token
    raise TokenRequestFailed(
        "No token was given. A machine has no ID token; a user has one with the scope openid."
    )


def _read_rotated(answer: Mapping[str, Any]) -> str | None:
    """Return the refresh token of an app client that rotates them, if the answer has a usable one."""
    rotated = answer.get("refresh_token")
    return rotated if isinstance(rotated, str) and _REFRESH_TOKEN.fullmatch(rotated) else None


def _check_given(token: object) -> str:
    """Return the token of a provider. Raises `TokenRequestFailed` for anything else than a bare token."""
    if is_bearer_token(token):
        return token
    what = "a text that no Authorization header can have" if isinstance(token, str) else type(token).__name__
    raise TokenRequestFailed(f"The token provider gave {what}: let it return the bare token.")
