"""Policies of the Lambda authorizer: cached ones, replayed over all routes, and those for one request."""

from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from hypothesis import assume, given, settings

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    Principal,
    require_group,
)
from fastapi_cognito_guard.deploy import AuthorizerRequest, lambda_authorizer
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, bearer, guard_for
from tests.deploy.authorizer.events import KINDS, POOL, STAGE_ARN, build_orders_app, make_event
from tests.deploy.model import allows
from tests.deploy.random_apps import APPS, RandomApp


def test_a_cached_policy_replayed_over_all_routes_is_right_for_each(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    authorize = lambda_authorizer(guard, app=build_orders_app(guard))
    callers = {
        "plain user": (pool.access_token(), set()),
        "reader": (pool.access_token(scopes=["o/r"]), {"GET/orders/1", "GET/orders/latest"}),
        "admin": (pool.access_token(groups=["admins"]), {"GET/orders/1/secret"}),
        "all": (
            pool.access_token(scopes=["o/w"], groups=["admins"]),
            {"GET/orders/1", "GET/orders/latest", "GET/orders/1/secret", "DELETE/orders/1"},
        ),
    }
    calls = ["GET/open", "GET/me", "GET/orders/1", "GET/orders/latest", "GET/orders/1/secret",
             "DELETE/orders/1", "DELETE/me", "GET/else", "GET/orders", "POST/orders/1"]  # fmt: skip
    for token, extra in callers.values():
        policies = [
            authorize(make_event(kind, token, path=path), None)["policyDocument"]
            for kind in KINDS
            for path in ("/me", "/orders/1/secret")
        ]
        assert all(policy == policies[0] for policy in policies)  # the same for every request
        assert {call for call in calls if allows(policies[0], f"{STAGE_ARN}/{call}")} == {
            "GET/open",
            "GET/me",
        } | extra


def test_a_caller_who_may_use_no_route_is_denied_the_whole_stage(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    app = FastAPI(openapi_url=None, dependencies=[Depends(require_group("admins"))])
    guard.install(app)
    app.add_api_route("/x", lambda: None)
    policy = lambda_authorizer(guard, app=app)(make_event("token", pool.access_token()), None)[
        "policyDocument"
    ]
    assert policy["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [f"{STAGE_ARN}/*"]}
    ]


RANDOM_CALLERS = [
    POOL.access_token(),
    POOL.access_token(scopes=["o/r"]),
    POOL.access_token(scopes=["o/w"], groups=["admins"]),
    POOL.access_token(groups=["admins"], claims={"tier": "gold"}),
    POOL.id_token(groups=["admins"]),
]


@pytest.mark.parametrize("semantics", ["strict", "rest"])
@given(random_app=APPS)
@settings(max_examples=30)
def test_a_cached_policy_for_any_app_allows_what_the_app_does(semantics: str, random_app: RandomApp) -> None:
    settings: dict[str, Any] = {"semantics": semantics, "now": lambda: NOW}
    # In this mode an open route takes both types of token, and no gateway does: SECURITY.md.
    assume(not (semantics == "rest" and random_app.deny_by_default))
    app = random_app.build(settings, POOL.user_pool(token_use={"access", "id"}))
    guard = next(entry.kwargs["guard"] for entry in app.user_middleware if "guard" in entry.kwargs)
    assert isinstance(guard, CognitoGuard)
    try:
        authorize = lambda_authorizer(guard, app=app)
    except ConfigurationError:
        assume(False)
    client = TestClient(
        random_app.build(settings, POOL.user_pool(token_use={"access", "id"}), checked_by="authorizer")
    )
    real = TestClient(app)
    for token in RANDOM_CALLERS:
        policy = authorize(make_event("request", token), None)["policyDocument"]
        for method, path in random_app.requests():
            status = client.request(method, path, headers=bearer(token)).status_code
            if status not in (404, 405):
                is_allowed = allows(policy, f"{STAGE_ARN}/{method}{path}")
                assert is_allowed is (status == 200), (method, path, status)
                if not is_allowed:
                    assert real.request(method, path, headers=bearer(token)).status_code == status


@given(random_app=APPS)
@settings(max_examples=20)
def test_a_policy_for_one_request_allows_only_it_and_only_if_the_app_does(
    random_app: RandomApp,
) -> None:
    app = random_app.build({"now": lambda: NOW}, POOL.user_pool())
    guard = next(entry.kwargs["guard"] for entry in app.user_middleware if "guard" in entry.kwargs)
    assert isinstance(guard, CognitoGuard)
    try:
        authorize = lambda_authorizer(guard, app=app, cached=False)
    except ConfigurationError:
        assume(False)
    client = TestClient(random_app.build({"now": lambda: NOW}, POOL.user_pool(), checked_by="authorizer"))
    for token in RANDOM_CALLERS[:3]:
        for method, path in random_app.requests():
            status = client.request(method, path, headers=bearer(token)).status_code
            policy = authorize(make_event("request", token, method, path), None)["policyDocument"]
            assert allows(policy, f"{STAGE_ARN}/{method}{path}") is (status == 200)
            assert not allows(policy, f"{STAGE_ARN}/{method}{path}/else")


def test_allow_decides_each_route_of_a_cached_policy(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    seen: list[AuthorizerRequest] = []

    def allow(user: Principal, request: AuthorizerRequest) -> bool:
        seen.append(request)
        return request.path != "/me" or user.username == "bob"

    authorize = lambda_authorizer(guard, app=build_orders_app(guard), allow=allow)
    for name, may in (("ada", False), ("bob", True)):
        policy = authorize(make_event("token", pool.access_token(name)), None)["policyDocument"]
        assert allows(policy, f"{STAGE_ARN}/GET/me") is may
        assert allows(policy, f"{STAGE_ARN}/GET/open")
    assert {(request.method, request.path) for request in seen} == {("GET", "/me")}
    assert not any(request.headers for request in seen)


@pytest.mark.parametrize("with_app", [False, True])
def test_allow_gets_the_method_path_and_headers_of_one_request(pool: FakeUserPool, with_app: bool) -> None:
    guard = guard_for(pool)

    def allow(user: Principal, request: AuthorizerRequest) -> bool:
        return request == AuthorizerRequest(
            method="GET", path="/orders/1", headers={**request.headers, "host": "example.com"}
        )

    app = build_orders_app(guard) if with_app else None
    authorize = lambda_authorizer(guard, app=app, allow=allow, cached=False)
    token = pool.access_token(scopes=["o/r"])
    for path, may in (("/orders/1", True), ("/orders/2", False)):
        policy = authorize(make_event("request", token, path=path), None)["policyDocument"]
        assert allows(policy, f"{STAGE_ARN}/GET{path}") is may
        assert not allows(policy, f"{STAGE_ARN}/GET/orders/1/secret")


@pytest.mark.parametrize("path", ["/orders/*", "/orders/" + "x" * 600])
def test_a_path_that_no_resource_can_name_is_denied(pool: FakeUserPool, path: str) -> None:
    authorize = lambda_authorizer(guard_for(pool), allow=lambda user, request: True, cached=False)
    policy = authorize(make_event("token", pool.access_token(), path=path), None)["policyDocument"]
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Deny"}
    assert all(len(resource) <= 512 for resource in policy["Statement"][0]["Resource"])


def test_allow_must_return_true_or_false(pool: FakeUserPool) -> None:
    async def later(user: Principal, request: AuthorizerRequest) -> bool:
        return False

    def unsure(user: Principal, request: AuthorizerRequest) -> Any:
        return "no"

    with pytest.raises(ConfigurationError, match="not async def"):
        lambda_authorizer(guard_for(pool), allow=later, cached=False)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ConfigurationError, match="True or False, and not str"):
        lambda_authorizer(guard_for(pool), allow=unsure, cached=False)(
            make_event("token", pool.access_token()), None
        )
    with pytest.raises(ConfigurationError, match="cached=False"):
        lambda_authorizer(guard_for(pool), allow=unsure)


def test_a_simple_response_by_route_needs_the_route_key_among_the_identity_sources(
    pool: FakeUserPool,
) -> None:
    guard = guard_for(pool)
    reader = pool.access_token(scopes=["o/r"])
    for cached in (True, False):
        authorize = lambda_authorizer(guard, app=build_orders_app(guard), simple=True, cached=cached)
        keyed = make_event("http-2.0", reader, path="/me")
        assert authorize(keyed, None)["isAuthorized"] is True
        with pytest.raises(ConfigurationError, match=r"add \$context.routeKey"):
            authorize({**keyed, "identitySource": [f"Bearer {reader}"]}, None)
    authorize = lambda_authorizer(guard, app=build_orders_app(guard), simple=True)
    by_key = {"GET /orders/{order}": True, "DELETE /orders/{order}": False, "GET /orders/{x}/secret": False}
    for key, may in by_key.items():
        event = make_event(
            "http-2.0", reader, path="/orders/1", routeKey=key, identitySource=[f"Bearer {reader}", key]
        )
        assert authorize(event, None)["isAuthorized"] is may
    sources = [f"Bearer {reader}", "$default"]
    with pytest.raises(ConfigurationError, match="not a route of the app"):
        authorize(make_event("http-2.0", reader, routeKey="$default", identitySource=sources), None)


@pytest.mark.parametrize("kind", ["token", "request", "http-1.0"])
def test_a_simple_response_is_for_http_apis_with_payload_2(pool: FakeUserPool, kind: str) -> None:
    with pytest.raises(ConfigurationError, match="simple=True is for HTTP APIs"):
        lambda_authorizer(guard_for(pool), simple=True)(make_event(kind, pool.access_token()), None)


def test_routes_that_no_cached_policy_can_distinguish_are_a_configuration_error(pool: FakeUserPool) -> None:
    app = FastAPI(openapi_url=None)
    guard = guard_for(pool)
    guard.install(app)

    @app.get("/users/me")
    async def me(user: CurrentUser) -> None: ...

    @app.get("/users/{id}", dependencies=[Depends(require_group("admins"))])
    async def one(id: str) -> None: ...

    lambda_authorizer(guard, app=app)  # no resource of an allowed route matches /users/{id}

    @app.get("/{rest:path}")
    async def rest(rest: str) -> None: ...

    with pytest.raises(
        ConfigurationError, match=r"deny GET /users/{id}.*may use GET /{rest\+}.*GET /users/me"
    ):
        lambda_authorizer(guard, app=app)
    lambda_authorizer(guard, app=app, cached=False)
    lambda_authorizer(guard, app=app, simple=True)


def test_a_path_too_long_for_a_policy_is_a_configuration_error(pool: FakeUserPool) -> None:
    app = FastAPI(openapi_url=None)
    guard = guard_for(pool)
    guard.install(app)
    app.add_api_route("/" + "x" * 500, lambda: None)
    with pytest.raises(ConfigurationError, match="too long for a policy"):
        lambda_authorizer(guard, app=app)
