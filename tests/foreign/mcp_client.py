"""MCP SDK: its client, which finds the pool by the refusal, registers, signs in, and calls tools."""

import asyncio
import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from mcp.client.auth import OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from pydantic import AnyUrl

from fastapi_cognito_guard.testing import LocalPool, local_pool
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from fastapi_cognito_guard.testing.uvicorn_server import get_address, listen, serve_app
from tests.foreign.pools import DIRECTORY, REDIRECT_URI, SCOPES
from tests.foreign.sign_in import submit_sign_in_form

OPEN_DIRECTORY = replace(DIRECTORY, registration_scopes=SCOPES)
"""A pool at which clients register themselves."""
KNOWN_CLIENT = OAuthClientInformationFull(
    client_id="local-docs", redirect_uris=[AnyUrl(REDIRECT_URI)], token_endpoint_auth_method="none"
)


@dataclass
class Answer:
    """Answer that the client got to one of its requests."""

    method: str
    url: str
    status: int
    challenge: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path


@dataclass
class McpClient:
    """The SDK's client of a user: its storage, the user's browser, and the answers it got.

    Without ``client`` it registers itself; with ``tokens`` it begins with these.
    """

    server: str
    username: str = "ada"
    client: OAuthClientInformationFull | None = None
    tokens: OAuthToken | None = None
    answers: list[Answer] = field(default_factory=list)

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info

    async def open_browser(self, url: str) -> None:
        self._back = await asyncio.to_thread(submit_sign_in_form, url, self.username)

    async def wait_for_code(self) -> AuthorizationCodeResult:
        query = parse_qs(urlsplit(self._back).query)
        return AuthorizationCodeResult(code=query["code"][0], state=query["state"][0])

    async def call(self, tool: str, **arguments: Any) -> Any:
        """Call a tool, with a sign-in as soon as the server asks for one; return its result."""
        metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(REDIRECT_URI)])
        auth = OAuthClientProvider(self.server, metadata, self, self.open_browser, self.wait_for_code)
        hooks = {"response": [self._note]}
        async with (
            httpx2.AsyncClient(auth=auth, trust_env=False, timeout=20, event_hooks=hooks) as http,
            Client(streamable_http_client(self.server, http_client=http)) as client,
        ):
            return await client.call_tool(tool, arguments)

    async def _note(self, response: httpx2.Response) -> None:
        challenge = response.headers.get("www-authenticate", "")
        request = response.request
        self.answers.append(Answer(request.method, str(request.url), response.status_code, challenge))

    @property
    def claims(self) -> dict[str, Any]:
        """Claims of the access token that the client holds."""
        assert self.tokens is not None
        return unverified_claims(self.tokens.access_token)

    @property
    def challenges(self) -> list[str]:
        """Challenges that the client got, in their order."""
        return [answer.challenge for answer in self.answers if answer.challenge]


@dataclass(frozen=True)
class Served:
    """The example's MCP server, and its pool."""

    local: LocalPool
    origin: str

    @property
    def url(self) -> str:
        return f"{self.origin}/mcp"


@contextmanager
def serve_example(path: str = "/mcp") -> Iterator[Served]:
    """Serve examples/mcp_server, whose resource is at ``path``, and a pool of its own."""
    with local_pool(OPEN_DIRECTORY) as local, listen(0) as listener, pytest.MonkeyPatch.context() as patch:
        origin = get_address(listener)
        settings = {"COGNITO_CLIENT_IDS": "ANY_BOUND_CLIENT", "COGNITO_RESOURCE": f"{origin}{path}"}
        for name, value in {**local.settings, **settings}.items():
            patch.setenv(name, value)
        # A server of the SDK runs once, so that each one needs a module of its own.
        module = importlib.import_module("examples.mcp_server.main")
        app: FastAPI = importlib.reload(module).app
        with serve_app(app, listener):
            yield Served(local, origin)


async def check_example(path: str) -> None:
    """Call a tool of the example as ada, with a client that registers itself."""
    with serve_example(path) as served:
        client = McpClient(f"{served.origin}{path}")
        result = await client.call("list_orders")
        assert result.structured_content == {"1": "tea", "2": "coffee"}, result
        assert (client.claims["aud"], client.claims["username"]) == (f"{served.origin}{path}", "ada")


if __name__ == "__main__":
    logging.disable(logging.INFO)
    for each in ("/mcp", "/mcp/"):
        asyncio.run(check_example(each))
    print("metadata from the challenge, registration, sign-in with resource, a tool behind guard.protect")
