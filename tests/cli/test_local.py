"""A local pool from the command line, tokens of it, and what is said where there is none."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastapi_cognito_guard import CognitoGuard, Principal
from fastapi_cognito_guard.cli.local import directory_of
from fastapi_cognito_guard.cli.running_pool import directory_at, noted
from fastapi_cognito_guard.testing import Directory, LocalPool, local_pool
from tests.cli.running import COMMAND, cognito_guard

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
        (["--user", "bob"], "bob", "access"),
        (["--user", "bob", "--id"], "bob", "id"),
        (["--machine"], None, "access"),
    ],
    ids=["anybody", "a group's member", "bob", "an ID token", "a machine"],
)
def test_the_pool_gives_a_token_that_its_guard_takes(
    running: LocalPool, options: list[str], username: str | None, use: str
) -> None:
    answer = cognito_guard("token", "--port", port_of(running), *options)
    found = principal(running, answer.out)
    assert (answer.code, answer.err, found.username, found.token_use) == (0, "", username, use)


def test_a_token_has_the_scopes_that_were_asked_for(running: LocalPool) -> None:
    answer = cognito_guard("token", "--port", port_of(running), "--scope", "orders/read")
    assert principal(running, answer.out).scopes == {"orders/read"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--user", "eve"],
            "no such user, another password for them, or no client local-docs. Who is there",
        ),
        (["--group", "nobody"], "No user of the pool is in nobody"),
        (["--scope", "other/scope"], "local-docs may not ask for that scope"),
        (["--machine", "--scope", "other/scope"], "local-machine may not ask for that scope"),
        (["--machine", "--user", "ada"], "A machine has no user"),
        (["--machine", "--id"], "no ID token"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_the_pool_refuses_is_said_in_one_line(running: LocalPool, options: list[str], said: str) -> None:
    answer = cognito_guard("token", "--port", port_of(running), *options)
    assert (answer.code, answer.out) == (2, "")
    assert said in answer.err


def test_without_a_pool_it_says_how_to_start_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    answer = cognito_guard("token", "--port", str(port))
    assert (answer.code, f"No local pool at 127.0.0.1:{port}" in answer.err) == (2, True)


def test_users_of_a_file_have_their_passwords_from_it(tmp_path: Path) -> None:
    file = tmp_path / "pool.toml"
    file.write_text(FILE)
    with local_pool(Directory.from_toml(file)) as local:
        answer = cognito_guard("token", "--file", str(file), "--port", port_of(local), "--group", "staff")
        assert principal(local, answer.out).username == "eve"
        machine = cognito_guard("token", "--file", str(file), "--port", port_of(local), "--machine")
        assert "No client of the pool is a machine" in machine.err


def test_options_stand_for_a_file() -> None:
    directory = directory_of(None, ["eve:staff,admins", "joe"], ["web", "robot:secret"], ["a/b"])
    assert [(user.username, user.groups) for user in directory.users] == [
        ("eve", ("staff", "admins")),
        ("joe", ()),
    ]
    web, robot = directory.clients
    assert (web.is_machine, robot.is_machine, robot.secret) == (False, True, "secret")
    assert (web.scopes[-1], robot.scopes) == ("a/b", ("a/b",))


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--file", "none.toml"], "cannot be read"), (["--user", ":x"], "A user has a name")],
    ids=["no file", "no name"],
)
def test_a_pool_that_cannot_be_is_refused(options: list[str], said: str) -> None:
    answer = cognito_guard("pool", *options)
    assert (answer.code, said in answer.err) == (2, True)


def test_while_a_pool_runs_token_knows_who_is_there() -> None:
    directory = directory_of(None, ["eve:staff"], ["web", "robot:s3cret"], ["orders/read"])
    with local_pool(directory) as local:
        port = int(port_of(local))
        assert cognito_guard("token", "--port", str(port)).code == 2
        with noted(directory, port):
            eve = principal(local, cognito_guard("token", "--group", "staff", "--port", str(port)).out)
            assert (eve.username, eve.client_id) == ("eve", "web")
            robot = principal(local, cognito_guard("token", "--machine", "--port", str(port)).out)
            assert (robot.is_machine, sorted(robot.scopes)) == (True, ["orders/read"])
        assert directory_at(port) is None


def test_a_note_is_read_by_whom_it_was_written_for_and_by_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with noted(Directory(), 1):
        (note,) = tmp_path.iterdir()
        assert note.stat().st_mode & 0o777 == 0o600
        assert directory_at(1) == Directory()
        note.write_text("{")
        assert directory_at(1) is None
        note.unlink()
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_text("not to be followed, nor written to")
        note.symlink_to(elsewhere)
        assert directory_at(1) is None
        with noted(Directory(), 1):
            assert directory_at(1) == Directory()
        assert elsewhere.read_text().startswith("not to be")
    if os.getuid() == 0:  # only root can make a file somebody else's
        with noted(Directory(), 1):
            os.chown(note, 12345, 12345)
            assert directory_at(1) is None
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with noted(Directory(), 1):
        assert directory_at(1) is None


def test_the_pool_runs_until_it_is_told_to_stop() -> None:
    command = [*COMMAND, "pool", "--port", "0", "--user", "eve:staff"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, text=True, stdout=pipe, stderr=pipe) as pool:
        assert pool.stdout is not None
        assert pool.stderr is not None
        try:
            first = pool.stdout.readline()  # ends, if only because the process does
            assert first.startswith("A local user pool at http://127.0.0.1:")
            pool.send_signal(signal.SIGINT)
            out, err = pool.stdout.read(), pool.stderr.read()
            assert (pool.wait(timeout=30), err) == (0, "Ctrl-C stops it.\n")
        finally:
            pool.kill()
    assert "COGNITO_USER_POOL_ID=" in out
    assert "eve             staff" in out


def test_without_the_extra_it_says_what_to_install() -> None:
    code = """
import sys
class Uninstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == MISSING:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Uninstalled())
from fastapi_cognito_guard.cli import main
main()
"""
    for missing, said in (("typer", "pip install"), ("httpx", "ModuleNotFoundError")):
        result = subprocess.run(
            [sys.executable, "-c", code.replace("MISSING", repr(missing))],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert said in result.stderr
        if missing == "typer":
            assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
