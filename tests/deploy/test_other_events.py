"""Events of a function that are no HTTP requests: pings, schedules, queues, and a hook for them."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI

from fastapi_cognito_guard import lambda_handler
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, gateway_event
from tests.apps import build_app, guard_for

SCHEDULE = {"version": "0", "id": "53dc4d37", "detail-type": "Scheduled Event", "account": "123456789012",
            "time": "2026-11-28T12:00:00Z", "region": "eu-west-1", "resources": [], "detail": {}}  # fmt: skip
PINGS: dict[str, dict[str, Any]] = {
    "serverless-plugin-warmup": {"source": "serverless-plugin-warmup"},
    "lambda-warmer": {"warmer": True, "concurrency": 3},
    "a flag": {"warmup": True},
    "EventBridge": {**SCHEDULE, "source": "aws.events"},
    "EventBridge Scheduler": {**SCHEDULE, "source": "aws.scheduler"},
}
OTHERS: dict[str, Any] = {
    "SQS": {"Records": [{"eventSource": "aws:sqs", "body": "secret"}]},
    "SNS": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "secret"}}]},
    "no records": {"Records": []},
    "S3 by EventBridge": {**SCHEDULE, "source": "aws.s3", "detail-type": "Object Created"},
    "a state change": {**SCHEDULE, "source": "aws.events", "detail-type": "Other"},
    "WebSocket message": gateway_event("websocket", path="/"),
    "console test": {"key1": "secret"},
    "a flag that is not true": {"warmer": "true"},
    "a source of another type": {"source": ["serverless-plugin-warmup"]},
    "no context": {"requestContext": None, "resource": "/", "version": "1.0"},
    "empty": {}, "a list": [{"warmer": True}], "text": "requestContext", "null": None,
}  # fmt: skip
FLAVOURS: list[Flavour] = ["rest", "rest-jwt", "http", "http-1.0", "function-url", "alb"]


def build_counting_app(pool: FakeUserPool, **settings: Any) -> tuple[FastAPI, list[str]]:
    """Build an app, and the list of its startups and of its guard's fetches."""
    happened: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        happened.append("startup")
        yield

    async def fetch(address: str) -> bytes:
        happened.append("fetch")
        return json.dumps(pool.jwks).encode()

    app = FastAPI(openapi_url=None, lifespan=lifespan)
    guard_for(pool, **{"user_pool": {"jwks": None}, "fetch": fetch, **settings}).install(app)
    return app, happened


@pytest.mark.parametrize("name", PINGS)
def test_a_warmers_ping_runs_the_startup_and_fetches_the_keys(
    pool: FakeUserPool, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, happened = build_counting_app(pool)
    handler = lambda_handler(app)
    with caplog.at_level(logging.DEBUG, "fastapi_cognito_guard.lambda"):
        assert [handler(dict(PINGS[name]), None) for _ in range(2)] == [{"warm": True}] * 2
    assert happened == ["startup", "fetch"]
    levels = [record.levelno for record in caplog.records if record.name == "fastapi_cognito_guard.lambda"]
    assert levels == [logging.DEBUG] * 2


def test_a_ping_without_keys_answers_that_it_is_not_warm(pool: FakeUserPool) -> None:
    async def fetch(address: str) -> bytes:
        raise OSError

    app, _ = build_counting_app(pool, fetch=fetch)
    assert lambda_handler(app)(PINGS["lambda-warmer"], None) == {"warm": False}


def test_a_ping_of_an_app_without_a_guard_is_answered() -> None:
    for app in (FastAPI(), lambda scope, receive, send: asyncio.sleep(0)):
        handler = lambda_handler(app, lifespan="off")  # type: ignore[arg-type]  # any ASGI app
        assert handler(PINGS["lambda-warmer"], None) == {"warm": True}


@pytest.mark.parametrize("name", OTHERS)
def test_another_event_is_an_error_that_says_what_to_write(pool: FakeUserPool, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"lambda_handler\(app, other_events=function\)") as caught:
        lambda_handler(build_app(guard_for(pool)), lifespan="off")(OTHERS[name], None)
    assert "secret" not in str(caught.value)
    assert caught.value.setting == "other_events"


def test_the_error_names_the_keys_in_one_short_line(pool: FakeUserPool) -> None:
    event = {"Records\n": 1, **{f"{number}" + "x" * 500: 2 for number in range(50)}}
    with pytest.raises(ConfigurationError) as caught:
        lambda_handler(build_app(guard_for(pool)), lifespan="off")(event, None)
    assert r"has the keys Records\n, 0xxx" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize("event", [*PINGS.values(), *OTHERS.values()], ids=[*PINGS, *OTHERS])
def test_other_events_gets_each_event_that_is_no_request_after_the_startup(
    pool: FakeUserPool, event: Any
) -> None:
    app, happened = build_counting_app(pool)
    got: list[Any] = []

    def answer(event: Any, context: Any) -> Any:
        got.append((event, context, list(happened)))
        return ["done"]

    response: Any = lambda_handler(app, other_events=answer)(event, "context")
    assert response == ["done"]
    assert got == [(event, "context", ["startup"])]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_request_is_never_mistaken_for_another_event(pool: FakeUserPool, flavour: Flavour) -> None:
    def answer(event: Any, context: Any) -> Any:
        raise AssertionError

    handler = lambda_handler(build_app(guard_for(pool)), other_events=answer)
    for more in PINGS.values():
        event = {**more, **gateway_event(flavour, path="/me")}
        assert handler(event, None)["statusCode"] == 401


def test_a_request_of_lambda_at_edge_reaches_the_app(pool: FakeUserPool) -> None:
    request = {"method": "GET", "uri": "/me", "querystring": "", "clientIp": "203.0.113.7",
               "headers": {"host": [{"key": "Host", "value": "example.com"}]}}  # fmt: skip
    handler = lambda_handler(build_app(guard_for(pool)))
    assert handler({"Records": [{"cf": {"request": request}}]}, None)["status"] == 401


def test_an_event_with_a_handler_of_its_own_reaches_it(pool: FakeUserPool) -> None:
    class Own:
        def __init__(self, event: Any, context: Any, config: Any) -> None:
            self.body = b""
            headers = [[b"host", b"example.com"]]
            self.scope = {"type": "http", "method": "GET", "path": "/me", "query_string": b"",
                          "headers": headers, "root_path": "", "aws.event": event}  # fmt: skip

        @classmethod
        def infer(cls, event: Any, context: Any, config: Any) -> bool:
            return "mine" in event

        def __call__(self, response: Any) -> dict[str, Any]:
            return {"own": response["status"]}

    handler = lambda_handler(build_app(guard_for(pool)), custom_handlers=[Own])
    assert handler({"mine": True}, None) == {"own": 401}


def test_a_coroutine_function_for_other_events_is_a_configuration_error(pool: FakeUserPool) -> None:
    async def answer(event: Any, context: Any) -> Any: ...

    with pytest.raises(ConfigurationError, match="other_events is called without await"):
        lambda_handler(build_app(guard_for(pool)), other_events=answer)
