"""The app under test, as each worker of uvicorn imports it. Settings come from the environment."""

import os

from fastapi import Depends, FastAPI

from benchmarks.soak.settings import POLICY, SCOPE
from fastapi_cognito_guard import CognitoGuard, CurrentUser, UserPool, require_scope

guard = CognitoGuard(
    UserPool(
        os.environ["SOAK_POOL_ID"],
        client_ids=os.environ["SOAK_CLIENT_ID"],
        jwks_uri=os.environ["SOAK_KEYS"],
    ),
    keys=POLICY,
)
app = FastAPI()
guard.install(app)


@app.get("/me", dependencies=[Depends(require_scope(SCOPE))])
async def read_caller(user: CurrentUser) -> dict[str, object]:
    """Return whom the guard took the caller for, and the worker that did."""
    return {"sub": user.sub, "jti": user.claim("jti"), "pid": os.getpid()}
