"""Routes and mounts, read from apps of every shape."""

from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    IamIdentity,
    OptionalUser,
    Principal,
    current_user,
    iam_identity,
    optional_user,
    require_claim,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.app.routes import RouteInfo, list_opaque_mounts, list_routes
from fastapi_cognito_guard.policy import Requirement
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import add_routes, guard_for


def scope(*any_of: str) -> Requirement:
    return Requirement(kind="scope", any_of=any_of)


DOCUMENTATION = {"openapi", "swagger_ui_html", "swagger_ui_redirect", "redoc_html"}


def routes_of(app: FastAPI) -> dict[str, RouteInfo]:
    """Return the app's routes by path, without FastAPI's own pages."""
    return {route.path: route for route in list_routes(app) if route.endpoint.__name__ not in DOCUMENTATION}


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    add_routes(app)
    return app


FORMS = {
    "/public": (False, False, ()),
    "/me": (True, False, ()),
    "/optional": (True, True, ()),
    "/scope": (True, False, (scope("orders/write", "orders/read"),)),
    "/all-scopes": (True, False, (scope("orders/read"), scope("orders/write"))),
    "/group": (True, False, (Requirement(kind="group", any_of=("admins", "owners")),)),
    "/claim": (True, False, (Requirement(kind="claim", claim="custom:tier", any_of=("gold", "3", "true")),)),
    "/ws": (True, False, ()),
}


@pytest.mark.parametrize("path", FORMS)
def test_every_form_of_dependency_is_read(app: FastAPI, path: str) -> None:
    route = routes_of(app)[path]
    assert (route.guarded, route.optional, route.requirements) == FORMS[path]
    assert route.websocket is (path == "/ws")
    assert route.methods == (set() if route.websocket else {"GET"})
    assert route.in_schema is not route.websocket
    assert not route.mounted


def test_scopes_and_groups_are_named_as_they_were_written(app: FastAPI) -> None:
    found = routes_of(app)
    assert found["/scope"].scopes == (("orders/read", "orders/write"),)
    assert found["/all-scopes"].scopes == (("orders/read",), ("orders/write",))
    assert found["/group"].groups == (("admins", "owners"),)
    assert found["/group"].scopes == found["/claim"].groups == ()
    assert str(found["/group"]) == "GET /group"
    assert str(found["/ws"]) == "WebSocket /ws"


def test_a_scope_that_is_required_twice_is_one_requirement() -> None:
    app = FastAPI(dependencies=[Depends(require_scope("a"))])

    @app.get("/", dependencies=[Security(current_user, scopes=["a"]), Depends(require_scope("a"))])
    async def root(user: CurrentUser) -> None: ...

    assert routes_of(app)["/"].requirements == (scope("a"),)


def test_a_route_for_iam_callers_is_not_guarded_for_users() -> None:
    app = FastAPI()

    @app.get("/iam")
    async def iam(
        caller: Annotated[IamIdentity, Security(iam_identity, scopes=["none of ours"])],
    ) -> None: ...

    found = routes_of(app)["/iam"]
    assert (found.iam, found.guarded, found.requirements) == (True, False, ())


def test_a_route_may_declare_itself_public() -> None:
    app = FastAPI()

    @app.get("/health", openapi_extra={"security": []})
    async def health() -> None: ...

    @app.get("/other", openapi_extra={"tags": []})
    async def other() -> None: ...

    found = routes_of(app)
    assert (found["/health"].public, found["/other"].public) == (True, False)


def test_a_route_is_optional_only_if_it_never_requires_a_user() -> None:
    app = FastAPI()

    @app.get("/both")
    async def both(maybe: OptionalUser, user: CurrentUser) -> None: ...

    @app.get("/maybe")
    async def maybe(user: Annotated[Principal | None, Security(optional_user, scopes=["a"])]) -> None: ...

    found = routes_of(app)
    assert (found["/both"].optional, found["/both"].requirements) == (False, ())
    assert (found["/maybe"].optional, found["/maybe"].requirements) == (True, (scope("a"),))


