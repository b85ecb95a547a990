"""What the audit finds, and that it is silent where there is nothing."""

import logging
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from fastapi_cognito_guard import (
    CurrentUser,
    IamCaller,
    OptionalUser,
    lambda_handler,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.audit import audit
from fastapi_cognito_guard.testing import FakeUserPool, assert_all_routes_guarded, gateway_event
from tests import late_names
from tests.apps import add_routes, build_app, client_of, guard_for


def found(app: FastAPI) -> list[tuple[str, str]]:
    return [(finding.code, finding.where) for finding in audit(app)]


@pytest.fixture
def app(pool: FakeUserPool) -> FastAPI:
    """Guarded through and through: no findings."""
    app = FastAPI()
    guard_for(pool).install(app)

    @app.get("/me")
    async def me(user: CurrentUser) -> None: ...

    @app.get("/iam")
    async def iam(caller: IamCaller) -> None: ...

    @app.get("/maybe")
    async def maybe(user: OptionalUser) -> None: ...

    @app.get("/health", openapi_extra={"security": []})
    async def health() -> None: ...

    return app


def test_a_guarded_app_has_no_findings_and_its_own_pages_are_none(app: FastAPI) -> None:
    assert found(app) == []


def test_what_asks_for_nothing_is_found(app: FastAPI) -> None:
    add_routes(sub := FastAPI())
    app.mount("/sub", sub)

    @app.post("/open")
    @app.websocket("/open")
    async def opened() -> None: ...

    assert found(app) == [
        ("unguarded", "GET /sub/public"),
        ("unguarded", "WebSocket /open"),
        ("unguarded", "POST /open"),
        ("scopes_beyond_gateway", "GET /sub/all-scopes"),
    ]


def test_a_mount_that_cannot_be_seen_into_is_found(app: FastAPI, tmp_path: Path) -> None:
    files = StaticFiles(directory=tmp_path)
    app.mount("/static", files)
    app.host("static.example.com", files)
    assert found(app) == [("unseen", "mount /static"), ("unseen", "a route to StaticFiles")]


@pytest.mark.parametrize("public", [[], ["/open"], ["/open", "/static/*"]])
def test_with_deny_by_default_nothing_is_open_but_what_is_declared(
    pool: FakeUserPool, tmp_path: Path, public: list[str]
) -> None:
    app = FastAPI()
    guard_for(pool, deny_by_default=True, public=public).install(app)
    app.mount("/static", StaticFiles(directory=tmp_path))

    @app.get("/open")
    async def opened() -> None: ...

    assert found(app) == []
    assert client_of(app).get("/open").status_code == (200 if public else 401)


def test_names_that_only_a_function_knows_are_found(pool: FakeUserPool) -> None:
    """FastAPI reads such a parameter from the query; with a default of None the route stands open."""
    app = late_names.create_app(guard_for(pool))
    assert client_of(app).get("/open").json() is None
    for finding in (
        ("unresolved", "GET /open, parameter 'user'"),
        ("unresolved", "GET /local, parameter 'number'"),
        ("unguarded", "GET /open"),
    ):
        assert finding in found(app)


def test_routes_that_ask_without_a_guard_are_found() -> None:
    app = FastAPI()

    @app.get("/")
    async def root(user: CurrentUser) -> None: ...

    (finding,) = audit(app)
    assert (finding.code, finding.where) == ("guard_missing", "the app")
    assert "guard.install(app)" in finding.message
    outer = FastAPI()
    outer.mount("/inner", app)
    assert found(outer) == []  # whatever guard is there: it is for the app around to say


def test_cors_inside_the_guard_is_found_and_outside_is_not(app: FastAPI) -> None:
    app.add_middleware(CORSMiddleware, allow_origins=["https://web.example"])
    assert found(app) == []
    app.user_middleware.append(Middleware(CORSMiddleware, allow_origins=["https://web.example"]))
    assert found(app) == [("cors_inside", "CORSMiddleware")]


@pytest.mark.parametrize(("gateway", "expected"), [("trust", 1), ("verify", 1), ("ignore", 0)])
def test_more_scopes_than_a_gateway_can_say_are_found_where_there_may_be_one(
    pool: FakeUserPool, gateway: Any, expected: int
) -> None:
    app = FastAPI(dependencies=[Depends(require_scope("a")), Depends(require_group("g"))])
    guard_for(pool, gateway=gateway).install(app)

    @app.get("/one", dependencies=[Depends(require_group("h"))])
    async def one() -> None: ...

    @app.get("/two", dependencies=[Depends(require_scope("b"))])
    async def two() -> None: ...

    assert found(app) == [("scopes_beyond_gateway", "GET /two")] * expected


def start_by_a_request(app: FastAPI) -> None:
    client_of(app).get("/me")
    client_of(app).get("/me")


def start_by_the_lifespan(app: FastAPI) -> None:
    with client_of(app):
        pass


def start_on_lambda(app: FastAPI) -> None:
    handler = lambda_handler(app)
    for _ in range(2):
        handler(gateway_event("http", path="/me"), None)


@pytest.mark.parametrize("start", [start_by_a_request, start_by_the_lifespan, start_on_lambda])
def test_each_finding_is_logged_once_when_the_app_starts(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture, start: Any
) -> None:
    app = build_app(guard_for(pool))

    @app.get("/open")  # after the guard was installed
    async def opened() -> None: ...

    start(app)
    logged = [record for record in caplog.records if record.name == "fastapi_cognito_guard.audit"]
    assert [record.getMessage() for record in logged] == [f"{each} ({each.code})" for each in audit(app)]
    assert {record.levelno for record in logged} == {logging.WARNING}
    assert "GET /open: anybody may call it." in caplog.text


def test_the_assertion_lists_what_is_open_and_only_its_own_list_counts(app: FastAPI, tmp_path: Path) -> None:
    app.mount("/static", StaticFiles(directory=tmp_path))

    @app.get("/items/{id}")
    async def item(id: int) -> None: ...

    with pytest.raises(AssertionError) as error:
        assert_all_routes_guarded(app)
    assert str(error.value).splitlines() == [
        "Reached without a token, and not listed as public:",
        "  GET /health",
        "  GET /items/{id}",
        "  mount /static",
    ]
    with pytest.raises(AssertionError, match=r"GET /health$"):
        assert_all_routes_guarded(app, public=["/items/{id}", "/static/*"])
    assert_all_routes_guarded(app, public=["/health", "/items/*", "/static"])


def test_the_assertion_counts_on_deny_by_default(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, deny_by_default=True, public=["/public"]))
    with pytest.raises(AssertionError, match=r"GET /public$"):
        assert_all_routes_guarded(app)
    assert_all_routes_guarded(app, public=["/public"])
    assert_all_routes_guarded(build_app(guard_for(pool, deny_by_default=True)))
