"""The guard as a Lambda authorizer: every kind of event, kept policies, and the way back to a Principal."""

import asyncio
import json
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from hypothesis import assume, given, settings

from fastapi_cognito_guard import (
    CognitoGuard,
    CurrentUser,
    KeyPolicy,
    Principal,
    lambda_handler,
    require_group,
    require_scope,
)
from fastapi_cognito_guard.deploy import AuthorizerRequest, lambda_authorizer, lambda_claims
from fastapi_cognito_guard.errors import ConfigurationError, KeysUnavailable
from fastapi_cognito_guard.testing import FakeUserPool, gateway_event
from tests.apps import NOW, bearer, build_app, guard_for
from tests.deploy.model import allows
from tests.deploy.random_apps import APPS, RandomApp

API = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod"
POOL = FakeUserPool(now=lambda: NOW)
KINDS = ["token", "request", "http-1.0", "http-2.0"]


def asking(
    kind: str, token: str | None, method: str = "GET", path: str = "/me", **more: Any
) -> dict[str, Any]:
    """The event of an authorizer of this kind."""
    arn = f"{API}/{method}{path}"
    value = f"Bearer {token}" if token else ""
    if kind == "token":
        return {"type": "TOKEN", "authorizationToken": value, "methodArn": arn, **more}
    headers = {"host": "example.com", **({"Authorization": value} if value else {})}
    event = {"type": "REQUEST", "headers": headers, "path": path, "httpMethod": method}
    if kind == "request":
        several = {name: [text] for name, text in headers.items()}
        return {**event, "multiValueHeaders": several, "methodArn": arn, **more}
    if kind == "http-1.0":
        return {**event, "version": "1.0", "methodArn": arn, "identitySource": value, **more}
    key = f"{method} {path}"
    sources = [value, key]
    return {"version": "2.0", "type": "REQUEST", "routeArn": arn, "routeKey": key, "identitySource": sources,
            "headers": {name.lower(): text for name, text in headers.items()}, **more}  # fmt: skip


def answer_event(kind: str, answer: dict[str, Any], path: str) -> dict[str, Any]:
    """What the function behind gets, once a gateway has let the request pass."""
    rest = kind in ("token", "request")
    event = gateway_event("rest" if rest else "http" if kind == "http-2.0" else "http-1.0", path=path)
    context = answer["context"]
    if kind == "http-2.0":
        event["requestContext"]["authorizer"] = {"lambda": context}
    else:
        flat = {"principalId": answer["principalId"], **context, "integrationLatency": 12}
        event["requestContext"]["authorizer"] = flat
    return event


def small_app(guard: CognitoGuard) -> FastAPI:
    app = FastAPI(openapi_url=None)
    guard.install(app)

    @app.get("/open")
    async def anybody() -> None: ...

    @app.get("/me")
    async def me(user: CurrentUser) -> None: ...

    @app.get("/orders/{id}", dependencies=[Depends(require_scope("o/r", "o/w"))])
    async def order(id: str) -> None: ...

    @app.get("/orders/{id}/secret", dependencies=[Depends(require_group("admins"))])
    async def secret(id: str) -> None: ...

    @app.get("/orders/latest", dependencies=[Depends(require_group("admins"))])
    async def never_reached() -> None: ...

    @app.delete(
        "/orders/{id}", dependencies=[Depends(require_scope("o/w")), Depends(require_group("admins"))]
    )
    async def delete(id: str) -> None: ...

    return app


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("who", ["ada", "robot", "id"])
def test_the_context_leads_back_to_the_same_principal(pool: FakeUserPool, kind: str, who: str) -> None:
    guard = guard_for(pool, user_pool={"token_use": {"access", "id"}}, lambda_context=lambda_claims)
    token = {
        "ada": pool.access_token("ada", groups=["admins", "a,b"], scopes=["o/r", "o/w"]),
        "robot": pool.machine_token(scopes=["o/r"]),
        "id": pool.id_token("ada", email="ada@example.com", claims={"deep": {"list": [1, None, "ü"]}}),
    }[who]
    answer = lambda_authorizer(guard)(asking(kind, token), None)
    assert allows(answer["policyDocument"], f"{API}/GET/anything/at/all")
    assert all(type(value) in (str, int, float, bool) for value in answer["context"].values())
    behind = guard.vouched(answer_event(kind, answer, "/me"))
    direct = asyncio.run(guard.verify(token))
    assert behind is not None
    assert behind.source == "lambda"
    facts = {name: value for name, value in vars(direct).items() if name != "source"}
    assert {name: value for name, value in vars(behind).items() if name != "source"} == facts
    through = lambda_handler(build_app(guard))(answer_event(kind, answer, "/me"), None)
    assert (through["statusCode"], json.loads(through["body"])["source"]) == (200, "lambda")


