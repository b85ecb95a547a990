"""Sources of a caller's tokens: the pool's token endpoint, or a function of the caller."""

import inspect
import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeGuard

import httpx

from fastapi_cognito_guard.addresses import build_sign_in_url, check_http_hosts
from fastapi_cognito_guard.errors import (
    AlgorithmNotAllowed,
    ConfigurationError,
    TokenMalformed,
    TokenRequestFailed,
)
from fastapi_cognito_guard.network_errors import CLIENT_SETTINGS, describe_failure
from fastapi_cognito_guard.tokens.jwt import parse

TokenProvider = Callable[[], str | Awaitable[str]]
"""Returns a token. It runs in a thread with an event loop of its own, so it must not use objects of another
loop (a shared async client)."""

_MAX_ANSWER = 64 * 1024
_FOREVER = 1e12  # seconds; a larger number is not a time
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750 section 2.1
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
        source = _replace_refresh_token(source, answer.get("refresh_token"))
    else:
        given = source()
        answer, token = (
            {},
            _check_token(await given if inspect.isawaitable(given) else given, from_provider=True),
        )
    return Issued(token, _find_lifetime(answer.get("expires_in"), token, now()), source)


def _replace_refresh_token(source: RefreshToken, rotated: object) -> RefreshToken:
    """Return the source with the token of an app client that rotates them, if the answer has a usable one."""
    if isinstance(rotated, str) and _REFRESH_TOKEN.fullmatch(rotated):
        return replace(source, refresh_token=rotated)
    return source


async def _post(source: ClientCredentials | RefreshToken, form: dict[str, str]) -> Mapping[str, Any]:
    """Send one short, bounded POST. The caller sets the deadline."""
    domain = build_sign_in_url(source.domain, http_hosts=frozenset(source.http_hosts))
    request = httpx.Request(
        "POST",
        f"{domain}/oauth2/token",
        data={**form, "client_id": source.client_id},
        headers={"accept": "application/json", "accept-encoding": "identity"},
    )
    secret = source.client_secret
    auth = None if secret is None else httpx.BasicAuth(source.client_id, secret)
    client = _make_client(request.url)
    try:
        async with client:
            status, body = await _send(client, request, auth)
    except Exception as error:  # also an OSError or a ValueError of a proxy's address
        raise TokenRequestFailed(
            f"The token endpoint {request.url} cannot be reached ({describe_failure(error)}): check the "
            "domain, and the network path from this machine to it."
        ) from error
    return _parse_answer(str(request.url), status, body)


def _make_client(url: httpx.URL) -> httpx.AsyncClient:
    # Plain http is for loopback and named emulators: no proxy may read the secrets on their way there.
    proxied = url.scheme == "https"
    try:
        return httpx.AsyncClient(timeout=httpx.Timeout(None), trust_env=proxied)
    except Exception as error:
        # Its text is not repeated, nor shown as the cause: it may hold the proxy's password.
        raise TokenRequestFailed(
            f"No client for {url} can be made ({type(error).__name__}): {CLIENT_SETTINGS}."
        ) from None


async def _send(
    client: httpx.AsyncClient, request: httpx.Request, auth: httpx.BasicAuth | None
) -> tuple[int, bytes]:
    """Return status and body of the answer; a body that is too long is cut."""
    answer = await client.send(request, auth=auth, stream=True)
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > _MAX_ANSWER:
            break
    await answer.aclose()
    return answer.status_code, body


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
    if _is_number(expires_in):
        return _as_seconds(expires_in)
    try:
        expires_at = parse(token).payload.get("exp")
    except (TokenMalformed, AlgorithmNotAllowed):  # not a token of Cognito, but it may be sent
        return 0
    return _as_seconds(expires_at) - now if _as_seconds(expires_at) > now else 0


def _as_seconds(value: object) -> float:
    return float(value) if _is_number(value) and 0 < value < _FOREVER else 0


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
