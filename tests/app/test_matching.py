"""The route that a request reaches, found without running anything."""

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from fastapi_cognito_guard.app.matching import find_requested_route


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("here")(scope, receive, send)


async def fail(request: Any) -> None:
    raise AssertionError("nothing of the app is run")


def build_app() -> FastAPI:
    app, inner = FastAPI(), FastAPI()
    router = APIRouter(prefix="/orders")
    router.api_route("/{id}", methods=["GET", "PUT"])(fail)
    app.get("/orders/latest")(fail)
    app.include_router(router, prefix="/v1")
    app.include_router(router)
    app.get("/orders/{name}")(fail)  # never reached
    app.websocket("/orders/{id}")(fail)
    inner.include_router(router)
    app.mount("/inner/{tenant}", inner)
    app.mount("/files", answer)
    app.router.routes.append(Host("a.example", Router([Route("/x", fail), Mount("/y", answer)])))
    return app


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/orders/latest", "GET /orders/latest"),
        ("PUT", "/orders/latest", "GET PUT /orders/{id}"),
        ("GET", "/orders/7", "GET PUT /orders/{id}"),
        ("WebSocket", "/orders/7", "WebSocket /orders/{id}"),
        ("DELETE", "/orders/7", "None"),
        ("GET", "/v1/orders/7", "GET PUT /v1/orders/{id}"),
        ("GET", "/inner/acme/orders/7", "GET PUT /inner/{tenant}/orders/{id}"),
        ("GET", "/inner/acme/nowhere", "None"),
        ("POST", "/files/a/b", "mount /files"),
        ("GET", "/x", "GET /x"),
        ("GET", "/y/z", "mount /y"),
        ("GET", "/nowhere", "None"),
    ],
)
@pytest.mark.parametrize("root", ["", "/prod"])
def test_the_route_is_that_which_the_router_chooses(method: str, path: str, route: str, root: str) -> None:
    scope: dict[str, Any] = {
        "type": "websocket" if method == "WebSocket" else "http",
        "method": method,
        "path": root + path,
        "root_path": root,
        "headers": [(b"host", b"a.example")],
    }
    assert str(find_requested_route(build_app(), scope)) == route
