"""A Lambda authorizer where it has nothing to decide: routes of IAM callers, and requests without headers."""

from typing import Any

import pytest

from fastapi_cognito_guard.deploy import lambda_authorizer
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for
from tests.deploy.authorizing import API, KINDS, asking, small_app
from tests.deploy.exporting import IAM, USER, add_route
from tests.deploy.model import allows


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", [{}, {"cached": False}], ids=["kept", "not kept"])
@pytest.mark.parametrize("demands", [[IAM], [IAM, USER]], ids=["iam", "iam and user"])
def test_a_users_token_does_not_open_the_route_of_an_iam_caller(
    pool: FakeUserPool, demands: list[Any], settings: dict[str, Any], kind: str
) -> None:
    guard = guard_for(pool)
    app = small_app(guard)
    add_route(app, "GET /reports", *demands)
    authorize = lambda_authorizer(guard, app=app, **settings)
    answer = authorize(asking(kind, pool.access_token(), path="/reports"), None)
    assert not allows(answer["policyDocument"], f"{API}/GET/reports")


@pytest.mark.parametrize("headers", [None, {}, 7], ids=str)
@pytest.mark.parametrize("kind", ["request", "http-1.0", "http-2.0"])
def test_a_request_without_headers_is_refused(pool: FakeUserPool, kind: str, headers: Any) -> None:
    event = asking(kind, None, headers=headers, multiValueHeaders=None, identitySource=None)
    authorize = lambda_authorizer(guard_for(pool))
    if kind == "request":
        with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
            authorize(event, None)
    else:
        assert not allows(authorize(event, None)["policyDocument"], f"{API}/GET/me")


def test_a_token_that_is_null_is_none(pool: FakeUserPool) -> None:
    event = {**asking("token", None), "authorizationToken": None}
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        lambda_authorizer(guard_for(pool))(event, None)
