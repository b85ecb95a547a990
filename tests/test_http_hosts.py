"""Hosts that may be reached over plain http: emulators that are typed out by name, and never on Lambda."""

from typing import Any

import pytest

from fastapi_cognito_guard import UserPool
from fastapi_cognito_guard.addresses import check_http_hosts
from fastapi_cognito_guard.errors import ConfigurationError

ID = "eu-west-1_Abc123Xyz"
HTTP_HOSTS = [
    "cognito",
    "host.docker.internal",
    "localhost.localstack.cloud",
    "shop_cognito_1",
    "xn--caf-dma.example",
]


@pytest.mark.parametrize("host", HTTP_HOSTS)
@pytest.mark.parametrize("setting", ["issuer", "jwks_uri", "domain"])
def test_a_host_that_is_typed_out_may_be_reached_over_http(setting: str, host: str) -> None:
    address = {setting: f"http://{host}:9229" + ("" if setting == "domain" else "/pool")}
    pool = UserPool(ID, client_ids="web", http_hosts=["other", host], **address)
    assert getattr(pool, setting) == address[setting]
    with pytest.raises(ConfigurationError, match="http_hosts") as refused:
        UserPool(ID, client_ids="web", **address)
    assert refused.value.setting == setting


def test_the_sign_in_endpoints_of_a_named_host_are_at_its_address() -> None:
    pool = UserPool(ID, client_ids="web", domain="http://cognito:9229", http_hosts="cognito")
    assert (pool.authorize_url, pool.token_url) == (
        "http://cognito:9229/oauth2/authorize",
        "http://cognito:9229/oauth2/token",
    )


@pytest.mark.parametrize(
    "address",
    [
        "http://cognito.evil.example/keys",
        "http://evil.cognito/keys",
        "http://cognit/keys",
        "http://c/keys",
        "http://cognito@evil.example/keys",
        "http://evil.example\\@cognito/keys",
        "http://evil.example#@cognito/keys",
        "http://172.17.0.1/keys",
        "ftp://cognito/keys",
    ],
)
def test_no_other_host_may_be_reached_over_http(address: str) -> None:
    for setting in ("issuer", "jwks_uri", "domain"):
        given: dict[str, Any] = {setting: address.removesuffix("/keys"), "http_hosts": "cognito"}
        with pytest.raises(ConfigurationError) as refused:
            UserPool(ID, client_ids="web", **given)
        assert refused.value.setting == setting


@pytest.mark.parametrize(
    "hosts",
    [
        "*",
        "*.example.com",
        "",
        ["cognito", ""],
        "cognito:9229",
        "http://cognito",
        "cognito/",
        "Cognito",
        " cognito",
        "cognito\n",
        "cognito,other",
        ".example.com",
        "example.com.",
        "a..b",
        "-a",
        "172.17.0.1",
        "2130706433",
        "0x7f000001",
        "[::1]",
        "::1",
        "caf\u00e9.example",
        "a" * 64,
        ".".join(["a" * 50] * 6),
        "cognito-idp.eu-west-1.amazonaws.com",
        "amazonaws.com",
        "cognito-idp.cn-north-1.amazonaws.com.cn",
        "cognito-idp.eusc-de-east-1.amazonaws.eu",
        "myapp.auth.eu-west-1.amazoncognito.com",
        True,
        None,
        5,
        [5],
        b"cognito",
    ],
    ids=repr,
)
def test_http_hosts_are_exact_names_and_none_of_aws(hosts: Any) -> None:
    with pytest.raises(ConfigurationError, match="http_hosts lists emulators") as refused:
        UserPool(ID, client_ids="web", http_hosts=hosts)
    assert refused.value.setting == "http_hosts"


LAMBDA = ["AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_RUNTIME_API"]


@pytest.mark.parametrize("name", LAMBDA)
def test_on_lambda_no_host_may_be_reached_over_http(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not for Lambda"):
        check_http_hosts(["cognito"], {name: "orders"})
    assert check_http_hosts((), {name: "orders"}) == frozenset()
    assert check_http_hosts("cognito", {}) == {"cognito"}


@pytest.mark.parametrize("name", LAMBDA)
def test_a_pool_looks_at_the_environment_of_its_process(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "orders")
    with pytest.raises(ConfigurationError, match="not for Lambda") as refused:
        UserPool(ID, client_ids="web", http_hosts="cognito")
    assert refused.value.setting == "http_hosts"