def test_a_simple_answer_has_the_same_context(pool: FakeUserPool) -> None:
    guard = guard_for(pool, lambda_context=lambda_claims)
    answer = lambda_authorizer(guard, simple=True)(asking("http-2.0", pool.access_token()), None)
    assert answer.keys() == {"isAuthorized", "context"}
    assert answer["isAuthorized"] is True
    user = guard.vouched(answer_event("http-2.0", answer, "/me"))
    assert user is not None
    assert user.username == "ada"


@pytest.mark.parametrize(
    "context",
    [{"cognito_claims": "[1]"}, {"cognito_claims": "{"}, {"cognito_claims": 7}, {"cognito_claims": None},
     {"cognito_claims": "[" * 100_000}, {"cognito_claims": '{"iss": "https://else.example"}'}],
    ids=["list", "broken", "number", "null", "deep", "of another issuer"],
)  # fmt: skip
def test_a_context_that_cannot_be_read_is_refused_and_not_skipped(
    pool: FakeUserPool, context: dict[str, Any]
) -> None:
    event = answer_event("request", {"principalId": "x", "context": context}, "/me")
    event["headers"]["authorization"] = f"Bearer {pool.access_token()}"
    event["multiValueHeaders"] = None
    assert (
        lambda_handler(build_app(guard_for(pool, lambda_context=lambda_claims)))(event, None)["statusCode"]
        == 401
    )


def test_the_context_of_another_authorizer_is_no_identity(pool: FakeUserPool) -> None:
    event = answer_event("request", {"principalId": "ada", "context": {"sub": "ada"}}, "/me")
    assert guard_for(pool, lambda_context=lambda_claims).vouched(event) is None


BAD: dict[str, Any] = {
    "missing": lambda pool: None,
    "malformed": lambda pool: "x.y",
    "expired": lambda pool: pool.access_token(expires_in=-1),
    "forged": lambda pool: FakeUserPool(pool.id, client_id=pool.client_id, now=lambda: NOW).access_token(),
    "of another client": lambda pool: pool.access_token(claims={"client_id": "another"}),
    "an ID token": lambda pool: pool.id_token(),
}


@pytest.mark.parametrize("reason", BAD)
@pytest.mark.parametrize("with_app", [False, True])
def test_without_a_good_token_it_is_401_at_a_rest_api_and_denied_at_an_http_api(
    pool: FakeUserPool, reason: str, with_app: bool
) -> None:
    guard = guard_for(pool)
    settings: dict[str, Any] = {"app": small_app(guard)} if with_app else {}
    authorize = lambda_authorizer(guard, **settings)
    token = BAD[reason](pool)
    for kind in ("token", "request"):
        with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
            authorize(asking(kind, token), None)
    for kind in ("http-1.0", "http-2.0"):
        answer = authorize(asking(kind, token), None)
        assert "context" not in answer
        assert not allows(answer["policyDocument"], f"{API}/GET/open")
    simple = lambda_authorizer(guard, simple=True)
    assert simple(asking("http-2.0", token), None) == {"isAuthorized": False}
    assert sum(guard.status()["decisions"].values()) == 5


