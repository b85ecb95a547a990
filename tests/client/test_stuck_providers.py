"""Token providers that do not return: their requests fail, and later ones work."""

import threading
import time

import httpx
import pytest

from fastapi_cognito_guard.client import CognitoAuth
from fastapi_cognito_guard.errors import TokenRequestFailed
from tests.client.conftest import StuckProvider
from tests.client.test_auth import make_offline_client

API = "https://api.example.com"


@pytest.mark.usefixtures("no_grace")
def test_a_provider_that_never_returns_fails_its_requests_and_not_the_next_ones() -> None:
    provider = StuckProvider(1)
    with make_offline_client(CognitoAuth(provider, timeout=1.0)) as client:
        with pytest.raises(
            TokenRequestFailed, match=r"No token within 1\.0 seconds: give the token provider"
        ):
            client.get(API)
        assert client.get(API).status_code == 200
    provider.go.set()


@pytest.mark.anyio
@pytest.mark.usefixtures("no_grace")
async def test_an_async_client_survives_a_provider_that_never_returns() -> None:
    provider = StuckProvider(1)
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    async with httpx.AsyncClient(auth=CognitoAuth(provider, timeout=1.0), transport=transport) as client:
        with pytest.raises(TokenRequestFailed, match="No token within"):
            await client.get(API)
        assert (await client.get(API)).status_code == 200
    provider.go.set()


@pytest.mark.usefixtures("no_grace")
def test_stuck_providers_hold_four_threads_at_most_and_work_again_when_they_end() -> None:
    provider = StuckProvider(1000)
    with make_offline_client(CognitoAuth(provider, timeout=0.6)) as client:
        for _ in range(4):
            with pytest.raises(TokenRequestFailed, match="No token within"):
                client.get(API)
        started = time.monotonic()
        for _ in range(20):
            with pytest.raises(TokenRequestFailed, match="4 requests for a token have not ended"):
                client.get(API)
        assert (provider.calls, time.monotonic() - started < 2) == (4, True)
        provider.go.set()
        deadline = time.monotonic() + 10
        while any(thread.name == "cognito-token" for thread in threading.enumerate()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        provider.stuck = 0
        assert client.get(API).status_code == 200


@pytest.mark.usefixtures("no_grace")
def test_a_request_that_joins_a_stuck_one_waits_for_the_end_of_that_one_only() -> None:
    provider = StuckProvider(1)
    failures: list[float] = []

    def call() -> None:
        with pytest.raises(TokenRequestFailed):
            client.get(API)
        failures.append(time.monotonic())

    with make_offline_client(CognitoAuth(provider, timeout=1)) as client:
        first = threading.Thread(target=call)
        first.start()
        time.sleep(0.5)
        call()
        first.join(timeout=10)
    provider.go.set()
    assert abs(failures[0] - failures[1]) < 0.4
