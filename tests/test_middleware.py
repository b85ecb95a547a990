"""Deny by default: refusals before routing, for every path that is not public."""

from collections.abc import Collection
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from mangum import Mangum
from starlette.types import Message, Scope
from starlette.websockets import WebSocketDisconnect

from fastapi_cognito_guard import lambda_handler
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.middleware import GuardMiddleware, is_public, refuse
from fastapi_cognito_guard.testing import FakeUserPool, Flavour
from tests.apps import add_routes, bearer, build_app, client_of, guard_for


@pytest.fixture
def client(pool: FakeUserPool) -> TestClient:
    guard = guard_for(pool, deny_by_default=True, public=["/public", "/docs/*"])
    return client_of(build_app(guard))


def test_a_public_path_is_open_with_any_token(client: TestClient) -> None:
    assert client.get("/public").status_code == 200
    assert client.get("/public", headers=bearer("junk")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/nowhere", "/public/", "/PUBLIC", "/docs", "/public%2f", "/docs/%2e%2e/me", "//public"]
)
def test_every_other_path_is_401_before_404(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.content) == (401, b'{"message":"Unauthorized"}')


def test_a_good_token_opens_the_rest(client: TestClient, pool: FakeUserPool) -> None:
    assert client.get("/nowhere", headers=bearer(pool.access_token())).status_code == 404
    assert client.get("/me", headers=bearer(pool.access_token())).status_code == 200


@pytest.mark.parametrize("case", ["expired", "forged", "of another pool", "junk"])
@pytest.mark.parametrize("path", ["/unguarded", "/nowhere"])
def test_a_bad_token_opens_no_path_that_is_not_listed(
    pool: FakeUserPool, other_pool: FakeUserPool, impostor: FakeUserPool, case: str, path: str
) -> None:
    token = {
        "expired": pool.access_token(expires_in=0),
        "forged": impostor.access_token(),
        "of another pool": other_pool.access_token(),
        "junk": "junk",
    }[case]
    assert unguarded_client(pool).get(path, headers=bearer(token)).status_code == 401


def test_no_path_that_is_not_listed_is_open_while_keys_are_unavailable(pool: FakeUserPool) -> None:
    client = unguarded_client(pool, user_pool={"jwks_uri": "http://127.0.0.1:9/jwks.json"})
    assert client.get("/unguarded", headers=bearer(pool.access_token())).status_code == 503


def unguarded_client(pool: FakeUserPool, **settings: Any) -> TestClient:
    """Return a client of an app whose one route has no dependencies, and is not listed as public."""
    app = FastAPI()
    guard_for(pool, deny_by_default=True, **settings).install(app)
    app.get("/unguarded")(lambda: None)
    client = client_of(app)
    assert client.get("/unguarded").status_code == 401
    return client


def test_websockets_are_covered(client: TestClient, pool: FakeUserPool) -> None:
    for path in ("/ws", "/nowhere"):  # without deny_by_default, /nowhere would be 403
        with pytest.raises(WebSocketDisconnect) as refused, client.websocket_connect(path):
            pass
        assert refused.value.status_code == 401  # type: ignore[attr-defined]  # the denial's own subclass
    with client.websocket_connect("/ws", headers=bearer(pool.access_token("ada"))) as socket:
        assert socket.receive_json()["username"] == "ada"


@pytest.mark.parametrize(
    ("path", "public"),
    [
        ("/", ["/"]),
        ("/health", ["/health"]),
        ("/docs/x", ["/docs/*"]),
        ("/docs/", ["/docs/*"]),
        ("/a/b", ["/*"]),
    ],
)
def test_a_listed_path_is_public(path: str, public: Collection[str]) -> None:
    assert is_public(path, public)


