"""Settings: values that are refused, and guards from environment variables."""

from inspect import signature
from typing import Any

import pytest

from fastapi_cognito_guard import CognitoGuard, Decision, UserPool
from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.settings import GUARD, POOL, find_misspelt
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import guard_for

ENVIRONMENT = {"COGNITO_USER_POOL_ID": "eu-west-1_Abc123Xyz", "COGNITO_CLIENT_IDS": "web, app"}


@pytest.mark.parametrize(
    "settings",
    [
        {"semantics": "lenient"},
        {"gateway": "maybe"},
        {"gateway": True},
        {"rest_scope_status": 200},
        {"leeway": -1},
        {"leeway": 301},
        {"leeway": True},
        {"leeway": float("nan")},
        {"leeway": "5"},
        {"remember": -1},
        {"remember": True},
        {"max_token_length": 0},
        {"max_token_length": "16384"},
        {"identity_source": "X Auth"},
        {"identity_source": ""},
        {"identity_source": None},
        {"describe_access": "false"},
        {"describe_access": None},
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_right_is_refused(pool: FakeUserPool, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        guard_for(pool, **settings)
    assert refused.value.setting == next(iter(settings))


@pytest.mark.parametrize("public", ["/health", ["health"], [5]], ids=repr)
def test_public_paths_are_paths(pool: FakeUserPool, public: Any) -> None:
    with pytest.raises(ConfigurationError, match="public"):
        guard_for(pool, deny_by_default=True, public=public)


def test_public_without_deny_by_default_is_refused(pool: FakeUserPool) -> None:
    with pytest.raises(ConfigurationError, match="deny_by_default=True"):
        guard_for(pool, public=["/health"])


@pytest.mark.parametrize("name", ["two words", "", 5])
def test_the_name_of_a_subprotocol_is_a_token(pool: FakeUserPool, name: Any) -> None:
    with pytest.raises(ConfigurationError, match="websocket_protocol is a name"):
        guard_for(pool, websocket_protocol=name)


def test_an_async_on_decision_is_refused(pool: FakeUserPool) -> None:
    async def listen(decision: Decision) -> None: ...

    with pytest.raises(ConfigurationError, match="write def, not async def"):
        guard_for(pool, on_decision=listen)


def test_a_guard_from_the_environment() -> None:
    guard = CognitoGuard.from_env(
        ENVIRONMENT
        | {
            "COGNITO_TOKEN_USE": "id,access",
            "COGNITO_REGIONS": "us-east-1",
            "COGNITO_RESOURCE": "https://api.example",
            "COGNITO_JWKS_URI": "https://keys.example/jwks.json",
            "COGNITO_SEMANTICS": "http",
            "COGNITO_GATEWAY": "require",
            "COGNITO_LEEWAY": "2.5",
            "COGNITO_DOMAIN": "",
        }
    )
    assert guard.pools == (
        UserPool(
            "eu-west-1_Abc123Xyz",
            client_ids={"web", "app"},
            token_use={"id", "access"},
            regions=["us-east-1"],
            resource="https://api.example",
            jwks_uri="https://keys.example/jwks.json",
        ),
    )
    assert (guard.semantics, guard.gateway) == ("http", "require")


def test_the_environment_may_name_an_emulator_and_its_hosts() -> None:
    environ = {
        "COGNITO_USER_POOL_ID": "local_6Ttdd5rm",
        "COGNITO_CLIENT_IDS": "web",
        "COGNITO_ISSUER": "http://cognito:9229/local_6Ttdd5rm",
        "COGNITO_DOMAIN": "http://localhost.localstack.cloud:4566",
        "COGNITO_HTTP_HOSTS": "cognito, localhost.localstack.cloud",
    }
    (pool,) = CognitoGuard.from_env(environ).pools
    assert pool.keys_address == "http://cognito:9229/local_6Ttdd5rm/.well-known/jwks.json"
    assert pool.http_hosts == {"cognito", "localhost.localstack.cloud"}


def test_from_env_takes_other_settings_as_arguments() -> None:
    guard = CognitoGuard.from_env(ENVIRONMENT, deny_by_default=True, public=["/health"])
    assert guard.deny_by_default
    assert "/health" in guard.public


def test_an_argument_wins_over_its_variable_and_its_error_names_none() -> None:
    environ = ENVIRONMENT | {"COGNITO_LEEWAY": "5", "COGNITO_SEMANTICS": "http"}
    assert CognitoGuard.from_env(environ, semantics="rest").semantics == "rest"
    with pytest.raises(ConfigurationError, match=r"^leeway is a number"):
        CognitoGuard.from_env(environ, leeway=999)


def test_any_client_is_written_out_in_the_environment_too() -> None:
    assert (
        "x" in CognitoGuard.from_env(ENVIRONMENT | {"COGNITO_CLIENT_IDS": "ANY_CLIENT"}).pools[0].client_ids
    )


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"COGNITO_USER_POOL_ID": ""}, "COGNITO_USER_POOL_ID"),
        ({"COGNITO_CLIENT_IDS": " "}, "COGNITO_CLIENT_IDS"),
        ({"COGNITO_CLIENT_IDS": ","}, "COGNITO_CLIENT_IDS"),
        ({"COGNITO_USER_POOL_ID": "Abc"}, "COGNITO_USER_POOL_ID"),
        ({"COGNITO_TOKEN_USE": "refresh"}, "COGNITO_TOKEN_USE"),
        ({"COGNITO_REGIONS": "mars"}, "COGNITO_REGIONS"),
        ({"COGNITO_ISSUER": "http://example.com"}, "COGNITO_ISSUER: .*COGNITO_HTTP_HOSTS"),
        ({"COGNITO_JWKS_URI": "http://example.com"}, "COGNITO_JWKS_URI: .*COGNITO_HTTP_HOSTS"),
        ({"COGNITO_DOMAIN": "http://example.com"}, "COGNITO_DOMAIN: .*COGNITO_HTTP_HOSTS"),
        ({"COGNITO_HTTP_HOSTS": "*"}, "COGNITO_HTTP_HOSTS"),
        ({"COGNITO_HTTP_HOSTS": "cognito:9229"}, "COGNITO_HTTP_HOSTS"),
        ({"COGNITO_USER_POOL_ID": "local_6Ttdd5rm"}, "COGNITO_USER_POOL_ID: .*COGNITO_ISSUER"),
        ({"COGNITO_LEEWAY": "soon"}, "COGNITO_LEEWAY"),
        ({"COGNITO_LEEWAY": "999"}, "COGNITO_LEEWAY"),
        ({"COGNITO_SEMANTICS": "lenient"}, "COGNITO_SEMANTICS"),
        ({"COGNITO_GATEWAY": "maybe"}, "COGNITO_GATEWAY"),
    ],
)
def test_errors_of_the_environment_name_the_variable(changes: dict[str, str], variable: str) -> None:
    with pytest.raises(ConfigurationError, match=variable):
        CognitoGuard.from_env(ENVIRONMENT | changes)


