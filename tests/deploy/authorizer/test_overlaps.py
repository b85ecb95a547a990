"""Cached policies for routes whose resources overlap, as ``*`` matches slashes, too."""

from typing import Any

import pytest

from fastapi_cognito_guard import (
    current_user,
    iam_identity,
    optional_user,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.deploy import lambda_authorizer
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for
from tests.deploy.authorizer.events import STAGE_ARN, build_get_app, make_event
from tests.deploy.model import allows

USER, IAM, OPTIONAL = current_user, iam_identity, optional_user
READ, ADMINS = require_scope("o/r"), require_group("admins")


def build_policy(pool: FakeUserPool, routes: dict[str, Any], **settings: Any) -> Any:
    """Return the policy of a user without groups and scopes."""
    guard = guard_for(pool)
    authorize = lambda_authorizer(guard, app=build_get_app(guard, routes), **settings)
    return authorize(make_event("token", pool.access_token()), None)["policyDocument"]


@pytest.mark.parametrize(
    ("routes", "allowed", "denied"),
    [
        ({"/{x}": USER, "/": ADMINS}, "/1", "/"),
        ({"/admin": ADMINS, "/{x}": USER}, "/1", "/admin"),
        ({"/a/{rest:path}": USER, "/{y}/{b}/{c}": ADMINS}, "/a/1/2", "/b/1/2"),
        ({"/{x}/c": USER, "/a/b": ADMINS}, "/a/c", "/a/b"),
        ({"/{x}/c": USER, "/a/{y}/c": ADMINS}, "/b/c", "/b/1/2"),
    ],
    ids=["root", "literal", "greedy path", "no overlap", "more segments"],
)
def test_a_resource_never_allows_what_a_gateway_sends_to_another_route(
    routes: dict[str, Any], allowed: str, denied: str, pool: FakeUserPool
) -> None:
    policy = build_policy(pool, routes)
    assert allows(policy, f"{STAGE_ARN}/GET{allowed}")
    assert not allows(policy, f"{STAGE_ARN}/GET{denied}")


@pytest.mark.parametrize(
    ("one", "other"),
    [("/a/{x}", "/{y}/{rest:path}"), ("/a/{x}/c", "/{rest:path}")],
    ids=["same length", "shorter"],
)
def test_a_greedy_path_that_cannot_be_denied_is_a_configuration_error(
    one: str, other: str, pool: FakeUserPool
) -> None:
    with pytest.raises(ConfigurationError, match=rf"may use GET {one}, and still allow GET {one}"):
        build_policy(pool, {one: USER, other: ADMINS})


REASON, DENIED, VICTIM = "/{a}/{b}", "/users/{id}", "/users/me"
"""Whoever may use the first needs a denial of the second, which hits the third."""


@pytest.mark.parametrize(
    ("reason", "denied", "victim"),
    [(USER, ADMINS, USER), (USER, IAM, USER), (READ, OPTIONAL, READ)],
    ids=["users", "iam denied", "optional denied"],
)
def test_a_denial_that_hits_an_allowed_route_is_a_configuration_error(
    reason: Any, denied: Any, victim: Any, pool: FakeUserPool
) -> None:
    guard = guard_for(pool, semantics="rest")  # an optional token must be an ID token, one with scopes is not
    app = build_get_app(guard, {VICTIM: victim, DENIED: denied, REASON: reason})
    with pytest.raises(
        ConfigurationError, match=r"deny GET /users/{id}.*use GET /{a}/{b}.*allow GET /users/me"
    ):
        lambda_authorizer(guard, app=app)


@pytest.mark.parametrize(
    ("reason", "denied", "victim"),
    [(ADMINS, ADMINS, USER), (USER, ADMINS, ADMINS), (IAM, ADMINS, USER), (USER, OPTIONAL, USER)],
    ids=["reason implies denied", "victim implies denied", "reason is for IAM callers", "denied is optional"],
)
def test_routes_of_which_no_caller_needs_that_denial_are_accepted(
    reason: Any, denied: Any, victim: Any, pool: FakeUserPool
) -> None:
    build_policy(pool, {VICTIM: victim, DENIED: denied, REASON: reason})


def test_a_route_is_not_denied_because_of_another_method(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    app = build_get_app(guard, {"/a": USER, "/{x}": ADMINS})
    app.delete("/{x}")(lambda: None)
    policy = lambda_authorizer(guard, app=app)(make_event("token", pool.access_token()), None)[
        "policyDocument"
    ]
    assert allows(policy, f"{STAGE_ARN}/DELETE/1")
    assert allows(policy, f"{STAGE_ARN}/GET/a")
    assert not allows(policy, f"{STAGE_ARN}/GET/1")


def test_without_allow_escapes_are_left_to_the_app(pool: FakeUserPool) -> None:
    """The app checks its own routes again, by the decoded path."""
    routes = {"/admin": ADMINS, "/{page}": USER}
    assert allows(build_policy(pool, routes), f"{STAGE_ARN}/GET/tea%20time")
    policy = build_policy(pool, routes, allow=lambda principal, request: True)
    assert not allows(policy, f"{STAGE_ARN}/GET/tea%20time")
