"""Fixtures: the keys of one address, with a clock and a key server that tests control."""

import pytest

from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys
from tests.tokens.key_server import ADDRESS, POLICY, FakeTime, KeyServer


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
def keys(server: KeyServer, fake_time: FakeTime) -> RemoteKeys:
    return RemoteKeys(ADDRESS, POLICY, fetch=server, clock=fake_time.clock(), jitter=lambda: 0.0)
