"""Commands `pool` and `token`: a local pool, its tokens, and errors of one line."""

import asyncio
import errno
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastapi_cognito_guard import CognitoGuard, Principal
from fastapi_cognito_guard.cli.running_pool import build_directory, read_directory, record_directory
from fastapi_cognito_guard.testing import Directory, LocalPool, local_pool
from tests.cli.running import COMMAND, cognito_guard
from tests.servers import fault_server, response

FILE = """
[[users]]
username = "eve"
groups = ["staff"]
password = "secret"

[[clients]]
id = "web"
callback_urls = ["http://localhost:3000/"]
"""


@pytest.fixture(scope="module")
def running() -> Iterator[LocalPool]:
    with local_pool() as local:
        yield local


def port_of(local: LocalPool) -> str:
    return local.address.rpartition(":")[2]


def principal(local: LocalPool, token: str, **pool: object) -> Principal:
    guard = CognitoGuard(local.user_pool(token_use={"access", "id"}, jwks=local.pool.jwks, **pool))
    return asyncio.run(guard.verify(token.strip()))


@pytest.mark.parametrize(
    ("options", "username", "use"),
    [
        ([], "ada", "access"),
        (["--group", "admins"], "ada", "access"),
        (["--user", "bob", "--id"], "bob", "id"),
        (["--machine"], None, "access"),
    ],
    ids=["default user", "member of a group", "ID token", "machine"],
)
def test_token_prints_a_token_that_a_guard_of_the_pool_accepts(
    running: LocalPool, options: list[str], username: str | None, use: str
) -> None:
    result = cognito_guard("token", "--port", port_of(running), *options)
    found = principal(running, result.out)
    assert (result.code, result.err, found.username, found.token_use) == (0, "", username, use)


def test_a_token_has_the_requested_scopes(running: LocalPool) -> None:
    result = cognito_guard("token", "--port", port_of(running), "--scope", "orders/read")
    assert principal(running, result.out).scopes == {"orders/read"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--user", "eve"],
            "no such user, another password for them, or no client local-docs. Its users",
        ),
        (
            ["--group", "nobody"],
            "in nobody: add one when you start it, `cognito-guard pool --user sue:nobody`",
        ),
        (["--scope", "other/scope"], "local-docs may not request that scope"),
        (["--machine", "--scope", "other/scope"], "local-machine may not request that scope"),
        (["--machine", "--user", "ada"], "A machine has no user"),
        (["--machine", "--id"], "no ID token"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_refusal_of_the_pool_is_an_error_of_one_line(
    running: LocalPool, options: list[str], message: str
) -> None:
    result = cognito_guard("token", "--port", port_of(running), *options)
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_without_a_pool_the_error_is_how_to_start_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    result = cognito_guard("token", "--port", str(port))
    assert (result.code, f"No local pool at 127.0.0.1:{port}" in result.err) == (2, True)


def test_token_reads_passwords_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "pool.toml"
    file.write_text(FILE)
    with local_pool(Directory.from_toml(file)) as local:
        result = cognito_guard("token", "--file", str(file), "--port", port_of(local), "--group", "staff")
        assert principal(local, result.out).username == "eve"
        machine = cognito_guard("token", "--file", str(file), "--port", port_of(local), "--machine")
        assert "No client of the pool is a machine" in machine.err


def test_options_define_users_clients_and_scopes() -> None:
    directory = build_directory(None, ["eve:staff,admins", "joe"], ["web", "robot:secret"], ["a/b"])
    assert [(user.username, user.groups) for user in directory.users] == [
        ("eve", ("staff", "admins")),
        ("joe", ()),
    ]
    web, robot = directory.clients
    assert (web.is_machine, robot.is_machine, robot.secret) == (False, True, "secret")
    assert (web.scopes[-1], robot.scopes) == ("a/b", ("a/b",))


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--file", "none.toml"], "cannot be read"), (["--user", ":x"], "A user needs a name")],
    ids=["no file", "no name"],
)
def test_invalid_options_of_pool_are_wrong_use(options: list[str], message: str) -> None:
    result = cognito_guard("pool", *options)
    assert (result.code, message in result.err) == (2, True)


def test_while_a_pool_runs_token_knows_its_users_and_clients() -> None:
    directory = build_directory(None, ["eve:staff"], ["web", "robot:s3cret"], ["orders/read"])
    with local_pool(directory) as local:
        port = int(port_of(local))
        assert cognito_guard("token", "--port", str(port)).code == 2
        with record_directory(directory, port):
            eve = principal(local, cognito_guard("token", "--group", "staff", "--port", str(port)).out)
            assert (eve.username, eve.client_id) == ("eve", "web")
            robot = principal(local, cognito_guard("token", "--machine", "--port", str(port)).out)
            assert (robot.is_machine, sorted(robot.scopes)) == (True, ["orders/read"])
        assert read_directory(port) is None


def test_the_record_of_a_pool_is_private_and_links_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with record_directory(Directory(), 1):
        (record,) = tmp_path.iterdir()
        assert record.stat().st_mode & 0o777 == 0o600
        assert read_directory(1) == Directory()
        record.write_text("{")
        assert read_directory(1) is None
        record.unlink()
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_text("not to be read or written")
        record.symlink_to(elsewhere)
        assert read_directory(1) is None
        with record_directory(Directory(), 1):
            assert read_directory(1) == Directory()
        assert elsewhere.read_text().startswith("not to be")
    if os.getuid() == 0:  # only root can give a file to another user
        with record_directory(Directory(), 1):
            os.chown(record, 12345, 12345)
            assert read_directory(1) is None
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with record_directory(Directory(), 1):
        assert read_directory(1) is None


