"""MCP SDK: its server behind `guard.protect`, and its client, which finds the pool by the refusal."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from fastapi import FastAPI
from mcp.client.auth import OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

from fastapi_cognito_guard import CognitoGuard, require_scope
from fastapi_cognito_guard.testing import LocalPool, local_pool
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from fastapi_cognito_guard.testing.uvicorn_server import get_address, listen, serve_app
from tests.foreign.pools import DIRECTORY, REDIRECT_URI
from tests.foreign.sign_in import submit_sign_in_form


class Storage:
    """Storage of the SDK's client, with an app client that is registered: Cognito's pools register none."""

    def __init__(self, client_id: str) -> None:
        self.client = OAuthClientInformationFull(
            client_id=client_id, redirect_uris=[REDIRECT_URI], token_endpoint_auth_method="none"
        )
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Browser:
    """Browser of a user: it signs in when the client sends it to the pool."""

    def __init__(self, username: str) -> None:
        self.username = username
        self.back = ""

    async def open(self, url: str) -> None:
        self.back = await asyncio.to_thread(submit_sign_in_form, url, self.username)

    async def wait(self) -> AuthorizationCodeResult:
        query = parse_qs(urlsplit(self.back).query)
        return AuthorizationCodeResult(code=query["code"][0], state=query["state"][0])


def build_app(local: LocalPool, resource: str) -> FastAPI:
    """Build an app with an MCP server for callers with the scope orders/write."""
    server = MCPServer("orders")

    def count_orders() -> int:
        return 2

    server.add_tool(count_orders)
    mcp_app = server.streamable_http_app(streamable_http_path="/", stateless_http=True, json_response=True)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    app = FastAPI(lifespan=lifespan)
    guard = CognitoGuard(local.user_pool(resource=resource))
    guard.install(app)
    app.mount("/mcp", guard.protect(mcp_app, require_scope("orders/write")))
    return app


async def call_tool(resource: str, storage: Storage, username: str) -> Any:
    """Call the tool as the SDK's client does, with a sign-in as soon as the server asks for one."""
    browser = Browser(username)
    metadata = OAuthClientMetadata(redirect_uris=[REDIRECT_URI], token_endpoint_auth_method="none")
    auth = OAuthClientProvider(resource, metadata, storage, browser.open, browser.wait)
    async with httpx2.AsyncClient(auth=auth, trust_env=False, timeout=20) as http_client:
        transport = streamable_http_client(resource, http_client=http_client)
        async with Client(transport) as client:
            return (await client.call_tool("count_orders", {})).structured_content


async def check_resource(path: str) -> None:
    """Call the tool of a server at ``path`` as ada, with a token for that address."""
    with local_pool(DIRECTORY) as local, listen(0) as listener:
        resource = f"{get_address(listener)}{path}"
        with serve_app(build_app(local, resource), listener):
            storage = Storage("local-docs")
            assert await call_tool(resource, storage, "ada") == {"result": 2}
            assert storage.tokens is not None
            claims = unverified_claims(storage.tokens.access_token)
            assert (claims["aud"], claims["username"]) == (resource, "ada")


if __name__ == "__main__":
    logging.disable(logging.INFO)
    for path in ("/mcp", "/mcp/"):
        asyncio.run(check_resource(path))
    print("resource metadata from the challenge, sign-in with resource, a tool behind guard.protect")
