"""httpx authentication: one token for many requests, renewed once for all of them."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Callable, Collection, Generator
from concurrent.futures import Future, wait
from functools import partial
from typing import NamedTuple

import httpx

from fastapi_cognito_guard.addresses import check_http_hosts
from fastapi_cognito_guard.client.origins import find_origin, parse_origins
from fastapi_cognito_guard.client.sources import (
    ClientCredentials,
    Issued,
    RefreshToken,
    TokenSource,
    request_token,
)
from fastapi_cognito_guard.errors import ConfigurationError, TokenRequestFailed
from fastapi_cognito_guard.single_flight import SingleFlight, wait_for
from fastapi_cognito_guard.tokens.clock import read_time

_MARGIN = 60.0  # seconds before its expiry at which a token is renewed; half its life, if that is less
_FUTILE = 10.0  # seconds for which a token that replaced a refused one is not itself replaced after a 401
_GRACE = 1.0  # seconds past its deadline after which a token request counts as lost
_MOST_LOST = 4  # lost token requests, each of which holds a thread; beside so many, no other one is started
_NEVER = float("-inf")

_Pending = Future[Issued | BaseException]


class _Kept(NamedTuple):
    """The token in use, the end of its use, and the time at which it replaced a refused one."""

    token: str = ""
    fresh_until: float = _NEVER
    renewed_at: float = _NEVER


class _UnderWay(NamedTuple):
    """Token request, its latest end on the monotonic clock, and the process that has its thread."""

    result: _Pending
    ends: float
    process: int

    def seconds_left(self) -> float:
        return max(0.0, self.ends - time.monotonic())

    def is_lost(self) -> bool:
        return not self.seconds_left() and not self.result.done()

    def holds_thread(self) -> bool:
        return self.process == os.getpid() and not self.result.done()


class CognitoAuth(httpx.Auth):
    """httpx authentication that sends a token with each request, sync or async.

    ``source``      a `ClientCredentials`, a `RefreshToken`, or a function that returns a token
    ``origins``     addresses that tokens may be sent to: ``"https://api.example.com"``, or several; by
                    default every https address, and http on loopback
    ``timeout``     seconds that obtaining a token may take
    ``http_hosts``  hosts of ``origins`` that tokens may be sent to over plain http, for APIs in containers
                    on your machine: ``["orders"]``. Refused on Lambda
    ``now``         the clock, in seconds since the epoch

    A token is kept until shortly before it expires, and requested once for all requests that wait for it.
    After a 401 it is renewed once and the request is sent again, unless its body is a stream, which can be
    sent only once. Requests raise `TokenRequestFailed` if no token could be obtained, and
    `ConfigurationError` if it may not be sent to their address.

    >>> auth = CognitoAuth(ClientCredentials(domain=..., client_id=..., client_secret=...))
    >>> client = httpx.Client(base_url="https://api.example.com", auth=auth)
    """

    def __init__(
        self,
        source: TokenSource,
        *,
        origins: Collection[str] | str = (),
        timeout: float = 10.0,
        http_hosts: Collection[str] | str = (),
        now: Callable[[], float] = read_time,
    ) -> None:
        if not isinstance(source, ClientCredentials | RefreshToken) and not callable(source):
            raise ConfigurationError(
                "Write CognitoAuth(ClientCredentials(...)), CognitoAuth(RefreshToken(...)), or give a "
                "function that returns a token.",
                setting="source",
            )
        self._source = source
        self._http_hosts = check_http_hosts(http_hosts)
        self._origins = parse_origins(origins, self._http_hosts)
        self._timeout = timeout
        self._now = now
        self._kept = _Kept()
        self._flight: SingleFlight[Issued] = SingleFlight("cognito-token")
        self._under_way: _UnderWay | None = None
        self._lost: list[_UnderWay] = []

    def __repr__(self) -> str:
        return f"CognitoAuth({'<a token provider>' if callable(self._source) else repr(self._source)})"

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Authenticate one request of a `httpx.Client`."""
        self._check_origin(request.url)
        token = self._wait(self._find_token())
        response = yield _authorize(request, token)
        renewed = self._renew(response, request, token)
        if renewed is not None:
            yield _authorize(request, self._wait(renewed))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Authenticate one request of a `httpx.AsyncClient`."""
        self._check_origin(request.url)
        token = await self._wait_async(self._find_token())
        response = yield _authorize(request, token)
        renewed = self._renew(response, request, token)
        if renewed is not None:
            yield _authorize(request, await self._wait_async(renewed))

    def _check_origin(self, url: httpx.URL) -> None:
        """Raise `ConfigurationError` if a token could be read on its way, or by another party."""
        origin = find_origin(url, self._http_hosts)
        if self._origins and origin not in self._origins:
            raise ConfigurationError(
                f"This CognitoAuth has no tokens for {origin}. Add it to origins, or send the request with "
                "auth=None.",
                setting="origins",
            )

    def _find_token(self) -> str | _UnderWay:
        """Return the token in use, or the request for one that is under way."""
        with self._flight.lock:
            if self._now() < self._kept.fresh_until:
                return self._kept.token
            return self._join_request(refused=False)

    def _renew(self, response: httpx.Response, request: httpx.Request, token: str) -> str | _UnderWay | None:
        """Return another token to try after a 401, or None if the response stands."""
        # After a redirect to another origin the token is gone, so that a 401 from there is not about it.
        sent = response.request.headers.get("Authorization") == f"Bearer {token}"
        if response.status_code != 401 or not sent or _asks_for_sign_in(response):
            return None
        with self._flight.lock:
            kept, now = self._kept, self._now()
            if kept.token == token:
                if now - kept.renewed_at < _FUTILE:
                    return None
                self._kept = kept._replace(fresh_until=_NEVER)
            if not isinstance(request.stream, httpx.ByteStream):
                return None
            if now < self._kept.fresh_until:
                return kept.token
            return self._join_request(refused=True)

    def _join_request(self, *, refused: bool) -> _UnderWay:
        """Return the token request under way, or start one. The caller holds the lock."""
        if self._flight.current is not None and self._under_way is not None:
            if not self._under_way.is_lost():
                return self._under_way
            self._flight.abandon()
            self._lost.append(self._under_way)
        self._check_lost()
        ends = time.monotonic() + self._timeout + _GRACE
        result = self._flight.start(self._request, partial(self._keep, refused))
        self._under_way = _UnderWay(result, ends, os.getpid())
        return self._under_way

    def _check_lost(self) -> None:
        """Raise `TokenRequestFailed` while so many lost requests hold a thread that more would do harm."""
        self._lost = [lost for lost in self._lost if lost.holds_thread()]
        if len(self._lost) >= _MOST_LOST:
            raise TokenRequestFailed(
                f"{len(self._lost)} requests for a token have not ended after {self._timeout} seconds: "
                f"{self._advise()}."
            )

    async def _request(self) -> Issued:
        try:
            async with asyncio.timeout(self._timeout):
                return await request_token(self._source, self._now)
        except TimeoutError:
            raise self._timeout_error() from None

    def _keep(self, refused: bool, result: Issued | BaseException) -> None:
        if isinstance(result, Issued):
            now = self._now()
            fresh_until = now + result.lifetime - min(_MARGIN, result.lifetime / 2)
            self._kept = _Kept(result.token, fresh_until, now if refused else _NEVER)
            self._source = result.source

    def _wait(self, token: str | _UnderWay) -> str:
        if isinstance(token, str):
            return token
        wait([token.result], token.seconds_left())
        return self._unwrap(token.result)

    async def _wait_async(self, token: str | _UnderWay) -> str:
        if isinstance(token, str):
            return token
        await wait_for(token.result, token.seconds_left())
        return self._unwrap(token.result)

    def _unwrap(self, pending: _Pending) -> str:
        result = pending.result() if pending.done() else self._timeout_error()
        if isinstance(result, Issued):
            return result.token
        if isinstance(result, Exception):
            raise result
        # A token provider that cancels or exits does not end its caller.
        raise TokenRequestFailed(f"The token provider ended with {type(result).__name__}.")

    def _timeout_error(self) -> TokenRequestFailed:
        return TokenRequestFailed(f"No token within {self._timeout} seconds: {self._advise()}.")

    def _advise(self) -> str:
        if callable(self._source):
            return "give the token provider a time limit of its own"
        return "check the domain and the network"


def _asks_for_sign_in(response: httpx.Response) -> bool:
    """Return True if only a new sign-in of the user helps (RFC 9470): a renewed token has the same level."""
    return 'error="insufficient_user_authentication"' in response.headers.get("WWW-Authenticate", "")


def _authorize(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request