def test_headers_that_no_request_can_have_are_refused_like_a_bad_token(pool: FakeUserPool) -> None:
    authorize = lambda_authorizer(guard_for(pool))
    good = pool.access_token()
    twice = asking("request", good)
    twice["multiValueHeaders"]["authorization"] = [f"Bearer {good}"]
    for event in (twice, asking("token", "\N{SNOWMAN}"), asking("request", "\N{SNOWMAN}")):
        with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
            authorize(event, None)


@pytest.mark.parametrize(
    "event",
    [None, {}, {"methodArn": 7}, {"methodArn": "arn:aws:s3:::x"},
     {"version": "2.0", "methodArn": f"{API}/GET/x"},
     {"methodArn": "arn:aws:execute-api:eu-west-1:1:a*/prod/GET/x"}, {"methodArn": f"{API}/get/x"}],
    ids=str,
)  # fmt: skip
def test_what_is_no_authorizers_event_is_a_wrong_setting_and_never_an_allow(
    pool: FakeUserPool, event: Any
) -> None:
    with pytest.raises(ConfigurationError, match="attach the function"):
        lambda_authorizer(guard_for(pool))(event, None)


@pytest.mark.parametrize("kind", KINDS)
def test_while_keys_cannot_be_had_it_fails_and_nothing_is_kept(kind: str, pool: FakeUserPool) -> None:
    async def fetch(address: str) -> bytes:
        raise OSError

    guard = guard_for(pool, user_pool={"jwks": None}, fetch=fetch, keys=KeyPolicy(timeout=1))
    with pytest.raises(KeysUnavailable) as error:
        lambda_authorizer(guard)(asking(kind, pool.access_token()), None)
    assert str(error.value) != "Unauthorized"


def test_keys_are_fetched_once_for_all_invocations_whatever_loops_come_and_go(pool: FakeUserPool) -> None:
    fetches = []

    async def fetch(address: str) -> bytes:
        fetches.append(address)
        return json.dumps(pool.jwks).encode()

    authorize = lambda_authorizer(guard_for(pool, user_pool={"jwks": None}, fetch=fetch, remember=0))
    for _ in range(3):
        assert authorize(asking("token", pool.access_token()), None)["principalId"] == pool.sub("ada")
        asyncio.run(asyncio.sleep(0))
    assert len(fetches) == 1


