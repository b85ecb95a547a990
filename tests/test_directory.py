"""A directory of pools: its settings, its answers, and apps whose guard has one."""

import json
from typing import Any

import anyio
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from fastapi_cognito_guard import (
    ANY_BOUND_CLIENT,
    CognitoGuard,
    CurrentUser,
    UserPool,
    lambda_handler,
    require_group,
    require_level,
    require_pool,
)
from fastapi_cognito_guard.deploy import export, lambda_authorizer, lambda_claims
from fastapi_cognito_guard.directory import PoolDirectory
from fastapi_cognito_guard.errors import ConfigurationError, PoolsUnavailable
from fastapi_cognito_guard.testing import (
    FakeUserPool,
    Flavour,
    GatewayClient,
    as_user,
    assert_rejects_attacks,
    trusting,
)
from tests.apps import NOW, bearer, client_of
from tests.deploy.exports import FUNCTION
from tests.tenants import Clock, Directory, guard_by

DOORS: tuple[Flavour | None, ...] = (None, "rest", "rest-jwt", "http", "http-1.0", "lambda", "lambda-2.0")
ACME = FakeUserPool("eu-west-1_Acme", now=lambda: NOW)
GLOBEX = FakeUserPool("eu-west-1_Globex", now=lambda: NOW)
STRANGER = FakeUserPool("eu-west-1_Stranger", now=lambda: NOW)


def build_app(directory: Any, *fixed: UserPool, **settings: Any) -> FastAPI:
    app = FastAPI()
    settings = {"now": lambda: NOW, "lambda_context": lambda_claims, **settings}
    CognitoGuard(*fixed, pools=directory, **settings).install(app)

    @app.get("/me")
    async def read_me(user: CurrentUser) -> str:
        return user.pool_id

    app.get("/admins", dependencies=[Depends(require_group("admins"))])(lambda: "admins")
    app.get("/acme", dependencies=[Depends(require_pool(ACME.id))])(lambda: "acme")
    app.get("/strong", dependencies=[Depends(require_level("acme:strong"))])(lambda: "strong")
    return app


def call(app: FastAPI, pool: FakeUserPool, door: Flavour | None, path: str = "/me") -> tuple[int, Any]:
    token = pool.access_token("ada")
    if door is None:
        response = client_of(app).get(path, headers=bearer(token))
        return response.status_code, response.json()
    answer = lambda_handler(app)(pool.event(door, token, path=path), None)
    return answer["statusCode"], json.loads(answer["body"])


def offline(pool: FakeUserPool) -> UserPool:
    return pool.user_pool(token_use={"id", "access"})


