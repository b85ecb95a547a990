"""`CognitoAuth` against an API under uvicorn and an emulated Cognito, over real HTTP."""

from collections.abc import Iterator

import httpx
import pytest

from fastapi_cognito_guard import CognitoGuard, UserPool
from fastapi_cognito_guard.client import ClientCredentials, CognitoAuth, RefreshToken
from fastapi_cognito_guard.errors import TokenRequestFailed
from fastapi_cognito_guard.testing.uvicorn_server import serve_app
from tests.apps import build_app
from tests.integration.ministack import EmulatedPool

pytestmark = pytest.mark.ministack


@pytest.fixture(scope="module")
def api(emulated_pool: EmulatedPool) -> Iterator[str]:
    clients = {emulated_pool.web, emulated_pool.machine}
    pool = UserPool(emulated_pool.id, client_ids=clients, jwks_uri=emulated_pool.jwks_uri)
    with serve_app(build_app(CognitoGuard(pool))) as address:
        yield address


def make_machine_auth(
    pool: EmulatedPool, *, secret: str | None = None, scope: str = "orders/read"
) -> CognitoAuth:
    return CognitoAuth(
        ClientCredentials(
            domain=pool.address,
            client_id=pool.machine,
            client_secret=pool.machine_secret if secret is None else secret,
            scopes=[scope],
        )
    )


def test_a_machine_calls_with_the_scope_that_it_requests(api: str, emulated_pool: EmulatedPool) -> None:
    auth = make_machine_auth(emulated_pool)
    with httpx.Client(base_url=api, auth=auth, trust_env=False, timeout=10) as client:
        user = client.get("/scope").raise_for_status().json()
        assert (user["is_machine"], user["scopes"]) == (True, ["orders/read"])
        assert client.get("/all-scopes").status_code == 403


@pytest.mark.anyio
async def test_a_user_calls_with_a_refresh_token(api: str, emulated_pool: EmulatedPool) -> None:
    source = RefreshToken(
        domain=emulated_pool.address,
        client_id=emulated_pool.web,
        refresh_token=emulated_pool.sign_in("ada")["RefreshToken"],
    )
    auth = CognitoAuth(source, origins=api)
    async with httpx.AsyncClient(base_url=api, auth=auth, trust_env=False, timeout=10) as client:
        user = (await client.get("/me")).raise_for_status().json()
    assert (user["username"], user["groups"]) == ("ada", ["admins", "staff"])


def test_a_wrong_secret_raises_with_advice(api: str, emulated_pool: EmulatedPool) -> None:
    auth = make_machine_auth(emulated_pool, secret="wrong")
    with pytest.raises(TokenRequestFailed, match="check client_id and client_secret") as failed:
        httpx.get(f"{api}/me", auth=auth, trust_env=False)
    assert failed.value.error == "invalid_client"


def test_a_scope_that_is_not_allowed_raises_with_advice(api: str, emulated_pool: EmulatedPool) -> None:
    auth = make_machine_auth(emulated_pool, scope="orders/delete")
    with pytest.raises(TokenRequestFailed, match="allow the app client these scopes"):
        httpx.get(f"{api}/me", auth=auth, trust_env=False)
