"""Alternatives and checks of an app's own, at gateways and at the Lambda authorizer."""

import logging
from typing import Any

import pytest
from fastapi import Depends

from fastapi_cognito_guard import (
    CognitoGuard,
    Principal,
    lambda_handler,
    require,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.deploy import lambda_authorizer, lambda_claims
from fastapi_cognito_guard.testing import FakeUserPool, GatewayClient
from tests.apps import bearer, guard_for
from tests.deploy.authorizer.events import STAGE_ARN, build_get_app, make_backend_event, make_event
from tests.deploy.exports import export_document
from tests.deploy.model import allows

ARN = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/"
EITHER = require_group("admins") | require_scope("orders/admin")


def is_owner(user: Principal, id: str) -> bool:
    return user.username == id


OWNER = require(is_owner, name="owner")


def build_app(guard: CognitoGuard) -> Any:
    return build_get_app(
        guard,
        {
            "/either": EITHER,
            "/owned/{id}": OWNER,
            "/both/{id}": OWNER | require_group("admins"),
        },
    )


@pytest.mark.parametrize("cached", [True, False])
def test_an_authorizer_decides_alternatives_and_leaves_checks_to_the_app(
    pool: FakeUserPool, cached: bool
) -> None:
    guard = guard_for(pool, lambda_context=lambda_claims)
    app = build_app(guard)
    authorize = lambda_authorizer(guard, app=app, cached=cached)
    user, admin = pool.access_token("ada"), pool.access_token("eve", groups=["admins"])
    machine = pool.machine_token(scopes=["orders/admin"])
    for token, path, is_allowed, status in (
        (user, "/either", False, 403),
        (admin, "/either", True, 200),
        (machine, "/either", True, 200),
        (user, "/owned/ada", True, 200),
        (user, "/owned/bob", True, 403),  # the app decides
        (user, "/both/bob", True, 403),
        (admin, "/both/bob", True, 200),
    ):
        answer = authorize(make_event("request", token, path=path), None)
        assert allows(answer["policyDocument"], f"{STAGE_ARN}/GET{path}") is is_allowed
        if is_allowed:
            event = make_backend_event("request", answer, path)
            assert lambda_handler(app)(event, None)["statusCode"] == status


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_a_gateway_leaves_alternatives_and_checks_to_the_app_and_a_note_says_so(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    app = build_app(guard_for(pool))
    caplog.set_level(logging.INFO, logger="fastapi_cognito_guard.export")
    document = export_document(app, kind, user_pool_arn=f"{ARN}{pool.id}")
    assert all(item["get"]["security"] == [{"Cognito": []}] for item in document["paths"].values())
    for text in (
        "/either: the gateway cannot decide all of require_group('admins') | require_scope('orders/admin')",
        "GET /owned/{id}: the gateway cannot decide all of require(..., name='owner'); the app does.",
    ):
        assert text in caplog.text
    assert ("no machine passes. Name scopes with catch_all." in caplog.text) is (kind == "rest")


def test_a_check_alone_needs_no_lambda_authorizer_and_alternatives_do(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="fastapi_cognito_guard.export")
    guard = guard_for(pool)
    app = build_get_app(guard, {"/either": EITHER, "/owned/{id}": OWNER, "/group": OWNER | EITHER})
    app.get("/grouped/{id}", dependencies=[Depends(OWNER), Depends(require_group("a"))])(lambda: None)
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:auth"
    paths = export_document(app, user_pool_arn=f"{ARN}{pool.id}", authorizer_arn=arn)["paths"]
    security = {path: [*item["get"]["security"][0]] for path, item in paths.items()}
    assert security == {
        "/either": ["CognitoLambda"],
        "/owned/{id}": ["Cognito"],
        "/group": ["Cognito"],
        "/grouped/{id}": ["CognitoLambda"],
    }
    assert "GET /grouped/{id}: the Lambda authorizer cannot decide require(..., name='owner')" in caplog.text


@pytest.mark.parametrize("kind", ["rest", "http", "lambda", "lambda-2.0"])
def test_behind_a_played_gateway_people_and_machines_have_the_app_s_answer(
    pool: FakeUserPool, kind: Any
) -> None:
    app = build_app(guard_for(pool, lambda_context=lambda_claims))
    client = GatewayClient(app, kind)
    machine = pool.machine_token(scopes=["orders/admin"])
    assert client.get("/either", headers=bearer(machine)).status_code == 200
    assert client.get("/either", headers=bearer(pool.access_token("ada"))).status_code == 403
    assert client.get("/owned/ada", headers=bearer(pool.access_token("ada"))).status_code == 200
    assert client.get("/owned/bob", headers=bearer(pool.access_token("ada"))).status_code == 403
