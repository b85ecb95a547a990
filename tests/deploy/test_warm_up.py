"""Keys that are fetched during a function's init, and functions that never need any."""

import asyncio
import json
import logging
import subprocess
import sys
from typing import Any

import pytest
from fastapi import FastAPI

from fastapi_cognito_guard import CurrentUser, KeyPolicy, lambda_handler
from fastapi_cognito_guard.deploy import lambda_function
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, guard_for
from tests.tenants import Clock

ON_LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "shop"}


class KeyServer:
    """Fetch with a count, and with an answer that can be changed."""

    def __init__(self, pool: FakeUserPool) -> None:
        self.pool = pool
        self.fetches = 0
        self.seconds = 0.0
        self.error: BaseException | None = None

    async def __call__(self, address: str) -> Any:
        self.fetches += 1
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self.pool.jwks


def build(server: KeyServer, **settings: Any) -> FastAPI:
    app = FastAPI(openapi_url=None)
    guard_for(server.pool, user_pool={"jwks": None}, fetch=server, **settings).install(app)

    @app.get("/me")
    async def read_me(user: CurrentUser) -> str | None:
        return user.username

    return app


def call(handler: Any, pool: FakeUserPool, **token: Any) -> int:
    event = pool.event("function-url", pool.access_token("ada", **token), vouched=False, path="/me")
    status: int = handler(event, None)["statusCode"]
    return status


def test_the_keys_are_fetched_during_init_and_not_by_the_first_request(pool: FakeUserPool) -> None:
    server = KeyServer(pool)
    handler = lambda_handler(build(server), warm_up=True, environ=ON_LAMBDA)
    assert server.fetches == 1
    assert call(handler, pool) == 200
    assert server.fetches == 1


@pytest.mark.parametrize(
    ("warm_up", "environ"), [(False, ON_LAMBDA), (True, {}), (True, {"AWS_LAMBDA_FUNCTION_NAME": ""})]
)
def test_without_the_setting_or_elsewhere_nothing_is_fetched_early(
    pool: FakeUserPool, warm_up: bool, environ: dict[str, str]
) -> None:
    server = KeyServer(pool)
    handler = lambda_handler(build(server), warm_up=warm_up, environ=environ)
    assert server.fetches == 0
    assert call(handler, pool) == 200


def test_a_key_server_that_fails_during_init_stops_no_request(
    pool: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    server = KeyServer(pool)
    server.error = OSError("secret")
    handler = lambda_handler(build(server, keys=KeyPolicy(backoff=0.001)), warm_up=True, environ=ON_LAMBDA)
    assert "the first request fetches them" in caplog.text
    assert "secret" not in caplog.text
    server.error = None
    assert asyncio.run(asyncio.sleep(0.05)) is None
    assert call(handler, pool) == 200


def test_a_key_server_that_hangs_does_not_use_up_the_init(
    pool: FakeUserPool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lambda_function, "_INIT", 0.2)
    server = KeyServer(pool)
    server.seconds = 1
    handler = lambda_handler(build(server, keys=KeyPolicy(timeout=30)), warm_up=True, environ=ON_LAMBDA)
    assert "the first request fetches them" in caplog.text
    assert call(handler, pool) == 200  # by the fetch that init has started
    assert server.fetches == 1


def test_an_app_without_a_guard_has_nothing_to_warm_up(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        lambda_handler(FastAPI(), warm_up=True, environ=ON_LAMBDA)
    assert caplog.text == ""


def test_after_a_snapshot_is_restored_the_keys_are_fresh_again(pool: FakeUserPool) -> None:
    """SnapStart restores what init has left, days later. Only the wall clock shows that."""
    clock, server = Clock(), KeyServer(pool)
    handler = lambda_handler(build(server, now=clock), warm_up=True, environ=ON_LAMBDA)
    clock.time = NOW + 86400
    old = KeyServer(FakeUserPool(pool.id, client_id=pool.client_id, now=clock))
    server.pool = old.pool  # the pool has rotated its keys meanwhile
    assert call(handler, old.pool) == 200
    assert server.fetches == 2


VOUCHED = """
import json, sys
from fastapi import FastAPI
from fastapi_cognito_guard import CognitoGuard, CurrentUser, UserPool, lambda_handler

app = FastAPI(openapi_url=None)
CognitoGuard(UserPool("%s", client_ids={"%s"})).install(app)


@app.get("/me")
async def read_me(user: CurrentUser) -> str:
    return user.sub


handler = lambda_handler(app)
status = handler(json.load(sys.stdin), None)["statusCode"]
print(status, sorted({"httpx", "jose", "cryptography", "ssl"} & sys.modules.keys() - before))
"""


@pytest.mark.parametrize("gateway", ["rest-jwt", "http", "http-1.0"])
def test_a_function_whose_gateway_vouches_never_imports_what_verifies_tokens(gateway: Any) -> None:
    pool = FakeUserPool()
    event = pool.event(gateway, pool.access_token("ada"), path="/me")
    code = "import sys, fastapi, mangum\nbefore = set(sys.modules)\n" + VOUCHED % (pool.id, pool.client_id)
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(event), capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.returncode) == ("200 []\n", 0), done.stderr


SLOW_IMPORTS = """
import asyncio, importlib.util, sys, time


class SlowFinder:
    def find_spec(self, name, path=None, target=None):
        if name in ("httpx", "jose.jwk"):
            time.sleep(1)


sys.meta_path.insert(0, SlowFinder())
from fastapi_cognito_guard import CognitoGuard, KeyPolicy, UserPool

address, token = sys.argv[1:]
pool = UserPool("%s", client_ids={"%s"}, jwks_uri=address)
user = asyncio.run(CognitoGuard(pool, keys=KeyPolicy(timeout=0.5)).verify(token))
print(user.username)
"""


def test_a_machine_that_imports_slowly_is_no_outage_of_the_key_server() -> None:
    pool = FakeUserPool()
    with pool.serve() as address:
        command = [sys.executable, "-c", SLOW_IMPORTS % (pool.id, pool.client_id), address]
        command.append(pool.access_token("ada"))
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("ada\n", 0), done.stderr
