"""Requests through all front doors and in apps within apps, and apps of the same code."""

import gc
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import JSONResponse
from mangum import Mangum
from starlette.routing import Host, Mount, Route, Router
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from fastapi_cognito_guard import (
    CurrentUser,
    IamCaller,
    OptionalUser,
    current_user,
    lambda_handler,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.testing import GatewayClient, as_user
from tests.apps import bearer, client_of, guard_for
from tests.testing.authz_report.all_kinds import (
    ADA,
    ALLOWED,
    NO_IAM,
    NO_TOKEN,
    POOL,
    REACHED,
    answer_all,
    ask,
    exercised_by,
    guarded_app,
)
from tests.testing.authz_report.recording import list_outcomes, only_app, recording

# Signed-in users, front doors and event loops


def test_a_user_without_a_token_counts() -> None:
    app = guarded_app()
    app.get("/me", dependencies=[Depends(require_group("staff"))])(lambda: "me")
    with as_user(app, "ada"):
        refused = exercised_by(app, ask("/me"))
    assert refused == {("GET /me", "refused by require_group('staff')")}
    with as_user(app, "ada", groups=["staff"]):
        assert exercised_by(app, ask("/me")) == {("GET /me", ALLOWED)}


@pytest.mark.parametrize("kind", ["rest", "http", "lambda"])
def test_a_refusal_of_a_played_gateway_does_not_reach_the_guard(kind: Any) -> None:
    app = guarded_app()
    app.get("/orders/{id}", dependencies=[Depends(require_group("staff"))])(lambda: "got")
    client = GatewayClient(app, kind)
    with recording() as tally:
        assert client.get("/orders/1").status_code == 401
        assert tally.apps == {}
        client.get("/orders/1", headers=bearer(POOL.access_token(groups=["staff"])))
    assert list_outcomes(only_app(tally), exercised=True) == {("GET /orders/{id}", ALLOWED)}


def test_a_refusal_of_the_app_behind_a_played_gateway_counts() -> None:
    app = guarded_app()
    app.get("/orders/{id}", dependencies=[Depends(require_group("staff"))])(lambda: "got")
    with recording() as tally:
        assert GatewayClient(app, "http", stage="dev").get("/orders/1", headers=ADA).status_code == 403
    exercised = {("GET /orders/{id}", "refused by require_group('staff')")}
    assert list_outcomes(only_app(tally), exercised=True) == exercised


@pytest.mark.parametrize("kind", ["rest", "http", "function-url", "alb"])
def test_events_count_with_plain_mangum_and_with_lambda_handler(kind: Any) -> None:
    plain: Callable[[FastAPI], Any] = partial(Mangum, lifespan="off")
    for wrap in (lambda_handler, plain):
        app = guarded_app()
        app.get("/me", dependencies=[Depends(current_user)])(lambda: "me")
        with recording() as tally:
            answer = wrap(app)(POOL.event(kind, POOL.access_token(), path="/me"), None)
        assert answer["statusCode"] == 200
        assert list_outcomes(only_app(tally), exercised=True) == {("GET /me", ALLOWED)}


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.anyio
async def test_an_async_client_counts(anyio_backend: str) -> None:
    app = guarded_app()
    app.get("/me", dependencies=[Depends(current_user)])(lambda: "me")
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        with recording() as tally:
            await client.get("/me", headers=ADA)
            await client.get("/me")
    assert tally.reaches(100)


def test_an_app_under_a_root_path_has_its_own_paths() -> None:
    app = guarded_app()
    app.get("/me", dependencies=[Depends(current_user)])(lambda: "me")
    with recording() as tally:
        TestClient(app, root_path="/prod").get("/prod/me")
    assert list_outcomes(only_app(tally), exercised=True) == {("GET /me", NO_TOKEN)}


# Before routing


def test_a_refusal_before_routing_counts_for_the_route_behind() -> None:
    app = guarded_app(deny_by_default=True, public=["/open", "/files/*"])
    app.get("/open")(lambda: "open")
    app.get("/plain/{id}")(lambda: "plain")
    app.mount("/files", answer_all)
    app.mount("/closed", answer_all)

    @app.get("/iam")
    async def iam(caller: IamCaller) -> None: ...

    listed = {
        ("GET /open", REACHED), ("mount /files", REACHED), ("GET /plain/{id}", ALLOWED),
        ("GET /plain/{id}", NO_TOKEN), ("mount /closed", ALLOWED), ("mount /closed", NO_TOKEN),
        ("GET /iam", ALLOWED), ("GET /iam", NO_IAM),
    }  # fmt: skip
    with recording() as tally:
        client_of(app).get("/plain/7")
        assert list_outcomes(only_app(tally)) == listed
        for path in ("/closed/a", "/open", "/files/a", "/iam"):
            client_of(app).get(path)
        for path in ("/plain/7", "/closed/a"):
            client_of(app).get(path, headers=ADA)
    assert list_outcomes(only_app(tally), exercised=False) == {("GET /iam", ALLOWED)}


# Apps in apps


def test_an_app_inside_with_a_guard_of_its_own_belongs_to_the_app_around() -> None:
    app, inner = guarded_app(), guarded_app()
    inner.get("/me", dependencies=[Depends(require_group("staff"))])(lambda: "me")
    inner.get("/open")(lambda: "open")

    @inner.get("/optional")
    async def optional(user: OptionalUser) -> None: ...

    app.mount("/inner", inner)
    assert exercised_by(app, ask("/inner/me", headers=ADA)) == {
        ("GET /inner/me", "refused by require_group('staff')")
    }
    optional_allowed = exercised_by(app, ask("/inner/optional", headers=ADA))
    assert optional_allowed == {("GET /inner/optional", ALLOWED)}
    assert exercised_by(app, ask("/inner/open")) == {("GET /inner/open", REACHED)}


def test_an_app_without_a_guard_shows_only_what_a_guard_protects_in_it() -> None:
    guard = guard_for(POOL)
    app = FastAPI()
    app.get("/x")(lambda: "x")
    app.mount("/mcp", guard.protect(answer_all, require_scope("tools/call")))
    with recording() as tally:
        client_of(app).get("/x")
        assert tally.apps == {}
        client_of(app).get("/mcp/x", headers=ADA)
    place = "any method /mcp/{rest:path}"
    needs = "refused by require_scope('tools/call')"
    assert list_outcomes(only_app(tally)) == {(place, ALLOWED), (place, NO_TOKEN), (place, needs)}
    assert list_outcomes(only_app(tally), exercised=True) == {(place, needs)}


def test_hosts_with_the_same_path_are_two_routes() -> None:
    app = guarded_app()

    async def show(request: Any) -> JSONResponse:
        return JSONResponse({})

    async def list_all(request: Any) -> JSONResponse:
        return JSONResponse([])

    app.router.routes.append(Host("a.example", Router([Route("/x", show)])))
    app.router.routes.append(Mount("", routes=[Route("/x", list_all)]))
    listed = {("GET /x", REACHED), ("GET /x (2)", REACHED)}
    with recording() as tally:
        client_of(app).get("/x", headers={"Host": "b.example"})
        assert list_outcomes(only_app(tally)) == listed
        assert list_outcomes(only_app(tally), exercised=True) == {("GET /x (2)", REACHED)}
        client_of(app).get("/x", headers={"Host": "a.example"})
        assert tally.reaches(100)


# Apps of the same code


def create_app(*, extra: bool = False) -> FastAPI:
    app = guarded_app()

    @app.get("/me")
    async def me(user: CurrentUser) -> None: ...

    if extra:
        app.get("/extra")(lambda: "extra")
    return app


def create_twin() -> FastAPI:
    app = guarded_app()

    @app.get("/me")
    async def me(user: CurrentUser) -> None: ...

    return app


def test_many_apps_of_one_factory_are_one_app() -> None:
    with recording() as tally:
        client_of(create_app()).get("/me")
        client_of(create_app()).get("/me", headers=ADA)
    assert only_app(tally).name == f"{__name__}:create_app"
    assert tally.reaches(100)


def test_apps_with_other_routes_or_of_other_code_are_others() -> None:
    with recording() as tally:
        client_of(create_app()).get("/me")
        client_of(create_app(extra=True)).get("/me")
        client_of(create_twin()).get("/me")
    names = sorted(app.name for app in tally.apps.values())
    assert names == [f"{__name__}:create_app", f"{__name__}:create_app", f"{__name__}:create_twin"]
    assert (tally.exercised, tally.total) == (3, 7)


class AppInside:
    """ASGI app that knows the app around it."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse(self.app.title)(scope, receive, send)


def call_app() -> "weakref.ref[FastAPI]":
    """Call an app, to which a mount in it refers, and return a reference that keeps nothing alive."""
    app = guarded_app()
    app.mount("/inside", AppInside(app))
    assert client_of(app).get("/inside").json() == app.title
    return weakref.ref(app)


def test_an_app_is_not_kept_alive() -> None:
    with recording() as tally:
        reference = call_app()
        gc.collect()
        assert reference() is None
    assert tally.reaches(100)


def test_a_route_that_is_reached_in_two_ways_counts_for_the_way_of_the_request() -> None:
    app, router = guarded_app(), APIRouter()
    router.get("/orders/{id}", dependencies=[Depends(current_user)])(lambda: "got")
    app.router.routes.extend(router.routes)
    app.include_router(router, prefix="/v1")
    assert exercised_by(app, ask("/v1/orders/7")) == {("GET /v1/orders/{id}", NO_TOKEN)}
    assert exercised_by(app, ask("/orders/7", headers=ADA)) == {("GET /orders/{id}", ALLOWED)}
