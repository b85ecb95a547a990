"""Escaped paths: one answer behind each gateway and under a server, as far as the event shows the escapes."""

import asyncio
import json
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI, Request

from fastapi_cognito_guard import lambda_handler
from fastapi_cognito_guard.testing import FakeUserPool, gateway_event
from tests.apps import guard_for

SPELLINGS = [
    "/pub/x", "/pub%2Fx", "/pub/%78", "/p%75b/x", "/pub/..%2Fprivate", "/pub/%2e%2e/private", "/pub/%252E",
    "/pub%252Fx", "/pub/caf%C3%A9", "/pub/a%20b", "/private", "/%70rivate", "/pub/100%25", "/pub/a+b:c@d",
]  # fmt: skip


def build_app(pool: FakeUserPool) -> FastAPI:
    """Build an app with a public subtree, whose routes ask for nothing and return their path."""
    app = FastAPI(openapi_url=None)
    guard_for(pool, deny_by_default=True, public=["/pub/*"]).install(app)

    @app.get("/{rest:path}")
    async def read(rest: str, request: Request) -> list[str]:
        return [rest, request.scope["path"], request.scope["raw_path"].decode()]

    return app


def write_rest(path: str) -> dict[str, Any]:
    """Return the event of a REST API, which keeps escapes."""
    event = gateway_event("rest", path="/")
    event["requestContext"]["path"] = f"/prod{path}"
    return {**event, "path": path, "pathParameters": {"proxy": path[1:]}}


def write_function_url(path: str) -> dict[str, Any]:
    """Return the event of a function URL, which keeps escapes."""
    event = gateway_event("function-url", path="/")
    event["requestContext"]["http"]["path"] = path
    return {**event, "rawPath": path}


def write_load_balancer(path: str) -> dict[str, Any]:
    """Return the event of a load balancer, which keeps escapes."""
    return {**gateway_event("alb", path="/"), "path": path}


def write_http(path: str) -> dict[str, Any]:
    """Return the event of an HTTP API, whose path has no escapes any more."""
    event = gateway_event("http", path="/")
    event["requestContext"]["http"]["path"] = path
    event["routeKey"] = event["requestContext"]["routeKey"] = "$default"
    return {**event, "rawPath": path}


def write_http_1(path: str) -> dict[str, Any]:
    """Return the event of an HTTP API with payload 1.0, whose path has no escapes any more."""
    event = gateway_event("http-1.0", path="/")
    event["requestContext"]["path"] = path
    return {**event, "path": path, "resource": "$default", "pathParameters": None}


def ask_as_server(app: FastAPI, path: str, token: str | None) -> tuple[int, Any]:
    """Return the status and the body that a server gets, which decodes each path once."""
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    scope = {
        "type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(), "root_path": "",
        "query_string": b"", "headers": headers,
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize("write", [write_rest, write_function_url, write_load_balancer])
@pytest.mark.parametrize("path", SPELLINGS)
@pytest.mark.parametrize("with_token", [True, False])
def test_an_escaped_path_has_the_same_answer_behind_a_gateway_as_under_a_server(
    pool: FakeUserPool, write: Any, path: str, with_token: bool
) -> None:
    """Under a server an escaped path is never public, whatever it means."""
    app = build_app(pool)
    token = pool.access_token() if with_token else None
    status, body = ask_as_server(app, path, token)
    event = write(path)
    for name in ("headers", "multiValueHeaders"):
        if token and name in event:
            value = f"Bearer {token}"
            event[name] = {**event[name], "authorization": value if name == "headers" else [value]}
    answer = lambda_handler(app)(event, None)
    assert answer["statusCode"] == status
    if status == 200:
        root = "/prod" if write is write_rest else ""
        assert json.loads(answer["body"]) == [body[0], root + body[1], root + body[2]]


@pytest.mark.parametrize("write", [write_http, write_http_1])
@pytest.mark.parametrize(
    ("decoded", "status", "seen"),
    [
        ("/pub/x", 200, "pub/x"),  # sent as /pub/x or as /pub%2Fx: the event is the same
        ("/private", 401, None),
        ("/pub%2Fx", 401, None),  # sent as /pub%252Fx
        ("/pub/%2e%2e/private", 401, None),
        ("/pub/caf\u00e9", 401, None),  # no client can send it without escapes
        ("/pub/a b", 401, None),
        ("/pub/a+b:c@d", 200, "pub/a+b:c@d"),
    ],
)
def test_behind_an_http_api_a_path_is_decoded_once(
    pool: FakeUserPool, write: Any, decoded: str, status: int, seen: str | None
) -> None:
    answer = lambda_handler(build_app(pool))(write(decoded), None)
    assert answer["statusCode"] == status
    assert seen is None or answer["body"].startswith(f'["{seen}"')


@pytest.mark.parametrize("write", [write_http, write_http_1])
def test_an_escape_of_an_escape_does_not_reach_another_route(pool: FakeUserPool, write: Any) -> None:
    """Where only an authorizer decides, by the path that the gateway has seen."""
    app = FastAPI(openapi_url=None)
    guard_for(pool).install(app)
    app.get("/admin")(lambda: "admin")
    app.get("/{page}")(lambda page: page)
    assert lambda_handler(app)(write("/%61dmin"), None)["body"] == '"%61dmin"'
    assert lambda_handler(app)(write("/a%2Fb"), None)["body"] == '"a%2Fb"'


@pytest.mark.parametrize("path", [None, "", "\ud800"])
def test_an_odd_path_in_an_event_is_no_public_one(pool: FakeUserPool, path: Any) -> None:
    event = write_http("/pub/x")
    event["requestContext"]["http"]["path"] = path
    assert lambda_handler(build_app(pool))(event, None)["statusCode"] == 401


def test_the_raw_path_begins_with_the_mount_point(pool: FakeUserPool) -> None:
    app = build_app(pool)
    for path, stage in (("/pub/x", "prod"), ("/pub/y", "$default")):
        answer = lambda_handler(app)(gateway_event("http", path=path, stage=stage), None)
        full = path if stage == "$default" else f"/{stage}{path}"
        assert answer["body"] == f'["{path[1:]}","{full}","{full}"]'
