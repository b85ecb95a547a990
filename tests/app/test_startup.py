"""Actions at startup, however an app starts."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient

from fastapi_cognito_guard import current_user, lambda_handler
from fastapi_cognito_guard.app.startup import run_at_startup
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool, gateway_event
from tests.apps import add_routes, build_app, client_of, guard_for


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
def test_an_action_runs_once_and_only_when_the_app_starts(
    pool: FakeUserPool, start: Callable[[FastAPI], None]
) -> None:
    calls: list[str] = []
    app = build_app(guard_for(pool))
    run_at_startup(app, lambda: calls.append("started"))
    assert calls == []
    start(app)
    assert calls == ["started"]


def test_an_action_does_not_stand_in_the_way_of_requests(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    run_at_startup(app, lambda: None)
    assert client_of(app).get("/public").json() == "public"
    assert client_of(app).get("/me").status_code == 401


@pytest.mark.parametrize("lifespan", ["auto", "off"])
def test_on_lambda_the_start_fails_where_a_route_has_no_guard(lifespan: Any) -> None:
    app = FastAPI()
    handler = lambda_handler(app, lifespan=lifespan)
    router = APIRouter()
    add_routes(router)
    app.include_router(router, prefix="/v1")
    for _ in range(2):
        with pytest.raises(ConfigurationError) as caught:
            handler(gateway_event("http", path="/v1/public"), None)
        assert str(caught.value).startswith(
            "GET /v1/me depends on the caller, and the app has no guard: write"
        )
    app.dependency_overrides[current_user] = lambda: None
    assert handler(gateway_event("http", path="/v1/me"), None)["statusCode"] == 200


def test_an_app_that_asks_for_no_caller_needs_no_guard_on_lambda() -> None:
    app = FastAPI()
    app.get("/")(lambda: "open")
    assert lambda_handler(app)(gateway_event("http", path="/"), None)["statusCode"] == 200


def test_under_a_server_a_route_without_a_guard_is_an_error_that_names_it_and_never_open() -> None:
    app = FastAPI()
    add_routes(app)
    with pytest.raises(ConfigurationError, match=r"The route /me has no guard: write guard\.install\(app\)"):
        client_of(app).get("/me")
    assert TestClient(app, raise_server_exceptions=False).get("/me").status_code == 500
