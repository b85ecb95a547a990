"""Token exchange at the token endpoint of the local pool: its answer, and each refusal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fastapi_cognito_guard.errors import ConfigurationError
from fastapi_cognito_guard.testing import Directory, LocalClient, LocalPool, local_pool
from fastapi_cognito_guard.testing.signing_key import unverified_claims

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type:"
RESOURCE = "https://orders.example.com"
DIRECTORY = Directory(
    clients=(
        LocalClient(
            id="shop", secret="s", scopes=("orders/read", "orders/list"), token_exchange=("delegation",)
        ),
        LocalClient(id="quiet", secret="s", scopes=("orders/read",), token_exchange=("impersonation",)),
        LocalClient(id="machine", secret="s", scopes=("orders/read",)),
    )
)


@pytest.fixture(scope="module")
def local() -> Iterator[LocalPool]:
    with local_pool(DIRECTORY) as local:
        yield local


def post(local: LocalPool, client: str = "shop", **changes: str | None) -> httpx.Response:
    """Exchange ada's token at the pool; None leaves a field out."""
    form = {
        "grant_type": GRANT,
        "subject_token": local.pool.access_token("ada", scopes=["openid", "orders/read"]),
        "subject_token_type": f"{TYPE}access_token",
        "actor_token": local.pool.machine_token(client_id=client),
        "actor_token_type": f"{TYPE}access_token",
        "scope": "orders/read",
        "resource": RESOURCE,
        **changes,
    }
    sent = {name: value for name, value in form.items() if value is not None}
    return httpx.post(f"{local.address}/oauth2/token", data=sent, auth=(client, "s"), trust_env=False)


NO_ACTOR: dict[str, Any] = {"actor_token": None, "actor_token_type": None}


def test_the_answer_is_that_of_rfc_8693_and_has_no_refresh_token(local: LocalPool) -> None:
    response = post(local)
    answer = response.json()
    claims = unverified_claims(answer.pop("access_token"))
    assert response.headers["cache-control"] == "no-store"
    assert answer == {
        "issued_token_type": f"{TYPE}access_token",
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "orders/read",
    }
    assert (claims["username"], claims["act"], claims["aud"]) == ("ada", {"sub": "shop"}, RESOURCE)
    assert (claims["client_id"], claims["exp"] - claims["iat"]) == ("shop", 3600)


@pytest.mark.parametrize("asked", [None, "orders/read orders/list openid unknown"])
def test_scopes_are_those_of_the_user_and_of_the_client(local: LocalPool, asked: str | None) -> None:
    assert post(local, scope=asked).json()["scope"] == "orders/read"


def test_a_client_may_impersonate_only_if_it_is_allowed_to(local: LocalPool) -> None:
    assert "act" not in unverified_claims(post(local, "quiet", **NO_ACTOR).json()["access_token"])
    for client, changes in (("quiet", {}), ("shop", NO_ACTOR), ("machine", {}), ("machine", NO_ACTOR)):
        response = post(local, client, **changes)
        assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")
        assert f"token_exchange of {client}" in response.json()["error_description"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token": None, "subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": f"{TYPE}saml2"}, "invalid_request"),
        ({"subject_token": "junk"}, "invalid_request"),
        ({"actor_token": None}, "invalid_request"),
        ({"actor_token_type": None}, "invalid_request"),
        ({"actor_token_type": f"{TYPE}jwt"}, "invalid_request"),
        ({"actor_token": "junk"}, "invalid_request"),
        ({"requested_token_type": f"{TYPE}id_token"}, "invalid_request"),
        ({"resource": "orders"}, "invalid_target"),
        ({"resource": f"{RESOURCE}#x"}, "invalid_target"),
        ({"audience": "orders"}, "invalid_target"),
        ({"resource": None, "audience": "a b"}, "invalid_target"),
        ({"resource": None, "audience": "x" * 257}, "invalid_target"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "orders/list"}, "invalid_scope"),
    ],
    ids=str,
)
def test_a_form_that_is_wrong_is_refused_with_the_code_of_the_rfcs(
    local: LocalPool, changes: dict[str, Any], error: str
) -> None:
    response = post(local, **changes)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert "eyJ" not in response.text


def test_a_client_that_does_not_prove_itself_exchanges_nothing(local: LocalPool) -> None:
    response = httpx.post(
        f"{local.address}/oauth2/token",
        data={"grant_type": GRANT, "client_id": "shop", "client_secret": "wrong"},
        trust_env=False,
    )
    assert response.json() == {"error": "invalid_client"}


def test_the_setting_is_read_from_a_file_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "pool.toml"
    client = '[[clients]]\nid = "shop"\nsecret = "s"\ntoken_exchange = '
    file.write_text(f'{client}["delegation", "impersonation"]')
    assert Directory.from_toml(file).clients[0].token_exchange == ("delegation", "impersonation")
    for wrong, advice in (('["all"]', "delegation"), ('"delegation"', "token_exchange")):
        file.write_text(client + wrong)
        with pytest.raises(ConfigurationError, match=advice):
            Directory.from_toml(file)
