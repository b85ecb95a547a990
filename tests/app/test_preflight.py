"""CORS preflights under ``deny_by_default``: they pass only to what is there to answer them."""

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry, Counter, make_asgi_app
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from fastapi_cognito_guard import CognitoGuard, CurrentUser, lambda_handler
from fastapi_cognito_guard.middleware import GuardMiddleware
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import bearer, client_of, guard_for

PREFLIGHT = {"Origin": "https://web.example", "Access-Control-Request-Method": "GET"}
REFUSED = (401, b'{"message":"Unauthorized"}')
CORS = Middleware(CORSMiddleware, allow_origins=["https://web.example"])


async def secret_app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with content, whatever the method."""
    await PlainTextResponse("secret")(scope, receive, send)


class AnyMethod(HTTPEndpoint):
    async def options(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse("secret")


@pytest.fixture
def guard(pool: FakeUserPool) -> CognitoGuard:
    return guard_for(pool, deny_by_default=True)


@pytest.fixture
def app(guard: CognitoGuard) -> FastAPI:
    app = FastAPI()
    guard.install(app)
    return app


def preflight(app: FastAPI, path: str, host: str = "127.0.0.1") -> tuple[int, bytes]:
    """Send a preflight under a server and behind Mangum, which must answer alike."""
    answer = client_of(app).options(path, headers={**PREFLIGHT, "Host": host}, follow_redirects=False)
    event = FakeUserPool().event(
        "http", None, method="OPTIONS", path=path, headers=PREFLIGHT | {"host": host}
    )
    behind = lambda_handler(app)(event, None)
    assert (behind["statusCode"], behind["body"].encode()) == (answer.status_code, answer.content)
    return answer.status_code, answer.content


def test_a_preflight_reads_no_metrics(app: FastAPI) -> None:
    registry = CollectorRegistry()
    Counter("secret_orders", "A number.", registry=registry).inc()
    app.mount("/metrics", make_asgi_app(registry=registry))
    assert preflight(app, "/metrics/") == REFUSED


@pytest.mark.parametrize("path", ["/raw/x", "/raw", "/raw/", "/class", "/function"])
def test_a_preflight_opens_nothing_that_ignores_the_method(app: FastAPI, path: str) -> None:
    app.mount("/raw", secret_app)
    app.router.routes.append(Route("/class", AnyMethod))
    app.router.routes.append(Route("/function", secret_app))
    assert preflight(app, path) == REFUSED


def test_a_preflight_does_not_tell_which_paths_exist(app: FastAPI) -> None:
    app.get("/orders")(lambda: None)
    app.mount("/sub", FastAPI())
    for path in ("/orders", "/orders/", "/nowhere", "/sub", "/sub/nowhere", "/sub/docs", "/docs"):
        assert preflight(app, path) == REFUSED


@pytest.mark.parametrize("path", ["/own", "/included/own", "/deep/included/own", "/sub/own", "/router/own"])
def test_a_route_that_declares_options_answers_a_preflight(app: FastAPI, path: str) -> None:
    router, sub = APIRouter(), FastAPI()
    for each in (app, router, sub):
        each.get("/own")(lambda: "secret")
        each.options("/own")(lambda: "own")
    outer = APIRouter()
    outer.include_router(router, prefix="/included")
    app.include_router(router, prefix="/included")
    app.include_router(outer, prefix="/deep")
    app.mount("/sub", sub)
    plain = Route("/own", lambda request: PlainTextResponse('"own"'), methods=["OPTIONS"])
    app.router.routes.append(Mount("/router", app=Router([plain])))
    assert preflight(app, path) == (200, b'"own"')


def test_a_route_that_declares_options_for_one_host_answers_preflights_there_only(app: FastAPI) -> None:
    sub = FastAPI()
    sub.options("/own")(lambda: "own")
    app.router.routes.append(Host("api.example", app=sub))
    assert preflight(app, "/own", host="api.example") == (200, b'"own"')
    assert preflight(app, "/own") == REFUSED


def test_a_mount_before_a_route_that_declares_options_does_not_get_its_preflight(app: FastAPI) -> None:
    app.mount("/api", secret_app)
    app.options("/api/own")(lambda: "own")
    assert preflight(app, "/api/own") == REFUSED


def test_the_cors_middleware_of_a_mounted_app_answers_its_preflights(app: FastAPI) -> None:
    sub = FastAPI(middleware=[CORS])
    sub.get("/orders")(lambda: "secret")
    app.mount("/sub", sub)
    app.get("/orders")(lambda: "secret")
    assert preflight(app, "/sub/orders") == (200, b"OK")
    assert client_of(app).get("/sub/orders", headers=PREFLIGHT).status_code == 401
    assert client_of(app).options("/sub/orders").status_code == 401
    assert preflight(app, "/orders") == REFUSED


@pytest.mark.parametrize("inside", [True, False])
def test_the_cors_middleware_of_the_app_answers_all_preflights(guard: CognitoGuard, inside: bool) -> None:
    app = FastAPI()
    guard.install(app)
    app.user_middleware.insert(len(app.user_middleware) if inside else 0, CORS)
    app.mount("/raw", secret_app)
    assert preflight(app, "/raw/x") == (200, b"OK")
    assert client_of(app).options("/raw/x").status_code == 401


def test_a_protected_app_gets_no_preflight_without_a_caller(app: FastAPI, guard: CognitoGuard) -> None:
    app.mount("/tools", guard.protect(secret_app))
    assert preflight(app, "/tools/x") == REFUSED


@pytest.mark.parametrize("missing", ["Origin", "Access-Control-Request-Method"])
def test_a_request_is_a_preflight_by_both_of_its_headers(app: FastAPI, missing: str) -> None:
    app.api_route("/own", methods=["GET", "OPTIONS"])(lambda: "own")
    client = client_of(app)
    headers = {name: value for name, value in PREFLIGHT.items() if name != missing}
    assert client.options("/own", headers=headers).status_code == 401
    assert client.options("/own", headers=PREFLIGHT).status_code == 200
    assert client.get("/own", headers=PREFLIGHT).status_code == 401


def test_a_preflight_to_a_guarded_route_that_declares_options_still_needs_its_caller(
    app: FastAPI, pool: FakeUserPool
) -> None:
    @app.options("/mine")
    async def mine(user: CurrentUser) -> Any:
        return user.username

    assert client_of(app).options("/mine", headers=PREFLIGHT).status_code == 401
    headers = PREFLIGHT | bearer(pool.access_token("ada"))
    assert client_of(app).options("/mine", headers=headers).json() == "ada"


def test_a_guard_around_any_app_lets_no_preflight_pass(guard: CognitoGuard) -> None:
    client = client_of(GuardMiddleware(secret_app, guard))  # type: ignore[arg-type]  # an ASGI app
    assert client.options("/x", headers=PREFLIGHT).status_code == 401
