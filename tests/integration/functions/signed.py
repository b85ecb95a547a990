"""The example app, with a route for callers that sign with AWS credentials."""

from example_app.main import app, handler
from fastapi_cognito_guard import IamCaller

__all__ = ["handler"]


@app.get("/signer")
async def signer(caller: IamCaller) -> dict[str, str | None]:
    """Who signed, and which user of the pool they are, if that is certain."""
    return {"arn": caller.user_arn, "sub": caller.sub}
