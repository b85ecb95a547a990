"""The matrix of apps of many shapes. Where a test measures, the app answers as computed."""

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from fastapi_cognito_guard import (
    ANY_BOUND_CLIENT,
    CognitoGuard,
    CurrentUser,
    current_user,
    iam_identity,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.matrix import DOORS, Caller, Door, Matrix, build_matrix, list_callers
from fastapi_cognito_guard.matrix.snapshot import take_snapshot
from fastapi_cognito_guard.testing import FakeUserPool, measure_matrix
from tests.apps import NOW, build_app, guard_for
from tests.tenants import Directory

RESOURCE = "https://api.example.com/mcp"


async def endpoint() -> str:
    raise AssertionError("the function of a route ran")


def build(pool: FakeUserPool, **guard: Any) -> FastAPI:
    app = FastAPI()
    guard_for(pool, **guard).install(app)
    return app


def statuses(matrix: Matrix, name: str) -> dict[str, int | None]:
    """Return the statuses of a route by caller."""
    cells = [
        (caller.name, answer.status) for row, caller, answer in matrix.list_cells() if row.route.name == name
    ]
    assert cells, [row.route.name for row in matrix.rows]
    return dict(cells)


def test_an_app_without_a_guard_has_no_matrix() -> None:
    with pytest.raises(ConfigurationError, match="has no guard"):
        build_matrix(FastAPI())


def test_a_door_that_does_not_exist_is_refused(pool: FakeUserPool) -> None:
    with pytest.raises(ConfigurationError, match="door is one of"):
        build_matrix(build(pool), door="window")  # type: ignore[arg-type]  # the mistake


def test_two_callers_of_one_name_are_refused(pool: FakeUserPool) -> None:
    with pytest.raises(ConfigurationError, match="Two callers"):
        build_matrix(build(pool), [Caller(name="a"), Caller(name="a", groups=("b",))])


def test_pages_of_fastapi_are_no_rows_and_websockets_only_without_a_gateway(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    names = {door: {row.route.name for row in build_matrix(app, door=door).rows} for door in DOORS}
    assert "WebSocket /ws" in names["standalone"]
    assert not any("/docs" in name or "openapi" in name for name in names["standalone"])
    for door in ("rest", "http", "lambda"):
        assert names["standalone"] - names[door] == {"WebSocket /ws"}


@pytest.mark.parametrize("door", DOORS)
def test_a_mounted_app_with_a_guard_of_its_own(
    pool: FakeUserPool, other_pool: FakeUserPool, door: Door
) -> None:
    app, inner = build(pool), build(other_pool, deny_by_default=True, public=["/open"])
    for path in ("/me", "/open", "/closed"):
        inner.get(path, dependencies=[Depends(require_group("a"))] if path == "/me" else [])(endpoint)
    app.mount("/inner", inner)
    app.get("/me", dependencies=[Depends(require_scope("a"))])(endpoint)
    computed = build_matrix(app)
    assert statuses(computed, "GET /inner/me")["group a"] == 200
    assert statuses(computed, "GET /inner/me")["scope a"] == 403
    assert set(statuses(computed, "GET /inner/open").values()) == {200}
    assert statuses(computed, "GET /inner/closed")["nobody"] == 401
    measure_matrix(app, door=door)


def test_a_mounted_app_with_the_guard_of_the_app_around(pool: FakeUserPool) -> None:
    app, inner = build(pool, deny_by_default=True, public=["/inner/open"]), FastAPI()
    inner.get("/open")(endpoint)
    inner.get("/closed")(endpoint)
    app.mount("/inner", inner)
    app.mount("/static", StaticFiles(directory="."))
    plain = Starlette(routes=[Route("/x", lambda request: PlainTextResponse(""))])
    app.mount("/plain", plain)
    measured = measure_matrix(app)
    assert statuses(measured, "GET /inner/open")["nobody"] == 200
    for name in ("GET /inner/closed", "GET /static/{rest:path}", "GET /plain/x"):
        assert (statuses(measured, name)["nobody"], statuses(measured, name)["any user"]) == (401, 200)


@pytest.mark.parametrize("door", DOORS)
def test_a_resource_with_a_guard_of_its_own(pool: FakeUserPool, door: Door) -> None:
    app = FastAPI()
    guard = guard_for(pool)
    guard.install(app)
    mcp = guard.for_resource(RESOURCE, client_ids=ANY_BOUND_CLIENT)
    app.mount("/mcp", mcp.protect(PlainTextResponse("reached"), require_scope("tools/call")))
    app.get("/me", dependencies=[Depends(require_group("a"))])(endpoint)
    measure_matrix(app, door=door)
    measured = build_matrix(app)
    name = "any method /mcp/{rest:path}"
    assert statuses(measured, name)["scope tools/call"] == 200
    assert statuses(measured, name)["any user"] == 403
    assert statuses(measured, "GET /me")["group a"] == 200
    snapshot = take_snapshot(app)
    assert snapshot.routes[name].guard == RESOURCE
    assert snapshot.guards[RESOURCE].pools[pool.id].clients == ("ANY_BOUND_CLIENT",)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("fixed", [True, False])
def test_an_app_with_a_directory_of_pools(pool: FakeUserPool, fixed: bool, door: Door) -> None:
    app = FastAPI()
    directory = Directory(pool)
    pools = [pool.user_pool()] if fixed else []
    CognitoGuard(*pools, pools=directory, now=lambda: NOW).install(app)
    app.get("/me", dependencies=[Depends(require_group("a"))])(endpoint)
    callers = [Caller(name="acme", groups=("a",), pool_id="eu-west-1_Acme"), Caller(name="b", groups=("a",))]
    measured = measure_matrix(app, callers, door=door)
    assert statuses(measured, "GET /me") == {"acme": 200, "b": 200}
    assert directory.asked == []


def test_the_first_of_two_routes_with_one_path_counts(pool: FakeUserPool) -> None:
    app = build(pool)
    app.get("/me", dependencies=[Depends(require_group("a"))])(endpoint)
    app.get("/me")(endpoint)
    measured = measure_matrix(app)
    assert [row.route.name for row in measured.rows] == ["GET /me"]
    assert statuses(measured, "GET /me")["nobody"] == 401


def test_a_tree_of_sixty_routes_is_computed_and_measured(pool: FakeUserPool) -> None:
    app = build(pool)
    for area in range(6):
        router = APIRouter(prefix=f"/area{area}", dependencies=[Depends(require_group(f"team{area}"))])
        nested = APIRouter(prefix="/{name}", dependencies=[Depends(require_scope("deep/read"))])
        for number in range(5):
            router.get(f"/item{number}")(endpoint)
            nested.post(f"/item{number}/{{id}}")(endpoint)
        router.include_router(nested)
        app.include_router(router)
    names = ("group team3 + scope deep/read", "group team4 + scope deep/read")
    callers = [caller for caller in list_callers(app) if caller.name in names]
    measured = measure_matrix(app, callers)
    assert len(measured.rows) == 60
    assert statuses(measured, "POST /area3/{name}/item4/{id}") == {names[0]: 200, names[1]: 403}


def test_the_same_app_gives_the_same_matrix(pool: FakeUserPool) -> None:
    matrices = [build_matrix(build_app(guard_for(pool))) for _ in range(2)]
    assert [row.answers for row in matrices[0].rows] == [row.answers for row in matrices[1].rows]
    assert matrices[0].callers == matrices[1].callers


def test_an_override_in_the_matrix_app_is_not_computed(pool: FakeUserPool) -> None:
    """The matrix is computed from what routes require; only measuring sees an override."""
    app = build(pool)

    @app.get("/me")
    async def read_me(user: CurrentUser) -> str:
        return user.sub

    assert statuses(build_matrix(app), "GET /me")["nobody"] == 401


@pytest.mark.parametrize("door", ["rest", "http", "lambda"])
def test_nobody_reaches_a_route_that_asks_for_a_user_and_for_an_iam_caller(
    pool: FakeUserPool, door: Door
) -> None:
    app = build(pool)
    app.get("/both", dependencies=[Depends(iam_identity), Depends(current_user)])(endpoint)
    measured = measure_matrix(app, door=door)
    assert {answer.allowed for _, _, answer in measured.list_cells()} == {False}
    (row,) = measured.rows
    assert row.answers[-1].code == "caller_is_iam"
