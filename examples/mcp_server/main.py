"""MCP server with two tools. Any MCP client that the pool signs in may call them, if it has the scopes.

COGNITO_RESOURCE is the address of this server. COGNITO_CLIENT_IDS may be ANY_BOUND_CLIENT, for clients that
have registered themselves at the pool: nobody knows them ahead, and their tokens are good here only.
"""

from fastapi import FastAPI
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from fastapi_cognito_guard import CognitoGuard, CurrentUser, Principal, require_scope

ORDERS = {"1": "tea", "2": "coffee"}

server = MCPServer("orders")
mcp_app = server.streamable_http_app(streamable_http_path="/", json_response=True)
app = FastAPI(title="Orders", lifespan=lambda app: server.session_manager.run())
guard = CognitoGuard.from_env()
guard.install(app)
app.mount("/mcp", guard.protect(mcp_app, require_scope("orders/read")))


def find_user(context: Context) -> Principal:
    """Return the caller of a tool, whom the guard has let through."""
    request = context.request_context.request
    if request is None:
        raise ToolError("This server is for callers over HTTP.")
    user: Principal = request.user.principal
    return user


@server.tool()
def list_orders() -> dict[str, str]:
    """List all orders."""
    return ORDERS


@server.tool()
def cancel_order(order_id: str, context: Context) -> str:
    """Cancel an order, as an admin."""
    user = find_user(context)
    if "admins" not in user.groups:
        raise ToolError("Only admins cancel orders.")
    return f"{user.username} has cancelled {ORDERS[order_id]}."


@app.get("/me")
async def read_me(user: CurrentUser) -> str:
    """Return the caller's name: routes and tools share the guard."""
    return user.username or user.client_id
