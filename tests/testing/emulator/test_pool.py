"""The local pool as a program: what it says, where it runs, and how it ends."""

import asyncio
import socket
import sys
import threading
from typing import Any

import httpx
import pytest

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import Directory, LocalClient, local_pool
from fastapi_cognito_guard.testing.uvicorn_server import listen, serving


def test_its_settings_make_a_guard_that_believes_it() -> None:
    with local_pool() as local:
        guard = CognitoGuard.from_env(local.settings)
        token = local.pool.access_token("ada", groups=["admins"])
        assert asyncio.run(guard.verify(token)).groups == {"admins"}
        assert guard.pools[0].domain == local.address
        assert guard.pools[0].token_url == f"{local.address}/oauth2/token"
        machine = local.pool.machine_token(client_id="local-machine")
        assert asyncio.run(guard.verify(machine)).is_machine


def test_it_says_what_to_put_into_the_app_and_who_is_there() -> None:
    with local_pool() as local:
        said = local.describe()
        assert all(f"  {name}={value}\n" in said for name, value in local.settings.items())
        assert list(local.settings) == [
            "COGNITO_USER_POOL_ID",
            "COGNITO_CLIENT_IDS",
            "COGNITO_ISSUER",
            "COGNITO_JWKS_URI",
            "COGNITO_DOMAIN",
        ]
        for line in ("  ada             admins\n", "  bob             -\n"):
            assert line in said
        assert "local-secret" not in said
        assert "local-secret" not in repr(local)


def test_a_token_that_was_signed_before_a_rotation_is_no_longer_believed() -> None:
    with local_pool() as local:
        old = local.pool.access_token("ada")
        local.pool.rotate()
        guard = CognitoGuard(local.user_pool())
        assert asyncio.run(guard.verify(local.pool.access_token("ada"))).username == "ada"
        with pytest.raises(Exception, match="kid"):
            asyncio.run(guard.verify(old))


def test_it_is_gone_afterwards_with_its_threads() -> None:
    before = set(threading.enumerate())
    with local_pool() as local:
        assert local.address.startswith("http://127.0.0.1:")
        assert httpx.get(local.address, trust_env=False).status_code == 200
    assert set(threading.enumerate()) <= before
    with pytest.raises(httpx.ConnectError):
        httpx.get(local.address, trust_env=False)


def test_it_ends_while_somebody_waits_for_broken_keys() -> None:
    with local_pool() as local:
        address = httpx.URL(local.user_pool().keys_address)
        waiting = socket.create_connection((address.host, address.port or 0), timeout=10)
        stop = local.pool.break_jwks("hang")
        stop.__enter__()
        waiting.sendall(f"GET {address.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    waiting.close()
    stop.__exit__(None, None, None)


@pytest.mark.parametrize("name", ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API"])
def test_it_does_not_run_on_lambda(name: str) -> None:
    with pytest.raises(ConfigurationError, match="Lambda"), local_pool(environ={name: "x"}):
        pass


def test_a_port_that_is_taken_or_none_is_one_clear_line() -> None:
    with listen(0) as taken:
        for port in (taken.getsockname()[1], 70_000, -1):
            said = f"Port {port}.*Try --port 0"
            with pytest.raises(ConfigurationError, match=said), local_pool(port=port):
                pass


def test_an_app_that_does_not_start_is_one_clear_line() -> None:
    async def broken(scope: object, receive: object, send: Any) -> None:
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    app: Any = broken
    with pytest.raises(ConfigurationError, match="did not start"), serving(app):
        pass


def test_without_uvicorn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)  # as if it were not there
    with pytest.raises(ConfigurationError, match=r"fastapi-cognito-guard\[demo\]"), local_pool():
        pass


def test_a_directory_of_ones_own_is_taken() -> None:
    directory = Directory(id="eu-west-1_Shop", clients=(LocalClient(id="web", callback_urls=("app://x",)),))
    with local_pool(directory) as local:
        assert local.settings["COGNITO_CLIENT_IDS"] == "web"
        assert local.user_pool(token_use="id").token_use == {"id"}
