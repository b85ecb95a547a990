"""Claims of an app's own decide alike at every door: those lines that once passed behind a gateway."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException

from fastapi_cognito_guard import CurrentUser, lambda_handler
from fastapi_cognito_guard.deploy import lambda_authorizer, lambda_claims
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool, GatewayClient, as_user, gateway_event
from tests.apps import bearer, client_of, guard_for

TYPES: dict[str, Any] = {"is_admin": bool, "roles": list[str], "level": int, "plan": dict}
PASSING: dict[str, Any] = {
    "is_admin": True, "roles": ["editor", "viewer"], "level": 7, "plan": {"name": "gold"},
}  # fmt: skip
FAILING: dict[str, Any] = {
    "is_admin": False, "roles": ["non-editor"], "level": 4, "plan": {"name": "golden"},
}  # fmt: skip
PATHS = ("/admin", "/editor", "/level", "/plan")


def build(pool: FakeUserPool, **settings: Any) -> FastAPI:
    app = FastAPI()
    guard_for(pool, lambda_context=lambda_claims, **settings).install(app)

    def add(path: str, is_allowed: Callable[[Any], bool]) -> None:
        async def route(user: CurrentUser) -> None:
            if not is_allowed(user):
                raise HTTPException(403)

        app.get(path)(route)

    add("/admin", lambda user: user.claim("is_admin"))
    add("/editor", lambda user: "editor" in user.claims["roles"])
    add("/level", lambda user: user.claim("level") >= 5)
    add("/plan", lambda user: user.claims["plan"]["name"] == "gold")
    return app


def standalone(app: FastAPI, pool: FakeUserPool, token: str, path: str) -> int:
    return client_of(app).get(path, headers=bearer(token)).status_code


def behind(kind: Any) -> Callable[[FastAPI, FakeUserPool, str, str], int]:
    def call(app: FastAPI, pool: FakeUserPool, token: str, path: str) -> int:
        return GatewayClient(app, kind).get(path, headers=bearer(token)).status_code

    return call


def behind_our_authorizer(app: FastAPI, pool: FakeUserPool, token: str, path: str) -> int:
    authorizer = lambda_authorizer(guard_for(pool))
    arn = f"arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET{path}"
    answer = authorizer({"type": "TOKEN", "authorizationToken": token, "methodArn": arn}, None)
    event = gateway_event("lambda", path=path, context=answer["context"])
    return int(lambda_handler(app)(event, None)["statusCode"])


DOORS = {
    "standalone": standalone,
    **{kind: behind(kind) for kind in ("rest", "rest-jwt", "http", "http-1.0")},
    "lambda": behind_our_authorizer,
}


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize("gateway", ["trust", "verify"])
def test_a_declared_claim_decides_alike_at_every_door(pool: FakeUserPool, door: Any, gateway: Any) -> None:
    if gateway == "verify" and door in (standalone, behind_our_authorizer):
        pytest.skip("without claims of a gateway, or without the token")
    app = build(pool, claim_types=TYPES, gateway=gateway)
    for claims, status in ((PASSING, 200), (FAILING, 403)):
        token = pool.access_token("ada", scopes=["openid"], claims=claims)
        assert {path: door(app, pool, token, path) for path in PATHS} == dict.fromkeys(PATHS, status)


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
@pytest.mark.parametrize(
    ("name", "value"),
    [("is_admin", "yes"), ("level", "high"), ("level", 1.5), ("plan", "gold"), ("plan", ["gold"])],
    ids=str,
)
def test_a_claim_that_cannot_be_read_as_declared_is_401_at_every_door(
    pool: FakeUserPool, door: Any, name: str, value: Any
) -> None:
    app = build(pool, claim_types=TYPES)
    token = pool.access_token("ada", scopes=["openid"], claims={**PASSING, name: value})
    assert {door(app, pool, token, path) for path in PATHS} == {401}


@pytest.mark.parametrize("door", [standalone, behind("rest-jwt"), behind_our_authorizer])
def test_an_undeclared_claim_is_an_error_that_says_what_to_write(pool: FakeUserPool, door: Any) -> None:
    app = build(pool)
    token = pool.access_token("ada", scopes=["openid"], claims=FAILING)
    if door is behind_our_authorizer:
        assert {door(app, pool, token, path) for path in PATHS} == {500}
        return
    for path, name in zip(PATHS, TYPES, strict=True):
        with pytest.raises(ConfigurationError, match=rf'claim_types={{"{name}": '):
            door(app, pool, token, path)


def test_a_user_of_the_test_kit_has_the_same_types(pool: FakeUserPool) -> None:
    app = build(pool, claim_types=TYPES)
    for claims, status in ((PASSING, 200), (FAILING, 403)):
        with as_user(app, claims=claims):
            assert {client_of(app).get(path).status_code for path in PATHS} == {status}
