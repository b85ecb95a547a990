"""MCP client that signs a person in: ``python -m examples.mcp_server.client``, while pool and server run."""

import asyncio
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
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

SERVER = "http://127.0.0.1:8000/mcp"
REDIRECT_URI = "http://127.0.0.1:8001/"  # nothing listens there: the address itself has the code


class Memory:
    """Storage for one run. The SDK keeps the tokens and the registration in it."""

    tokens: OAuthToken | None = None
    registration: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.registration

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.registration = client_info


async def show_address(url: str) -> None:
    sys.stdout.write(f"Open this address in a browser, and sign in:\n\n{url}\n\n")


async def ask_for_code() -> AuthorizationCodeResult:
    address = await asyncio.to_thread(input, "Then paste the address that the browser shows: ")
    query = parse_qs(urlsplit(address.strip()).query)
    return AuthorizationCodeResult(code=query["code"][0], state=query["state"][0])


async def call_tool(name: str, arguments: dict[str, Any], server: str = SERVER) -> Any:
    """Call a tool of the server, and return its result. The person signs in when the server asks for it."""
    metadata = OAuthClientMetadata(redirect_uris=[AnyUrl(REDIRECT_URI)])
    auth = OAuthClientProvider(server, metadata, Memory(), show_address, ask_for_code)
    async with (
        httpx2.AsyncClient(auth=auth, trust_env=False, timeout=30) as http,
        Client(streamable_http_client(server, http_client=http)) as client,
    ):
        return await client.call_tool(name, arguments)


if __name__ == "__main__":
    result = asyncio.run(call_tool("list_orders", {}))
    sys.stdout.write(f"{result.structured_content}\n")
