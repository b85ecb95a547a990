"""The measured matrix: what an app really answers is what was computed."""

from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fastapi_cognito_guard import CurrentUser, Principal, require, require_group, require_scope
from fastapi_cognito_guard.decisions import observe_requests
from fastapi_cognito_guard.deploy import lambda_claims
from fastapi_cognito_guard.errors import InsufficientGroup
from fastapi_cognito_guard.matrix import DOORS, Caller, Door, build_matrix
from fastapi_cognito_guard.testing import FakeUserPool, measure_matrix
from fastapi_cognito_guard.testing.measure import fill_path
from tests.apps import add_routes, client_of, guard_for
from tests.field.test_shapes import build as build_shapes
from tests.matrix.random_routes import ACCESS, REQUIREMENTS, SETTINGS, USUAL, build_app


@settings(max_examples=8)
@given(st.lists(ACCESS, min_size=1, max_size=4), st.sampled_from(DOORS), SETTINGS)
# A caller whose token is refused may come without it.
@example([("optional", [])], "standalone", {**USUAL, "token_use": {"id"}})
# No mapping reads what the Lambda authorizer says.
@example([("user", [])], "lambda", {**USUAL, "gateway": "require"})
@example(
    [("user", []), ("none", [])], "lambda", {**USUAL, "gateway": "require", "lambda_context": lambda_claims}
)
@example([("optional", []), ("none", [])], "rest", {**USUAL, "gateway": "require"})
# The signature of an IAM caller is not believed, or not enough.
@example([("iam", [])], "rest", {**USUAL, "gateway": "ignore", "deny_by_default": True})
@example([("iam", []), ("user", [])], "http", USUAL)
# The gateway takes the one type of token, and the app the other.
@example([("none", [REQUIREMENTS[0]])], "rest", {**USUAL, "token_use": {"id"}})
@example(
    [("user", []), ("security", []), ("user", [REQUIREMENTS[3]])],
    "standalone",
    {**USUAL, "semantics": "rest"},
)
# A check of the app's own runs before a requirement that refuses.
@example([("none", [REQUIREMENTS[17], REQUIREMENTS[0]])], "standalone", USUAL)
@example([("none", [])], "standalone", {**USUAL, "deny_by_default": True, "public": []})
def test_any_app_answers_as_computed_at_every_door(
    routes: list[Any], door: Door, settings: dict[str, Any]
) -> None:
    measured = measure_matrix(build_app(routes, **settings), door=door)
    assert len(measured.rows) == len(routes)


@pytest.mark.parametrize("door", DOORS)
def test_an_app_of_all_shapes_answers_as_computed(pool: FakeUserPool, door: Door) -> None:
    measured = measure_matrix(build_shapes(pool), door=door)
    answers: dict[str, dict[str, int | None]] = {}
    for row, caller, answer in measured.list_cells():
        answers.setdefault(row.route.name, {})[caller.name] = answer.status
    assert answers["any method /raw/{rest:path}"]["group admins"] == 200
    assert answers["any method /raw/{rest:path}"]["any user"] == 403
    assert answers["GET /mounted/deep/admins"]["nobody"] == 401


def build(pool: FakeUserPool, **guard: Any) -> FastAPI:
    app = FastAPI()
    guard_for(pool, **guard).install(app)
    return app


async def fail() -> None:
    raise AssertionError("the function of a route ran")


async def fail_plainly(request: Request) -> Response:
    raise AssertionError("the function of a route ran")


def test_no_function_of_a_route_runs_and_its_dependencies_do(pool: FakeUserPool) -> None:
    app, ran = build(pool), []

    def note(request: Request) -> None:
        ran.append(request.url.path)

    async def stream() -> Any:
        await fail()
        yield b""

    router = APIRouter(prefix="/router", dependencies=[Depends(note)])
    router.post("/orders/{id}", dependencies=[Depends(require_group("admins"))])(fail)
    app.include_router(router, prefix="/v1")
    app.get("/stream", dependencies=[Depends(note)])(stream)
    app.websocket("/socket", dependencies=[Depends(require_group("admins"))])(fail)
    app.mount("/files", lambda scope, receive, send: fail())
    app.router.add_route("/plain", fail_plainly)
    measured = measure_matrix(app)
    assert len(measured.rows) == 5
    assert {"/v1/router/orders/1", "/stream"} == set(ran)


def test_after_measuring_the_app_is_as_before(pool: FakeUserPool) -> None:
    decisions: list[Any] = []
    app = build(pool, on_decision=decisions.append)
    add_routes(app)
    before = len(app.routes)
    measure_matrix(app)
    assert decisions == []
    client = client_of(app)
    answer = client.get("/me", headers={"Authorization": f"Bearer {pool.access_token('ada')}"})
    assert answer.json()["username"] == "ada"
    assert len(app.routes) == before
    assert len(decisions) == 1


