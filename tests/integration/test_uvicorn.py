"""Standalone, for real: uvicorn on loopback, keys over HTTP, WebSockets with real denials."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.uvicorn_server import serving
from tests.apps import bearer, build_app

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def living_pool() -> FakeUserPool:
    """A pool that lives in the present."""
    return FakeUserPool()


@pytest.fixture(scope="module")
def address(living_pool: FakeUserPool) -> Iterator[str]:
    with ExitStack() as stack:
        jwks_uri = stack.enter_context(living_pool.serve())
        guard = CognitoGuard(living_pool.user_pool(jwks_uri=jwks_uri), websocket_protocol="cognito-guard")
        yield stack.enter_context(serving(build_app(guard), 0))


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
        yield client


def test_a_token_is_verified_with_keys_fetched_over_http(
    client: httpx.Client, living_pool: FakeUserPool
) -> None:
    answer = client.get("/me", headers=bearer(living_pool.access_token("ada", groups=["admins"])))
    assert answer.status_code == 200
    assert (answer.json()["username"], answer.json()["groups"]) == ("ada", ["admins"])


def test_a_refusal_is_written_to_the_byte(client: httpx.Client) -> None:
    answer = client.get("/me")
    assert (answer.status_code, answer.content) == (401, b'{"message":"Unauthorized"}')
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/json"
    assert client.head("/public").status_code == 405


def test_forty_kilobytes_of_junk_are_401_or_cut_off_by_the_server(client: httpx.Client) -> None:
    assert client.get("/me", headers=bearer("A" * 40_000)).status_code == 401


def test_two_headers_are_refused(client: httpx.Client, living_pool: FakeUserPool) -> None:
    good = f"Bearer {living_pool.access_token()}"
    answer = client.get("/me", headers=[("Authorization", good), ("Authorization", good)])
    assert answer.status_code == 401


def test_a_websocket_is_refused_with_a_real_response_and_accepted_with_a_token(
    address: str, living_pool: FakeUserPool
) -> None:
    url = address.replace("http", "ws", 1) + "/ws"
    with pytest.raises(InvalidStatus) as refused:
        connect(url, proxy=None, open_timeout=5)
    response = refused.value.response
    assert (response.status_code, response.body) == (401, b'{"message":"Unauthorized"}')
    assert response.headers["www-authenticate"] == "Bearer"
    with connect(
        url, proxy=None, open_timeout=5, additional_headers=bearer(living_pool.access_token("ada"))
    ) as live:
        assert json.loads(live.recv(timeout=5))["username"] == "ada"


def test_a_browsers_websocket_carries_its_token_as_a_subprotocol_and_hears_only_the_name(
    address: str, living_pool: FakeUserPool
) -> None:
    url = address.replace("http", "ws", 1) + "/ws"
    offered: list[Any] = ["cognito-guard", living_pool.access_token("ada")]
    wrong: list[Any] = ["cognito-guard", "junk"]
    with connect(url, proxy=None, open_timeout=5, subprotocols=offered) as live:
        assert live.subprotocol == "cognito-guard"
        assert json.loads(live.recv(timeout=5))["username"] == "ada"
    with pytest.raises(InvalidStatus) as refused:
        connect(url, proxy=None, open_timeout=5, subprotocols=wrong)
    assert refused.value.response.status_code == 401
