"""An agent that works for its callers. It exchanges their tokens for ones that are meant for the orders API.

The new token names the user, and the agent as the actor. The caller's own token is never passed on.
"""

import os

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from fastapi_cognito_guard import CognitoGuard, CurrentUser
from fastapi_cognito_guard.client import ClientCredentials, TokenExchange
from fastapi_cognito_guard.errors import TokenRequestFailed

ORDERS = os.environ["ORDERS_ADDRESS"]
DOMAIN, SECRET = os.environ["COGNITO_DOMAIN"], os.environ["ASSISTANT_SECRET"]

app = FastAPI(title="Assistant")
CognitoGuard.from_env().install(app)
exchange = TokenExchange(
    domain=DOMAIN,
    client_id="assistant",
    client_secret=SECRET,
    scopes=["orders/read", "orders/write"],
    resource=ORDERS,
    actor=ClientCredentials(domain=DOMAIN, client_id="assistant", client_secret=SECRET),
    origins=ORDERS,
)


@app.get("/summary")
async def summarize(user: CurrentUser, request: Request) -> str:
    """Say what the caller has ordered."""
    async with httpx.AsyncClient(base_url=ORDERS, auth=exchange.for_request(request)) as client:
        orders = (await client.get("/orders")).raise_for_status().json()
    return f"{user.username} has ordered {' and '.join(orders.values())}."


@app.post("/clean-up")
async def clean_up(user: CurrentUser, request: Request) -> str:
    """Try what only the user may do, as a model might that was told to by what it has read."""
    async with httpx.AsyncClient(base_url=ORDERS, auth=exchange.for_request(request)) as client:
        answer = await client.delete("/orders/1")
    if answer.status_code == 403:
        return f"Only {user.username} may do that."
    return str(answer.raise_for_status().json())


@app.exception_handler(TokenRequestFailed)
@app.exception_handler(httpx.HTTPError)
async def orders_unavailable(request: Request, error: Exception) -> JSONResponse:
    """Answer for a token or an order that could not be had. The error's text is for your log."""
    return JSONResponse({"message": "Bad Gateway"}, 502)
