"""Tokens of an emulated Cognito, verified with keys from its JWKS endpoint, under uvicorn."""

from collections.abc import Iterator

import httpx
import pytest

from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.uvicorn_server import serve_app
from tests.apps import bearer, build_app
from tests.integration.ministack import EmulatedPool

pytestmark = pytest.mark.ministack


@pytest.fixture(scope="module")
def client(emulated_pool: EmulatedPool) -> Iterator[httpx.Client]:
    pool = UserPool(
        emulated_pool.id,
        client_ids={emulated_pool.web, emulated_pool.machine},
        jwks_uri=emulated_pool.jwks_uri,
    )
    with (
        serve_app(build_app(CognitoGuard(pool)), 0) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=10) as client,
    ):
        yield client


def test_the_principal_has_the_claims_of_the_user(client: httpx.Client, emulated_pool: EmulatedPool) -> None:
    user = client.get("/me", headers=bearer(emulated_pool.sign_in("ada")["AccessToken"])).json()
    assert (user["username"], user["groups"]) == ("ada", ["admins", "staff"])
    assert (user["client_id"], user["token_use"]) == (emulated_pool.web, "access")
    assert user["scopes"] == ["aws.cognito.signin.user.admin"]
    assert user["is_machine"] is False


def test_a_group_opens_its_route(client: httpx.Client, emulated_pool: EmulatedPool) -> None:
    for username, status in (("ada", 200), ("bob", 403)):
        token = emulated_pool.sign_in(username)["AccessToken"]
        assert client.get("/group", headers=bearer(token)).status_code == status


def test_a_machine_has_the_scopes_that_it_requests(client: httpx.Client, emulated_pool: EmulatedPool) -> None:
    token = emulated_pool.request_machine_token("orders/read")
    user = client.get("/scope", headers=bearer(token)).json()
    assert (user["is_machine"], user["client_id"], user["scopes"]) == (
        True,
        emulated_pool.machine,
        ["orders/read"],
    )
    assert client.get("/all-scopes", headers=bearer(token)).status_code == 403
    both = emulated_pool.request_machine_token("orders/read orders/write")
    assert client.get("/all-scopes", headers=bearer(both)).status_code == 200


def test_an_id_token_is_401_by_default(client: httpx.Client, emulated_pool: EmulatedPool) -> None:
    assert client.get("/me", headers=bearer(emulated_pool.sign_in("ada")["IdToken"])).status_code == 401


def test_a_token_of_another_client_is_401(client: httpx.Client, emulated_pool: EmulatedPool) -> None:
    token = emulated_pool.sign_in("ada", client=emulated_pool.other)["AccessToken"]
    assert client.get("/me", headers=bearer(token)).status_code == 401


def test_a_token_of_another_pool_is_401(client: httpx.Client, other_emulated_pool: EmulatedPool) -> None:
    assert (
        client.get("/me", headers=bearer(other_emulated_pool.sign_in("ada")["AccessToken"])).status_code
        == 401
    )


def test_a_forged_token_with_the_pools_issuer_is_401(
    client: httpx.Client, emulated_pool: EmulatedPool
) -> None:
    forged = FakeUserPool(emulated_pool.id, client_id=emulated_pool.web).access_token(
        "ada", groups=["admins"]
    )
    assert client.get("/group", headers=bearer(forged)).status_code == 401


@pytest.mark.anyio
async def test_an_id_token_is_accepted_if_the_pool_takes_id_tokens(emulated_pool: EmulatedPool) -> None:
    pool = UserPool(
        emulated_pool.id, client_ids=emulated_pool.web, token_use={"id"}, jwks_uri=emulated_pool.jwks_uri
    )
    user = await CognitoGuard(pool).verify(emulated_pool.sign_in("ada")["IdToken"])
    assert (user.email, user.claims["email_verified"], set(user.groups)) == (
        "ada@example.com",
        True,
        {"admins", "staff"},
    )