def test_a_store_of_revocations_is_not_asked(pool: FakeUserPool) -> None:
    async def is_revoked(user: Principal) -> bool:
        raise AssertionError("the store was asked")

    app = build(pool, revoked=is_revoked)
    add_routes(app)
    assert measure_matrix(app).rows


def test_a_cell_that_differs_is_named(pool: FakeUserPool) -> None:
    def refuse(request: Request) -> None:
        if request.headers.get("x-key") != "secret":
            raise HTTPException(403)

    app = build(pool)
    app.get("/me", dependencies=[Depends(require_scope("a")), Depends(refuse)])(fail)
    with pytest.raises(AssertionError, match=r"GET /me, scope a, door standalone: computed 200") as caught:
        measure_matrix(app)
    assert "own code" in str(caught.value)
    assert "any user" not in str(caught.value)


def test_a_route_that_an_override_opens_is_found(pool: FakeUserPool) -> None:
    from fastapi_cognito_guard import current_user

    app = build(pool)

    @app.get("/me")
    async def read_me(user: CurrentUser) -> None: ...

    app.dependency_overrides[current_user] = lambda: None
    with pytest.raises(
        AssertionError, match=r"GET /me, nobody, door standalone: computed 401 .*measured 200"
    ):
        measure_matrix(app)


def test_a_route_that_an_earlier_one_takes_is_found(pool: FakeUserPool) -> None:
    app = build(pool)
    app.get("/orders/{id}")(fail)
    app.get("/orders/1", dependencies=[Depends(require_group("admins"))])(fail)
    with pytest.raises(AssertionError, match=r"GET /orders/1, group admins.*another route"):
        measure_matrix(app)


def test_a_dependency_that_fails_is_no_answer(pool: FakeUserPool) -> None:
    def read_state(request: Request) -> object:
        return request.app.state.database

    app = build(pool)
    app.get("/me", dependencies=[Depends(read_state)])(fail)
    with pytest.raises(AssertionError, match="lifespan"):
        measure_matrix(app)
    app.state.database = "open"
    measure_matrix(app)


@pytest.mark.parametrize("passes", [True, False])
def test_an_own_check_is_measured_only(pool: FakeUserPool, passes: bool) -> None:
    app = build(pool)
    app.get("/mine", dependencies=[Depends(require(lambda user: passes, name="owner"))])(fail)
    assert {answer.code for _, _, answer in build_matrix(app).list_cells()} == {"token_missing", "check"}
    measured = {answer.code for _, _, answer in measure_matrix(app).list_cells()}
    assert measured == {"token_missing", "allowed" if passes else "insufficient_permission"}


def test_an_answer_of_a_handler_of_the_apps_own_keeps_its_code(pool: FakeUserPool) -> None:
    app = build(pool)

    @app.exception_handler(InsufficientGroup)
    async def answer_otherwise(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({}, status_code=418)

    app.get("/admins", dependencies=[Depends(require_group("admins"))])(fail)
    measured = {answer.status for _, _, answer in measure_matrix(app).list_cells()}
    assert measured == {200, 401, 418}


@pytest.mark.parametrize("door", DOORS)
def test_callers_of_ones_own_are_measured(pool: FakeUserPool, door: Door) -> None:
    app = build(pool)
    app.get("/admins", dependencies=[Depends(require_group("admins"))])(fail)
    callers = [Caller(name="boss", groups=("admins", "staff")), Caller(name="robot", kind="machine")]
    measured = measure_matrix(app, callers, door=door)
    assert [answer.status for answer in measured.rows[0].answers] == [200, 403]


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/", "/"), ("/a", "/a"), ("/{id}", "/1"), ("/a/{id:int}/b", "/a/1/b"), ("/{p:path}", "/1/1"),
        ("/{u:uuid}", "/00000000-0000-4000-8000-000000000001"), ("/f-{x}.json", "/f-1.json"),
        ("/{f:float}", "/1.5"),
    ],
)  # fmt: skip
def test_a_template_is_filled(template: str, path: str) -> None:
    assert fill_path(template) == path


@pytest.mark.parametrize("status", [404, 418, 422])
def test_another_answer_of_own_code_says_nothing_of_access(pool: FakeUserPool, status: int) -> None:
    def find_order() -> None:
        raise HTTPException(status)

    app = build(pool)
    app.get("/orders/{id}", dependencies=[Depends(find_order), Depends(require_group("admins"))])(fail)
    assert {answer.status for _, _, answer in measure_matrix(app).list_cells()} == {status}


def test_measured_requests_are_no_tests_of_a_route(pool: FakeUserPool) -> None:
    seen: list[Any] = []
    app = build(pool)
    add_routes(app)
    with observe_requests(lambda *request: seen.append(request)):
        measure_matrix(app)
        assert seen == []
        client_of(app).get("/me")
    assert len(seen) == 1
