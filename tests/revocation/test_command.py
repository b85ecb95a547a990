"""The command ``revoke``."""

from uuid import uuid4

import anyio
import pytest

from fastapi_cognito_guard.errors import TokenRevoked
from fastapi_cognito_guard.revocation import Denylist, open_backend
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for
from tests.cli.running import cognito_guard

NOWHERE = "redis://:s3cret@127.0.0.1:9/0"


@pytest.fixture(autouse=True)
def no_list_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COGNITO_DENYLIST", raising=False)


def is_refused(pool: FakeUserPool, url: str, token: str) -> bool:
    guard = guard_for(pool, revoked=Denylist(open_backend(url)))
    try:
        anyio.run(guard.verify, token)
    except TokenRevoked:
        return True
    return False


@pytest.mark.parametrize("by_environment", [False, True])
@pytest.mark.parametrize("name", ["jti", "origin_jti", "sub"])
def test_each_identifier_revokes_its_tokens(
    redis_url: str, pool: FakeUserPool, name: str, by_environment: bool
) -> None:
    value = str(uuid4())
    token = pool.access_token(claims={name: value})
    options = ["--" + name.replace("_", "-"), value]
    if by_environment:
        result = cognito_guard("revoke", *options, env={"COGNITO_DENYLIST": redis_url})
    else:
        result = cognito_guard("revoke", *options, "--backend", redis_url)
    assert (result.code, value in result.text.replace(" ", "")) == (0, True)
    assert "refresh token" in result.err
    assert is_refused(pool, redis_url, token)
    assert not is_refused(pool, redis_url, pool.access_token())


@pytest.mark.parametrize("claims", [{"origin_jti": None}, {}], ids=["one token", "sign-in"])
def test_a_token_on_standard_input_is_revoked_with_its_sign_in(
    redis_url: str, pool: FakeUserPool, claims: dict[str, None]
) -> None:
    token = pool.access_token(claims=claims)
    result = cognito_guard("revoke", "-", "--backend", redis_url, given=token)
    assert (result.code, ("sign-in" in result.text) is (claims == {})) == (0, True)
    assert "history" not in result.err
    assert is_refused(pool, redis_url, token)


def test_a_token_on_the_command_line_comes_with_a_hint(redis_url: str, pool: FakeUserPool) -> None:
    result = cognito_guard("revoke", pool.access_token(), "--backend", redis_url)
    assert result.code == 0
    assert "history" in result.err


WRONG = [
    ([], "No list: set COGNITO_DENYLIST"),
    (["--sub", "a"], "No list: set COGNITO_DENYLIST"),
    (["--sub", "a", "--jti", "b", "--backend", NOWHERE], "Give a token, or one of"),
    (["-", "--jti", "b", "--backend", NOWHERE], "Give a token, or one of"),
    (["--jti", "", "--backend", NOWHERE], "up to 200 characters"),
    (["--jti", "a", "--backend", "mysql://x"], "dynamodb://REGION/TABLE"),
    (["-", "--backend", NOWHERE], "No token"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_use_says_what_to_write(arguments: list[str], message: str) -> None:
    result = cognito_guard("revoke", *arguments, given="")
    assert (result.code, message in result.err) == (2, True)


@pytest.mark.parametrize("token", ["junk", "a.b.c", "eyJhIjoxfQ.eyJqdGkiOjV9.x"])
def test_a_token_without_an_identifier_revokes_nothing(token: str) -> None:
    result = cognito_guard("revoke", "-", "--backend", NOWHERE, given=token)
    assert (result.code, "give --sub" in result.err) == (2, True)


def test_a_list_that_cannot_be_reached_is_undecided_and_its_address_is_not_repeated() -> None:
    result = cognito_guard("revoke", "--sub", "ada", "--backend", NOWHERE)
    assert (result.code, "Not revoked" in result.out) == (3, True)
    assert "s3cret" not in result.out + result.err


def test_the_help_fits_80_columns() -> None:
    result = cognito_guard("revoke", "--help")
    assert (result.code, "--origin-jti" in result.out) == (0, True)
