"""The httpx side of a caller: one token for many requests, renewed once for all of them."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Collection, Generator
from concurrent.futures import Future, wait
from typing import NamedTuple

import httpx

from fastapi_cognito_guard.addresses import is_loopback
from fastapi_cognito_guard.client.sources import ClientCredentials, Issued, RefreshToken, TokenSource, ask
from fastapi_cognito_guard.errors import ConfigurationError, TokenRequestFailed

_MARGIN = 60.0  # seconds before its expiry, from which on a token is renewed; half its life, if that is less
_FUTILE = 10.0  # seconds within which a token that was had because of a 401 is not renewed for another one
_GRACE = 1.0  # seconds past its deadline, after which nobody waits for a flight any more
_NEVER = float("-inf")

Flight = Future[str | Exception]
"""A token on its way; it lands with one, or with the reason why there is none."""


class _Kept(NamedTuple):
    """A token, until when it is sent, and since when we have it because the one before got a 401."""

    token: str = ""
    fresh_until: float = _NEVER
    renewed_at: float = _NEVER


class CognitoAuth(httpx.Auth):
    """Sends a token with each request of a httpx client, sync or async.

    ``source``   a `ClientCredentials`, a `RefreshToken`, or a function that returns a token
    ``origins``  where tokens may be sent: ``"https://api.example.com"``, or several; without any, to
                 every https address, and on loopback to http, too
    ``timeout``  seconds that getting a token may take
    ``now``      the clock, in seconds since the epoch

    A token is kept until shortly before it expires; however many requests want one, it is asked for
    once. After a 401 it is renewed once, and the request is sent once more, unless its body is a stream,
    which can be sent only once. Requests raise `TokenRequestFailed` where no token is to be had, and
    `ConfigurationError` where it may not be sent.

    >>> auth = CognitoAuth(ClientCredentials(domain=..., client_id=..., client_secret=...))
    >>> client = httpx.Client(base_url="https://api.example.com", auth=auth)
    """

    def __init__(
        self,
        source: TokenSource,
        *,
        origins: Collection[str] | str = (),
        timeout: float = 10.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not isinstance(source, ClientCredentials | RefreshToken) and not callable(source):
            raise ConfigurationError(
                "Write CognitoAuth(ClientCredentials(...)), CognitoAuth(RefreshToken(...)), or give a "
                "function that returns a token.",
                setting="source",
            )
        self._source = source
        self._origins = frozenset(map(_listed, (origins,) if isinstance(origins, str) else origins))
        self._timeout = timeout
        self._now = now
        self._kept = _Kept()
        self._flight: Flight | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()

    def __repr__(self) -> str:
        known = isinstance(self._source, ClientCredentials | RefreshToken)
        return f"CognitoAuth({self._source!r})" if known else "CognitoAuth(<a token provider>)"

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """httpx calls this for each request of a `httpx.Client`."""
        self._survive_fork()
        self._check(request.url)
        token = self._wait(self._token())
        response = yield _with(request, token)
        renewed = self._after(response, request, token)
        if renewed is not None:
            yield _with(request, self._wait(renewed))

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """httpx calls this for each request of a `httpx.AsyncClient`."""
        self._survive_fork()
        self._check(request.url)
        token = await self._async_wait(self._token())
        response = yield _with(request, token)
        renewed = self._after(response, request, token)
        if renewed is not None:
            yield _with(request, await self._async_wait(renewed))

    def _check(self, url: httpx.URL) -> None:
        """Raises `ConfigurationError` where a token would be read on its way, or by somebody else."""
        origin = _origin(url)
        if self._origins and origin not in self._origins:
            raise ConfigurationError(
                f"This CognitoAuth has no tokens for {origin}. Add it to origins, or send the request with "
                "auth=None.",
                setting="origins",
            )

    def _survive_fork(self) -> None:
        """A child has the token, but not the thread of a flight, and perhaps a lock held for ever."""
        if self._process != os.getpid():
            self._lock, self._flight, self._process = threading.Lock(), None, os.getpid()

    def _token(self) -> Flight:
        """The token that is kept, or the one under way."""
        with self._lock:
            if self._now() < self._kept.fresh_until:
                return _landed(self._kept.token)
            return self._under_way(refused=False)

    def _after(self, response: httpx.Response, request: httpx.Request, token: str) -> Flight | None:
        """Another token to try; None where the answer stands."""
        # After a redirect to somebody else the token is gone, so that their 401 is not about it.
        sent = response.request.headers.get("Authorization") == f"Bearer {token}"
        if response.status_code != 401 or not sent:
            return None
        with self._lock:
            kept, now = self._kept, self._now()
            if kept.token == token:
                if now - kept.renewed_at < _FUTILE:
                    return None
                self._kept = kept._replace(fresh_until=_NEVER)
            if not isinstance(request.stream, httpx.ByteStream):
                return None
            if now < self._kept.fresh_until:
                return _landed(kept.token)
            return self._under_way(refused=True)

    def _under_way(self, *, refused: bool) -> Flight:
        """The one flight. It belongs to no request: whoever asked for it may be cancelled."""
        if self._flight is None:
            flight: Flight = Future()
            flight.set_running_or_notify_cancel()
            thread = threading.Thread(
                target=self._fly, args=(flight, refused), name="cognito-token", daemon=True
            )
            thread.start()
            self._flight = flight
        return self._flight

    def _fly(self, flight: Flight, refused: bool) -> None:
        landing: Issued | Exception
        try:
            landing = asyncio.run(self._ask())
        except Exception as error:
            landing = error
        except BaseException as error:  # a token provider that cancels or exits: not its caller's end
            landing = TokenRequestFailed(f"The token provider ended with {type(error).__name__}.")
        with self._lock:
            if isinstance(landing, Issued):
                self._keep(landing, refused)
            self._flight = None
        flight.set_result(landing.token if isinstance(landing, Issued) else landing)

    async def _ask(self) -> Issued:
        try:
            async with asyncio.timeout(self._timeout):
                return await ask(self._source, self._now)
        except TimeoutError:
            raise self._too_late() from None

    def _keep(self, issued: Issued, refused: bool) -> None:
        now = self._now()
        fresh_until = now + issued.lifetime - min(_MARGIN, issued.lifetime / 2)
        self._kept = _Kept(issued.token, fresh_until, now if refused else _NEVER)
        self._source = issued.source

    def _wait(self, flight: Flight) -> str:
        wait([flight], self._timeout + _GRACE)
        return self._token_of(flight)

    async def _async_wait(self, flight: Flight) -> str:
        if not flight.done():
            await asyncio.wait([asyncio.wrap_future(flight)], timeout=self._timeout + _GRACE)
        return self._token_of(flight)

    def _token_of(self, flight: Flight) -> str:
        landing = flight.result() if flight.done() else self._too_late()
        if isinstance(landing, Exception):
            raise landing
        return landing

    def _too_late(self) -> TokenRequestFailed:
        return TokenRequestFailed(
            f"No token within {self._timeout} seconds: check the domain and the network."
        )


def _landed(token: str) -> Flight:
    flight: Flight = Future()
    flight.set_result(token)
    return flight


def _with(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request


def _origin(url: httpx.URL) -> str:
    """Scheme, host and port. Raises `ConfigurationError` where what is sent can be read on its way."""
    if not (url.scheme == "https" and url.host) and not (url.scheme == "http" and is_loopback(url.host)):
        raise ConfigurationError(
            "Tokens are sent over https, or over http to 127.0.0.1 and localhost: write https."
        )
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _listed(origin: str) -> str:
    try:
        url = httpx.URL(origin)
    except (TypeError, httpx.InvalidURL):
        url = httpx.URL("https:///not-an-address")
    if url.raw_path != b"/":
        raise ConfigurationError(
            'An origin is scheme, host and port: "https://api.example.com".', setting="origins"
        )
    return _origin(url)
