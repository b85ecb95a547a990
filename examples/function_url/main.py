"""API at a Lambda function URL. No gateway checks a token before the function, so the guard does.

The handler is ``examples.function_url.main.handler``, or ``main.handler`` in a package of its own.
"""

from fastapi import Depends, FastAPI

from fastapi_cognito_guard import CognitoGuard, CurrentUser, lambda_handler, require_scope

app = FastAPI(title="Orders", openapi_url=None)
guard = CognitoGuard.from_env(
    gateway="ignore",  # there is none: only a token tells who calls, whatever an event says
    deny_by_default=True,
    public=["/health"],
)
guard.install(app)


@app.get("/health")
async def check_health() -> str:
    """Answer without a token."""
    return "ok"


@app.get("/me")
async def read_me(user: CurrentUser) -> str:
    """Return the caller's name."""
    return user.username or user.client_id


@app.get("/orders", dependencies=[Depends(require_scope("orders/read"))])
async def list_orders() -> list[str]:
    """List all orders."""
    return ["tea", "coffee"]


# Fetches the keys during init, where Lambda gives more CPU, so that the first request does not wait for them.
handler = lambda_handler(app, warm_up=True)
