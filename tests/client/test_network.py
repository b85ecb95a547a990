"""The way to the token endpoint: named emulators, proxies, certificates, and the causes of failures."""

import traceback
from typing import Any

import pytest

from fastapi_cognito_guard.client import ClientCredentials, CognitoAuth, RefreshToken
from fastapi_cognito_guard.errors import ConfigurationError, TokenRequestFailed
from tests.client.conftest import TokenEndpoint, make_source
from tests.client.test_auth import make_offline_client
from tests.network import EMULATOR, resolve_emulator, use_proxy
from tests.servers import fault_server, response

API = "https://api.example.com"


@pytest.mark.parametrize("kind", [ClientCredentials, RefreshToken])
def test_secrets_go_to_a_named_emulator_directly_and_not_to_a_proxy(
    kind: Any, token_endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    token_endpoint.answer = {"access_token": "opaque"}
    domain = token_endpoint.address.replace("127.0.0.1", EMULATOR)
    resolve_emulator(monkeypatch)
    with fault_server(response({"access_token": "stolen"})) as proxy:
        use_proxy(monkeypatch, proxy.address.removesuffix("/jwks.json"))
        auth = CognitoAuth(make_source(kind, domain=domain, http_hosts=[EMULATOR]))
        with make_offline_client(auth) as client:
            client.get(API)
    assert (len(token_endpoint.forms), proxy.requests) == (1, [])


@pytest.mark.parametrize("kind", [ClientCredentials, RefreshToken])
def test_on_lambda_secrets_go_to_no_host_over_http(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "orders")
    with pytest.raises(ConfigurationError, match="not for Lambda"):
        make_source(kind, domain="http://cognito:9229", http_hosts=[EMULATOR])


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("HTTPS_PROXY", "ftp://ada:s3cret@proxy.example", "ValueError"),
        ("HTTPS_PROXY", "http://proxy.example:s3cret", "InvalidURL"),
        ("SSL_CERT_FILE", __file__, "SSLError"),  # no certificate
    ],
)
def test_a_proxy_or_certificate_setting_that_is_wrong_is_a_token_request_that_failed(
    name: str, value: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.delenv(name.lower(), raising=False)
    source = make_source(RefreshToken, domain="https://localhost:9", refresh_token="r3fresh")
    with (
        make_offline_client(CognitoAuth(source)) as client,
        pytest.raises(TokenRequestFailed, match=rf"\({kind}\): check HTTPS_PROXY") as failed,
    ):
        client.get(API)
    shown = "".join(traceback.format_exception(failed.value))
    assert ("s3cret" in shown, "r3fresh" in shown) == (False, False)


def test_a_proxy_whose_port_is_none_is_a_token_request_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    use_proxy(monkeypatch, "http://127.0.0.1:99999999")  # found when the connection is made: an OverflowError
    source = make_source(RefreshToken, domain="https://localhost:9")
    with (
        make_offline_client(CognitoAuth(source)) as client,
        pytest.raises(TokenRequestFailed, match=r"cannot be reached \("),
    ):
        client.get(API)


def test_the_cause_of_a_failed_token_request_is_named() -> None:
    source = make_source(RefreshToken, domain="http://127.0.0.1:9")
    with (
        make_offline_client(CognitoAuth(source)) as client,
        pytest.raises(TokenRequestFailed, match=r"cannot be reached \(ConnectError, refused: "),
    ):
        client.get(API)
