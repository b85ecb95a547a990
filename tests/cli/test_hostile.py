"""Nothing that somebody else wrote speaks to the terminal, and no token gets out in full."""

import os
import sys
from pathlib import Path

import pytest

from fastapi_cognito_guard.testing import FakeUserPool
from tests.cli.running import Result, cognito_guard
from tests.servers import fault_server, response

BELL = "\x1b]0;pwned\x07\x1b[2J"
MARKUP = ["[/x]", "[red]", "[link=https://evil.example]email[/link]", BELL, "\u202egnp.exe"]


def harmless(result: Result) -> bool:
    """No control character, and no text that goes the other way."""
    return all(char.isprintable() or char == "\n" for char in result.out + result.err)


@pytest.mark.parametrize("text", MARKUP)
@pytest.mark.parametrize("claim", [None, "aud", "iss", "scope"])
def test_a_token_is_shown_as_it_is_written_and_does_nothing(text: str, claim: str | None) -> None:
    token = FakeUserPool().id_token(claims={text: "x"} if claim is None else {claim: text})
    result = cognito_guard("inspect", given=token)
    assert result.code in (0, 1)
    assert harmless(result)


APP = """
from fastapi import Depends, FastAPI
from fastapi_cognito_guard import *

app = FastAPI(openapi_url=None)
CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids="x")).install(app)


@app.get("/a", dependencies=[Depends(require_group("[admins]", "[/x]"))])
async def a(): ...
"""


def test_markup_does_not_hide_what_a_route_asks_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "marked.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    result = cognito_guard("routes", "marked:app")
    assert "[admins] or [/x]" in result.text


@pytest.mark.parametrize(
    "arguments",
    [["inspect", "Bearer"], ["verify", "Bearer"], [], ["verify", "-", "--jwks"], ["routes"], ["doctor"],
     ["jwks", "pull"], ["pool", "--file"], ["token", "--file"]],
    ids=" ".join,
)  # fmt: skip
def test_a_token_in_the_wrong_place_is_not_repeated(arguments: list[str]) -> None:
    """Standard error ends up in logs. `cognito_guard` itself holds that no token is in any answer."""
    token = FakeUserPool().access_token()
    result = cognito_guard(*arguments, token, given="x", env={"COGNITO_CLIENT_IDS": "x"})
    assert result.code in (1, 2)
    assert token[:40] not in result.out + result.err
    assert harmless(result)


def test_a_wrong_use_is_one_line_that_says_where_to_look() -> None:
    result = cognito_guard("inspect", "--colour")
    assert result.code == 2
    assert result.err.startswith("cognito-guard: No such option: --colour (see ")
    assert result.err.endswith(" inspect --help)\n")
    assert "pull" in cognito_guard("jwks").out + cognito_guard("jwks").err


def test_a_name_too_long_for_a_file_is_no_file() -> None:
    result = cognito_guard("verify", "-", "--jwks", "x" * 5000, given="x.y.z")
    assert result.code == 2
    assert "is no file" in result.err


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"access_token": 7}', b'{"error": ["x"]}'])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request", "501 Not Implemented"])
def test_what_listens_may_be_no_pool(status: str, body: bytes) -> None:
    with fault_server(response(body, status)) as server:
        port = server.address.removesuffix("/jwks.json").rpartition(":")[2]
        result = cognito_guard("token", "--machine", "--port", port)
    assert result.code == 2
    assert "cognito-guard: " in result.err


def test_keys_are_pulled_through_a_link_and_into_a_pipe_and_leave_nothing_behind(
    pool: FakeUserPool, tmp_path: Path
) -> None:
    real, link, pipe = tmp_path / "real.json", tmp_path / "link.json", tmp_path / "pipe"
    real.write_text("old")
    link.symlink_to(real)
    os.mkfifo(pipe)
    with pool.serve() as jwks_uri:
        env = {"COGNITO_USER_POOL_ID": pool.id, "COGNITO_JWKS_URI": jwks_uri}
        assert cognito_guard("jwks", "pull", "-o", str(link), env=env).code == 0
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        assert cognito_guard("jwks", "pull", "-o", str(pipe), env=env).code == 0
        assert os.read(reader, 65536) == real.read_bytes()
        os.close(reader)
        assert cognito_guard("jwks", "pull", "-o", str(tmp_path), env=env).code == 2
    assert link.is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"real.json", "link.json", "pipe"}
