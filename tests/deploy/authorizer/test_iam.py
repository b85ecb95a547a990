"""Lambda authorizer: routes of IAM callers, and requests without a token."""

from typing import Any

import pytest
from fastapi import Depends

from fastapi_cognito_guard import current_user, iam_identity
from fastapi_cognito_guard.deploy import lambda_authorizer
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for
from tests.deploy.authorizer.events import KINDS, STAGE_ARN, build_orders_app, make_event
from tests.deploy.model import allows


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", [{}, {"cached": False}], ids=["cached", "not cached"])
@pytest.mark.parametrize(
    "dependencies", [[iam_identity], [iam_identity, current_user]], ids=["iam", "iam and user"]
)
def test_a_users_token_does_not_open_a_route_for_iam_callers(
    pool: FakeUserPool, dependencies: list[Any], settings: dict[str, Any], kind: str
) -> None:
    guard = guard_for(pool)
    app = build_orders_app(guard)
    app.get("/reports", dependencies=[Depends(each) for each in dependencies])(lambda: None)
    authorize = lambda_authorizer(guard, app=app, **settings)
    response = authorize(make_event(kind, pool.access_token(), path="/reports"), None)
    assert not allows(response["policyDocument"], f"{STAGE_ARN}/GET/reports")


@pytest.mark.parametrize("headers", [None, {}, 7], ids=str)
@pytest.mark.parametrize("kind", ["request", "http-1.0", "http-2.0"])
def test_a_request_without_headers_is_refused(pool: FakeUserPool, kind: str, headers: Any) -> None:
    event = make_event(kind, None, headers=headers, multiValueHeaders=headers, identitySource=None)
    authorize = lambda_authorizer(guard_for(pool))
    if kind == "request":
        with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
            authorize(event, None)
    else:
        assert not allows(authorize(event, None)["policyDocument"], f"{STAGE_ARN}/GET/me")


def test_a_null_token_is_a_missing_token(pool: FakeUserPool) -> None:
    event = {**make_event("token", None), "authorizationToken": None}
    recorded: list[Any] = []
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        lambda_authorizer(guard_for(pool, on_decision=recorded.append))(event, None)
    assert [decision.code for decision in recorded] == ["token_missing"]
