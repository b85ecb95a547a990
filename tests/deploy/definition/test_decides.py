"""A gateway with an exported definition decides as the app does: any app, every route, every caller."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import assume, example, given, settings

from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.deploy import export
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.jwt import parse
from tests.apps import NOW, bearer
from tests.deploy.model import ModelGateway, Token
from tests.deploy.random_apps import APPS, RandomApp, RandomRoute

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


RESOURCE = "https://api.example.com"
TOKEN_USES: dict[str, set[str]] = {"access": {"access"}, "id": {"id"}, "both": {"id", "access"}}


def make_jwt_caller(text: str) -> tuple[str, Token]:
    """Return a token, and what a REST API's JWT authorizer reads of it."""
    claims = parse(text).payload
    aud = claims.get("aud", [])
    return text, Token(
        claims["token_use"],
        frozenset(claims.get("scope", "").split()),
        claims["iss"],
        frozenset([aud] if isinstance(aud, str) else aud),
        {name: claims[name] for name in ("token_use", "client_id") if name in claims},
    )


STRANGER = FakeUserPool("eu-west-1_Stranger", now=lambda: NOW)
BOUND: dict[str, Any] = {"aud": RESOURCE}
JWT_CALLERS: dict[str, tuple[str | None, Token | None]] = {
    "nobody": (None, None),
    "access": make_jwt_caller(POOL.access_token(claims=BOUND)),
    "reader": make_jwt_caller(POOL.access_token(scopes=["o/r"], claims={"aud": [RESOURCE, "else"]})),
    "writer": make_jwt_caller(POOL.access_token(scopes=["o/w"], groups=["admins"], claims=BOUND)),
    "access without aud": make_jwt_caller(POOL.access_token(scopes=["o/r"])),
    "access for another resource": make_jwt_caller(POOL.access_token(claims={"aud": "https://else.example"})),
    "id": make_jwt_caller(POOL.id_token(claims={"tier": "gold"})),
    "id of another client": make_jwt_caller(POOL.id_token(claims={"aud": "another"})),
    "of another pool": make_jwt_caller(STRANGER.access_token(claims=BOUND)),
}
"""Tokens of which the app and a REST API's JWT authorizer must think the same."""


def close_by_default(*routes: tuple[str, ...], public: tuple[str, ...]) -> RandomApp:
    """Return an app whose routes require nothing, so that ``public`` alone opens them."""
    return RandomApp(
        tuple(RandomRoute("GET", segments, "public") for segments in routes),
        deny_by_default=True,
        public=public,
    )


def slashes_at_the_end(test: Any) -> Any:
    """Add apps whose routes end with a slash, which a REST API drops."""
    for app in (
        close_by_default(("a", ""), public=("/", "/a")),
        close_by_default(("a", ""), public=("/a/",)),
        close_by_default(("a", ""), public=("/a/*",)),
        close_by_default(("{x}", ""), public=("/a/",)),
        close_by_default(("{x}", ""), public=("/a/*",)),
        close_by_default(("a",), ("{x}", ""), public=("/a", "/a/*")),
    ):
        test = example(random_app=app)(test)
    return test


def build_gateway(
    random_app: RandomApp, kind: Any, guard_settings: dict[str, Any], pool: Any = None, **options: Any
) -> ModelGateway:
    """Build a gateway for the app. Apps that cannot be exported are for other tests."""
    app = random_app.build(guard_settings, pool or POOL.user_pool())
    try:
        document = export(app, kind, user_pool_arn=POOL_ARN, lambda_arn=FUNCTION, **options)
    except ConfigurationError:
        assume(False)
    return ModelGateway(document, kind)


def takes_both_types(random_app: RandomApp) -> bool:
    return any(route.access == "scope w or group" for route in random_app.routes)


@pytest.mark.parametrize("kind", ["rest", "http"])
@slashes_at_the_end
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


@pytest.mark.parametrize("uses", TOKEN_USES)
@example(random_app=close_by_default(("a", ""), public=("/", "/a")))
@given(random_app=APPS)
@settings(max_examples=15)
def test_a_jwt_authorizer_of_a_rest_api_decides_as_the_app_does(uses: str, random_app: RandomApp) -> None:
    """The statuses of its refusals are not known: only whether a request passes is compared."""
    pool = POOL.user_pool(token_use=TOKEN_USES[uses], resource=RESOURCE)
    guard_settings: dict[str, Any] = {"now": lambda: NOW}
    gateway = build_gateway(random_app, "rest", guard_settings, pool, rest_authorizer="jwt")
    restricted = TestClient(random_app.build(guard_settings, pool, checked_by="gateway"))
    for method, path in random_app.requests():
        for name, (text, token) in JWT_CALLERS.items():
            expected = restricted.request(method, path, headers=bearer(text) if text else {}).status_code
            if expected in (404, 405):
                break  # the app has no such route
            if gateway.operation(method, path) is None:
                assert expected == 401  # by deny_by_default, without a route
                continue
            passes = gateway.status(method, path, token) == 200
            assert passes == (expected == 200), (method, path, name)


def test_a_jwt_authorizer_with_one_client_refuses_others_as_the_app_does() -> None:
    """With several clients only the app tells them apart: an additional claim has one value."""
    text = POOL.access_token(claims={**BOUND, "client_id": "another"})
    app = RandomApp((RandomRoute("GET", ("a",), "user"),), deny_by_default=False, public=())
    for clients, status in (({POOL.client_id}, 401), ({POOL.client_id, "third"}, 200)):
        pool = POOL.user_pool(client_ids=clients, resource=RESOURCE)
        gateway = build_gateway(app, "rest", {"now": lambda: NOW}, pool, rest_authorizer="jwt")
        assert gateway.status("GET", "/a", make_jwt_caller(text)[1]) == status
        answer = TestClient(app.build({"now": lambda: NOW}, pool)).get("/a", headers=bearer(text))
        assert answer.status_code == 401
