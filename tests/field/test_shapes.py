"""One app with the shapes that real apps have, behind every front door: each answer is the standalone one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.types import Receive, Scope, Send

from fastapi_cognito_guard import CurrentUser, OptionalUser, require_claim, require_group, require_scope
from fastapi_cognito_guard.errors import InsufficientClaim
from fastapi_cognito_guard.testing import FakeUserPool, GatewayClient
from tests.apps import bearer, client_of, guard_for

KINDS = ("rest", "rest-jwt", "http", "http-1.0", "function-url", "alb")
PATHS = (
    "/router/orders/7", "/router/admins", "/mounted/me", "/mounted/deep/admins", "/raw/x", "/claims", "/gold",
    "/state", "/stream", "/optional", "/own-handler", "/teapot", "/router/orders/x",
)  # fmt: skip


def build(pool: FakeUserPool) -> FastAPI:  # noqa: C901 - one small function a route
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        yield {"database": "open"}

    app = FastAPI(lifespan=lifespan)
    guard = guard_for(pool, claim_types={"is_admin": bool, "roles": list[str]})

    async def tag(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers["x-tag"] = "1"
        return response

    app.add_middleware(BaseHTTPMiddleware, dispatch=tag)
    guard.install(app)

    @app.exception_handler(InsufficientClaim)
    async def handle(request: Request, error: InsufficientClaim) -> JSONResponse:
        return JSONResponse({"needs": list(error.required)}, status_code=409)

    router = APIRouter(dependencies=[Depends(require_scope("orders/read"))])

    @router.get("/orders/{number}")
    async def order(number: int, user: CurrentUser) -> dict[str, Any]:
        return {"number": number, "user": user.username}

    @router.get("/admins", dependencies=[Depends(require_group("admins"))])
    async def admins() -> str:
        return "admins"

    app.include_router(router, prefix="/router")

    @app.get("/claims")
    async def claims(user: CurrentUser) -> dict[str, Any]:
        return {name: user.claim(name) for name in ("is_admin", "roles", "custom:tier", "amr")}

    @app.get("/gold", dependencies=[Depends(require_claim("custom:tier", "gold"))])
    async def gold() -> str:
        return "gold"

    @app.get("/state")
    async def state(request: Request, user: CurrentUser) -> str:
        return str(request.state.database)

    @app.get("/stream")
    async def stream(user: CurrentUser) -> StreamingResponse:
        async def parts() -> AsyncIterator[str]:
            yield "a"
            yield "b"

        return StreamingResponse(parts(), media_type="text/plain")

    @app.get("/optional")
    async def optional(user: OptionalUser) -> str | None:
        return None if user is None else user.username

    @app.get("/own-handler", dependencies=[Depends(require_claim("roles", "editor"))])
    async def own_handler() -> str:
        return "editor"

    @app.get("/teapot")
    async def teapot(user: CurrentUser) -> None:
        raise HTTPException(418)

    inner, innermost = FastAPI(), FastAPI()

    @inner.get("/me")
    async def me(user: CurrentUser) -> str | None:
        return user.username

    @innermost.get("/admins", dependencies=[Depends(require_group("admins"))])
    async def deep() -> str:
        return "deep"

    inner.mount("/deep", innermost)
    app.mount("/mounted", inner)

    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"user": scope["user"].display_name})(scope, receive, send)

    app.mount("/raw", guard.protect(raw, require_group("admins")))
    return app


def callers(pool: FakeUserPool) -> dict[str, str | None]:
    claims = {"is_admin": True, "roles": ["editor", "viewer"], "custom:tier": "gold", "amr": ["pwd", "mfa"]}
    poor = {"is_admin": False, "roles": ["non-editor"], "custom:tier": "golden"}
    return {
        "nobody": None,
        "ada": pool.access_token("ada", groups=["admins"], scopes=["orders/read", "openid"], claims=claims),
        "bob": pool.access_token("bob", groups=["staff"], scopes=["orders/read", "openid"], claims=poor),
        "eve": pool.access_token("eve", scopes=["openid"]),
        "expired": pool.access_token("ada", expires_in=-60),
        "mistyped": pool.access_token("ada", scopes=["openid"], claims={"is_admin": "perhaps"}),
    }


def answers(client: Any, token: str | None) -> dict[str, tuple[int, str, str | None]]:
    found = {path: client.get(path, headers=bearer(token) if token else {}) for path in PATHS}
    return {path: (each.status_code, each.text, each.headers.get("x-tag")) for path, each in found.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_each_shape_answers_behind_a_front_door_as_it_does_standalone(pool: FakeUserPool, kind: Any) -> None:
    app = build(pool)
    with client_of(app) as standalone:
        expected = {who: answers(standalone, token) for who, token in callers(pool).items()}
    assert {status for status, _, _ in expected["ada"].values()} == {200, 418, 422}
    with GatewayClient(app, kind) as gateway:
        for who, token in callers(pool).items():
            for path, (status, text, tag) in answers(gateway, token).items():
                due, *content = expected[who][path]
                if kind in ("rest", "rest-jwt") and who == "eve" and path.startswith("/router/"):
                    due = 401  # for a missing scope
                assert status == due, (who, path)
                if tag is not None or due not in (401, 403):  # else the gateway refuses in its own words
                    assert [text, tag] == content, (who, path)