@pytest.mark.parametrize(
    ("path", "public"),
    [
        ("/docs", ["/docs/*"]),
        ("/docsx", ["/docs/*"]),
        ("/docs/../me", ["/docs/*"]),
        ("/docs//me", ["/docs/*"]),
        ("/docs/..\\me", ["/docs/*"]),
        ("/docs/a\\b", ["/docs/*"]),
        ("/health/", ["/health"]),
        ("/Health", ["/health"]),
        ("", ["/health"]),
        ("/x", []),
    ],
)
def test_another_path_is_not_public(path: str, public: Collection[str]) -> None:
    assert not is_public(path, public)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"path": "/prod/public", "root_path": "/prod"}, 200),
        ({"path": "/prod/public", "root_path": "/prod/"}, 401),
        ({"path": "/public", "root_path": "/prod"}, 200),
        ({"path": "/production/public", "root_path": "/prod"}, 401),
        ({"path": "/public", "root_path": "", "raw_path": b"/pub%6cic"}, 401),
        ({"path": "/public", "root_path": "", "raw_path": None}, 200),
    ],
)
async def test_the_path_within_the_app_decides(pool: FakeUserPool, scope: Scope, status: int) -> None:
    statuses: list[int] = []

    async def app(scope: Scope, receive: object, send: object) -> None:
        statuses.append(200)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    async def receive() -> Message:
        return {"type": "http.request"}

    guard = guard_for(pool, deny_by_default=True, public=["/public"])
    await GuardMiddleware(app, guard)(
        {"type": "http", "method": "GET", "headers": [], **scope}, receive, send
    )
    assert statuses == [status]


@pytest.mark.parametrize("flavour", ["rest", "function-url", "alb"])
@pytest.mark.parametrize("handle", [lambda_handler, Mangum], ids=["lambda_handler", "Mangum"])
def test_another_spelling_of_a_public_path_is_not_public_behind_mangum(
    pool: FakeUserPool, flavour: Flavour, handle: Any
) -> None:
    app = build_app(guard_for(pool, deny_by_default=True, public=["/pub/*", "/public"]))
    app.get("/pub/{rest:path}")(lambda rest: rest)
    handler = handle(app)
    for path, status in (("/public", 200), ("/publi%63", 401), ("/pub/x", 200), ("/pub%2Fx", 401)):
        event = pool.event(flavour, None, path="/x")
        for part in (event, event["requestContext"], event["requestContext"].get("http", {})):
            part.update({name: path for name in ("path", "rawPath") if name in part})
        if "pathParameters" in event:
            event["pathParameters"] = {"proxy": path.lstrip("/")}
        assert handler(event, None)["statusCode"] == status, path


def test_lifespan_events_pass(pool: FakeUserPool) -> None:
    with client_of(build_app(guard_for(pool, deny_by_default=True))) as client:
        assert client.get("/me").status_code == 401


@pytest.mark.anyio
async def test_a_server_without_denial_responses_closes_the_websocket(pool: FakeUserPool) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/ws", "headers": [], "query_string": b"", "subprotocols": []}
    for app in (build_app(guard_for(pool)), build_app(guard_for(pool, deny_by_default=True))):
        sent.clear()
        await app(dict(scope), receive, send)
        assert sent == [{"type": "websocket.close", "code": 1008, "reason": "Unauthorized"}]


@pytest.mark.anyio
async def test_a_websocket_of_a_server_without_subprotocols_is_accepted(pool: FakeUserPool) -> None:
    sent: list[str] = []

    async def send(message: Message) -> None:
        sent.append(message["type"])

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    headers = [(b"authorization", f"Bearer {pool.access_token()}".encode())]
    scope = {"type": "websocket", "path": "/ws", "headers": headers, "query_string": b""}
    await build_app(guard_for(pool, websocket_protocol="cognito-guard"))(scope, receive, send)
    assert sent == ["websocket.accept", "websocket.send", "websocket.close"]


@pytest.mark.anyio
async def test_the_handler_raises_other_errors_again() -> None:
    with pytest.raises(KeyError):
        await refuse(None, KeyError("another error"))  # type: ignore[arg-type]  # never used


def test_a_handler_of_a_mounted_app_is_kept(pool: FakeUserPool) -> None:
    inner = FastAPI()
    outer = build_app(guard_for(pool))
    add_routes(inner)

    @inner.exception_handler(AuthError)
    async def handle(request: Request, error: AuthError) -> JSONResponse:
        return JSONResponse({"code": error.code}, status_code=418)

    outer.mount("/inner", inner)
    answer = client_of(outer).get("/inner/me")
    assert (answer.status_code, answer.json()) == (418, {"code": "token_missing"})


def test_a_refusal_inside_a_mounted_app_is_answered_and_not_500(pool: FakeUserPool) -> None:
    inner = FastAPI()
    outer = build_app(guard_for(pool))
    add_routes(inner)
    outer.mount("/inner", inner)
    client = client_of(outer)
    assert client.get("/inner/me").status_code == 401
    assert client.get("/inner/group", headers=bearer(pool.access_token())).status_code == 403
    assert client.get("/inner/me", headers=bearer(pool.access_token())).status_code == 200
