"""Every door asks if a token was revoked: standalone, behind played gateways, and as a Lambda authorizer."""

from typing import Any

import anyio
import pytest
from fastapi import Depends, FastAPI
from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocketDisconnect

from fastapi_cognito_guard import CognitoGuard, CurrentUser, Principal, require_scope
from fastapi_cognito_guard.deploy import lambda_authorizer, lambda_claims
from fastapi_cognito_guard.errors import ConfigurationError, RevocationUnavailable, TokenRevoked
from fastapi_cognito_guard.revocation import Denylist, MemoryBackend, Revocation
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, GatewayClient, as_user, trusting
from tests.apps import NOW, bearer, build_app, client_of, guard_for
from tests.deploy.authorizer.events import KINDS, make_backend_event, make_event
from tests.deploy.model import allows

pytestmark = pytest.mark.anyio


class Eve:
    """Check that calls every token of eve revoked, and counts how often it is asked."""

    def __init__(self) -> None:
        self.sources: list[str] = []

    async def __call__(self, principal: Principal) -> bool:
        self.sources.append(principal.source)
        return principal.username == "eve"


async def fail(principal: Principal) -> bool:
    raise OSError


FLAVOURS = ["rest", "rest-jwt", "http", "http-1.0", "lambda", "lambda-2.0"]


@pytest.fixture
def check() -> Eve:
    return Eve()


@pytest.mark.parametrize("path", ["/me", "/optional", "/scope", "/group", "/claim"])
@pytest.mark.parametrize("deny_by_default", [False, True])
def test_no_route_lets_a_revoked_token_through(
    pool: FakeUserPool, check: Eve, path: str, deny_by_default: bool
) -> None:
    client = client_of(build_app(guard_for(pool, revoked=check, deny_by_default=deny_by_default)))
    answer = client.get(path, headers=bearer(pool.access_token("eve")))
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    assert answer.headers["www-authenticate"] == (
        'Bearer error="invalid_token", error_description="The token has been revoked"'
    )
    assert client.get("/me", headers=bearer(pool.access_token("ada"))).status_code == 200
    assert client.get("/optional").status_code == (401 if deny_by_default else 200)
    assert len(check.sources) == 2


def test_revocation_is_checked_before_requirements(pool: FakeUserPool, check: Eve) -> None:
    client = client_of(build_app(guard_for(pool, revoked=check)))
    for path in ("/scope", "/group"):
        assert client.get(path, headers=bearer(pool.access_token("ada"))).status_code == 403
        assert client.get(path, headers=bearer(pool.access_token("eve"))).status_code == 401


@pytest.mark.parametrize("deny_by_default", [False, True])
def test_a_request_asks_once_however_many_dependencies_it_has(
    pool: FakeUserPool, check: Eve, deny_by_default: bool
) -> None:
    guard = guard_for(pool, revoked=check, deny_by_default=deny_by_default)
    app = build_app(guard)

    @app.get("/many", dependencies=[Depends(require_scope("a")), Depends(require_scope("b"))])
    async def many(user: CurrentUser) -> str:
        return "many"

    token = pool.access_token("ada", scopes=["a", "b"])
    assert client_of(app).get("/many", headers=bearer(token)).status_code == 200
    assert check.sources == ["token"]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("gateway", ["trust", "verify"])
def test_a_revoked_token_is_refused_behind_each_gateway(
    pool: FakeUserPool, check: Eve, flavour: Flavour, gateway: Any
) -> None:
    guard = guard_for(pool, revoked=check, gateway=gateway, lambda_context=lambda_claims)
    client = GatewayClient(build_app(guard), kind=flavour)
    assert client.get("/me", headers=bearer(pool.access_token("ada"))).status_code == 200
    # The function of a Lambda authorizer asks as well, and an HTTP API makes 403 of its refusal.
    expected = 403 if flavour == "lambda-2.0" else 401
    assert client.get("/me", headers=bearer(pool.access_token("eve"))).status_code == expected
    source = "token" if gateway == "verify" else flavour.partition("-")[0]
    asked = ["token", source, "token"] if source == "lambda" or "lambda" in flavour else [source, source]
    assert check.sources == asked


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_an_event_is_identified_only_if_its_token_was_not_revoked(
    pool: FakeUserPool, check: Eve, flavour: Flavour
) -> None:
    guard = guard_for(pool, revoked=check, lambda_context=lambda_claims)
    ada = await guard.identify_event(pool.event(flavour, pool.access_token("ada")))
    assert ada is not None
    assert ada.username == "ada"
    with pytest.raises(TokenRevoked):
        await guard.identify_event(pool.event(flavour, pool.access_token("eve")))
    assert await guard.identify_event(pool.event(flavour, None)) is None


async def test_vouched_is_no_way_around_the_check(pool: FakeUserPool, check: Eve) -> None:
    event = pool.event("http", pool.access_token("ada"))
    with pytest.raises(ConfigurationError, match="identify_event"):
        guard_for(pool, revoked=check).vouched(event)
    without = guard_for(pool)
    assert await without.identify_event(event) == without.vouched(event) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_a_lambda_authorizer_denies_a_revoked_token(pool: FakeUserPool, check: Eve, kind: str) -> None:
    handler = lambda_authorizer(guard_for(pool, revoked=check))
    ada = handler(make_event(kind, pool.access_token("ada")), None)
    arn = "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/me"
    assert allows(ada["policyDocument"], arn)
    if kind in ("token", "request"):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            handler(make_event(kind, pool.access_token("eve")), None)
    else:
        assert not allows(handler(make_event(kind, pool.access_token("eve")), None)["policyDocument"], arn)
    simple = lambda_authorizer(guard_for(pool, revoked=check), simple=True)
    assert simple(make_event("http-2.0", pool.access_token("eve")), None) == {"isAuthorized": False}


