"""Local pool as a server: settings, description, start and end."""

import asyncio
import socket
import sys
import threading
from typing import Any

import httpx
import pytest

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import Directory, LocalClient, LocalUser, local_pool
from fastapi_cognito_guard.testing.key_server import Answer
from fastapi_cognito_guard.testing.uvicorn_server import listen, serve_app


def test_a_guard_made_from_its_settings_accepts_its_tokens() -> None:
    with local_pool() as local:
        guard = CognitoGuard.from_env(local.settings)
        token = local.pool.access_token("ada", groups=["admins"])
        assert asyncio.run(guard.verify(token)).groups == {"admins"}
        assert guard.pools[0].domain == local.address
        assert guard.pools[0].token_url == f"{local.address}/oauth2/token"
        machine = local.pool.machine_token(client_id="local-machine")
        assert asyncio.run(guard.verify(machine)).is_machine


def test_the_description_has_settings_users_and_no_secret() -> None:
    with local_pool() as local:
        text = local.describe()
        assert all(f"  export {name}={value}\n" in text for name, value in local.settings.items())
        assert list(local.settings) == [
            "COGNITO_USER_POOL_ID",
            "COGNITO_CLIENT_IDS",
            "COGNITO_ISSUER",
            "COGNITO_JWKS_URI",
            "COGNITO_DOMAIN",
        ]
        for line in ("  ada             admins\n", "  bob             -  (without orders/write)\n"):
            assert line in text
        assert "local-secret" not in text
        assert "local-secret" not in repr(local)


def test_columns_are_as_wide_as_the_longest_client_id_and_user() -> None:
    client = LocalClient(id="1h57kf5cpq17m0eml12example", callback_urls=("app://x",), scopes=("openid",))
    users = (LocalUser(username="ada", groups=("admins",)), LocalUser(username="ada.lovelace@example.com"))
    with local_pool(Directory(users=users, clients=(client,))) as local:
        lines = local.describe().splitlines()
    assert "  1h57kf5cpq17m0eml12example  users sign in" in lines
    assert "                              openid" in lines
    assert "  ada                         admins" in lines
    assert "  ada.lovelace@example.com    -" in lines


def test_a_token_signed_before_a_rotation_is_refused() -> None:
    with local_pool() as local:
        old = local.pool.access_token("ada")
        local.pool.rotate()
        guard = CognitoGuard(local.user_pool())
        assert asyncio.run(guard.verify(local.pool.access_token("ada"))).username == "ada"
        with pytest.raises(Exception, match="kid"):
            asyncio.run(guard.verify(old))


def test_after_the_block_server_and_threads_are_gone() -> None:
    before = set(threading.enumerate())
    with local_pool() as local:
        assert local.address.startswith("http://127.0.0.1:")
        assert httpx.get(local.address, trust_env=False).status_code == 200
    assert set(threading.enumerate()) <= before
    with pytest.raises(httpx.ConnectError):
        httpx.get(local.address, trust_env=False)


def test_the_pool_ends_although_a_request_for_keys_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, released = threading.Event(), threading.Event()

    def hang() -> Answer:
        asked.set()
        released.wait()
        return Answer(504, b"")

    before = set(threading.enumerate())
    try:
        with local_pool() as local:
            server_threads = set(threading.enumerate()) - before
            monkeypatch.setattr(local.pool.published, "answer", hang)
            keys = httpx.URL(local.user_pool().keys_address)
            connection = socket.create_connection((keys.host, keys.port or 0), timeout=10)
            connection.sendall(f"GET {keys.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert asked.wait(10)
        assert server_threads
        assert not any(thread.is_alive() for thread in server_threads)
        with connection:
            while connection.recv(4096):
                pass  # until the server has closed the connection
    finally:
        released.set()


@pytest.mark.parametrize("name", ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API"])
def test_it_does_not_run_on_lambda(name: str) -> None:
    with pytest.raises(ConfigurationError, match="Lambda"), local_pool(environ={name: "x"}):
        pass


def test_a_port_that_is_taken_or_out_of_range_is_an_error() -> None:
    with listen(0) as taken:
        for port in (taken.getsockname()[1], 70_000, -1):
            message = f"Port {port}.*Try --port 0"
            with pytest.raises(ConfigurationError, match=message), local_pool(port=port):
                pass


def test_an_app_that_does_not_start_is_an_error() -> None:
    async def broken(scope: object, receive: object, send: Any) -> None:
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    app: Any = broken
    with pytest.raises(ConfigurationError, match="did not start"), serve_app(app):
        pass


def test_without_uvicorn_the_error_is_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)  # as if it were not installed
    with pytest.raises(ConfigurationError, match=r"pip install .*\[demo\]"), local_pool():
        pass


def test_a_given_directory_replaces_the_default() -> None:
    directory = Directory(id="eu-west-1_Shop", clients=(LocalClient(id="web", callback_urls=("app://x",)),))
    with local_pool(directory) as local:
        assert local.settings["COGNITO_CLIENT_IDS"] == "web"
        assert local.user_pool(token_use="id").token_use == {"id"}
