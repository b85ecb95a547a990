"""Command `doctor`: problems of settings, keys, clock and routes."""

import time
from email.utils import formatdate
from pathlib import Path

import pytest

from fastapi_cognito_guard.cli.doctor import check_clock, check_keys, read_version
from fastapi_cognito_guard.pool import UserPool
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW
from tests.cli.running import cognito_guard
from tests.servers import fault_server, response


@pytest.mark.usefixtures("shop")
def test_doctor_finds_no_problem_in_a_good_app() -> None:
    result = cognito_guard("doctor", "shop:app")
    assert result.code == 0
    for line in (
        "takes access tokens of app client 4b1example",
        "Keys of eu-west-1_Abc123Xyz ok 1 keys in the settings",
        "ok 4 guarded routes",
        "No problems found.",
    ):
        assert line in result.text


@pytest.mark.usefixtures("shop")
def test_doctor_prints_each_problem_and_fails() -> None:
    result = cognito_guard("doctor", "shop:opened")
    assert result.code == 1
    assert "!! GET /open: anybody may call it." in result.text
    assert "problems found." in result.text
    unset = cognito_guard("doctor")
    assert "!! Set COGNITO_USER_POOL_ID" in unset.text
    assert "1 problem found." in unset.text
    assert "!! This app has no guard" in cognito_guard("doctor", "shop:bare").text


def test_doctor_fetches_the_keys_of_the_environments_pool_and_checks_the_clock(pool: FakeUserPool) -> None:
    env = {"COGNITO_USER_POOL_ID": pool.id, "COGNITO_CLIENT_IDS": "ANY_CLIENT"}
    with pool.serve() as address:
        env |= {"COGNITO_JWKS_URI": address, "COGNITO_ISSUER": "https://issuer.example"}
        result = cognito_guard("doctor", env=env)
        assert result.code == 0
        for line in (
            "of any app client",
            "issuer https://issuer.example",
            "2 keys, fetched in",
            "clock is right",
        ):
            assert line in result.text
        bound = {"COGNITO_CLIENT_IDS": "ANY_BOUND_CLIENT", "COGNITO_RESOURCE": "https://api.example/mcp"}
        text = cognito_guard("doctor", env={**env, **bound}).text
        assert "of any app client, for https://api.example/mcp" in " ".join(text.split())
        with pool.break_jwks(503):
            result = cognito_guard("doctor", env=env)
        assert (result.code, "it answered 503" in result.text) == (1, True)


@pytest.mark.parametrize(
    ("skew", "message"),
    [(60, "60 s ahead"), (-60, "60 s behind"), (2.1, "2 s ahead"), (2, "is right"), (-2, "is right")],
)
def test_a_wrong_clock_is_a_problem(skew: float, message: str) -> None:
    with fault_server(response(b"{}", headers={"Date": formatdate(NOW, usegmt=True)})) as server:
        check = check_clock(server.address, lambda: NOW + skew)
    assert message in check.text
    assert check.ok is (abs(skew) <= 2)


@pytest.mark.parametrize(
    "answer",
    [response(b"{}"), response(b"{}", headers={"Date": "tomorrow"})],
    ids=["no date", "not a date"],
)
def test_a_server_without_a_date_header_is_no_problem(answer: bytes) -> None:
    with fault_server(answer) as server:
        check = check_clock(server.address, time.time)
    assert check == (True, "the clock was not checked: the server sends no Date header")


def test_a_server_that_does_not_answer_leaves_the_clock_unchecked_and_is_named() -> None:
    with fault_server(b"") as server:
        check = check_clock(server.address, time.time)
    assert (check.ok, "no answer (RemoteProtocolError, protocol: " in check.text) == (True, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("HTTPS_PROXY", "ftp://ada:secret@proxy.example"), ("SSL_CERT_FILE", __file__)],
)
def test_a_wrong_proxy_or_certificate_setting_does_not_stop_doctor(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    check = check_clock("https://127.0.0.1:9/", time.time)
    assert (check.ok, "no answer (" in check.text, "secret" in check.text) == (True, True, False)


def test_doctor_says_that_plain_http_is_for_emulators() -> None:
    env = {
        "COGNITO_USER_POOL_ID": "local_6Ttdd5rm",
        "COGNITO_CLIENT_IDS": "ANY_CLIENT",
        "COGNITO_ISSUER": "http://127.0.0.1:9/local_6Ttdd5rm",
        "COGNITO_HTTP_HOSTS": "cognito",
    }
    result = cognito_guard("doctor", env=env)
    assert "plain http to cognito: for emulators only" in result.text
    assert "!! the keys cannot be fetched" in result.text
    assert "At 127.0.0.1:9: is it running? Start the local pool with `cognito-guard pool`." in result.text


def test_a_file_without_usable_keys_is_a_problem(tmp_path: Path) -> None:
    pool = UserPool("eu-west-1_Abc123Xyz", client_ids="x", jwks=tmp_path / "none.json")
    assert list(check_keys(pool, time.time)) == [(False, "the file has no usable key")]


def test_jose_without_cryptography_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = type("RSAKey", (), {"__module__": "jose.backends.rsa_backend"})
    monkeypatch.setattr("jose.backends.RSAKey", slow)
    text = cognito_guard("doctor").text
    assert "!! python-jose" in text
    assert "verifying with rsa" in text
    assert 'pip install "python-jose[cryptography]"' in text


def test_a_package_that_is_missing_is_not_installed() -> None:
    assert read_version("no-such-package") == "not installed"
