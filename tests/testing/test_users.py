"""Tests of `as_user`: a user is signed in without a token, and requirements are still checked."""

from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection

from fastapi_cognito_guard import ANY_CLIENT, CognitoGuard, Principal, UserPool, current_user
from fastapi_cognito_guard.decisions import Decision
from fastapi_cognito_guard.errors import ClaimInvalid, ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool, as_user, trusting
from fastapi_cognito_guard.testing.fixtures import AnyDoor, AuthHeaders, Users
from tests.apps import NOW, build_app, client_of, guard_for


def statuses(app: FastAPI, *paths: str) -> list[int]:
    client = client_of(app)
    return [client.get(path).status_code for path in paths]


def test_requirements_are_still_checked(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    with as_user(app, groups=["admins"], scopes=["orders/read"], claims={"custom:tier": "gold"}) as ada:
        assert (ada.username, ada.sub) == ("ada", pool.sub("ada"))
        assert statuses(app, "/me", "/scope", "/group", "/claim") == [200] * 4
        assert statuses(app, "/all-scopes") == [403]  # the scopes of Security are checked too
    with as_user(app, "bob", scopes=["orders/read", "orders/write"]):
        assert statuses(app, "/all-scopes", "/group") == [200, 403]
    assert statuses(app, "/me") == [401]


def test_with_deny_by_default_the_user_passes_the_middleware_too(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, deny_by_default=True))
    assert statuses(app, "/me") == [401]
    with as_user(app):
        assert statuses(app, "/me", "/nowhere") == [200, 404]


def test_websockets_are_the_users_too(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    with as_user(app, "bob"), client_of(app).websocket_connect("/ws") as socket:
        assert socket.receive_json()["username"] == "bob"


def test_with_rest_semantics_the_token_use_is_the_one_that_each_route_requires(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, semantics="rest"))
    with as_user(app, scopes=["orders/read"]):
        assert statuses(app, "/me", "/scope") == [200, 200]
    with as_user(app, scopes=["orders/read"], token_use="access"):
        assert statuses(app, "/me", "/scope") == [401, 200]