def test_the_requirements_of_routers_and_of_the_app_count_under_every_prefix() -> None:
    inner = APIRouter(prefix="/inner", dependencies=[Depends(require_group("admins"))])

    @inner.post("/files/{name:path}", include_in_schema=False)
    async def upload() -> None: ...

    @inner.websocket("/ws")
    async def ws() -> None: ...

    inner.add_api_websocket_route("/late", ws)
    outer = APIRouter(dependencies=[Depends(require_scope("a"))])
    outer.include_router(inner, prefix="/outer")
    app = FastAPI(dependencies=[Depends(current_user)])
    app.include_router(outer, prefix="/v1")
    app.include_router(inner, prefix="/v2", dependencies=[Depends(require_claim("tier", 1))])

    @inner.get("/added-later")
    async def added() -> None: ...

    found = routes_of(app)
    upload_one, upload_two = (found[f"/{prefix}/inner/files/{{name:path}}"] for prefix in ("v1/outer", "v2"))
    assert upload_one.path_format == "/v1/outer/inner/files/{name}"
    assert upload_one.methods == {"POST"}
    assert not upload_one.in_schema
    assert (upload_one.scopes, upload_one.groups) == ((("a",),), (("admins",),))
    assert [each.kind for each in upload_two.requirements] == ["claim", "group"]
    assert found["/v1/outer/inner/ws"].scopes == (("a",),)
    assert found["/v1/outer/inner/added-later"].guarded


def test_plain_starlette_routes_are_listed_and_not_guarded_by_the_apps_dependencies() -> None:
    class Endpoint(HTTPEndpoint): ...

    async def plain(request: object) -> PlainTextResponse:
        raise AssertionError

    async def socket(socket: object) -> None: ...

    app = FastAPI(dependencies=[Depends(current_user)])
    app.add_route("/plain", plain)
    app.router.routes.append(Route("/class", Endpoint))
    app.router.add_websocket_route("/socket", socket)
    found = routes_of(app)
    assert [found[path].guarded for path in ("/plain", "/class", "/socket")] == [False] * 3
    assert [str(found[path]) for path in ("/plain", "/class", "/socket")] == [
        "GET /plain",
        "any method /class",
        "WebSocket /socket",
    ]


def test_routes_of_mounted_apps_are_listed_and_other_mounts_are_opaque(
    pool: FakeUserPool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async def opaque(scope: Scope, receive: Receive, send: Send) -> None: ...

    class CustomRoute(BaseRoute): ...

    sub = FastAPI(openapi_url=None)
    guard_for(pool).install(sub)
    add_routes(sub)
    files = StaticFiles(directory=tmp_path_factory.mktemp("static"))
    router = APIRouter()
    router.mount("/files", files)
    app = FastAPI()
    app.mount("/sub", sub)
    app.mount("/opaque", opaque)
    app.include_router(router, prefix="/api")
    app.router.routes.append(Mount("/star", routes=[Route("/let", opaque)]))
    app.router.routes.append(CustomRoute())
    app.router.routes.append(Host("admin.example.com", app=opaque))
    found = routes_of(app)
    assert found["/sub/scope"].scopes == (("orders/read", "orders/write"),)
    assert (found["/sub/scope"].path_format, found["/sub/scope"].mounted) == ("/sub/scope", True)
    assert (found["/star/let"].guarded, found["/star/let"].in_schema) == (False, False)
    assert [
        (mount.path, mount.app) for mount in list_opaque_mounts(app) if not isinstance(mount.app, BaseRoute)
    ] == [
        ("/opaque", opaque),
        ("/api/files", files),
        ("", opaque),
    ]
    assert len(list(list_opaque_mounts(app))) == 4


def test_an_installed_guard_adds_no_routes(pool: FakeUserPool) -> None:
    app = FastAPI()
    CognitoGuard(pool.user_pool()).install(app)
    assert routes_of(app) == {}
