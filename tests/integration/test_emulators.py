"""The settings of docs/emulators.md, against the emulators that can be had.

scripts/emulators installs moto and cognito-local; without them, their tests are skipped.
"""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.client import ClientCredentials, CognitoAuth, RefreshToken
from fastapi_cognito_guard.errors import TokenRequestFailed
from fastapi_cognito_guard.testing import FakeUserPool, local_pool
from fastapi_cognito_guard.tokens.jwt import parse
from tests.apps import bearer, build_app
from tests.integration.emulators import (
    Pool,
    create_pool,
    fill_in,
    read_compose_recipe,
    read_recipe,
    run_cognito_local,
    run_moto,
)
from tests.integration.ministack import EmulatedPool
from tests.network import EMULATOR, resolve_emulator

RECIPES = ["The local pool of this package", "cognito-local", "moto", "MiniStack", "LocalStack"]


def find_program(variable: str) -> str:
    program = os.environ.get(variable)
    if program is None:
        pytest.skip(f"scripts/emulators installs it and sets {variable}")
    return program


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with run_moto(find_program("MOTO_PYTHON"), tmp_path_factory.mktemp("moto")) as address:
        yield create_pool(address, by_email=False)


@pytest.fixture(scope="module")
def cognito_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    directory = tmp_path_factory.mktemp("cognito-local")
    with run_cognito_local(find_program("COGNITO_LOCAL"), directory) as address:
        yield create_pool(address, by_email=True)


@pytest.fixture(scope="module")
def cognito_local_image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """cognito-local with the issuer of its image."""
    directory = tmp_path_factory.mktemp("cognito-local-image")
    program = find_program("COGNITO_LOCAL")
    with run_cognito_local(program, directory, issuer="http://0.0.0.0:9229") as address:
        yield create_pool(address, by_email=True)


@pytest.fixture(params=["cognito-local", "moto"])
def emulated(request: pytest.FixtureRequest) -> tuple[str, Pool]:
    """Return the title of the recipe and a pool of each emulator."""
    return request.param, request.getfixturevalue(request.param.replace("-", "_"))


def make_client(environ: dict[str, str]) -> TestClient:
    return TestClient(build_app(CognitoGuard.from_env(environ)), raise_server_exceptions=False)


def fill_in_for(recipe: dict[str, str], pool: Pool) -> dict[str, str]:
    return fill_in(recipe, pool.id, pool.client, urlsplit(pool.address).port or 0)


def check_answers(environ: dict[str, str], tokens: dict[str, str]) -> None:
    """Check that a guard with these settings takes ada's access token, and no ID token or forgery."""
    pool = CognitoGuard.from_env(environ).pools[0]
    forger = FakeUserPool(client_id=environ["COGNITO_CLIENT_IDS"], issuer=pool.issuers[0])
    with make_client(environ) as client:
        answer = client.get("/me", headers=bearer(tokens["AccessToken"]))
        assert answer.status_code == 200, answer.text
        assert answer.json()["groups"] == ["admins"]
        assert client.get("/group", headers=bearer(tokens["AccessToken"])).status_code == 200
        for token in (tokens["IdToken"], forger.access_token("ada", groups=["admins"])):
            assert client.get("/me", headers=bearer(token)).status_code == 401
    with make_client(environ | {"COGNITO_TOKEN_USE": "id"}) as client:
        assert client.get("/group", headers=bearer(tokens["IdToken"])).status_code == 200
    with make_client(environ | {"COGNITO_CLIENT_IDS": "another"}) as client:
        assert client.get("/me", headers=bearer(tokens["AccessToken"])).status_code == 401


@pytest.mark.parametrize("title", RECIPES)
def test_each_recipe_makes_a_guard(title: str) -> None:
    environ = read_recipe(title)
    (pool,) = CognitoGuard.from_env(environ).pools
    assert urlsplit(pool.keys_address).hostname in {"127.0.0.1", "localhost"}


def test_the_recipe_of_the_local_pool_is_what_it_prints() -> None:
    recipe = read_recipe(RECIPES[0])
    with local_pool() as pool:
        port = urlsplit(pool.address).port
        assert {name: value.replace(":9229", f":{port}") for name, value in recipe.items()} == pool.settings


