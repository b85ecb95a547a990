"""The API that the agent calls: it takes tokens for itself only, and sees who acts for the user."""

from fastapi import Depends, FastAPI, HTTPException

from fastapi_cognito_guard import CognitoGuard, CurrentUser, require_actor, require_direct, require_scope

app = FastAPI(title="Orders")
CognitoGuard.from_env().install(app)  # COGNITO_RESOURCE is this API, and COGNITO_CLIENT_IDS has the agent
ORDERS = {1: "tea", 2: "coffee"}  # your database

user_or_assistant = require_direct() | require_actor("assistant")


@app.get("/orders", dependencies=[Depends(require_scope("orders/read")), Depends(user_or_assistant)])
async def list_orders() -> dict[int, str]:
    """List all orders, to users and to the agent that acts for one."""
    return ORDERS


@app.delete(
    "/orders/{order_id}", dependencies=[Depends(require_scope("orders/write")), Depends(require_direct())]
)
async def cancel_order(order_id: int, user: CurrentUser) -> str:
    """Cancel an order. No agent does that, whatever scopes it has."""
    if order_id not in ORDERS:
        raise HTTPException(404)
    return f"{user.username} has cancelled {ORDERS.pop(order_id)}."
