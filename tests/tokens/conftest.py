"""A key set between a clock and a key server that tests move by hand."""

import pytest

from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys
from tests.tokens.keysets import ADDRESS, POLICY, Hands, KeyServer


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
def keys(server: KeyServer, hands: Hands) -> RemoteKeys:
    return RemoteKeys(ADDRESS, POLICY, fetch=server, clock=hands.clock(), jitter=lambda: 0.0)
