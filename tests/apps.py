"""App with a route for each kind of requirement, and helpers that call it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Security, WebSocket
from fastapi.testclient import TestClient

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    OptionalUser,
    Principal,
    current_user,
    require_claim,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.testing import FakeUserPool

NOW = 1_782_992_400.0
"""Current time of the tests. The tokens in tests/events are valid then."""


def shown(user: Principal | None) -> dict[str, Any] | None:
    """Return a principal as the app's routes show it."""
    if user is None:
        return None
    return {
        "sub": user.sub,
        "username": user.username,
        "client_id": user.client_id,
        "token_use": user.token_use,
        "scopes": sorted(user.scopes),
        "groups": sorted(user.groups),
        "issuer": user.issuer,
        "expires_at": user.expires_at,
        "is_machine": user.is_machine,
        "email": user.email,
        "source": user.source,
    }


def guard_for(
    pool: FakeUserPool, *, user_pool: dict[str, Any] | None = None, **settings: Any
) -> CognitoGuard:
    """Make a guard that trusts ``pool``, with `NOW` as its clock."""
    return CognitoGuard(pool.user_pool(**(user_pool or {})), **{"now": lambda: NOW, **settings})


def build_app(guard: CognitoGuard) -> FastAPI:
    """Build an app with one route for each kind of requirement."""
    app = FastAPI()
    guard.install(app)
    add_routes(app)
    return app


def add_routes(app: FastAPI | APIRouter) -> None:  # noqa: C901 - one route after another, no branches
    """Add the routes to an app or a router."""

    @app.get("/public")
    async def public() -> str:
        return "public"

    @app.get("/me")
    async def me(user: CurrentUser) -> Any:
        return shown(user)

    @app.get("/orders")
    async def orders(user: CurrentUser) -> Any:
        return shown(user)

    @app.get("/optional")
    async def optional(user: OptionalUser) -> Any:
        return shown(user)

    @app.get("/scope", dependencies=[Depends(require_scope("orders/read", "orders/write"))])
    async def scope(user: CurrentUser) -> Any:
        return shown(user)

    @app.get("/all-scopes")
    async def all_scopes(
        user: Annotated[Principal, Security(current_user, scopes=["orders/read", "orders/write"])],
    ) -> Any:
        return shown(user)

    @app.get("/group")
    async def group(user: Annotated[Principal, Depends(require_group("admins", "owners"))]) -> Any:
        return shown(user)

    @app.get("/claim", dependencies=[Depends(require_claim("custom:tier", "gold", 3, True))])
    async def claim() -> str:
        return "claim"

    @app.websocket("/ws")
    async def ws(socket: WebSocket, user: CurrentUser) -> None:
        await socket.accept()
        await socket.send_json(shown(user))
        await socket.close()


def client_of(app: FastAPI) -> TestClient:
    """Make a client that raises the app's exceptions."""
    return TestClient(app, base_url="http://127.0.0.1")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