def test_the_pool_runs_until_it_is_interrupted() -> None:
    command = [*COMMAND, "pool", "--port", "0", "--user", "eve:staff"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdout=pipe, stderr=pipe) as pool:
        assert pool.stdout is not None
        assert pool.stderr is not None
        try:
            first = pool.stdout.readline()  # ends at the latest when the process does
            assert first.startswith("A local user pool at http://127.0.0.1:")
            pool.send_signal(signal.SIGINT)
            out, err = pool.stdout.read(), pool.stderr.read()
            assert (pool.wait(timeout=30), err) == (0, "Ctrl-C stops it.\n")
        finally:
            pool.kill()
    assert "COGNITO_USER_POOL_ID=" in out
    assert "eve             staff" in out


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"access_token": 7}', b'{"error": ["x"]}'])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "501 Not Implemented"])
def test_a_server_that_is_not_a_pool_is_an_error_of_one_line(status: str, body: bytes) -> None:
    with fault_server(response(body, status)) as server:
        port = server.address.removesuffix("/jwks.json").rpartition(":")[2]
        result = cognito_guard("token", "--machine", "--port", port)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("cognito-guard: ")
    assert result.err.count("\n") == 1


def test_an_id_token_needs_the_scope_openid(running: LocalPool) -> None:
    options = ["--id", "--scope", "orders/read", "--port", port_of(running)]
    result = cognito_guard("token", *options)
    assert (result.code, "add --scope openid" in result.err) == (2, True)
    assert cognito_guard("token", *options, "--scope", "openid").code == 0


PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
MAIN = """
from fastapi import FastAPI
from fastapi_cognito_guard import CognitoGuard, CurrentUser

app = FastAPI()
CognitoGuard.from_env().install(app)


@app.get("/me")
async def me(user: CurrentUser):
    return user.username
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_the_commands_of_the_page_lead_from_a_pool_to_a_200(tmp_path: Path) -> None:
    """Run the block that follows `cognito-guard pool` on the page, at free ports."""
    (tmp_path / "main.py").write_text(MAIN)
    api, pool_port = free_port(), free_port()
    block = re.findall(r"In another terminal.*?```sh\n(.*?)```", PAGE, re.DOTALL)[0]
    for old, new in (
        ("guard pool", f"guard pool --port {pool_port}"),
        ("guard token", f"guard token --port {pool_port}"),
        ("uvicorn main:app", f"uvicorn main:app --port {api}"),
        ("curl ", "curl --retry 20 --retry-connrefused --retry-delay 1 --noproxy '*' -sw ' %{http_code}' "),
        ("127.0.0.1:8000", f"127.0.0.1:{api}"),
    ):
        assert old in block
        block = block.replace(old, new)
    guard = tmp_path / "cognito-guard"
    guard.write_text(f'#!/bin/sh\nexec {shlex.join(COMMAND)} "$@"\n')
    guard.chmod(0o755)
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    environ = {**os.environ, "PATH": path, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = subprocess.PIPE
    pool = subprocess.Popen(
        [str(guard), "pool", "--port", str(pool_port)], text=True, env=environ, stdout=pipe, stderr=pipe
    )
    with pool:
        try:
            assert pool.stderr is not None
            assert "Ctrl-C" in pool.stderr.readline()
            script = f"trap 'kill $(jobs -p)' EXIT\n{block}"
            done = subprocess.run(
                ["bash", "-c", script], cwd=tmp_path, env=environ, text=True, capture_output=True, timeout=60
            )
        finally:
            pool.terminate()
    assert done.stdout.endswith('"ada" 200'), done.stdout + done.stderr


def test_without_a_pool_there_are_no_variables() -> None:
    result = cognito_guard("pool", "--env", "--port", str(free_port()))
    assert (result.code, result.out) == (2, "")
    assert "start one, in another terminal, with `cognito-guard pool`" in result.err


def test_env_takes_no_option_that_the_running_pool_would_ignore() -> None:
    assert "give no other option" in cognito_guard("pool", "--env", "--user", "eve").err


def test_callback_adds_an_address_to_the_clients_for_sign_ins_only() -> None:
    web, robot = build_directory(None, [], [], [], ["http://localhost:3000/back"]).clients
    assert (web.callback_urls[-1], robot.callback_urls) == ("http://localhost:3000/back", ())


def test_a_suppressed_scope_is_named_if_it_or_all_were_asked_for(running: LocalPool) -> None:
    options = ["--user", "bob", "--port", port_of(running)]
    result = cognito_guard("token", *options, "--scope", "orders/read", "--scope", "orders/write")
    assert principal(running, result.out).scopes == {"orders/read"}
    assert "the token is without orders/write" in result.err
    assert cognito_guard("token", *options, "--scope", "orders/read").err == ""
    result = cognito_guard("token", *options)
    assert principal(running, result.out).username == "bob"
    assert "the token is without orders/write" in result.err


def test_a_taken_port_is_named_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = cognito_guard("pool", "--port", str(port)).err
    assert error == (
        f"cognito-guard: Port {port} of 127.0.0.1: {os.strerror(errno.EADDRINUSE)}. "
        "Try --port 0 for a free one.\n"
    )