def test_the_signature_of_from_env_does_not_show_the_environment() -> None:
    assert "environ" in str(signature(CognitoGuard.from_env))
    assert "PATH" not in str(signature(CognitoGuard.from_env))


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("COGNITO_CLIENT_ID", "COGNITO_CLIENT_IDS"), ("COGNITO_CLIENTIDS", "COGNITO_CLIENT_IDS"),
        ("COGNITO_USERPOOL_ID", "COGNITO_USER_POOL_ID"), ("COGNITO_POOL_ID", "COGNITO_USER_POOL_ID"),
        ("cognito_user_pool_id", "COGNITO_USER_POOL_ID"), ("COGNITO_TOKENUSE", "COGNITO_TOKEN_USE"),
        ("COGNITO_JWKS_URL", "COGNITO_JWKS_URI"), ("COGNITO_SEMANTIC", "COGNITO_SEMANTICS"),
    ],
)  # fmt: skip
def test_a_misspelt_variable_is_named(misspelt: str, meant: str) -> None:
    assert find_misspelt({misspelt: "x", "PATH": "/", "COGNITO_TOKEN": "x"}) == {misspelt: meant}
    with pytest.raises(ConfigurationError, match=rf"{misspelt} is no .*: did you mean {meant}\?"):
        CognitoGuard.from_env({misspelt: "x"})


def test_variables_of_others_are_not_misspelt() -> None:
    names = ("COGNITO_TOKEN", "COGNITO_LOCAL_PORT", "COGNITO_IDENTITY_POOL", "AWS_REGION", "MY_COGNITO_ID")
    known = {name: "x" for name, _ in {**POOL, **GUARD}.values()}
    assert find_misspelt({**dict.fromkeys(names, "x"), **known}) == {}
