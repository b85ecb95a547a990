"""Example app with a route for callers who sign with AWS credentials."""

from example_app.main import app, handler
from fastapi_cognito_guard import IamCaller

__all__ = ["handler"]


@app.get("/signer")
async def signer(caller: IamCaller) -> dict[str, str | None]:
    """Return the caller's ARN, and their ``sub`` in the user pool if it is known."""
    return {"arn": caller.user_arn, "sub": caller.sub}
