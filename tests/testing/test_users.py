"""Somebody signed in without a token: all that judges users goes on."""

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
from fastapi_cognito_guard.testing.fixtures import AuthHeaders
from tests.apps import NOW, build_app, client_of, guard_for


def statuses(app: FastAPI, *paths: str) -> list[int]:
    client = client_of(app)
    return [client.get(path).status_code for path in paths]


def test_requirements_go_on_judging_the_user(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    with as_user(app, groups=["admins"], scopes=["orders/read"], claims={"custom:tier": "gold"}) as ada:
        assert (ada.username, ada.sub) == ("ada", pool.sub("ada"))
        assert statuses(app, "/me", "/scope", "/group", "/claim") == [200] * 4
        assert statuses(app, "/all-scopes") == [403]  # the scopes of Security are asked for, too
    with as_user(app, "bob", scopes=["orders/read", "orders/write"]):
        assert statuses(app, "/all-scopes", "/group") == [200, 403]
    assert statuses(app, "/me") == [401]


def test_with_deny_by_default_the_user_passes_the_middleware_too(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, deny_by_default=True))
    assert statuses(app, "/me") == [401]
    with as_user(app):
        assert statuses(app, "/me", "/nowhere") == [200, 404]


def test_a_websocket_is_the_users_too(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    with as_user(app, "bob"), client_of(app).websocket_connect("/ws") as socket:
        assert socket.receive_json()["username"] == "bob"


def test_with_rest_semantics_each_route_gets_the_token_that_is_due(pool: FakeUserPool) -> None:
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


def test_users_may_be_nested(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    client = client_of(app)
    with as_user(app, "ada"):
        with as_user(app, "bob"):
            assert client.get("/me").json()["username"] == "bob"
        assert client.get("/me").json()["username"] == "ada"


def test_a_mounted_apps_guard_knows_the_user_too(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    outer, inner = build_app(guard_for(pool)), build_app(guard_for(other_pool))
    outer.mount("/inner", inner)
    with as_user(outer):
        assert statuses(outer, "/me", "/inner/me") == [200, 200]


def test_an_override_of_the_apps_own_goes_before(pool: FakeUserPool) -> None:
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
def test_the_user_is_one_that_the_guard_would_take(
    pool: FakeUserPool, settings: dict[str, Any], use: str, client: str
) -> None:
    with as_user(build_app(guard_for(pool, user_pool=settings))) as ada:
        assert (ada.token_use, ada.client_id) == (use, client)


def test_an_app_without_a_guard_has_no_users() -> None:
    with pytest.raises(ConfigurationError, match=r"guard\.install"), as_user(FastAPI()):
        pass


@pytest.mark.anyio
async def test_a_guard_that_is_asked_outside_of_its_app_says_the_same(pool: FakeUserPool) -> None:
    guard = guard_for(pool)
    with as_user(build_app(guard)) as ada:
        assert await guard.identify(HTTPConnection({"type": "http", "headers": []})) is ada


def test_decisions_tell_of_the_user(pool: FakeUserPool) -> None:
    told: list[Decision] = []
    app = build_app(guard_for(pool, on_decision=told.append))
    with as_user(app) as ada:
        assert statuses(app, "/me", "/group") == [200, 403]
    assert [(each.code, each.principal) for each in told] == [("allowed", ada), ("insufficient_group", ada)]


@pytest.mark.parametrize("wrong", ["ada", TestClient(FastAPI())], ids=["a name", "a client"])
def test_what_is_no_app_is_told_apart(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="Give the app itself"), as_user(wrong):
        pass


@pytest.mark.anyio
async def test_an_async_client_is_served_alike(pool: FakeUserPool) -> None:
    """As docs/testing.md says."""
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


def test_headers_with_a_token_of_no_kind_are_refused(pool: FakeUserPool) -> None:
    with pytest.raises(ConfigurationError, match="token_use is one of 'id', 'access'"):
        AuthHeaders(pool)(token_use="ID")  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize(
    "user", [{"groups": ["\ud800"]}, {"scopes": ["\ud800"]}, {"claims": {"sub": "\ud800"}}], ids=repr
)
def test_the_user_is_none_whom_no_token_can_speak_of(pool: FakeUserPool, user: dict[str, Any]) -> None:
    with pytest.raises(ClaimInvalid), as_user(build_app(guard_for(pool)), **user):
        pass
