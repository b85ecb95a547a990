"""A gateway with an exported definition decides as the app does: any app, every route, every caller."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import assume, given, settings

from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.deploy import export
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, bearer
from tests.deploy.model import ModelGateway, Token
from tests.deploy.random_apps import APPS, RandomApp

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:app"
POOL = FakeUserPool(now=lambda: NOW)
POOL_ARN = f"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{POOL.id}"
CALLERS: dict[str, tuple[str | None, Token | None]] = {
    "nobody": (None, None),
    "access": (POOL.access_token(), Token("access", frozenset({"aws.cognito.signin.user.admin"}))),
    "reader": (POOL.access_token(scopes=["o/r"]), Token("access", frozenset({"o/r"}))),
    "writer": (POOL.access_token(scopes=["o/w"], groups=["admins"]), Token("access", frozenset({"o/w"}))),
    "id": (POOL.id_token(claims={"tier": "gold"}), Token("id")),
}


def build_gateway(random_app: RandomApp, kind: Any, guard_settings: dict[str, Any]) -> ModelGateway:
    """Build a gateway for the app. Apps that cannot be exported are for other tests."""
    app = random_app.build(guard_settings, POOL.user_pool())
    try:
        document = export(app, kind, user_pool_arn=POOL_ARN, lambda_arn=FUNCTION)
    except ConfigurationError:
        assume(False)
    return ModelGateway(document, kind)


def takes_both_types(random_app: RandomApp) -> bool:
    return any(route.access == "scope w or group" for route in random_app.routes)


@pytest.mark.parametrize("kind", ["rest", "http"])
@given(random_app=APPS)
@settings(max_examples=30)
def test_the_gateway_decides_as_the_app_does(kind: Semantics, random_app: RandomApp) -> None:
    guard_settings: dict[str, Any] = {"semantics": kind, "now": lambda: NOW}
    gateway = build_gateway(random_app, kind, guard_settings)
    restricted = TestClient(random_app.build(guard_settings, POOL.user_pool(), checked_by="gateway"))
    real = TestClient(random_app.build(guard_settings, POOL.user_pool()))
    for method, path in random_app.requests():
        for name, (text, token) in CALLERS.items():
            headers = bearer(text) if text else {}
            expected = restricted.request(method, path, headers=headers).status_code
            if expected in (404, 405):
                break  # the app has no such route
            if gateway.operation(method, path) is None:
                assert expected == 401  # by deny_by_default, without a route
                continue
            status = gateway.status(method, path, token)
            if random_app.deny_by_default and kind == "rest" and (status, expected) == (401, 200):
                # SECURITY.md: in the app, a route without requirements takes both types of token.
                assert token is not None
                assert token.use == "access"
                continue
            assert status == expected, (method, path, name)
            if (
                kind == "rest"
                and token is not None
                and token.use == "access"
                and takes_both_types(random_app)
            ):
                continue  # the app takes access tokens there, and a REST API none: a note says so
            if status != 200:
                assert real.request(method, path, headers=headers).status_code == status
