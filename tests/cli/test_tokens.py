"""What `inspect` and `verify` say of tokens, good and bad."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fastapi_cognito_guard.cli.moments import distance, moment
from fastapi_cognito_guard.testing import FakeUserPool, attack_tokens
from tests.cli.running import COMMAND, cognito_guard

LIVING = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")
ENV = {"COGNITO_USER_POOL_ID": LIVING.id, "COGNITO_CLIENT_IDS": LIVING.client_id}
WHO = (
    "CognitoGuard, by default",
    "REST API, Cognito, no scopes",
    "REST API, Cognito, scopes",
    "HTTP API, JWT, no scopes",
    "HTTP API, JWT, scopes",
)

TOKENS: dict[str, tuple[Callable[[], str], tuple[str, ...]]] = {
    "an access token": (
        lambda: LIVING.access_token(scopes=["orders/read"]),
        ("yes", "no", "yes", "yes", "yes"),
    ),
    "an ID token": (lambda: LIVING.id_token(), ("no", "yes", "no", "yes", "no")),
    "a machine's": (lambda: LIVING.machine_token(scopes=["a"]), ("yes", "no", "yes", "yes", "yes")),
    "without scopes": (lambda: LIVING.access_token(scopes=[]), ("yes", "no", "no", "yes", "no")),
    "of a resource": (
        lambda: LIVING.access_token(claims={"aud": "https://api.example"}),
        ("yes", "no", "yes", "yes", "yes"),
    ),
}


@pytest.mark.parametrize("name", TOKENS)
def test_inspect_says_who_would_take_a_token(name: str) -> None:
    make, due = TOKENS[name]
    answer = cognito_guard("inspect", "-", given=make())
    assert answer.code == 0
    for who, takes in zip(WHO, due, strict=True):
        assert f"{who} {takes}" in answer.text


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "expired": (lambda: LIVING.access_token(expires_in=-90_000), "exp passed 9000"),
    "not signed": (lambda: attack_tokens(LIVING)["alg 'none', no signature"], "alg is not RS256"),
    "a refresh token": (lambda: ".".join(["eyJhbGciOiJSU0EifQ"] * 5), "send the access token"),
    "no token": (lambda: "hello", "not three parts"),
    "no object": (lambda: "W10.W10.W10", "not a JSON object"),
    "none of Cognito's": (lambda: LIVING.sign({"iss": "https://x.example", "exp": 1}), "token_use"),
    "of no issuer": (lambda: LIVING.access_token(claims={"iss": ["x"]}), "iss is missing"),
    "of no client": (lambda: LIVING.access_token(claims={"client_id": None}), "client_id is missing"),
    "of a strange client": (lambda: LIVING.access_token(claims={"client_id": "a b"}), "none of this guard's"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_inspect_says_why_nobody_would_take_a_token(name: str) -> None:
    make, why = REFUSED[name]
    answer = cognito_guard("inspect", given=make())
    assert answer.code == 1
    assert why in answer.text


def test_inspect_tells_what_the_token_says_and_shows_no_ones_control_characters() -> None:
    token = LIVING.access_token(
        "\x1b[31mada\u202e[bold]x",
        groups=["admins", "staff"],
        claims={"custom:note": "x" * 500, "custom:token": LIVING.access_token(), "nbf": 1e300, "a": [1]},
    )
    answer = cognito_guard("inspect", given=f"'Authorization: Bearer {token}'\n")
    for line in ("groups admins, staff", "\\x1b[31mada\\u202e[bold]x", "(in 59 minutes)", "a [1]"):
        assert line in answer.text
    assert "xxx..." in answer.text
    assert "custom:token eyJ..." in answer.text


@pytest.mark.parametrize(
    ("claims", "client", "code"),
    [({}, "4b1example", 0), ({}, "another", 1), ({"token_use": "id", "aud": "4b1example"}, "4b1example", 1)],
    ids=["ours", "another client's", "another type"],
)
def test_with_settings_inspect_answers_for_them(claims: dict[str, str], client: str, code: int) -> None:
    token = LIVING.access_token(claims=claims)
    answer = cognito_guard("inspect", given=token, env={**ENV, "COGNITO_CLIENT_IDS": client})
    assert answer.code == code
    assert f"this environment's guard {'no' if code else 'yes'}" in answer.text


def test_a_token_comes_from_the_environment_too_and_one_on_the_command_line_is_remarked_on() -> None:
    token = LIVING.access_token()
    assert cognito_guard("inspect", env={"COGNITO_TOKEN": token}).code == 0
    answer = cognito_guard("inspect", token)
    assert (answer.code, "shell's history" in answer.err) == (0, True)


@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_no_token_is_no_question(command: str) -> None:
    answer = cognito_guard(command, given=" \n", env=ENV)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "cognito-guard: No token: pass it on standard input (-), or as COGNITO_TOKEN.\n"


def test_verify_proves_a_token_with_keys_of_the_pool(tmp_path: Path) -> None:
    with LIVING.serve() as address:
        env = {**ENV, "COGNITO_JWKS_URI": address}
        answer = cognito_guard("verify", given=LIVING.access_token(groups=["admins"]), env=env)
    assert (answer.code, "Good. An access token of a user" in answer.out) == (0, True)
    assert "groups admins" in answer.text
    refused = cognito_guard("verify", given=LIVING.access_token(), env=env)  # it has gone meanwhile
    assert (refused.code, "Not decided" in refused.out) == (3, True)


def test_verify_takes_keys_from_a_file(tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(LIVING.jwks))
    forged = FakeUserPool(LIVING.id, client_id=LIVING.client_id).access_token()
    assert cognito_guard("verify", "--jwks", str(keys), given=LIVING.access_token(), env=ENV).code == 0
    answer = cognito_guard("verify", "--jwks", str(keys), given=forged, env=ENV)
    assert (answer.code, "Refused (key_unknown)" in answer.text) == (1, True)
    missing = cognito_guard("verify", "--jwks", f"{keys}x", given=forged, env=ENV)
    assert (missing.code, "is no file" in missing.err) == (2, True)
    unset = cognito_guard("verify", given=forged)
    assert (unset.code, "COGNITO_USER_POOL_ID" in unset.err) == (2, True)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "now"), (1, "in 1 second"), (-59, "59 seconds ago"), (7200, "in 2 hours"), (-90_000, "1 day ago")],
)
def test_distances_in_time(seconds: float, said: str) -> None:
    assert distance(seconds) == said


@pytest.mark.parametrize("value", [None, "1", True, float("inf"), 1e300])
def test_what_is_no_time(value: object) -> None:
    assert moment(value, 0) is None


def test_at_a_terminal_nobody_waits_for_input() -> None:
    terminal, inside = os.openpty()
    try:
        result = subprocess.run(
            [*COMMAND, "verify"], stdin=inside, capture_output=True, text=True, timeout=60
        )
    finally:
        os.close(terminal)
        os.close(inside)
    assert (result.returncode, "No token" in result.stderr) == (2, True)