@pytest.mark.parametrize("kind", KINDS)
def test_a_lambda_authorizer_without_an_answer_makes_no_decision(pool: FakeUserPool, kind: str) -> None:
    with pytest.raises(RevocationUnavailable):
        lambda_authorizer(guard_for(pool, revoked=fail))(make_event(kind, pool.access_token()), None)


async def test_behind_a_lambda_authorizer_that_cached_its_response_the_app_refuses(
    pool: FakeUserPool,
) -> None:
    denylist = Denylist(MemoryBackend(), now=lambda: NOW)
    guard = guard_for(pool, revoked=denylist, lambda_context=lambda_claims)
    token = pool.access_token("ada", claims={"jti": "one"})
    response = await anyio.to_thread.run_sync(
        lambda: lambda_authorizer(guard)(make_event("http-2.0", token), None)
    )
    event = make_backend_event("http-2.0", response, "/me")
    assert await guard.identify_event(event) is not None
    await denylist.revoke(jti="one")
    with pytest.raises(TokenRevoked):
        await guard.identify_event(event)


FAILED = [("strict", 503), ("rest", 500), ("http", 503)]


@pytest.mark.parametrize(("semantics", "status"), FAILED)
@pytest.mark.parametrize("deny_by_default", [False, True])
def test_a_check_that_fails_is_an_outage_in_each_dialect_and_no_route_is_reached(
    pool: FakeUserPool, semantics: Any, status: int, deny_by_default: bool
) -> None:
    guard = guard_for(pool, semantics=semantics, revoked=fail, deny_by_default=deny_by_default)
    answer = client_of(build_app(guard)).get("/me", headers=bearer(pool.id_token()))
    if semantics == "strict":
        answer = client_of(build_app(guard)).get("/me", headers=bearer(pool.access_token()))
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == ("1" if status == 503 else None)
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("semantics", ["rest", "http"])
def test_a_revoked_token_is_unauthorized_in_the_gateways_dialects(
    pool: FakeUserPool, check: Eve, semantics: Any
) -> None:
    client = client_of(build_app(guard_for(pool, semantics=semantics, revoked=check)))
    answer = client.get("/me", headers=bearer(pool.id_token("eve")))
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
    challenge = 'Bearer scope="" error="invalid_token" error_description="The token has been revoked"'
    assert answer.headers.get("www-authenticate") == (challenge if semantics == "http" else None)


def test_the_decision_and_the_log_name_the_revoked_token(
    pool: FakeUserPool, check: Eve, caplog: pytest.LogCaptureFixture
) -> None:
    decisions: list[Any] = []
    guard = guard_for(pool, revoked=check, on_decision=decisions.append)
    client_of(build_app(guard)).get("/me", headers=bearer(pool.access_token("eve", claims={"jti": "one"})))
    (decision,) = decisions
    assert (decision.code, decision.status, decision.about["jti"]) == ("token_revoked", 401, "one")
    assert guard.status()["decisions"] == {"token_revoked": 1}
    (record,) = [record for record in caplog.records if record.name == "fastapi_cognito_guard"]
    assert "token_revoked" in record.getMessage()


def test_a_websocket_of_a_revoked_token_is_not_accepted(pool: FakeUserPool, check: Eve) -> None:
    client = client_of(build_app(guard_for(pool, revoked=check)))
    with (
        pytest.raises((WebSocketDisconnect, RuntimeError, Exception)) as caught,
        client.websocket_connect("/ws", headers=bearer(pool.access_token("eve"))),
    ):
        pass
    assert "401" in repr(caught.value) or getattr(caught.value, "status_code", None) == 401
    with client.websocket_connect("/ws", headers=bearer(pool.access_token("ada"))) as socket:
        assert socket.receive_json()["username"] == "ada"


@pytest.mark.parametrize("own_guard", [False, True])
def test_a_mounted_app_is_not_reached_with_a_revoked_token(
    pool: FakeUserPool, check: Eve, own_guard: bool
) -> None:
    app, guard = FastAPI(), guard_for(pool, revoked=check)
    (guard_for(pool) if own_guard else guard).install(app)
    app.mount("/inner", guard.protect(PlainTextResponse("inner")))
    client = client_of(app)
    assert client.get("/inner", headers=bearer(pool.access_token("ada"))).text == "inner"
    assert client.get("/inner", headers=bearer(pool.access_token("eve"))).status_code == 401


def test_as_user_asks_nobody_and_trusting_asks(pool: FakeUserPool, check: Eve) -> None:
    app = build_app(CognitoGuard(FakeUserPool("eu-west-1_Real").user_pool(), now=pool.now, revoked=check))
    with as_user(app, "eve"):
        assert client_of(app).get("/me").status_code == 200
    assert check.sources == []
    with trusting(app, pool):
        assert client_of(app).get("/me", headers=bearer(pool.access_token("eve"))).status_code == 401


def test_the_check_gets_claims_that_it_cannot_change(pool: FakeUserPool) -> None:
    async def is_revoked(principal: Principal) -> bool:
        principal.claims["sub"] = "somebody else"
        return False

    client = client_of(build_app(guard_for(pool, revoked=Revocation(is_revoked))))
    shown = client.get("/me", headers=bearer(pool.access_token("ada"))).json()
    assert shown["sub"] == pool.sub("ada")
