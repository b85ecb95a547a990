"""Commands `inspect` and `verify`, for good and bad tokens."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fastapi_cognito_guard.cli.token_view import format_distance, format_time
from fastapi_cognito_guard.testing import FakeUserPool, attack_tokens
from tests.cli.running import cognito_guard

POOL = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")
ENV = {"COGNITO_USER_POOL_ID": POOL.id, "COGNITO_CLIENT_IDS": POOL.client_id}
AUTHORIZERS = (
    "CognitoGuard, by default",
    "REST API, Cognito, no scopes",
    "REST API, Cognito, scopes",
    "HTTP API, JWT, no scopes",
    "HTTP API, JWT, scopes",
)

TOKENS: dict[str, tuple[Callable[[], str], tuple[str, ...]]] = {
    "an access token": (
        lambda: POOL.access_token(scopes=["orders/read"]),
        ("yes", "no", "yes", "yes", "yes"),
    ),
    "an ID token": (lambda: POOL.id_token(), ("no", "yes", "no", "yes", "no")),
    "a machine's": (lambda: POOL.machine_token(scopes=["a"]), ("yes", "no", "yes", "yes", "yes")),
    "without scopes": (lambda: POOL.access_token(scopes=[]), ("yes", "no", "no", "yes", "no")),
    "of a resource": (
        lambda: POOL.access_token(claims={"aud": "https://api.example"}),
        ("yes", "no", "yes", "yes", "yes"),
    ),
}


@pytest.mark.parametrize("name", TOKENS)
def test_inspect_lists_the_authorizers_that_would_take_a_token(name: str) -> None:
    make, expected = TOKENS[name]
    result = cognito_guard("inspect", "-", given=make())
    assert result.code == 0
    for authorizer, takes in zip(AUTHORIZERS, expected, strict=True):
        assert f"{authorizer} {takes}" in result.text


def test_inspect_names_conditions_and_reasons() -> None:
    text = cognito_guard("inspect", given=POOL.access_token()).text
    assert "if 4b1example is in client_ids" in text
    assert "if 4b1example is in its audience, and if one of its scopes is the route's" in text
    assert "a route without scopes takes an ID token there" in text
    assert "a route with scopes takes an access token" in cognito_guard("inspect", given=POOL.id_token()).text
    bound = POOL.access_token(claims={"aud": "https://api.example"})
    assert "if https://api.example is in its audience" in cognito_guard("inspect", given=bound).text


REFUSED: dict[str, tuple[Callable[[], str], str]] = {
    "expired": (lambda: POOL.access_token(expires_in=-90_000), "exp passed 9000"),
    "not signed": (lambda: attack_tokens(POOL)["alg 'none', no signature"], "alg is not RS256"),
    "a refresh token": (lambda: ".".join(["eyJhbGciOiJSU0EifQ"] * 5), "send the access token"),
    "no token": (lambda: "hello", "not three parts"),
    "no object": (lambda: "W10.W10.W10", "not a JSON object"),
    "none of Cognito's": (lambda: POOL.sign({"iss": "https://x.example", "exp": 1}), "token_use"),
    "of no issuer": (lambda: POOL.access_token(claims={"iss": ["x"]}), "iss is missing"),
    "of no client": (lambda: POOL.access_token(claims={"client_id": None}), "client_id is missing"),
    "of a strange client": (lambda: POOL.access_token(claims={"client_id": "a b"}), "none of this guard's"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_inspect_gives_the_reason_if_no_authorizer_would_take_a_token(name: str) -> None:
    make, reason = REFUSED[name]
    result = cognito_guard("inspect", given=make())
    assert result.code == 1
    assert reason in result.text


def test_inspect_shows_claims_and_escapes_control_characters() -> None:
    token = POOL.access_token(
        "\x1b[31mada\u202e[bold]x",
        groups=["admins", "staff"],
        claims={"custom:note": "x" * 500, "custom:token": POOL.access_token(), "nbf": 1e300, "a": [1]},
    )
    result = cognito_guard("inspect", given=f"'Authorization: Bearer {token}'\n")
    for line in ("groups admins, staff", "\\x1b[31mada\\u202e[bold]x", "(in 59 minutes)", "a [1]"):
        assert line in result.text
    assert "xxx..." in result.text
    assert "custom:token eyJ..." in result.text


@pytest.mark.parametrize(
    ("claims", "client", "code"),
    [({}, "4b1example", 0), ({}, "another", 1), ({"token_use": "id", "aud": "4b1example"}, "4b1example", 1)],
    ids=["ours", "another client's", "another type"],
)
def test_with_settings_the_exit_code_of_inspect_is_the_decision_of_that_guard(
    claims: dict[str, str], client: str, code: int
) -> None:
    token = POOL.access_token(claims=claims)
    result = cognito_guard("inspect", given=token, env={**ENV, "COGNITO_CLIENT_IDS": client})
    assert result.code == code
    assert f"this environment's guard {'no' if code else 'yes'}" in result.text


def test_a_guard_with_rest_semantics_takes_access_tokens_at_its_scoped_routes() -> None:
    env = {**ENV, "COGNITO_SEMANTICS": "rest"}
    result = cognito_guard("inspect", given=POOL.access_token(), env=env)
    assert (result.code, "this environment's guard yes" in result.text) == (0, True)


def test_verify_fetches_the_keys_of_the_pool(tmp_path: Path) -> None:
    with POOL.serve() as address:
        env = {**ENV, "COGNITO_JWKS_URI": address}
        result = cognito_guard("verify", given=POOL.access_token(groups=["admins"]), env=env)
    assert (result.code, "Good. An access token of a user" in result.out) == (0, True)
    assert "groups admins" in result.text
    refused = cognito_guard("verify", given=POOL.access_token(), env=env)  # the pool is not served any more
    assert (refused.code, "Undecided" in refused.out) == (3, True)


def test_verify_reads_keys_from_a_file(tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps(POOL.jwks))
    forged = FakeUserPool(POOL.id, client_id=POOL.client_id).access_token()
    assert cognito_guard("verify", "--jwks", str(keys), given=POOL.access_token(), env=ENV).code == 0
    result = cognito_guard("verify", "--jwks", str(keys), given=forged, env=ENV)
    assert (result.code, "Refused (key_unknown)" in result.text) == (1, True)
    missing = cognito_guard("verify", "--jwks", f"{keys}x", given=forged, env=ENV)
    assert (missing.code, "is not a file" in missing.err) == (2, True)
    unset = cognito_guard("verify", given=forged)
    assert (unset.code, "COGNITO_USER_POOL_ID" in unset.err) == (2, True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "now"), (1, "in 1 second"), (-59, "59 seconds ago"), (7200, "in 2 hours"), (-90_000, "1 day ago")],
)
def test_distances_are_formatted_in_the_largest_unit(seconds: float, text: str) -> None:
    assert format_distance(seconds) == text


@pytest.mark.parametrize("value", [None, "1", True, float("inf"), 1e300])
def test_a_value_that_is_not_a_time_is_not_formatted(value: object) -> None:
    assert format_time(value, 0) is None


def test_a_name_too_long_for_a_file_is_not_a_file() -> None:
    result = cognito_guard("verify", "-", "--jwks", "x" * 5000, given="x.y.z")
    assert result.code == 2
    assert "is not a file" in result.err


def test_a_token_is_verified_with_the_guard_of_an_app(
    pool: FakeUserPool, shop_pool: FakeUserPool, shop: Path
) -> None:
    assert cognito_guard("verify", "--app", "shop:app", given=shop_pool.access_token()).code == 0
    assert cognito_guard("verify", "--app", "shop:app", given=pool.access_token()).code == 1
    assert "drop --jwks" in cognito_guard("verify", "--app", "shop:app", "--jwks", "x", given="x").err


def test_inspect_shows_what_takes_a_token_of_an_emulator() -> None:
    token = FakeUserPool(issuer="http://cognito:9229/local_pool").access_token()
    result = cognito_guard("inspect", "-", given=token)
    assert "HTTP API, JWT, no scopes yes" in result.text
    assert "none of this guard's pools" not in result.text
