"""Example app: its routes, its start without an environment, and its demo."""

import json
import os
import re
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from example_app import demo
from example_app.__main__ import main
from example_app.api import create_app
from example_app.main import app, build_guard, handler
from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import FakeUserPool, gateway_event, local_pool
from fastapi_cognito_guard.testing.uvicorn_server import listen
from tests.apps import bearer, client_of, guard_for
from tests.browsers import sign_in
from tests.cli.running import cognito_guard


def test_without_an_environment_it_starts_and_refuses_every_token(pool: FakeUserPool) -> None:
    if os.environ.get("COGNITO_USER_POOL_ID"):
        pytest.skip("COGNITO_USER_POOL_ID is set")
    client = client_of(app)
    assert client.get("/health").status_code == 200
    assert client.get("/").json() == {"hello": "stranger"}
    for token in (pool.access_token(), pool.access_token(claims={"iss": "https://issuer.invalid"})):
        assert client.get("/me", headers=bearer(token)).status_code in {401, 503}
    claims: dict[str, Any] = {"sub": "s", "iss": "https://issuer.invalid", "token_use": "access", "exp": 4e9}
    event = gateway_event("rest-jwt", claims={**claims, "client_id": "nobody"}, path="/me")
    assert handler(event, None)["statusCode"] == 401
    assert handler(gateway_event("http", path="/health"), None)["statusCode"] == 200


def test_the_environment_names_the_pool() -> None:
    environ = {"COGNITO_USER_POOL_ID": "eu-west-1_Abc123Xyz", "COGNITO_CLIENT_IDS": "web"}
    assert build_guard(environ).pools[0].id == "eu-west-1_Abc123Xyz"


def test_the_authorizer_and_the_function_behind_it_use_one_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = FakeUserPool()
    (tmp_path / "jwks.json").write_text(json.dumps(pool.jwks))
    monkeypatch.setenv("COGNITO_USER_POOL_ID", pool.id)
    monkeypatch.setenv("COGNITO_CLIENT_IDS", pool.client_id)
    monkeypatch.setenv("COGNITO_JWKS_FILE", str(tmp_path / "jwks.json"))
    functions = import_module("example_app.behind_authorizer")
    token = pool.access_token("ada", groups=["admins"])
    request = {
        "type": "TOKEN",
        "authorizationToken": f"Bearer {token}",
        "methodArn": "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/me",
    }
    response = functions.authorizer(request, None)
    assert response["policyDocument"]["Statement"][0]["Effect"] == "Allow"
    event = gateway_event("rest", path="/me")
    event["requestContext"]["authorizer"] = {"principalId": response["principalId"], **response["context"]}
    answer = functions.handler(event, None)
    assert (answer["statusCode"], json.loads(answer["body"])["groups"]) == (200, ["admins"])


def test_the_routes_read_write_and_delete_orders(pool: FakeUserPool) -> None:
    client = client_of(create_app(guard_for(pool)))
    writer = bearer(pool.access_token("ada", groups=["admins"], scopes=["orders/write"]))
    assert client.post("/orders", json={"item": ""}, headers=writer).status_code == 422
    created = client.post("/orders", json={"item": "jam"}, headers=writer)
    assert (created.status_code, created.json()) == (201, {"item": "jam", "quantity": 1, "id": 3})
    assert client.get("/orders/3", headers=writer).json()["item"] == "jam"
    assert [order["id"] for order in client.get("/orders", headers=writer).json()] == [1, 2, 3]
    assert client.delete("/orders/3", headers=writer).status_code == 204
    assert client.get("/orders/3", headers=writer).status_code == 404
    assert client.get("/me", headers=writer).json()["groups"] == ["admins"]
    with client.websocket_connect("/live", headers=writer) as socket:
        assert socket.receive_json() == {"orders": 2, "for": "ada"}


def test_the_demo_finds_every_status_as_expected(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["example_app", "--once"])
    assert main() == 0
    printed = capsys.readouterr().out
    assert "All as expected: the app answers alike under uvicorn and both gateways." in printed
    assert "The gateways here check the token only" in printed
    assert "eyJ" not in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_the_demo_marks_an_unexpected_status(capsys: pytest.CaptureFixture[str]) -> None:
    callers = demo.make_callers(FakeUserPool())
    cells: demo.Cells = [list(row.expected) for row in demo.ROWS]
    assert demo.print_table(callers, [cells, cells, cells])
    bad = [list(row) for row in cells]
    bad[2][0] = 200
    assert not demo.print_table(callers, [cells, bad, cells])
    assert "nobody                              401       200!        401" in capsys.readouterr().out


def test_the_demo_serves_until_it_is_interrupted() -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "example_app", "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        # A process started in the background may inherit that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout is not None
    lines: list[str] = []
    try:
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C stops" in line:
                break
        addresses = re.findall(r"http://127\.0\.0\.1:\d+/docs", "".join(lines))
        page = httpx.get(addresses[0], trust_env=False, timeout=10)
        assert (page.status_code, '"clientId": "docs"' in page.text) == (200, True)
        port = re.findall(r"token --port (\d+)", "".join(lines))[0]
        token = cognito_guard("token", "--user", "bob", "--port", port)
        me = httpx.get(
            addresses[0].replace("/docs", "/me"), headers=bearer(token.out.strip()), trust_env=False
        )
        assert me.json()["username"] == "bob"
        process.send_signal(2)
        rest, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait(timeout=10)
    assert "Stopped." in rest
    assert process.returncode == 0
    assert sum("curl -i" in line for line in lines) >= 3
    assert "eyJ" not in "".join(lines)
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert {"  ada      admins\n", "  bob      in no group\n"} <= set(lines)


def test_a_port_in_use_exits_with_one_line() -> None:
    with listen(0) as listener, pytest.raises(SystemExit, match="Try --port 0"):
        demo.run(once=True, port=listener.getsockname()[1])


def test_users_can_sign_in_to_the_docs_of_the_demo() -> None:
    address = "http://127.0.0.1:8000"
    redirect_uri = f"{address}/docs/oauth2-redirect"
    with local_pool(demo.make_directory(address)) as local:
        client = client_of(create_app(CognitoGuard(local.user_pool())))
        for username, groups in (("ada", ["admins"]), ("bob", [])):
            tokens = sign_in(local, username, client_id="docs", redirect_uri=redirect_uri)
            me = client.get("/me", headers=bearer(tokens["access_token"])).json()
            assert (me["username"], me["groups"]) == (username, groups)


def test_responses_are_json() -> None:
    assert json.loads(handler(gateway_event("rest", path="/health"), None)["body"]) == {"status": "ok"}
