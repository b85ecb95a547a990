"""An app's lifespan on Lambda: once per execution environment, with its state in every request."""

import asyncio
import gc
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import FastAPI, Request

from fastapi_cognito_guard import lambda_handler
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import FakeUserPool, gateway_event
from tests.apps import guard_for

EVENT = gateway_event("http", path="/db")
LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "orders"}


class Database:
    """Connection that belongs to one event loop, and counts what happens to it."""

    def __init__(self, failures: int = 0) -> None:
        self.log: list[str] = []
        self.failures = failures

    @asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        self.log.append("startup")
        if self.failures:
            self.failures -= 1
            raise ConnectionError("the database is away")
        yield {"loop": asyncio.get_running_loop()}
        self.log.append("shutdown")


def app_of(database: Database, pool: FakeUserPool) -> FastAPI:
    app = FastAPI(lifespan=database.lifespan)
    guard_for(pool).install(app)

    @app.get("/db")
    async def db(request: Request) -> bool:
        request.state.seen = True  # of this request, and of no other
        return request.state.loop is asyncio.get_running_loop()

    @app.get("/seen")
    async def seen(request: Request) -> bool:
        return hasattr(request.state, "seen")

    return app


def test_the_startup_runs_once_before_the_first_event_and_its_state_is_in_every_request(
    pool: FakeUserPool,
) -> None:
    database = Database()
    handler = lambda_handler(app_of(database, pool), environ={})
    assert database.log == []
    for _ in range(3):
        assert handler(EVENT, None)["body"] == "true"
        asyncio.run(asyncio.sleep(0))
    assert handler(gateway_event("http", path="/seen"), None)["body"] == "false"
    assert database.log == ["startup"]


def test_on_lambda_the_startup_runs_during_init(pool: FakeUserPool) -> None:
    database = Database()
    handler = lambda_handler(app_of(database, pool), environ=LAMBDA)
    assert database.log == ["startup"]
    assert handler(EVENT, None)["body"] == "true"
    assert database.log == ["startup"]


def test_a_startup_that_fails_fails_its_invocation_with_its_own_exception_and_is_tried_again(
    pool: FakeUserPool,
) -> None:
    database = Database(failures=2)
    handler = lambda_handler(app_of(database, pool), environ={})
    for _ in range(2):
        with pytest.raises(ConnectionError, match="the database is away") as failed:
            handler(EVENT, None)
        assert any(entry.name == "lifespan" for entry in failed.traceback)
    assert handler(EVENT, None)["body"] == "true"
    assert database.log == ["startup"] * 3


def test_a_startup_that_fails_during_init_is_logged_and_tried_again(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    handler = lambda_handler(app_of(Database(failures=1), pool), environ=LAMBDA)
    (record,) = [record for record in caplog.records if record.name == "fastapi_cognito_guard.lambda"]
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ConnectionError)
    assert handler(EVENT, None)["body"] == "true"


@pytest.mark.parametrize("environ", [{}, LAMBDA], ids=["elsewhere", "on Lambda"])
def test_off_runs_no_lifespan(pool: FakeUserPool, environ: dict[str, str]) -> None:
    database = Database()
    handler = lambda_handler(app_of(database, pool), lifespan="off", environ=environ)
    assert handler(gateway_event("http", path="/seen"), None)["statusCode"] == 200
    assert database.log == []


def test_a_lifespan_is_one_of_three() -> None:
    with pytest.raises(ConfigurationError, match="lifespan"):
        lambda_handler(FastAPI(), lifespan="always")  # type: ignore[arg-type]  # the mistake


def test_a_dropped_handler_runs_the_shutdown(pool: FakeUserPool) -> None:
    database = Database()
    handler = lambda_handler(app_of(database, pool), environ={})
    handler(EVENT, None)
    del handler
    gc.collect()
    assert database.log == ["startup", "shutdown"]


def test_a_dropped_handler_does_not_close_the_loop_that_is_still_current(pool: FakeUserPool) -> None:
    first = lambda_handler(app_of(Database(), pool), environ={})
    first(EVENT, None)
    loop = asyncio.get_event_loop()
    del first
    gc.collect()
    assert asyncio.get_event_loop() is loop
    assert not loop.is_closed()
    second = lambda_handler(app_of(Database(), pool), environ={})
    assert loop.is_closed()  # nobody could use it any more
    assert second(EVENT, None)["body"] == "true"


PROGRAM = """
import sys
from contextlib import asynccontextmanager
from fastapi import FastAPI
from fastapi_cognito_guard import lambda_handler
from fastapi_cognito_guard.testing import gateway_event

@asynccontextmanager
async def lifespan(app):
    yield
    print("shutdown", flush=True)

handler = lambda_handler(FastAPI(lifespan=lifespan))
print(handler(gateway_event("http", path="/docs"), None)["statusCode"])
"""


def test_the_shutdown_runs_when_the_interpreter_ends() -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    assert (ended.stdout.split(), ended.stderr) == (["200", "shutdown"], "")


def test_an_app_without_a_lifespan_protocol_is_served(pool: FakeUserPool) -> None:
    app = app_of(Database(), pool)

    async def http_only(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await app(scope, receive, send)

    handler = lambda_handler(http_only, environ={})  # type: ignore[arg-type]  # any ASGI app will do
    assert handler(gateway_event("http", path="/seen"), None)["statusCode"] == 200


def test_a_mounted_app_gets_the_state_too(pool: FakeUserPool) -> None:
    database, inner = Database(), FastAPI()

    @inner.get("/db")
    async def db(request: Request) -> bool:
        return request.state.loop is asyncio.get_running_loop()

    app = app_of(database, pool)
    app.mount("/inner", inner)
    handler = lambda_handler(app, environ={})
    assert handler(gateway_event("rest", path="/inner/db", stage="prod"), None)["body"] == "true"