def test_the_recipe_accepts_the_emulators_users(emulated: tuple[str, Pool]) -> None:
    title, pool = emulated
    check_answers(fill_in_for(read_recipe(title), pool), pool.sign_in())


def read_claims(tokens: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    return dict(parse(tokens["AccessToken"]).payload), dict(parse(tokens["IdToken"]).payload)


def test_the_tokens_are_spelled_as_the_page_says(emulated: tuple[str, Pool]) -> None:
    title, pool = emulated
    tokens = pool.sign_in()
    access, own = read_claims(tokens)
    is_moto = title == "moto"
    issuer = "https://cognito-idp.eu-west-1.amazonaws.com" if is_moto else pool.address
    assert access["iss"] == own["iss"] == f"{issuer}/{pool.id}"
    assert pool.id.startswith("eu-west-1_" if is_moto else "local_")
    assert parse(tokens["AccessToken"]).kid == ("dummy" if is_moto else "CognitoLocal")
    assert (access["client_id"], "aud" in access, own["aud"]) == (pool.client, False, pool.client)
    assert access["scope"] == "aws.cognito.signin.user.admin"
    assert access["cognito:groups"] == own["cognito:groups"] == ["admins"]
    assert access["username"] == ("ada" if is_moto else access["sub"])
    assert all(isinstance(access[name], int) for name in ("iat", "exp", "auth_time"))


def test_all_pools_of_an_emulator_share_one_key(emulated: tuple[str, Pool]) -> None:
    _, pool = emulated
    other = create_pool(pool.address, by_email=True)
    with httpx.Client(trust_env=False) as client:
        first, second = (
            client.get(f"{pool.address}/{name}/.well-known/jwks.json").json() for name in (pool.id, other.id)
        )
    assert first == second
    assert len(first["keys"]) == 1


def test_the_compose_file_accepts_the_users_of_the_image(
    cognito_local_image: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = cognito_local_image
    resolve_emulator(monkeypatch)
    environ = fill_in_for(read_compose_recipe(), pool)
    assert environ["COGNITO_ISSUER"] == f"http://0.0.0.0:9229/{pool.id}"
    check_answers(environ, pool.sign_in())


def obtain_token(source: ClientCredentials | RefreshToken) -> str:
    """Return the token that `CognitoAuth` sends with a request."""
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(200)

    with httpx.Client(auth=CognitoAuth(source), transport=httpx.MockTransport(answer)) as client:
        client.get("https://api.example.com")
    return sent[0]


def test_cognito_auth_refreshes_at_a_named_emulator(
    cognito_local: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_emulator(monkeypatch)
    source = RefreshToken(
        domain=cognito_local.address.replace("127.0.0.1", EMULATOR),
        client_id=cognito_local.client,
        refresh_token=cognito_local.sign_in()["RefreshToken"],
        http_hosts=[EMULATOR],
    )
    assert parse(obtain_token(source)).payload["client_id"] == cognito_local.client


def test_neither_has_client_credentials(emulated: tuple[str, Pool]) -> None:
    _, pool = emulated
    source = ClientCredentials(domain=pool.address, client_id=pool.client, client_secret="none")
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with (
        httpx.Client(auth=CognitoAuth(source), transport=transport) as client,
        pytest.raises(TokenRequestFailed),
    ):
        client.get("https://api.example.com")


@pytest.mark.ministack
def test_the_recipe_accepts_the_users_and_machines_of_ministack(emulated_pool: EmulatedPool) -> None:
    port = urlsplit(emulated_pool.address).port or 0
    environ = fill_in(read_recipe("MiniStack"), emulated_pool.id, emulated_pool.web, port)
    with make_client(environ) as client:
        token = emulated_pool.sign_in("ada")["AccessToken"]
        assert client.get("/group", headers=bearer(token)).status_code == 200
    assert parse(token).payload["iss"] == f"https://cognito-idp.eu-west-1.amazonaws.com/{emulated_pool.id}"
    machine = ClientCredentials(
        domain=environ["COGNITO_DOMAIN"],
        client_id=emulated_pool.machine,
        client_secret=emulated_pool.machine_secret,
        scopes=["orders/read"],
    )
    with make_client(environ | {"COGNITO_CLIENT_IDS": emulated_pool.machine}) as client:
        assert client.get("/scope", headers=bearer(obtain_token(machine))).status_code == 200
