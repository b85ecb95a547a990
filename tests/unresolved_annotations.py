"""App factory with unresolvable annotations: they are strings, and name what is local to the function."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI

from fastapi_cognito_guard import CognitoGuard


def create_app(guard: CognitoGuard) -> FastAPI:
    from fastapi_cognito_guard import CurrentUser

    async def number() -> int:
        return 1

    app = FastAPI()
    guard.install(app)

    @app.get("/open")
    async def opened(user: CurrentUser = None) -> object:  # type: ignore[assignment]  # the mistake to find
        return user

    @app.get("/local")
    async def local(number: Annotated[int, Depends(number)]) -> int:
        return number

    return app
