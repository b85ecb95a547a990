"""FastMCP: its servers with the guard's token verifier, and behind `guard.protect`, called by the MCP SDK."""

import asyncio
import logging
from collections.abc import Callable

from fastapi import FastAPI
from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.dependencies import get_access_token
from pydantic import AnyHttpUrl
from starlette.types import ASGIApp

from fastapi_cognito_guard import ANY_BOUND_CLIENT, CognitoGuard, require_scope
from fastapi_cognito_guard.testing import local_pool
from fastapi_cognito_guard.testing.uvicorn_server import get_address, listen, serve_app
from tests.foreign.mcp_client import OPEN_DIRECTORY, McpClient

SCOPE = "orders/read"


def add_tool(server: FastMCP) -> FastMCP:
    """Add a tool that tells who calls it."""

    def tell_caller() -> list[str | None]:
        token = get_access_token()
        assert token is not None
        return [token.subject, token.claims["iss"], token.resource]

    server.tool(tell_caller)
    return server


def build_verified(guard: CognitoGuard, origin: str) -> ASGIApp:
    """Build a server that checks tokens itself, with the guard's verifier."""
    servers = [AnyHttpUrl(guard.pools[0].issuers[0])]
    auth = RemoteAuthProvider(guard.token_verifier(), servers, origin, required_scopes=[SCOPE])
    app: ASGIApp = add_tool(FastMCP("orders", auth=auth)).http_app()
    return app


def build_protected(guard: CognitoGuard, origin: str) -> ASGIApp:
    """Build an app with a server behind the guard."""
    inner = add_tool(FastMCP("orders")).http_app(path="/")
    app = FastAPI(lifespan=inner.lifespan)
    guard.install(app)
    app.mount("/mcp", guard.protect(inner, require_scope(SCOPE)))
    return app


def check_server(build: Callable[[CognitoGuard, str], ASGIApp]) -> None:
    """Call the tool as ada, with a client that registers itself."""
    with local_pool(OPEN_DIRECTORY) as local, listen(0) as listener:
        origin = get_address(listener)
        guard = CognitoGuard(local.user_pool(resource=f"{origin}/mcp", client_ids=ANY_BOUND_CLIENT))
        with serve_app(build(guard, origin), listener):
            client = McpClient(f"{origin}/mcp")
            result = asyncio.run(client.call("tell_caller"))
            expected = [local.pool.sub("ada"), local.pool.issuer, f"{origin}/mcp"]
            assert result.structured_content == {"result": expected}, result
            assert client.challenges[0].startswith("Bearer ")


if __name__ == "__main__":
    logging.disable(logging.INFO)
    check_server(build_verified)
    check_server(build_protected)
    print("a server with guard.token_verifier, and one behind guard.protect")