def test_a_machine_has_no_name_and_no_groups(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    with as_user(app, None, groups=["admins"], client_id="robot") as robot:
        assert (robot.is_machine, robot.sub, robot.groups) == (True, "robot", frozenset())
        assert statuses(app, "/group") == [403]


def test_blocks_may_be_nested(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    client = client_of(app)
    with as_user(app, "ada"):
        with as_user(app, "bob"):
            assert client.get("/me").json()["username"] == "bob"
        assert client.get("/me").json()["username"] == "ada"


def test_the_user_is_signed_in_to_mounted_apps_too(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    outer, inner = build_app(guard_for(pool)), build_app(guard_for(other_pool))
    outer.mount("/inner", inner)
    with as_user(outer):
        assert statuses(outer, "/me", "/inner/me") == [200, 200]


def test_a_dependency_override_of_current_user_takes_precedence(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    eve = Principal(sub="eve", client_id="c", issuer="i", expires_at=0, claims={})
    app.dependency_overrides[current_user] = lambda: eve
    with as_user(app):
        assert client_of(app).get("/me").json()["sub"] == "eve"


@pytest.mark.parametrize(
    ("settings", "use", "client"),
    [
        ({"client_ids": ANY_CLIENT}, "access", "any-client"),
        ({"token_use": "id"}, "id", "4b1examplefakeclient"),
    ],
    ids=["any client", "ID tokens"],
)
def test_the_token_use_and_client_are_ones_that_the_guard_accepts(
    pool: FakeUserPool, settings: dict[str, Any], use: str, client: str
) -> None:
    with as_user(build_app(guard_for(pool, user_pool=settings))) as ada:
        assert (ada.token_use, ada.client_id) == (use, client)


def test_an_app_without_a_guard_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"guard\.install"), as_user(FastAPI()):
        pass


@pytest.mark.anyio
async def test_identify_outside_of_a_request_returns_the_user_too(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    with as_user(build_app(guard)) as ada:
        assert await guard.identify(HTTPConnection({"type": "http", "headers": []})) is ada


def test_decisions_have_the_user(pool: FakeUserPool) -> None:
    decisions: list[Decision] = []
    app = build_app(guard_for(pool, on_decision=decisions.append))
    with as_user(app) as ada:
        assert statuses(app, "/me", "/group") == [200, 403]
    assert [(each.code, each.principal) for each in decisions] == [
        ("allowed", ada),
        ("insufficient_group", ada),
    ]


@pytest.mark.parametrize("wrong", ["ada", TestClient(FastAPI())], ids=["a name", "a client"])
def test_an_argument_that_is_no_app_is_an_error(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="Give the app itself"), as_user(wrong):
        pass


@pytest.mark.anyio
async def test_async_clients_work_too(pool: FakeUserPool) -> None:
    app = build_app(CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids="web"), now=lambda: NOW))
    transport = httpx2.ASGITransport(app)
    with trusting(app, pool):
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/me")).status_code == 401
            headers = {"Authorization": f"Bearer {pool.access_token()}"}
            assert (await client.get("/me", headers=headers)).status_code == 200
    with as_user(app, "bob"):
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            assert (await client.get("/me")).json()["username"] == "bob"


def test_headers_for_an_unknown_token_use_are_an_error(pool: FakeUserPool) -> None:
    with pytest.raises(ConfigurationError, match="token_use is one of 'id', 'access'"):
        AuthHeaders(pool)(token_use="ID")  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize(
    "user", [{"groups": ["\ud800"]}, {"scopes": ["\ud800"]}, {"claims": {"sub": "\ud800"}}], ids=repr
)
def test_claims_that_no_token_can_have_are_an_error(pool: FakeUserPool, user: dict[str, Any]) -> None:
    with pytest.raises(ClaimInvalid), as_user(build_app(guard_for(pool)), **user):
        pass


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (
            {"user": "bob"},
            'auth_headers(user=...) has no such argument: the name stands first: auth_headers("bob")',
        ),
        ({"scope": "a"}, 'write auth_headers(scopes=["orders/read"])'),
        ({"group": "a"}, 'write auth_headers(groups=["admins"])'),
        ({"email": "a@b.c"}, 'write auth_headers("bob", token_use="id", email=...)'),
        ({"token_use": "id", "scopes": ["a"]}, "an ID token has no scopes"),
        ({"role": "a"}, "It takes groups, scopes, level, actor, expires_in, claims."),
    ],
    ids=repr,
)
def test_headers_for_an_unknown_argument_say_what_to_write(
    pool: FakeUserPool, arguments: dict[str, Any], advice: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        AuthHeaders(pool)(**arguments)
    assert advice in str(caught.value)


def test_so_do_those_of_a_machine_and_a_user_without_a_token(pool: FakeUserPool) -> None:
    with pytest.raises(
        ConfigurationError, match=r"machine\(user=\.\.\.\) has no such argument\. It takes scopes"
    ):
        AuthHeaders(pool).machine(user="bob")
    with pytest.raises(ConfigurationError, match=r'the name stands first: cognito_user\(app, "bob"\)'):
        Users(ExitStack())(build_app(guard_for(pool)), user="bob")


def test_a_door_is_no_client_and_says_how_to_make_one(pool: FakeUserPool) -> None:
    door = AnyDoor(ExitStack(), "standalone", pool)
    with pytest.raises(AttributeError, match=r"write client = any_door\(app\), and then client\.get"):
        door.get("/me")
    assert not hasattr(door, "other")


def test_an_email_that_no_access_token_has_is_an_error(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, user_pool={"token_use": {"access", "id"}}))
    with pytest.raises(ConfigurationError, match='An access token has no email: write token_use="id"'):
        as_user(app, email="ada@shop.example").__enter__()
    with as_user(app, email="ada@shop.example", token_use="id") as ada:
        assert ada.email == "ada@shop.example"
    with as_user(app, claims={"email": "ada@shop.example"}) as ada:
        assert (ada.token_use, ada.email) == ("access", "ada@shop.example")
    with as_user(app) as ada:
        assert ada.email is None
