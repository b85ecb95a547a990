"""Authentication for httpx and httpx2: one token for many requests, renewed once for all of them."""

from collections.abc import AsyncGenerator, Callable, Collection, Generator
from dataclasses import replace
from typing import Any

from fastapi_cognito_guard.client.keeper import Issued, TokenKeeper, TokenRequest, UnderWay
from fastapi_cognito_guard.client.libraries import ClientAuth, is_repeatable
from fastapi_cognito_guard.client.origins import Origins
from fastapi_cognito_guard.client.sources import (
    ClientCredentials,
    RefreshToken,
    TokenSource,
    advise_on_delay,
    request_token,
)
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.tokens.clock import read_time


class BearerAuth(ClientAuth):
    """Authentication of httpx and httpx2 clients with the token of a `TokenKeeper`.

    ``request_token`` renews it. After a 401 the token is renewed once and the request is sent again, unless
    its body is a stream.
    """

    def __init__(self, keeper: TokenKeeper, request_token: TokenRequest, origins: Origins) -> None:
        self._keeper = keeper
        self._request_token = request_token
        self._origins = origins

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Authenticate one request of a ``Client``."""
        self._origins.check(request.url)
        token = self._keeper.wait(self._keeper.find(self._request_token))
        response = yield _authorize(request, token)
        renewed = self._renew(response, request, token)
        if renewed is not None:
            yield _authorize(request, self._keeper.wait(renewed))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Authenticate one request of an ``AsyncClient``."""
        self._origins.check(request.url)
        token = await self._keeper.wait_async(self._keeper.find(self._request_token))
        response = yield _authorize(request, token)
        renewed = self._renew(response, request, token)
        if renewed is not None:
            yield _authorize(request, await self._keeper.wait_async(renewed))

    def _renew(self, response: Any, request: Any, token: str) -> str | UnderWay | None:
        """Return another token to try after a 401, or None if the response stands."""
        # After a redirect to another origin the token is gone, so that a 401 from there is not about it.
        sent = response.request.headers.get("Authorization") == f"Bearer {token}"
        if response.status_code != 401 or not sent or _asks_for_sign_in(response):
            return None
        if not self._keeper.refuse(token) or not is_repeatable(request):
            return None
        return self._keeper.find(self._request_token)


class CognitoAuth(BearerAuth):
    """Authentication of httpx and httpx2 clients, sync or async: it sends a token with each request.

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
        self._now = now
        keeper = TokenKeeper(
            timeout=timeout, now=now, advice=advise_on_delay(source), on_issued=self._rotate_refresh_token
        )
        super().__init__(keeper, self._request_from_source, Origins(origins, http_hosts))

    def __repr__(self) -> str:
        return f"CognitoAuth({'<a token provider>' if callable(self._source) else repr(self._source)})"

    async def _request_from_source(self) -> Issued:
        return await request_token(self._source, self._now)

    def _rotate_refresh_token(self, issued: Issued) -> None:
        if isinstance(self._source, RefreshToken) and issued.refresh_token is not None:
            self._source = replace(self._source, refresh_token=issued.refresh_token)


def _asks_for_sign_in(response: Any) -> bool:
    """Return True if only a new sign-in of the user helps (RFC 9470): a renewed token has the same level."""
    return 'error="insufficient_user_authentication"' in response.headers.get("WWW-Authenticate", "")


def _authorize(request: Any, token: str) -> Any:
    request.headers["Authorization"] = f"Bearer {token}"
    return request
