"""Clients that register themselves at the local pool (RFC 7591)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import Directory, LocalPool, local_pool
from fastapi_cognito_guard.testing.emulator.errors import OAuthError
from fastapi_cognito_guard.testing.emulator.registration import Registrations
from fastapi_cognito_guard.testing.signing_key import unverified_claims
from tests.browsers import build_authorize_query, build_token_form, read_redirect

URI = "http://127.0.0.1:33418/callback"
DIRECTORY = replace(Directory(), registration_scopes=("orders/read",))


@pytest.fixture(scope="module")
def local() -> Iterator[LocalPool]:
    with local_pool(DIRECTORY) as local:
        yield local


@pytest.fixture(scope="module")
def client(local: LocalPool) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=local.address, trust_env=False, timeout=10) as client:
        yield client


def register(client: httpx.Client, **metadata: Any) -> httpx.Response:
    return client.post("/oauth2/register", json={"redirect_uris": [URI], **metadata})


def registrations() -> Registrations:
    return Registrations(DIRECTORY, lambda: 1.0)


def test_discovery_names_the_registration_endpoint_only_if_there_is_one(
    client: httpx.Client, local: LocalPool
) -> None:
    path = f"/{local.pool.id}/.well-known/openid-configuration"
    assert client.get(path).json()["registration_endpoint"] == f"{local.address}/oauth2/register"
    with local_pool() as closed, httpx.Client(base_url=closed.address, trust_env=False) as other:
        assert "registration_endpoint" not in other.get(path).json()
        assert register(other).status_code == 404


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post", None])
def test_a_registered_client_signs_its_user_in(client: httpx.Client, method: str | None) -> None:
    own = {} if method is None else {"token_endpoint_auth_method": method}
    answer = register(client, scope="openid orders/read", **own)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    found = answer.json()
    assert found["token_endpoint_auth_method"] == (method or "client_secret_basic")
    assert ("client_secret" in found) == (method != "none")
    names = {"client_id": found["client_id"], "redirect_uri": URI}
    query = build_authorize_query(**names, scope="openid orders/read", username="ada")
    code = read_redirect(client.post("/login", data=query).headers["location"])["code"]
    form = {**build_token_form(code), **names, "client_secret": found.get("client_secret", "")}
    tokens = client.post("/oauth2/token", data=form).json()
    claims = unverified_claims(tokens["access_token"])
    assert (claims["client_id"], claims["scope"]) == (found["client_id"], "openid orders/read")
    user = client.get("/oauth2/userInfo", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert user.json()["username"] == "ada"


def test_without_a_list_a_client_gets_all_scopes_that_it_may_have() -> None:
    answer = registrations().register({"redirect_uris": [URI]})
    assert answer["scope"] == "openid email phone profile orders/read"
    assert answer["client_id_issued_at"] == 1
    assert answer["client_secret_expires_at"] == 0


@pytest.mark.parametrize(
    "scope", ["orders/write", "openid orders/write", "aws.cognito/dcr/register", 5, ["openid"]]
)
def test_a_scope_beyond_those_of_the_pool_is_refused(client: httpx.Client, scope: Any) -> None:
    answer = register(client, scope=scope)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


@pytest.mark.parametrize(
    "uris",
    [None, [], "https://a.example", [5], ["http://a.example/"], ["https://a.example/#f"], ["javascript://%0aalert(1)"],
     ["data://x"], ["/relative"], ["http://[::1"], ["https://a b"], [URI] * 21, [None], {}],
    ids=str,
)  # fmt: skip
def test_a_redirect_uri_that_no_client_may_have_is_refused(client: httpx.Client, uris: Any) -> None:
    answer = register(client, redirect_uris=uris)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize(
    "uri", ["https://a.example/cb", "http://localhost/cb", "http://[::1]:1/", "my.app://cb"]
)
def test_a_redirect_uri_as_cognitos_callback_urls_is_taken(uri: str) -> None:
    assert registrations().register({"redirect_uris": [uri]})["redirect_uris"] == (uri,)


@pytest.mark.parametrize(
    "metadata",
    [{"grant_types": ["client_credentials"]}, {"grant_types": "authorization_code"}, {"grant_types": [[]]},
     {"response_types": ["token"]}, {"token_endpoint_auth_method": "private_key_jwt"},
     {"token_endpoint_auth_method": ["none"]}],
    ids=str,
)  # fmt: skip
def test_a_client_that_is_more_than_a_sign_in_is_refused(client: httpx.Client, metadata: Any) -> None:
    answer = register(client, **metadata)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b'"x"', b"\xff", b"[" * 5000, b"null", b"5"])
def test_a_body_that_is_no_json_object_is_refused(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/oauth2/register", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


def test_a_form_or_a_long_body_is_refused(client: httpx.Client) -> None:
    for answer in (
        client.post("/oauth2/register", data={"redirect_uris": URI}),
        register(client, client_name="x" * 20_000),
    ):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_web_page_of_another_origin_cannot_register(client: httpx.Client) -> None:
    body = {"redirect_uris": [URI]}
    answer = client.post("/oauth2/register", json=body, headers={"Origin": "https://evil.example.com"})
    assert answer.status_code == 403


def test_the_number_of_registered_clients_is_bounded() -> None:
    kept = registrations()
    for _ in range(100):
        kept.register({"redirect_uris": [URI]})
    with pytest.raises(OAuthError) as refused:
        kept.register({"redirect_uris": [URI]})
    assert (refused.value.code, len(kept.clients)) == ("invalid_client_metadata", 100)


def test_the_secret_of_one_client_is_not_that_of_another(client: httpx.Client) -> None:
    one, other = register(client).json(), register(client).json()
    form = {
        "grant_type": "refresh_token",
        "client_id": one["client_id"],
        "client_secret": other["client_secret"],
    }
    assert client.post("/oauth2/token", data=form).json()["error"] == "invalid_client"


@pytest.mark.parametrize(
    "path", ["/.well-known/oauth-authorization-server/{}", "/{}/.well-known/oauth-authorization-server"]
)
def test_metadata_that_cognito_does_not_publish_are_400(
    client: httpx.Client, local: LocalPool, path: str
) -> None:
    assert client.get(path.format(local.pool.id)).status_code == 400


def test_a_file_opens_the_registration(tmp_path: Path) -> None:
    path = tmp_path / "pool.toml"
    path.write_text('registration_scopes = ["orders/read"]\n')
    assert Directory.from_toml(path).registration_scopes == ("orders/read",)
    path.write_text('registration_scopes = "orders/read"\n')
    with pytest.raises(ConfigurationError, match="registration_scopes"):
        Directory.from_toml(path)
    with pytest.raises(ConfigurationError, match="registration_scopes is a list"):
        Directory(registration_scopes="orders/read")  # type: ignore[arg-type]  # the mistake
