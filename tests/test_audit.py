"""Findings of the audit, and `assert_all_routes_guarded`."""

import logging
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from fastapi_cognito_guard import (
    CurrentUser,
    IamCaller,
    OptionalUser,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.audit import Code, Finding, audit
from fastapi_cognito_guard.testing import FakeUserPool, assert_all_routes_guarded
from tests import unresolved_annotations
from tests.apps import add_routes, build_app, client_of, guard_for


def found(app: FastAPI) -> list[tuple[str, str]]:
    return [(finding.code, finding.where) for finding in audit(app)]


@pytest.fixture
def app(pool: FakeUserPool) -> FastAPI:
    """App in which every route is guarded or declares itself public."""
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


def test_a_guarded_app_with_its_documentation_pages_has_no_findings(app: FastAPI) -> None:
    assert found(app) == []


def test_routes_without_a_caller_are_found(app: FastAPI) -> None:
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


def test_an_opaque_mount_is_found(app: FastAPI, tmp_path: Path) -> None:
    files = StaticFiles(directory=tmp_path)
    app.mount("/static", files)
    app.host("static.example.com", files)
    assert found(app) == [("unseen", "mount /static"), ("unseen", "a route to StaticFiles")]


@pytest.mark.parametrize("public", [[], ["/open"], ["/open", "/static/*"]])
def test_with_deny_by_default_only_listed_paths_are_open(
    pool: FakeUserPool, tmp_path: Path, public: list[str]
) -> None:
    app = FastAPI()
    guard_for(pool, deny_by_default=True, public=public).install(app)
    app.mount("/static", StaticFiles(directory=tmp_path))

    @app.get("/open")
    async def opened() -> None: ...

    assert found(app) == ([] if "/static/*" in public else [("path_only", "mount /static")])
    assert client_of(app).get("/open").status_code == (200 if public else 401)


def test_a_mount_that_only_its_path_protects_is_found_until_it_is_declared(
    pool: FakeUserPool, tmp_path: Path
) -> None:
    app, guard = FastAPI(), guard_for(pool, deny_by_default=True)
    guard.install(app)
    files = StaticFiles(directory=tmp_path)
    app.mount("/meant", guard.protect(files))
    app.mount("/staff", guard.protect(files, require_group("staff")))
    app.mount("/forgotten", files)
    app.mount("/sub", FastAPI())
    assert found(app) == [("path_only", "mount /forgotten")]


def test_an_annotation_with_local_names_is_found(pool: FakeUserPool) -> None:
    """FastAPI reads such a parameter from the query; with a default of None the route is open."""
    app = unresolved_annotations.create_app(guard_for(pool))
    assert client_of(app).get("/open").json() is None
    for finding in (
        ("unresolved", "GET /open, parameter 'user'"),
        ("unresolved", "GET /local, parameter 'number'"),
        ("unguarded", "GET /open"),
    ):
        assert finding in found(app)


async def needs_user(user: CurrentUser) -> None: ...


async def needs_iam_caller(caller: IamCaller) -> None: ...


@pytest.mark.parametrize("endpoint", [needs_user, needs_iam_caller])
def test_guarded_routes_in_an_app_without_a_guard_are_found(endpoint: Any) -> None:
    app = FastAPI()
    app.get("/")(endpoint)
    (finding,) = audit(app)
    assert (finding.code, finding.where) == ("guard_missing", "the app")
    assert "guard.install(app)" in finding.message
    outer = FastAPI()
    outer.mount("/inner", app)
    assert found(outer) == []  # the mounted app may have a guard of its own


def test_several_required_scopes_are_not_found_in_an_app_without_a_guard() -> None:
    app = FastAPI(dependencies=[Depends(require_scope("a")), Depends(require_scope("b"))])
    app.get("/")(needs_user)
    assert found(app) == [("guard_missing", "the app")]


def test_open_routes_in_an_app_without_a_guard_are_found() -> None:
    app = FastAPI()

    @app.get("/open")
    async def opened() -> None: ...

    assert found(app) == [("unguarded", "GET /open")]
    with pytest.raises(AssertionError, match=r"GET /open$"):
        assert_all_routes_guarded(app)


def test_an_endpoint_without_a_module_is_not_taken_for_a_built_in_one() -> None:
    async def opened() -> None: ...

    opened.__module__ = None  # type: ignore[assignment]  # as code that is executed from a string may have it
    app = FastAPI()
    app.get("/open")(opened)
    assert found(app) == [("unguarded", "GET /open")]


def test_cors_middleware_is_found_inside_the_guard_and_not_outside(app: FastAPI) -> None:
    app.add_middleware(CORSMiddleware, allow_origins=["https://web.example"])
    assert found(app) == []
    app.user_middleware.append(Middleware(CORSMiddleware, allow_origins=["https://web.example"]))
    assert found(app) == [("cors_inside", "CORSMiddleware")]


@pytest.mark.parametrize(("gateway", "expected"), [("trust", 1), ("verify", 1), ("ignore", 0)])
def test_several_required_scopes_are_found_unless_the_gateway_is_ignored(
    pool: FakeUserPool, gateway: Any, expected: int
) -> None:
    app = FastAPI(dependencies=[Depends(require_scope("a")), Depends(require_group("g"))])
    guard_for(pool, gateway=gateway).install(app)

    @app.get("/one", dependencies=[Depends(require_group("h"))])
    async def one() -> None: ...

    @app.get("/two", dependencies=[Depends(require_scope("b"))])
    async def two() -> None: ...

    assert found(app) == [("scopes_beyond_gateway", "GET /two")] * expected


ADVICE: dict[Code, str] = {
    "unguarded": "Depend on CurrentUser",
    "unseen": "guard.protect(asgi_app, ...)",
    "path_only": "guard.protect(asgi_app, ...)",
    "unresolved": "at the top of the module",
    "guard_missing": "write guard.install(app)",
    "cors_inside": "Write app.add_middleware(CORSMiddleware, ...)",
    "scopes_beyond_gateway": "put one of them there",
}


@pytest.mark.parametrize("code", get_args(Code))
def test_each_finding_says_what_to_do(code: Code) -> None:
    finding = Finding(code, "GET /open")
    assert ADVICE[code] in finding.message
    assert str(finding) == f"GET /open: {finding.message}"


def test_each_finding_is_logged_as_a_warning_when_the_app_starts(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    app = build_app(guard_for(pool))

    @app.get("/open")  # after the guard was installed
    async def opened() -> None: ...

    assert not caplog.records
    client_of(app).get("/me")
    logged = [record for record in caplog.records if record.name == "fastapi_cognito_guard.audit"]
    assert [record.getMessage() for record in logged] == [f"{each} ({each.code})" for each in audit(app)]
    assert {record.levelno for record in logged} == {logging.WARNING}
    assert "GET /open: anybody may call it." in caplog.text


def test_the_assertion_lists_open_routes_unless_its_own_argument_lists_them(
    app: FastAPI, tmp_path: Path
) -> None:
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


def test_with_deny_by_default_the_assertion_lists_only_public_paths(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, deny_by_default=True, public=["/public"]))
    with pytest.raises(AssertionError, match=r"GET /public$"):
        assert_all_routes_guarded(app)
    assert_all_routes_guarded(app, public=["/public"])
    assert_all_routes_guarded(build_app(guard_for(pool, deny_by_default=True)))
