"""App under uvicorn: keys over HTTP, responses on the wire, and WebSockets."""

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
from fastapi_cognito_guard.testing.uvicorn_server import serve_app
from tests.apps import bearer, build_app

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def present_pool() -> FakeUserPool:
    """Pool at the present time."""
    return FakeUserPool()


@pytest.fixture(scope="module")
def address(present_pool: FakeUserPool) -> Iterator[str]:
    with ExitStack() as stack:
        jwks_uri = stack.enter_context(present_pool.serve())
        guard = CognitoGuard(present_pool.user_pool(jwks_uri=jwks_uri), websocket_protocol="cognito-guard")
        yield stack.enter_context(serve_app(build_app(guard), 0))


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
        yield client


def test_a_token_is_verified_with_keys_fetched_over_http(
    client: httpx.Client, present_pool: FakeUserPool
) -> None:
    answer = client.get("/me", headers=bearer(present_pool.access_token("ada", groups=["admins"])))
    assert answer.status_code == 200
    assert (answer.json()["username"], answer.json()["groups"]) == ("ada", ["admins"])


def test_a_refusal_has_exactly_the_documented_body_and_headers(client: httpx.Client) -> None:
    answer = client.get("/me")
    assert (answer.status_code, answer.content) == (401, b'{"message":"Unauthorized"}')
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/json"
    assert client.head("/public").status_code == 405


def test_a_header_of_forty_kilobytes_is_401(client: httpx.Client) -> None:
    assert client.get("/me", headers=bearer("A" * 40_000)).status_code == 401


def test_two_authorization_headers_are_401(client: httpx.Client, present_pool: FakeUserPool) -> None:
    good = f"Bearer {present_pool.access_token()}"
    answer = client.get("/me", headers=[("Authorization", good), ("Authorization", good)])
    assert answer.status_code == 401


def test_a_websocket_without_a_token_is_401_and_one_with_a_token_is_accepted(
    address: str, present_pool: FakeUserPool
) -> None:
    url = address.replace("http", "ws", 1) + "/ws"
    with pytest.raises(InvalidStatus) as refused:
        connect(url, proxy=None, open_timeout=5)
    response = refused.value.response
    assert (response.status_code, response.body) == (401, b'{"message":"Unauthorized"}')
    assert response.headers["www-authenticate"] == "Bearer"
    with connect(
        url, proxy=None, open_timeout=5, additional_headers=bearer(present_pool.access_token("ada"))
    ) as live:
        assert json.loads(live.recv(timeout=5))["username"] == "ada"


def test_a_token_in_a_websockets_subprotocols_is_accepted_and_not_echoed(
    address: str, present_pool: FakeUserPool
) -> None:
    url = address.replace("http", "ws", 1) + "/ws"
    offered: list[Any] = ["cognito-guard", present_pool.access_token("ada")]
    wrong: list[Any] = ["cognito-guard", "junk"]
    with connect(url, proxy=None, open_timeout=5, subprotocols=offered) as live:
        assert live.subprotocol == "cognito-guard"
        assert json.loads(live.recv(timeout=5))["username"] == "ada"
    with pytest.raises(InvalidStatus) as refused:
        connect(url, proxy=None, open_timeout=5, subprotocols=wrong)
    assert refused.value.response.status_code == 401