@pytest.mark.parametrize("door", DOORS)
def test_the_pools_of_a_directory_are_accepted_at_every_door_and_no_others(door: Flavour | None) -> None:
    directory = Directory(ACME)
    directory.pools[ACME.id] = offline(ACME)
    app = build_app(directory, offline(GLOBEX))
    assert call(app, ACME, door) == (200, ACME.id)
    assert call(app, GLOBEX, door) == (200, GLOBEX.id)
    assert call(app, STRANGER, door)[0] == 401
    assert directory.asked == [ACME.issuer, STRANGER.issuer]
    assert call(app, ACME, door, "/acme")[0] == 200
    assert call(app, GLOBEX, door, "/acme")[0] == 403


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(("semantics", "expected"), [("strict", 503), ("rest", 500), ("http", 503)])
def test_a_directory_that_fails_is_a_failure_of_the_server_at_every_door_in_each_dialect(
    door: Flavour | None, semantics: str, expected: int
) -> None:
    directory = Directory()

    async def fail(issuer: str) -> object:
        raise RuntimeError("password=hunter2")

    directory.behaviour = fail
    app = build_app(directory, semantics=semantics)
    status, body = call(app, ACME, door)
    assert status == expected
    assert "hunter2" not in str(body)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ACME.id, "returned str: return a UserPool or None"),
        (True, "returned bool"),
        (False, "returned bool"),
        (ACME, "returned FakeUserPool"),
        (GLOBEX.user_pool(), "returned the pool eu-west-1_Globex for the issuer https://cognito-idp"),
        (ACME.user_pool(jwks={"keys": []}), "returned the pool eu-west-1_Acme: "),
        (ACME.user_pool(resource="https://a.example/mcp", client_ids=ANY_BOUND_CLIENT), "ANY_BOUND_CLIENT"),
        (RuntimeError("password=hunter2"), "failed (RuntimeError)"),
        (SystemExit(), "failed (SystemExit)"),
        (ConnectionRefusedError(), "nothing listens at the port"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("sync", [True, False])
def test_a_wrong_answer_is_503_and_says_what_is_wrong(answer: Any, reason: str, sync: bool) -> None:
    def find(issuer: str) -> Any:
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def find_async(issuer: str) -> Any:
        return find(issuer)

    guard = CognitoGuard(pools=find if sync else find_async, semantics="http", now=lambda: NOW)
    with pytest.raises(PoolsUnavailable) as caught:
        anyio.run(guard.verify, ACME.access_token())
    assert reason in caught.value.reason
    assert "hunter2" not in caught.value.reason
    app = FastAPI()
    guard.install(app)
    response = TestClient(app).get("/docs")
    assert response.status_code == 200


def test_a_refusal_says_when_to_try_again() -> None:
    directory = Directory()

    async def answer(issuer: str) -> object:
        return "no"

    directory.behaviour = answer
    response = client_of(build_app(directory)).get("/me", headers=bearer(ACME.access_token()))
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json() == {"message": "Service Unavailable"}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"find": None}, "pools"), ({"find": {}}, "pools"), ({"find": UserPool}, "pools"),
        ({"find": [ACME.user_pool()]}, "pools"), ({"regions": "Ireland"}, "regions"),
        ({"regions": ["eu-west-1", ""]}, "regions"), ({"deadline": 0}, "deadline"),
        ({"deadline": 61}, "deadline"), ({"deadline": True}, "deadline"), ({"keep": -1}, "keep"),
        ({"keep": float("nan")}, "keep"), ({"keep_stale": "1"}, "keep_stale"),
        ({"keep_missing": None}, "keep_missing"), ({"remember": 0}, "remember"), ({"at_once": 0}, "at_once"),
        ({"at_once": 1.5}, "at_once"),
    ],
    ids=repr,
)  # fmt: skip
def test_a_setting_that_cannot_be_right_is_refused_by_name(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PoolDirectory(**{"find": lambda issuer: None, **settings})
    assert caught.value.setting == named


def test_a_list_of_pools_as_a_directory_says_what_to_write() -> None:
    with pytest.raises(ConfigurationError, match=r"stand before it: CognitoGuard\(UserPool"):
        CognitoGuard(pools=[ACME.user_pool()])  # type: ignore[arg-type]  # the mistake


def test_a_guard_needs_a_pool_or_a_directory() -> None:
    with pytest.raises(ConfigurationError, match=r"Write CognitoGuard\(UserPool"):
        CognitoGuard()
    CognitoGuard(pools=lambda issuer: None)


@pytest.mark.parametrize("settings", [{"keep": 0, "keep_stale": 0, "keep_missing": 0}, {"keep": 0}])
def test_without_keeping_each_request_asks(settings: dict[str, Any]) -> None:
    directory = Directory(ACME)
    guard = guard_by(directory, **settings)
    for _ in range(3):
        anyio.run(guard.verify, ACME.access_token())
    assert len(directory.asked) == 3


def test_vouched_cannot_ask_and_identify_event_does() -> None:
    directory = Directory(ACME)
    guard = guard_by(directory)
    event = ACME.event("http", ACME.access_token("ada"))
    with pytest.raises(ConfigurationError, match="identify_event"):
        guard.vouched(event)
    user = anyio.run(guard.identify_event, event)
    assert user is not None
    assert user.pool_id == ACME.id
    assert anyio.run(guard.identify_event, {}) is None


def test_a_guard_with_a_directory_makes_no_guard_of_a_resource() -> None:
    with pytest.raises(ConfigurationError, match="fixed pools only"):
        guard_by(Directory(ACME)).for_resource("https://api.example.com/mcp")


def test_a_lambda_authorizer_asks_the_directory() -> None:
    handler = lambda_authorizer(guard_by(Directory(ACME)))
    for pool, effect in ((ACME, "Allow"), (STRANGER, None)):
        event = {
            "type": "TOKEN",
            "authorizationToken": f"Bearer {pool.access_token('ada')}",
            "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/GET/me",
        }
        if effect is None:
            with pytest.raises(Exception, match="Unauthorized"):
                handler(event, None)
        else:
            assert handler(event, None)["policyDocument"]["Statement"][0]["Effect"] == effect


@pytest.mark.parametrize("kind", ["rest", "http"])
def test_an_export_leaves_all_to_the_lambda_authorizer(kind: Any) -> None:
    app = build_app(Directory(ACME))
    arn = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Acme"
    with pytest.raises(ConfigurationError, match="authorizer_for"):
        export(app, kind, lambda_arn=FUNCTION, user_pool_arn=arn if kind == "rest" else None)
    document = export(
        app, kind, lambda_arn=FUNCTION, authorizer_arn=FUNCTION, authorizer_for="all", beyond="app"
    )
    assert document["paths"]["/me"]["get"]["security"] == [{"CognitoLambda": []}]


def test_an_app_may_require_pools_and_levels_that_only_the_directory_has() -> None:
    directory = Directory(ACME)
    directory.pools[ACME.id] = ACME.user_pool(levels=["acme:none", "acme:weak", "acme:fair", "acme:strong"])
    with client_of(build_app(directory)) as client:
        token = ACME.access_token("ada", claims={"acr": "acme:strong"})
        assert client.get("/strong", headers=bearer(token)).status_code == 200
        weak = ACME.access_token("ada", claims={"acr": "acme:fair"})
        assert client.get("/strong", headers=bearer(weak)).status_code == 401


def test_the_kit_signs_users_in_and_trusts_pools_beside_a_directory() -> None:
    app = build_app(Directory(ACME))
    client = client_of(app)
    with as_user(app, groups=["admins"]) as user:
        assert user.pool_id == "us-east-1_Example"
        assert client.get("/admins").status_code == 200
        assert client.get("/acme").status_code == 403
    with as_user(app, pool_id=ACME.id):
        assert client.get("/me").json() == ACME.id
        assert client.get("/acme").status_code == 200
    with trusting(app, STRANGER):
        for pool in (STRANGER, ACME):
            assert client.get("/me", headers=bearer(pool.access_token())).json() == pool.id
        assert_rejects_attacks(client, "/me", pool=STRANGER)
    assert client.get("/me", headers=bearer(STRANGER.access_token())).status_code == 401
    assert_rejects_attacks(client, "/me")


def test_as_user_of_a_pool_that_the_guard_does_not_have_is_refused() -> None:
    app = FastAPI()
    CognitoGuard(ACME.user_pool(), GLOBEX.user_pool()).install(app)
    app.get("/me")(read_pool)
    with as_user(app, pool_id=GLOBEX.id) as user:
        assert user.issuer == GLOBEX.issuer
        assert client_of(app).get("/me").json() == GLOBEX.id
    with (
        pytest.raises(ConfigurationError, match="no pool eu-west-1_Stranger"),
        as_user(app, pool_id=STRANGER.id),
    ):
        pass


async def read_pool(user: CurrentUser) -> str:
    return user.pool_id


@pytest.mark.parametrize("flavour", ["rest", "http", "lambda", "lambda-2.0"])
def test_a_played_gateway_takes_the_tokens_of_the_directory(flavour: Flavour) -> None:
    directory = Directory(ACME)
    directory.pools[ACME.id] = offline(ACME)
    client = GatewayClient(build_app(directory), flavour)
    assert client.get("/me", headers=bearer(ACME.access_token("ada"))).json() == ACME.id
    assert client.get("/me", headers=bearer(STRANGER.access_token())).status_code in (401, 403)


def test_the_clock_of_the_guard_is_that_of_its_tenants() -> None:
    clock, directory = Clock(), Directory(ACME)
    guard = guard_by(directory, clock=clock, keep=10)
    for seconds, asked in ((0, 1), (9, 1), (2, 2)):
        clock.time += seconds
        anyio.run(guard.verify, ACME.access_token())
        assert len(directory.asked) == asked
