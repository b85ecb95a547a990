"""Decisions: one per request, with the facts of it, and without secrets or personal data."""

import asyncio
import json
import logging
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from fastapi.security import SecurityScopes
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect

from fastapi_cognito_guard import (
    ANY_CLIENT,
    CognitoGuard,
    CurrentUser,
    Decision,
    IamCaller,
    Principal,
    current_user,
    iam_identity,
    lambda_handler,
    require_group,
)
from fastapi_cognito_guard.decisions import observe_requests
from fastapi_cognito_guard.errors import AuthError, TokenMissing
from fastapi_cognito_guard.request_state import RequestState
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, add_routes, bearer, build_app, client_of, guard_for

PROTOCOL = "cognito-guard"


def list_records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the records of decisions. The audit has its own logger."""
    return [record for record in caplog.records if record.name == "fastapi_cognito_guard"]


class ObservedApp:
    """App with all decisions of its guard."""

    def __init__(self, pool: FakeUserPool, **settings: Any) -> None:
        self.decisions: list[Decision] = []
        self.guard: CognitoGuard = guard_for(pool, on_decision=self.decisions.append, **settings)
        self.app: FastAPI = build_app(self.guard)
        self.client: TestClient = client_of(self.app)

    def only(self) -> Decision:
        (decision,) = self.decisions
        return decision


def test_an_allowed_request_is_one_decision_with_the_caller(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    observed = ObservedApp(pool)
    token = pool.access_token("ada", scopes=["orders/read"], claims={"jti": "j-1"})
    observed.client.get("/scope?x=1", headers=bearer(token))
    decision = observed.only()
    assert (decision.outcome, decision.code, decision.status, decision.reason) == (
        "allowed", "allowed", 200, "",
    )  # fmt: skip
    assert (decision.method, decision.route) == ("GET", "/scope")
    assert isinstance(decision.principal, Principal)
    kid = next(key["kid"] for key in pool.jwks["keys"] if key["kid"] == decision.about["kid"])
    assert decision.about == {
        "sub": pool.sub("ada"),
        "client_id": pool.client_id,
        "token_use": "access",
        "jti": "j-1",
        "kid": kid,
        "source": "token",
    }
    (record,) = list_records(caplog)
    assert (record.levelno, record.getMessage()) == (logging.INFO, "GET /scope allowed")
    for name, value in decision.extra.items():
        assert getattr(record, name) == value


def test_a_refused_request_is_one_decision_with_what_was_missing(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    observed = ObservedApp(pool)
    observed.client.get("/group", headers=bearer(pool.access_token("bob", groups=["staff"])))
    decision = observed.only()
    assert (decision.outcome, decision.code, decision.status) == ("refused", "insufficient_group", 403)
    assert decision.required == decision.missing == ("admins", "owners")
    assert decision.about["sub"] == pool.sub("bob")
    (record,) = list_records(caplog)
    assert record.levelno == logging.WARNING
    assert record.__dict__["missing"] == ["admins", "owners"]


def test_of_several_scopes_only_the_missing_ones_are_in_missing(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)
    observed.client.get("/all-scopes", headers=bearer(pool.access_token(scopes=["orders/read"])))
    decision = observed.only()
    assert (decision.required, decision.missing) == (("orders/read", "orders/write"), ("orders/write",))


REFUSED = {
    "another key": ("signature_invalid", {"unverified_sub", "unverified_kid"}, {"sub", "kid"}),
    "unknown kid": ("key_unknown", {"unverified_sub", "unverified_kid"}, {"sub", "kid"}),
    "another pool": ("issuer_mismatch", {"unverified_client_id", "unverified_jti"}, {"sub"}),
    "expired": ("token_expired", {"sub", "kid", "jti", "source"}, {"unverified_sub"}),
    "junk": ("token_malformed", set(), {"sub", "unverified_sub"}),
    "nothing": ("token_missing", set(), {"sub", "unverified_sub"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_facts_without_a_verified_signature_are_named_unverified(
    pool: FakeUserPool, other_pool: FakeUserPool, impostor: FakeUserPool, case: str
) -> None:
    header, _, rest = impostor.access_token("mallory").partition(".")
    tokens = {
        "another key": f"{pool.access_token().partition('.')[0]}.{rest}",
        "unknown kid": f"{header}.{rest}",
        "another pool": other_pool.access_token(),
        "expired": pool.access_token(expires_in=0),
        "junk": "junk",
    }
    observed = ObservedApp(pool)
    observed.client.get("/me", headers=bearer(tokens[case]) if case in tokens else {})
    code, present, absent = REFUSED[case]
    decision = observed.only()
    assert decision.code == code
    assert present <= decision.about.keys()
    assert absent.isdisjoint(decision.about)
    assert decision.principal is None


def test_an_id_tokens_client_is_its_audience(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)
    observed.client.get("/me", headers=bearer(pool.id_token(expires_in=0)))
    assert observed.only().about["client_id"] == pool.client_id


def test_a_gateways_claims_are_not_named_unverified_if_they_are_refused(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)
    event = pool.event("rest", pool.access_token(claims={"exp": int(NOW)}), path="/me")
    lambda_handler(observed.app)(event, None)
    decision = observed.only()
    assert (decision.code, decision.about["source"]) == ("token_expired", "rest")
    assert decision.about["sub"] == pool.sub("ada")


def test_no_record_holds_a_token_a_name_an_address_or_a_number(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    observed = ObservedApp(pool, user_pool={"token_use": "id"})
    claims = {"phone_number": "+441234567890", "name": "Ada Lovelace"}
    for path, more in (("/me", {}), ("/group", {}), ("/me", {"aud": "another"})):
        token = pool.id_token("ada", email="ada@shop.example", claims={**claims, **more})
        observed.client.get(path, headers=bearer(token))
    for record, decision in zip(list_records(caplog), observed.decisions, strict=True):
        text = json.dumps([decision.extra, decision.reason, record.getMessage()])
        for secret in ("ada@shop", "441234", "Lovelace", "eyJ"):
            assert secret not in text


def test_text_of_a_client_cannot_forge_a_line_or_fill_the_log(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)
    hostile = {"sub": "x\n\u2028WARNING forged", "jti": "y" * 4000}
    observed.client.get("/me", headers=bearer(pool.access_token(claims={**hostile, "exp": 1})))
    about = observed.only().about
    assert about["sub"] == "x\\n\\u2028WARNING forged"
    assert len(about["jti"]) == 128


def test_a_client_id_cannot_forge_a_line(pool: FakeUserPool, caplog: pytest.LogCaptureFixture) -> None:
    observed = ObservedApp(pool)
    observed.client.get("/me", headers=bearer(pool.access_token(claims={"client_id": "x\nWARNING forged"})))
    (record,) = list_records(caplog)
    assert observed.only().code == "client_mismatch"
    assert "\n" not in record.getMessage()


def test_a_long_path_does_not_fill_the_log(pool: FakeUserPool, caplog: pytest.LogCaptureFixture) -> None:
    observed = ObservedApp(pool, deny_by_default=True)
    observed.client.get("/" + "x" * 5000)
    assert len(list_records(caplog)[0].getMessage()) < 500


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/a b", "/a%20b"),
        ("/x allowed\nGET /y", "/x%20allowed%0AGET%20/y"),
        ("/\x1b[2J\u2028ü'\"", "/%1B%5B2J%E2%80%A8%C3%BC%27%22"),
        ("/a%20b", "/a%2520b"),
        ("/\ud800", "/%5Cud800"),
        ("/orders/{id}:x,y=1", "/orders/{id}:x,y=1"),
    ],
)
def test_a_path_is_one_word_of_a_log_line(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture, path: str, shown: str
) -> None:
    guard = guard_for(pool)
    scope = {"type": "http", "method": "G T", "path": path}
    guard.record_refusal(RequestState(guard), scope, TokenMissing("there is none."), 401)
    (record,) = list_records(caplog)
    assert record.getMessage() == f"G%20T {shown} refused with 401: token_missing: there is none."


def test_the_arn_of_an_iam_caller_cannot_forge_a_line(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)

    @observed.app.get("/reports")
    async def reports(caller: IamCaller) -> None: ...

    event = pool.event("http", None, path="/reports")
    for arn, status in {"arn:aws:iam::123456789012:user/ops": 200, "arn\nWARNING forged": 403}.items():
        event["requestContext"]["authorizer"] = {"iam": {"userArn": arn}}
        assert lambda_handler(observed.app)(event, None)["statusCode"] == status
    allowed, refused = observed.decisions
    assert allowed.about == {"user_arn": "arn:aws:iam::123456789012:user/ops"}
    assert refused.about == {}


def test_on_decision_is_called_also_where_nothing_is_logged(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, logger="fastapi_cognito_guard")
    observed = ObservedApp(pool)
    observed.client.get("/me", headers=bearer(pool.access_token()))
    observed.client.get("/me")
    assert [decision.outcome for decision in observed.decisions] == ["allowed", "refused"]


def test_a_public_route_is_no_decision(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)
    observed.client.get("/public", headers=bearer("junk"))
    assert observed.decisions == []


def test_a_refusal_before_routing_has_no_route(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool, deny_by_default=True)
    observed.client.get("/nowhere")
    assert (observed.only().code, observed.only().route) == ("token_missing", None)


def test_the_route_includes_the_prefix_of_its_router(pool: FakeUserPool) -> None:
    from fastapi import APIRouter

    observed = ObservedApp(pool)
    router = APIRouter(prefix="/shop")

    @router.get("/orders/{id}")
    async def order(id: int, user: CurrentUser) -> int:
        return id

    observed.app.include_router(router, prefix="/v1")
    assert observed.client.get("/v1/shop/orders/7", headers=bearer(pool.access_token())).status_code == 200
    assert observed.only().route == "/v1/shop/orders/{id}"


@pytest.mark.parametrize("deny_by_default", [True, False])
@pytest.mark.parametrize("path", ["/me", "/group"])
def test_a_refusal_that_the_app_answers_itself_is_recorded(
    pool: FakeUserPool, deny_by_default: bool, path: str
) -> None:
    observed = ObservedApp(pool, deny_by_default=deny_by_default)

    async def handle(request: Any, error: Exception) -> JSONResponse:
        return JSONResponse({}, status_code=418)

    observed.app.add_exception_handler(AuthError, handle)
    token = pool.access_token() if path == "/group" else "junk"
    assert observed.client.get(path, headers=bearer(token)).status_code == 418
    assert (observed.only().outcome, observed.only().status) == ("refused", 418)


def test_a_request_whose_route_fails_is_recorded_as_allowed(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)

    @observed.app.get("/broken")
    async def broken(user: CurrentUser) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        observed.client.get("/broken", headers=bearer(pool.access_token()))
    assert observed.only().outcome == "allowed"


@pytest.mark.parametrize("error", [RuntimeError(), SystemExit(1), asyncio.CancelledError()], ids=repr)
def test_an_on_decision_that_raises_changes_no_response(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    def fail(decision: Decision) -> None:
        raise error

    client = client_of(build_app(guard_for(pool, on_decision=fail)))
    assert client.get("/me").status_code == 401
    assert client.get("/me", headers=bearer(pool.access_token())).status_code == 200
    assert [record.getMessage() for record in list_records(caplog)].count("on_decision failed") == 2


class FailingHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("the disk is full")


def test_a_log_handler_that_raises_changes_no_response(
    pool: FakeUserPool, capsys: pytest.CaptureFixture[str]
) -> None:
    logger, handler = logging.getLogger("fastapi_cognito_guard"), FailingHandler()
    client = client_of(build_app(guard_for(pool)))
    logger.addHandler(handler)
    try:
        assert client.get("/me").status_code == 401
        assert client.get("/me", headers=bearer(pool.access_token())).status_code == 200
        assert client.get("/group", headers=bearer(pool.access_token())).status_code == 403
    finally:
        logger.removeHandler(handler)
    errors = capsys.readouterr().err
    assert errors.count("RuntimeError: the disk is full") == 2 + 3  # findings of the audit, decisions
    assert "eyJ" not in errors


@pytest.mark.parametrize("name", ["route", "status", "source", "code", "outcome", "required", "sub"])
def test_a_log_field_of_the_apps_own_with_the_same_name_changes_no_response(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    original = logging.getLogRecordFactory()

    def make_record(*args: Any, **options: Any) -> logging.LogRecord:
        record = original(*args, **options)
        setattr(record, name, "the app's own")
        return record

    client = client_of(build_app(guard_for(pool)))
    logging.setLogRecordFactory(make_record)
    try:
        assert client.get("/group", headers=bearer(pool.access_token("ada"))).status_code == 403
    finally:
        logging.setLogRecordFactory(original)
    (record,) = list_records(caplog)
    assert getattr(record, name) == "the app's own"
    assert record.cognito_guard_sub == pool.sub("ada")  # type: ignore[attr-defined]  # an extra field
    assert record.cognito_guard_route == "/group"  # type: ignore[attr-defined]


def test_a_long_method_does_not_fill_the_log(pool: FakeUserPool, caplog: pytest.LogCaptureFixture) -> None:
    observed = ObservedApp(pool, deny_by_default=True)
    assert observed.client.request("M" * 5000, "/me").status_code == 401
    assert observed.only().method == "M" * 32
    assert len(list_records(caplog)[0].getMessage()) < 500


def test_status_counts_decisions_by_code(pool: FakeUserPool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="fastapi_cognito_guard")  # counted also where nothing is logged
    guard = guard_for(pool)
    client = client_of(build_app(guard))
    for token in (pool.access_token(), pool.access_token(), "junk"):
        client.get("/me", headers=bearer(token))
    assert guard.status()["decisions"] == {"allowed": 2, "token_malformed": 1}
    assert [record.levelname for record in list_records(caplog)] == ["WARNING"]


def test_an_overridden_user_is_refused_in_an_app_without_a_guard(pool: FakeUserPool) -> None:
    app = FastAPI()
    guard_for(pool).install(app)
    inner = FastAPI()
    add_routes(inner)

    @inner.exception_handler(AuthError)
    async def handle(request: Any, error: AuthError) -> JSONResponse:
        return JSONResponse({}, status_code=error.status)

    bob = Principal(sub="bob", client_id="c", issuer="i", expires_at=0, claims={})
    inner.dependency_overrides[current_user] = lambda: bob
    assert client_of(inner).get("/group").status_code == 403


def test_a_websockets_decision_is_recorded_when_it_is_accepted(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)
    with observed.client.websocket_connect("/ws", headers=bearer(pool.access_token())) as socket:
        socket.receive_json()
        assert (observed.only().method, observed.only().outcome) == ("WebSocket", "allowed")
    assert len(observed.decisions) == 1
    with pytest.raises(WebSocketDisconnect), observed.client.websocket_connect("/ws"):
        pass
    assert observed.decisions[1].code == "token_missing"


def test_the_decision_of_a_websocket_is_recorded_while_it_is_open(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)

    @observed.app.websocket("/open")
    async def stay_open(socket: WebSocket, user: CurrentUser) -> None:
        await socket.accept()
        await socket.receive_text()

    with observed.client.websocket_connect("/open", headers=bearer(pool.access_token())) as socket:
        assert observed.only().outcome == "allowed"
        socket.send_text("the end")
    assert len(observed.decisions) == 1


def test_a_browsers_websocket_may_carry_its_token_as_a_subprotocol(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool, websocket_protocol=PROTOCOL)
    token = pool.access_token("ada")
    with observed.client.websocket_connect("/ws", subprotocols=[PROTOCOL, token]) as socket:
        assert socket.accepted_subprotocol == PROTOCOL
        assert socket.receive_json()["username"] == "ada"


def test_a_subprotocol_that_the_app_names_is_kept(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool, websocket_protocol=PROTOCOL)

    @observed.app.websocket("/graphql")
    async def graphql(socket: WebSocket, user: CurrentUser) -> None:
        await socket.accept(subprotocol="graphql-ws")
        await socket.close()

    @observed.app.websocket("/last")
    async def last(socket: WebSocket, user: CurrentUser) -> None:
        await socket.accept(subprotocol=socket.scope["subprotocols"][-1])
        await socket.close()

    offered = ["graphql-ws", PROTOCOL, pool.access_token()]
    with observed.client.websocket_connect("/graphql", subprotocols=offered) as socket:
        assert socket.accepted_subprotocol == "graphql-ws"
    with observed.client.websocket_connect("/last", subprotocols=offered) as socket:
        assert socket.accepted_subprotocol == PROTOCOL  # never the token


@pytest.mark.parametrize(
    ("settings", "offered", "headers", "code"),
    [
        ({}, [PROTOCOL, "TOKEN"], False, "token_missing"),
        ({"websocket_protocol": PROTOCOL}, [PROTOCOL], False, "token_missing"),
        ({"websocket_protocol": PROTOCOL}, ["TOKEN"], False, "token_missing"),
        ({"websocket_protocol": PROTOCOL}, ["TOKEN", PROTOCOL], False, "token_missing"),
        ({"websocket_protocol": PROTOCOL}, [PROTOCOL, "junk", "TOKEN"], False, "token_malformed"),
        ({"websocket_protocol": PROTOCOL}, [PROTOCOL, "TOKEN"], True, "token_malformed"),
        ({"websocket_protocol": PROTOCOL}, [PROTOCOL, "TOKEN", PROTOCOL], False, "token_malformed"),
    ],
)
def test_a_token_among_subprotocols_counts_only_by_opt_in_and_alone(
    pool: FakeUserPool, settings: dict[str, str], offered: list[str], headers: bool, code: str
) -> None:
    observed = ObservedApp(pool, **settings)
    token = pool.access_token()
    subprotocols = [token if name == "TOKEN" else name for name in offered]
    with (
        pytest.raises(WebSocketDisconnect),
        observed.client.websocket_connect(
            "/ws", subprotocols=subprotocols, headers=bearer(token) if headers else {}
        ),
    ):
        pass
    assert observed.only().code == code


def test_a_request_that_is_no_websocket_has_no_subprotocols(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool, websocket_protocol=PROTOCOL)
    headers = {"Sec-WebSocket-Protocol": f"{PROTOCOL}, {pool.access_token()}"}
    assert observed.client.get("/me", headers=headers).status_code == 401


@pytest.mark.parametrize("gateway", ["trust", "require"])
def test_deny_by_default_lets_iam_callers_pass(pool: FakeUserPool, gateway: str) -> None:
    observed = ObservedApp(pool, deny_by_default=True, gateway=gateway)

    @observed.app.get("/reports")
    async def reports(caller: IamCaller) -> str:
        return caller.user_arn

    event = pool.event("http", None, path="/reports")
    event["requestContext"]["authorizer"] = {"iam": {"userArn": "arn:aws:iam::123456789012:user/ops"}}
    assert lambda_handler(observed.app)(event, None)["statusCode"] == 200
    decision = observed.only()
    assert (decision.code, decision.principal, decision.about) == (
        "allowed", None, {"user_arn": "arn:aws:iam::123456789012:user/ops"},
    )  # fmt: skip
    event["requestContext"]["http"]["path"] = "/me"
    assert lambda_handler(observed.app)(event, None)["statusCode"] == 403
    assert observed.decisions[-1].code == "caller_is_iam"


def test_an_iam_caller_is_403_on_a_users_route_also_with_require(
    pool: FakeUserPool,
) -> None:
    observed = ObservedApp(pool, gateway="require")
    event = pool.event("http", None, path="/me")
    assert lambda_handler(observed.app)(event, None)["statusCode"] == 401
    event["requestContext"]["authorizer"] = {"iam": {"userArn": "arn:aws:iam::123456789012:user/ops"}}
    assert lambda_handler(observed.app)(event, None)["statusCode"] == 403
    assert observed.decisions[-1].code == "caller_is_iam"


def test_a_long_client_id_does_not_fill_the_log(pool: FakeUserPool, caplog: pytest.LogCaptureFixture) -> None:
    client = client_of(build_app(guard_for(pool, user_pool={"client_ids": ANY_CLIENT})))
    token = pool.access_token(claims={"client_id": "x" * 5000})
    assert client.get("/scope", headers=bearer(token)).status_code == 403
    assert len(list_records(caplog)[-1].getMessage()) < 1000


def test_a_requirement_that_a_route_checks_itself_is_recorded(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)

    @observed.app.get("/checked-in-route")
    async def checked_in_route(user: Annotated[Principal, Depends(current_user)]) -> None:
        require_group("admins").check(user)

    assert observed.client.get("/checked-in-route", headers=bearer(pool.access_token())).status_code == 403
    assert observed.only().code == "insufficient_group"


def test_an_error_that_the_app_catches_is_not_recorded(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)

    async def either(connection: HTTPConnection) -> None:
        with pytest.raises(AuthError):
            await iam_identity(connection)

    @observed.app.get("/either", dependencies=[Depends(either)])
    async def route(user: CurrentUser) -> None: ...

    assert observed.client.get("/either", headers=bearer(pool.access_token())).status_code == 200
    assert observed.only().outcome == "allowed"


def test_a_users_error_that_the_app_catches_for_an_iam_caller_is_not_recorded(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)

    async def try_user(connection: HTTPConnection) -> None:
        with pytest.raises(AuthError):
            await current_user(connection, SecurityScopes())

    @observed.app.get("/reports", dependencies=[Depends(try_user)])
    async def reports(caller: IamCaller) -> None: ...

    event = pool.event("http", None, path="/reports")
    event["requestContext"]["authorizer"] = {"iam": {"userArn": "arn:aws:iam::123456789012:user/ops"}}
    assert lambda_handler(observed.app)(event, None)["statusCode"] == 200
    assert observed.only().outcome == "allowed"


def test_before_routing_a_custom_handler_gets_a_request_and_may_be_an_object(
    pool: FakeUserPool,
) -> None:
    observed = ObservedApp(pool, deny_by_default=True)

    class Handler:
        async def __call__(self, request: Any, error: Exception) -> JSONResponse:
            return JSONResponse({"method": request.method}, status_code=418)

    observed.app.add_exception_handler(AuthError, Handler())
    answer = observed.client.get("/nowhere")
    assert (answer.status_code, answer.json()) == (418, {"method": "GET"})
    assert observed.only().code == "token_missing"


@pytest.mark.parametrize("path", ["/me", "/nowhere"])
def test_an_error_that_a_custom_handler_raises_is_answered_alike_before_routing(
    pool: FakeUserPool, path: str
) -> None:
    observed = ObservedApp(pool, deny_by_default=True, public=["/me"])

    @observed.app.exception_handler(AuthError)
    async def handle(request: Any, error: AuthError) -> JSONResponse:
        raise HTTPException(418, error.code)

    answer = observed.client.get(path)
    assert (answer.status_code, answer.json()) == (418, {"detail": "token_missing"})
    assert observed.only().code == "token_missing"


@pytest.mark.parametrize("path", ["/me", "/nowhere"])
def test_an_error_in_a_custom_handler_reaches_the_server_also_before_routing(
    pool: FakeUserPool, path: str
) -> None:
    observed = ObservedApp(pool, deny_by_default=True, public=["/me"])

    @observed.app.exception_handler(AuthError)
    async def fail(request: Any, error: AuthError) -> JSONResponse:
        raise LookupError

    @observed.app.exception_handler(Exception)
    async def handle(request: Any, error: Exception) -> JSONResponse:
        return JSONResponse({}, status_code=500)

    with pytest.raises(LookupError):  # Starlette answers, and raises it again for the server's log
        observed.client.get(path)


def test_a_handler_for_all_errors_does_not_answer_refusals(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool, deny_by_default=True)

    @observed.app.exception_handler(Exception)
    async def handle(request: Any, error: Exception) -> JSONResponse:
        return JSONResponse({}, status_code=418)

    assert observed.client.get("/nowhere").status_code == 401


def test_a_route_is_logged_by_its_template(pool: FakeUserPool, caplog: pytest.LogCaptureFixture) -> None:
    observed = ObservedApp(pool)

    @observed.app.get("/users/{name}")
    async def user(name: str, user: CurrentUser) -> None: ...

    observed.client.get("/users/ada@shop.example")
    assert "ada@" not in list_records(caplog)[0].getMessage()


@pytest.mark.parametrize("inside", [False, True], ids=["guard outside", "guard inside"])
def test_a_mounted_app_is_logged_with_its_mount(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture, inside: bool
) -> None:
    decisions: list[Decision] = []
    guard = guard_for(pool, on_decision=decisions.append)
    outer, app, inner = FastAPI(), FastAPI(), FastAPI()
    guard.install(inner if inside else outer)
    add_routes(inner)

    @inner.get("/users/{name}")
    async def user(name: str, user: CurrentUser) -> None: ...

    app.mount("/v1", inner)
    outer.mount("/shops/{shop:int}", app)
    outer.mount("/x-{part}", app)
    outer.mount("/raw", guard.protect(app))
    client = TestClient(outer, root_path="/stage")
    token = bearer(pool.access_token())
    for path in ("/shops/7/v1/users/7", "/shops/007/v1/me", "/x-secret/v1/me", "/raw/v1/public"):
        client.get(f"/stage{path}", headers=token)
    assert [decision.route for decision in decisions] == [
        "/shops/{shop}/v1/users/{name}",
        "/{mount}/me",
        "/{mount}/me",
        "/raw",
    ]
    assert list_records(caplog)[0].getMessage() == "GET /shops/{shop}/v1/users/{name} allowed"


# Observers


def test_an_observer_sees_all_requests_and_on_decision_sees_what_it_saw_before(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)
    seen: list[tuple[int | None, Decision | None]] = []
    with observe_requests(lambda state, scope, status, decision: seen.append((status, decision))):
        for path, token in (("/me", pool.access_token()), ("/group", pool.access_token()), ("/public", "")):
            observed.client.get(path, headers=bearer(token))
    allowed, refused = observed.decisions
    assert [allowed.code, refused.code] == ["allowed", "insufficient_group"]
    assert [entry for entry in seen if entry != (None, None)] == [(200, allowed), (403, refused), (200, None)]
    observed.client.get("/me")
    assert len(observed.decisions) == 3
    assert seen[-1][1] is not observed.decisions[-1]  # it has seen nothing after its block


def test_an_observer_sees_allowed_requests_also_if_nobody_else_asks_for_them(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="fastapi_cognito_guard")
    seen: list[Decision | None] = []
    with observe_requests(lambda state, scope, status, decision: seen.append(decision)):
        client_of(build_app(guard_for(pool))).get("/me", headers=bearer(pool.access_token()))
    (decision,) = seen
    assert decision is not None
    assert (decision.outcome, decision.route, decision.status) == ("allowed", "/me", 200)
    assert list_records(caplog) == []


def test_an_observer_that_fails_changes_no_response(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*facts: object) -> None:
        raise LookupError

    observed = ObservedApp(pool)
    with observe_requests(fail):
        statuses = [observed.client.get(path).status_code for path in ("/me", "/public")]
    assert statuses == [401, 200]
    assert "an observer of requests failed" in caplog.text


def test_a_decision_names_the_requirement_that_is_not_met(pool: FakeUserPool) -> None:
    observed = ObservedApp(pool)
    for path in ("/scope", "/all-scopes", "/group", "/claim"):
        observed.client.get(path, headers=bearer(pool.access_token()))
    observed.client.get("/me")
    assert [str(decision.requirement) for decision in observed.decisions] == [
        "require_scope('orders/read', 'orders/write')",
        "require_scope('orders/read')",
        "require_group('admins', 'owners')",
        "require_claim('custom:tier', 'gold', '3', 'true')",
        "None",
    ]
