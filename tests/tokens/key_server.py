"""A key server and clocks that tests control, and the keys that the server publishes."""

import asyncio
import json
import threading

import pytest

from fastapi_cognito_guard import KeyPolicy
from fastapi_cognito_guard.errors import AuthError
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.tokens.clock import Clock
from fastapi_cognito_guard.tokens.remote_keys import RemoteKeys

POLICY = KeyPolicy(max_age=600, max_stale=7200, cooldown=10, backoff=0.5, timeout=3)
ADDRESS = "https://keys.example/jwks.json"
OLD, NEW = FakeUserPool(), FakeUserPool()
KID: str = OLD.jwks["keys"][0]["kid"]
NEW_KID: str = NEW.jwks["keys"][0]["kid"]


class FakeTime:
    """Both clocks, which move only when a test moves them."""

    def __init__(self) -> None:
        self.wall, self.steady = 1_000_000.0, 500.0

    def clock(self) -> Clock:
        return Clock(wall=lambda: self.wall, steady=lambda: self.steady)

    def move(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class KeyServer:
    """A ``fetch`` function that counts its calls, and answers, fails or waits as its attributes say."""

    def __init__(self) -> None:
        self.pool = OLD
        self.fetches = 0
        self.error: Exception | None = None
        self.gate: threading.Event | None = None

    async def __call__(self, address: str) -> bytes:
        assert address == ADDRESS
        self.fetches += 1
        gate, error, document = self.gate, self.error, json.dumps(self.pool.jwks).encode()
        if gate is not None:
            await asyncio.to_thread(gate.wait, 10)
        if error is not None:
            raise error
        return document


async def wait_for_fetch(keys: RemoteKeys) -> None:
    """Wait, for a bounded time, until no fetch is under way."""
    for _ in range(500):
        if keys._flight.current is None:
            return
        await asyncio.sleep(0.005)
    raise AssertionError


async def catch_error(keys: RemoteKeys, kid: str) -> AuthError:
    """Return the error that a request for this kid gets."""
    with pytest.raises(AuthError) as refused:
        await keys.get(kid)
    return refused.value
