"""MCP server with two tools. Any MCP client that the pool signs in may call them, if it has the scopes.

COGNITO_RESOURCE is the address of this server. COGNITO_CLIENT_IDS may be ANY_BOUND_CLIENT, for clients that
have registered themselves at the pool: nobody knows them ahead, and their tokens are good here only.

On this machine, with a local pool (`cognito-guard pool --file examples/mcp_server/pool.toml --port 9229`):

    export COGNITO_USER_POOL_ID=eu-west-1_LocalPool COGNITO_CLIENT_IDS=ANY_BOUND_CLIENT
    export COGNITO_RESOURCE=http://127.0.0.1:8000/mcp COGNITO_ISSUER=http://127.0.0.1:9229/eu-west-1_LocalPool
    uvicorn examples.mcp_server.main:app

Then give http://127.0.0.1:8000/mcp to an MCP client.
"""

from fastapi import FastAPI
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from fastapi_cognito_guard import CognitoGuard, CurrentUser, Principal, require_scope

ORDERS = {"1": "tea", "2": "coffee"}

server = MCPServer("orders")
# On another host than this machine, name it: streamable_http_app(host="api.example.com", ...).
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
