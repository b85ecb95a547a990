"""Tests of `Gateway` and `GatewayClient`: decisions and answers are those of API Gateway."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, get_args

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.testclient import TestClient
from starlette.endpoints import HTTPEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from fastapi_cognito_guard import CognitoGuard, CurrentUser, require_scope
from fastapi_cognito_guard.claims import Semantics
from fastapi_cognito_guard.deploy import lambda_claims
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, Gateway, GatewayClient
from tests.apps import bearer, build_app, guard_for

KINDS: list[Flavour] = [
    "rest", "rest-jwt", "http", "http-1.0", "lambda", "lambda-2.0", "function-url", "alb",
]  # fmt: skip
REST, HTTP = KINDS[:2], KINDS[2:4]
SOURCES: dict[str, str] = {**dict.fromkeys(REST, "rest"), **dict.fromkeys(HTTP, "http")}

USER: dict[str, Any] = {"groups": ["admins"], "scopes": ["orders/read"]}
ROUTES = ("/public", "/optional", "/me", "/scope", "/all-scopes", "/group", "/docs")
ALLOWED = [200, 200, 200, 200, 403, 200, 200]


def clients(app: FastAPI) -> dict[str, TestClient]:
    return {"standalone": TestClient(app), **{kind: GatewayClient(app, kind) for kind in KINDS}}


@pytest.mark.parametrize("door", ["standalone", *KINDS])
def test_statuses_are_the_same_standalone_and_behind_each_gateway(pool: FakeUserPool, door: str) -> None:
    client = clients(build_app(guard_for(pool)))[door]
    headers = bearer(pool.access_token(**USER))
    assert [client.get(path, headers=headers).status_code for path in ROUTES] == ALLOWED
    assert [client.get(path).status_code for path in ROUTES] == [200, 200, 401, 401, 401, 401, 200]
    assert client.get("/me", headers=headers).json()["source"] == SOURCES.get(door, "token")
    assert client.get("/optional", headers=headers).json()["source"] == "token"  # it has no authorizer


REST_401 = ({"message": "Unauthorized"}, {"x-amzn-errortype": "UnauthorizedException"})
UNAUTHORIZED, INVALID = (
    {"message": "Unauthorized"},
    'Bearer scope="" error="invalid_token" error_description=',
)
EXPIRED = {"www-authenticate": f'{INVALID}"The token has expired"'}
AUDIENCE = {"www-authenticate": f'{INVALID}"the token does not have a valid audience"'}
ALL = "orders/read orders/write"
SCOPE = {
    "www-authenticate": f'Bearer scope="{ALL}" error="insufficient_scope" '
    f'error_description="expected scopes: [{ALL}]"'
}
ANSWERS: list[tuple[Flavour, str, int, Any, dict[str, str]]] = [
    ("rest", "none", 401, *REST_401),
    ("rest", "expired", 401, {"message": "The incoming token has expired"}, REST_401[1]),
    ("rest", "forged", 401, *REST_401),
    ("rest", "unscoped", 401, *REST_401),
    ("rest-jwt", "forged", 401, *REST_401),
    ("http", "none", 401, UNAUTHORIZED, {"www-authenticate": "Bearer"}),
    ("http", "expired", 401, UNAUTHORIZED, EXPIRED),
    ("http", "client", 401, UNAUTHORIZED, AUDIENCE),
    ("http", "unscoped", 403, {"message": "Forbidden"}, SCOPE),
    ("lambda", "expired", 401, *REST_401),
    ("lambda-2.0", "none", 401, UNAUTHORIZED, {}),
    ("lambda-2.0", "expired", 403, {"message": "Forbidden"}, {}),
]


@pytest.mark.parametrize(("kind", "token", "status", "body", "headers"), ANSWERS)
def test_an_authorizer_refuses_in_its_own_format(
    pool: FakeUserPool, kind: Flavour, token: str, status: int, body: Any, headers: dict[str, str]
) -> None:
    impostor = FakeUserPool(pool.id, client_id=pool.client_id, now=pool.now)
    given: dict[str, Callable[[], dict[str, str]]] = {
        "none": dict,
        "expired": lambda: bearer(pool.access_token(**USER, expires_in=-1)),
        "forged": lambda: bearer(impostor.access_token(**USER)),
        "client": lambda: bearer(pool.access_token(**USER, claims={"client_id": "another"})),
        "unscoped": lambda: bearer(pool.access_token(scopes=["openid"])),
    }
    answer = GatewayClient(build_app(guard_for(pool)), kind).get("/scope", headers=given[token]())
    shown = {
        name: answer.headers[name]
        for name in ("www-authenticate", "x-amzn-errortype")
        if name in answer.headers
    }
    assert (answer.status_code, answer.json(), shown) == (status, body, headers)


@pytest.mark.parametrize(
    ("settings", "tokens"),
    [
        ({}, {"access": 200, "id": 401}),
        ({"semantics": "rest"}, {"access": 401, "id": 200}),
        ({"user_pool": {"token_use": {"id"}}}, {"access": 401, "id": 200}),
    ],
    ids=["access tokens", "rest", "ID tokens"],
)
def test_a_rest_api_accepts_on_routes_without_scopes_the_token_use_that_the_app_accepts(
    pool: FakeUserPool, settings: dict[str, Any], tokens: dict[str, int]
) -> None:
    client = GatewayClient(build_app(guard_for(pool, **settings)), "rest")
    given = {"access": pool.access_token(), "id": pool.id_token()}
    assert {
        use: client.get("/me", headers=bearer(token)).status_code for use, token in given.items()
    } == tokens


def test_a_rest_authorizer_accepts_any_client_and_the_app_does_not(pool: FakeUserPool) -> None:
    client = GatewayClient(build_app(guard_for(pool)), "rest")
    answer = client.get("/me", headers=bearer(pool.access_token(claims={"client_id": "another"})))
    assert answer.status_code == 401
    assert "error_description" in answer.headers["x-amzn-Remapped-www-authenticate"]  # the app's own refusal


@pytest.mark.parametrize("semantics", ["strict", "http"])
def test_an_http_api_accepts_tokens_for_guards_of_any_semantics(
    pool: FakeUserPool, semantics: Semantics
) -> None:
    client = GatewayClient(build_app(guard_for(pool, semantics=semantics)), "http")
    assert client.get("/me", headers=bearer(pool.access_token())).status_code == 200


def test_a_lambda_authorizers_context_is_mapped_by_the_apps_lambda_context(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool, lambda_context=lambda context: dict(context["who"])))
    client = GatewayClient(app, "lambda-2.0", context=lambda claims: {"who": claims})
    assert client.get("/me", headers=bearer(pool.access_token("ada"))).json()["source"] == "lambda"


@pytest.mark.parametrize("kind", ["lambda", "lambda-2.0"])
def test_a_guard_with_lambda_claims_reads_the_context_of_the_played_lambda_authorizer(
    pool: FakeUserPool, kind: Flavour
) -> None:
    headers = bearer(pool.access_token("ada", groups=["admins"]))
    reading = GatewayClient(build_app(guard_for(pool, lambda_context=lambda_claims)), kind)
    caller = reading.get("/group", headers=headers).json()
    assert (caller["source"], caller["username"], caller["groups"]) == ("lambda", "ada", ["admins"])
    other = GatewayClient(build_app(guard_for(pool)), kind)
    assert other.get("/group", headers=headers).json()["source"] == "token"


@pytest.mark.parametrize(("kind", "status"), [("rest", 403), ("http", 404)])
def test_a_request_without_a_route_never_reaches_the_app(
    pool: FakeUserPool, kind: Flavour, status: int, tmp_path: Any
) -> None:
    app = build_app(guard_for(pool))
    (tmp_path / "a.txt").write_text("a file")
    app.mount("/static", StaticFiles(directory=tmp_path))
    client = GatewayClient(app, kind)
    headers = bearer(pool.access_token())
    assert client.get("/nowhere", headers=headers).status_code == status
    assert client.delete("/me", headers=headers).status_code == status
    assert client.get("/static/a.txt").text == "a file"
    if kind == "rest":
        assert client.get("https://a1b2c3.execute-api.eu-west-1.amazonaws.com/me").status_code == 403


def test_only_the_methods_and_protocol_of_a_route_reach_it(pool: FakeUserPool) -> None:
    class AnyMethod(HTTPEndpoint):
        async def get(self, request: Request) -> PlainTextResponse:
            return PlainTextResponse("got")

    app = build_app(guard_for(pool))
    app.router.routes.append(Route("/any-method", AnyMethod))
    client = GatewayClient(app, "http", headers=bearer(pool.access_token()))
    assert client.get("/ws").status_code == 404
    assert client.options("/me").status_code == 404
    assert client.get("/me", headers={"Access-Control-Request-Method": "GET"}).status_code == 200
    assert client.post("/me", headers={"Access-Control-Request-Method": "GET"}).status_code == 404
    assert client.get("/any-method").text == "got"


def test_the_stage_alone_is_the_address_of_the_root_path(echo: FastAPI) -> None:
    client = GatewayClient(echo)
    assert client.get(str(client.base_url).removesuffix("/")).json() == "root"


def test_scopes_are_in_the_event_of_a_route_with_scopes_only(echo: FastAPI, pool: FakeUserPool) -> None:
    token = pool.access_token(scopes=["openid", "orders/read"])
    client = GatewayClient(echo, "http", headers=bearer(token))
    assert client.get("/scoped").json() == ["openid", "orders/read"]
    assert client.get("/unscoped").json() is None


def test_with_deny_by_default_all_but_public_routes_have_an_authorizer(pool: FakeUserPool) -> None:
    client = GatewayClient(build_app(guard_for(pool, deny_by_default=True, public=["/optional"])), "http")
    assert [client.get(path).status_code for path in ("/public", "/optional")] == [401, 200]


def test_a_preflight_needs_no_token(pool: FakeUserPool) -> None:
    app = build_app(guard_for(pool))
    app.add_middleware(CORSMiddleware, allow_origins=["https://web.example"])
    client = GatewayClient(app, "rest")
    headers = {"Origin": "https://web.example", "Access-Control-Request-Method": "GET"}
    assert client.options("/me", headers=headers).status_code == 200
    assert client.options("/nowhere", headers=headers).status_code == 403


@pytest.fixture
def echo(pool: FakeUserPool) -> FastAPI:
    app = FastAPI()
    guard_for(pool).install(app)

    @app.post("/echo/{name}")
    async def echo(name: str, request: Request, user: CurrentUser) -> dict[str, Any]:
        return {
            "name": name,
            "query": request.query_params.multi_items(),
            "body": (await request.body()).decode("latin-1"),
            "cookies": request.cookies,
            "accept": request.headers["accept-language"],
            "url": str(request.url),
        }

    @app.get("/set")
    async def set_cookies() -> Any:
        from starlette.responses import Response

        response = Response(bytes(range(256)), media_type="application/octet-stream")
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    @app.get("/")
    async def root() -> str:
        return "root"

    def scopes_in_event(request: Request, user: CurrentUser) -> Any:
        return request.scope["aws.event"]["requestContext"]["authorizer"]["jwt"]["scopes"]

    app.add_api_route("/unscoped", scopes_in_event)
    app.add_api_route("/scoped", scopes_in_event, dependencies=[Depends(require_scope("orders/read"))])

    @app.get("/broken")
    async def broken() -> None:
        raise LookupError("broken on purpose")

    return app


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [b"text \xc3\xa4", b"\xff\x00", b""], ids=["text", "bytes", "nothing"])
def test_a_request_arrives_as_it_was_sent(
    echo: FastAPI, pool: FakeUserPool, kind: Flavour, body: bytes
) -> None:
    client = GatewayClient(echo, kind, headers=bearer(pool.access_token()))
    client.cookies.update({"x": "1", "y": "2"})
    answer = client.post(
        "/echo/%C3%A4 b?q=1&q=%26+%C3%A4&z=",
        content=body,
        headers={"accept-language": "de"},
    )
    received = answer.json()
    assert (received["name"], received["body"].encode("latin-1"), received["accept"]) == ("ä b", body, "de")
    queries = [["q", "1"], ["q", "& ä"], ["z", ""]]
    assert (received["query"], received["cookies"]) == (queries, {"x": "1", "y": "2"})
    assert received["url"].startswith(str(client.base_url))


@pytest.mark.parametrize("kind", KINDS)
def test_a_response_arrives_as_the_app_sent_it(echo: FastAPI, kind: Flavour) -> None:
    client = GatewayClient(echo, kind)
    answer = client.get("/set")
    assert answer.content == bytes(range(256))
    assert dict(client.cookies) == {"a": "1", "b": "2"}
    assert answer.headers["content-type"] == "application/octet-stream"


def test_an_exception_of_the_app_is_raised_or_is_500_as_with_any_test_client(echo: FastAPI) -> None:
    with pytest.raises(LookupError, match="on purpose"):
        GatewayClient(echo).get("/broken")
    client = GatewayClient(echo, raise_server_exceptions=False)
    assert client.get("/broken").status_code == 500
    assert client.get("/set").status_code == 200


def test_a_lifespan_runs_with_the_client_and_its_state_reaches_requests(pool: FakeUserPool) -> None:
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        events.append("startup")
        yield {"loop": asyncio.get_running_loop()}
        events.append("shutdown")

    app = FastAPI(lifespan=lifespan)
    guard_for(pool).install(app)

    @app.get("/same-loop", openapi_extra={"security": []})
    async def same_loop(request: Request) -> bool:
        return request.state.loop is asyncio.get_running_loop()

    with GatewayClient(app) as client:
        assert client.get("/same-loop").json() is True
        assert events == ["startup"]
    assert events == ["startup", "shutdown"]
    assert GatewayClient(app).get("/docs").status_code == 200
    assert events == ["startup", "shutdown"]


def test_a_websocket_is_an_error(pool: FakeUserPool) -> None:
    client = GatewayClient(build_app(guard_for(pool)))
    with pytest.raises(ConfigurationError, match="no WebSockets"), client.websocket_connect("/ws"):
        pass


def test_a_stage_may_have_any_name(echo: FastAPI, pool: FakeUserPool) -> None:
    client = GatewayClient(echo, "http", stage="v1")
    assert str(client.base_url).endswith("/v1/")
    assert client.get("/set").status_code == 200


@pytest.mark.parametrize("kind", sorted({*get_args(Flavour), "soap"} - {*KINDS}))
def test_a_kind_that_takes_no_tokens_is_an_error(pool: FakeUserPool, kind: Any) -> None:
    with pytest.raises(ConfigurationError, match="one of rest, rest-jwt"):
        Gateway(build_app(guard_for(pool)), kind=kind)


def test_an_app_without_a_guard_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match=r"guard\.install"):
        GatewayClient(FastAPI())


def test_the_authorizer_uses_the_guards_keys(pool: FakeUserPool) -> None:
    async def fetch(address: str) -> bytes:
        raise OSError

    guard = CognitoGuard(pool.user_pool(jwks=None), now=pool.now, fetch=fetch)
    kinds: list[Flavour] = ["rest", "http"]
    answers = {
        kind: GatewayClient(build_app(guard), kind).get("/me", headers=bearer(pool.access_token()))
        for kind in kinds
    }
    assert (answers["rest"].status_code, answers["rest"].json()) == (500, {"message": None})
    assert (answers["http"].status_code, answers["http"].json()) == (401, {"message": "Unauthorized"})


def test_a_refusal_of_the_gateway_is_logged_with_its_reason(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    client = GatewayClient(build_app(guard_for(pool)), "http")
    token = pool.access_token("ada", expires_in=-60)
    assert client.get("/me", headers=bearer(token)).status_code == 401
    (record,) = [record for record in caplog.records if record.name == "fastapi_cognito_guard.testing"]
    assert record.getMessage().startswith(
        "GET /me refused with 401 by the gateway: token_expired: exp passed"
    )
    assert token not in caplog.text


def test_the_log_says_that_a_rest_api_answers_401_where_the_app_says_403(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    hint = "A REST API answers 401 where the app says 403."
    kinds: list[tuple[Flavour, int]] = [("http", 403), ("rest", 401)]
    for kind, status in kinds:
        assert hint not in caplog.text
        client = GatewayClient(build_app(guard_for(pool)), kind)
        assert client.get("/scope", headers=bearer(pool.access_token())).status_code == status
    assert hint in caplog.text