def test_a_kept_policy_replayed_over_all_routes_is_right_for_each(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    authorize = lambda_authorizer(guard, app=small_app(guard))
    callers = {
        "nobody special": (pool.access_token(), set()),
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
            authorize(asking(kind, token, path=path), None)["policyDocument"]
            for kind in KINDS
            for path in ("/me", "/orders/1/secret")
        ]
        assert all(policy == policies[0] for policy in policies)  # the request does not count
        assert {call for call in calls if allows(policies[0], f"{API}/{call}")} == {
            "GET/open",
            "GET/me",
        } | extra


def test_who_may_do_nothing_is_denied_everything(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    app = FastAPI(openapi_url=None, dependencies=[Depends(require_group("admins"))])
    guard.install(app)
    app.add_api_route("/x", lambda: None)
    policy = lambda_authorizer(guard, app=app)(asking("token", pool.access_token()), None)["policyDocument"]
    assert policy["Statement"] == [
        {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [f"{API}/*"]}
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
@settings(max_examples=60)
def test_a_kept_policy_of_any_app_allows_what_the_app_does(semantics: str, random_app: RandomApp) -> None:
    settings: dict[str, Any] = {"semantics": semantics, "now": lambda: NOW}
    # There, a route that asks for nothing takes both kinds of token, which no gateway does: SECURITY.md.
    assume(not (semantics == "rest" and random_app.deny_by_default))
    app = random_app.build(settings, POOL.user_pool(token_use={"access", "id"}))
    guard = next(entry.kwargs["guard"] for entry in app.user_middleware if "guard" in entry.kwargs)
    assert isinstance(guard, CognitoGuard)
    try:
        authorize = lambda_authorizer(guard, app=app)
    except ConfigurationError:
        assume(False)
    client = TestClient(app)
    for token in RANDOM_CALLERS:
        policy = authorize(asking("request", token), None)["policyDocument"]
        for method, path in random_app.requests():
            status = client.request(method, path, headers=bearer(token)).status_code
            if status not in (404, 405):
                assert allows(policy, f"{API}/{method}{path}") is (status == 200), (method, path, status)


@given(random_app=APPS)
@settings(max_examples=40)
def test_a_policy_for_one_request_allows_it_where_the_app_does_and_nothing_else(
    random_app: RandomApp,
) -> None:
    app = random_app.build({"now": lambda: NOW}, POOL.user_pool())
    guard = next(entry.kwargs["guard"] for entry in app.user_middleware if "guard" in entry.kwargs)
    assert isinstance(guard, CognitoGuard)
    try:
        authorize = lambda_authorizer(guard, app=app, cached=False)
    except ConfigurationError:
        assume(False)
    client = TestClient(app)
    for token in RANDOM_CALLERS[:3]:
        for method, path in random_app.requests():
            status = client.request(method, path, headers=bearer(token)).status_code
            policy = authorize(asking("request", token, method, path), None)["policyDocument"]
            assert allows(policy, f"{API}/{method}{path}") is (status == 200)
            assert not allows(policy, f"{API}/{method}{path}/else")


def test_allow_decides_each_route_of_a_kept_policy(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    seen: list[AuthorizerRequest] = []

    def allow(user: Principal, request: AuthorizerRequest) -> bool:
        seen.append(request)
        return request.path != "/me" or user.username == "bob"

    authorize = lambda_authorizer(guard, app=small_app(guard), allow=allow)
    for name, may in (("ada", False), ("bob", True)):
        policy = authorize(asking("token", pool.access_token(name)), None)["policyDocument"]
        assert allows(policy, f"{API}/GET/me") is may
        assert allows(policy, f"{API}/GET/open")
    assert {(request.method, request.path) for request in seen} == {("GET", "/me")}
    assert not any(request.headers for request in seen)


@pytest.mark.parametrize("with_app", [False, True])
def test_allow_decides_one_request_by_all_that_it_has(pool: FakeUserPool, with_app: bool) -> None:
    guard = guard_for(pool)

    def allow(user: Principal, request: AuthorizerRequest) -> bool:
        return request == AuthorizerRequest(
            method="GET", path="/orders/1", headers={**request.headers, "host": "example.com"}
        )

    app = small_app(guard) if with_app else None
    authorize = lambda_authorizer(guard, app=app, allow=allow, cached=False)
    token = pool.access_token(scopes=["o/r"])
    for path, may in (("/orders/1", True), ("/orders/2", False)):
        policy = authorize(asking("request", token, path=path), None)["policyDocument"]
        assert allows(policy, f"{API}/GET{path}") is may
        assert not allows(policy, f"{API}/GET/orders/1/secret")


@pytest.mark.parametrize("path", ["/orders/*", "/orders/" + "x" * 600])
def test_a_path_that_no_policy_can_name_is_denied(pool: FakeUserPool, path: str) -> None:
    authorize = lambda_authorizer(guard_for(pool), allow=lambda user, request: True, cached=False)
    policy = authorize(asking("token", pool.access_token(), path=path), None)["policyDocument"]
    assert {statement["Effect"] for statement in policy["Statement"]} == {"Deny"}
    assert all(len(resource) <= 512 for resource in policy["Statement"][0]["Resource"])


def test_allow_answers_true_or_false_and_nothing_that_is_only_true_enough(pool: FakeUserPool) -> None:
    async def later(user: Principal, request: AuthorizerRequest) -> bool:
        return False

    def unsure(user: Principal, request: AuthorizerRequest) -> Any:
        return "no"

    with pytest.raises(ConfigurationError, match="not async def"):
        lambda_authorizer(guard_for(pool), allow=later, cached=False)  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ConfigurationError, match="True or False, and not str"):
        lambda_authorizer(guard_for(pool), allow=unsure, cached=False)(
            asking("token", pool.access_token()), None
        )
    with pytest.raises(ConfigurationError, match="cached=False"):
        lambda_authorizer(guard_for(pool), allow=unsure)


def test_a_simple_answer_that_depends_on_the_route_needs_the_route_key_among_the_identity_sources(
    pool: FakeUserPool,
) -> None:
    guard = guard_for(pool)
    reader = pool.access_token(scopes=["o/r"])
    for cached in (True, False):
        authorize = lambda_authorizer(guard, app=small_app(guard), simple=True, cached=cached)
        keyed = asking("http-2.0", reader, path="/me")
        assert authorize(keyed, None)["isAuthorized"] is True
        with pytest.raises(ConfigurationError, match=r"add \$context.routeKey"):
            authorize({**keyed, "identitySource": [f"Bearer {reader}"]}, None)
    authorize = lambda_authorizer(guard, app=small_app(guard), simple=True)
    by_key = {"GET /orders/{order}": True, "DELETE /orders/{order}": False, "GET /orders/{x}/secret": False}
    for key, may in by_key.items():
        event = asking("http-2.0", reader, path="/orders/1", routeKey=key, identitySource=["t", key])
        assert authorize(event, None)["isAuthorized"] is may
    with pytest.raises(ConfigurationError, match="none of the app's"):
        authorize(asking("http-2.0", reader, routeKey="$default", identitySource=["$default"]), None)


@pytest.mark.parametrize("kind", ["token", "request", "http-1.0"])
def test_a_simple_answer_is_for_http_apis_with_payload_2(pool: FakeUserPool, kind: str) -> None:
    with pytest.raises(ConfigurationError, match="simple=True is for HTTP APIs"):
        lambda_authorizer(guard_for(pool), simple=True)(asking(kind, pool.access_token()), None)


def test_routes_that_no_kept_policy_can_tell_apart_are_refused_when_it_is_made(pool: FakeUserPool) -> None:
    app = FastAPI(openapi_url=None)
    guard = guard_for(pool)
    guard.install(app)

    @app.get("/users/me")
    async def me(user: CurrentUser) -> None: ...

    @app.get("/users/{id}", dependencies=[Depends(require_group("admins"))])
    async def one(id: str) -> None: ...

    lambda_authorizer(guard, app=app)  # nothing of /users/me takes what is denied at /users/{id}

    @app.get("/{rest:path}")
    async def rest(rest: str) -> None: ...

    with pytest.raises(
        ConfigurationError, match=r"deny GET /users/{id}.*may use GET /{rest\+}.*GET /users/me"
    ):
        lambda_authorizer(guard, app=app)
    lambda_authorizer(guard, app=app, cached=False)


def test_a_path_too_long_for_a_policy_is_refused_when_it_is_made(pool: FakeUserPool) -> None:
    app = FastAPI(openapi_url=None)
    guard = guard_for(pool)
    guard.install(app)
    app.add_api_route("/" + "x" * 500, lambda: None)
    with pytest.raises(ConfigurationError, match="too long for a policy"):
        lambda_authorizer(guard, app=app)


def test_a_websocket_api_is_let_in_or_told_that_the_answer_is_too_large(pool: FakeUserPool) -> None:
    authorize = lambda_authorizer(guard_for(pool))
    event = asking("request", pool.access_token()) | {"methodArn": f"{API}/$connect"}
    assert allows(authorize(event, None)["policyDocument"], f"{API}/$connect")
    large = asking("request", pool.access_token(claims={"x": "y" * 8000})) | {"methodArn": f"{API}/$connect"}
    with pytest.raises(ConfigurationError, match="8 KB"):
        authorize(large, None)


def test_decisions_are_told_as_anywhere(pool: FakeUserPool) -> None:
    told: list[Any] = []
    guard = guard_for(pool, on_decision=told.append)
    authorize = lambda_authorizer(guard)
    authorize(asking("token", pool.access_token()), None)
    authorize(asking("http-2.0", None), None)
    assert [(one.outcome, one.code, one.status) for one in told] == [
        ("allowed", "allowed", None),
        ("refused", "token_missing", 401),
    ]
