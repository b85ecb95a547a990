"""Actions at startup, however an app starts."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from fastapi_cognito_guard import lambda_handler
from fastapi_cognito_guard.app.startup import run_at_startup
from fastapi_cognito_guard.testing import FakeUserPool, gateway_event
from tests.apps import build_app, client_of, guard_for


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
