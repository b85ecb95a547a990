"""Clients of httpx and of httpx2: each takes `CognitoAuth`, and gets a token, and one retry after a 401."""

import runpy
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import pytest

from fastapi_cognito_guard.client import CognitoAuth, TokenExchange, libraries
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool

LIBRARIES = [httpx, httpx2]
URL = "https://api.example.com"


class Api:
    """API that refuses the first token, and tokens from a function that counts them."""

    def __init__(self, library: Any) -> None:
        self.sent: list[str] = []
        self.auth = CognitoAuth(self._issue, origins=URL)
        self.transport = library.MockTransport(self.answer)
        self._library = library
        self._issued = 0

    def _issue(self) -> str:
        self._issued += 1
        return f"token-{self._issued}"

    def answer(self, request: Any) -> Any:
        self.sent.append(request.headers["Authorization"])
        return self._library.Response(401 if self.sent[-1] == "Bearer token-1" else 200)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_client_gets_a_token_and_one_retry(library: Any) -> None:
    api = Api(library)
    with library.Client(auth=api.auth, transport=api.transport) as client:
        assert client.post(URL, json={}).status_code == 200
        assert api.sent == ["Bearer token-1", "Bearer token-2"]
        with pytest.raises(ConfigurationError, match="Add it to origins"):
            client.get("https://else.example")


@pytest.mark.anyio
@pytest.mark.parametrize("library", LIBRARIES)
async def test_so_does_an_async_client(library: Any) -> None:
    api = Api(library)
    async with library.AsyncClient(transport=api.transport) as client:
        assert (await client.get(URL, auth=api.auth)).status_code == 200
    assert api.sent == ["Bearer token-1", "Bearer token-2"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_stream_is_sent_once(library: Any) -> None:
    def stream() -> Iterator[bytes]:
        yield b"once"

    class Transport(library.BaseTransport):  # type: ignore[misc]  # of either library
        def handle_request(self, request: Any) -> Any:
            return api.answer(request)  # and reads no body, as a network does before it is sent

    api = Api(library)
    with library.Client(auth=api.auth, transport=Transport()) as client:
        assert client.post(URL, content=stream()).status_code == 401
    assert api.sent == ["Bearer token-1"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_exchanged_token_is_for_both(library: Any, pool: FakeUserPool) -> None:
    exchange = TokenExchange(
        domain="login.example.com", client_id="web", scopes=["o/r"], resource="https://orders.example.com"
    )
    assert isinstance(exchange.for_subject(pool.access_token()), library.Auth)


def test_without_httpx2_it_is_for_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    found = runpy.run_path(str(libraries.__file__))
    assert found["ClientAuth"].__bases__ == (httpx.Auth,)
