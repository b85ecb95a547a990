"""What all tests share: a clock that stands still, and pools with real keys made once."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW

# No test here is about speed, and machines are noisy.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def pool() -> FakeUserPool:
    return FakeUserPool(now=lambda: NOW)


@pytest.fixture(scope="session")
def other_pool() -> FakeUserPool:
    """Another pool, with another id and other keys."""
    return FakeUserPool("eu-west-1_OtherPool", now=lambda: NOW)


@pytest.fixture(scope="session")
def impostor(pool: FakeUserPool) -> FakeUserPool:
    """Somebody who says they are the pool, and has other keys."""
    return FakeUserPool(pool.id, client_id=pool.client_id, now=lambda: NOW)


@pytest.fixture(autouse=True)
def no_token_in_any_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Every test also holds this: whatever was logged, no token was."""
    caplog.set_level(logging.DEBUG, logger="fastapi_cognito_guard")
    yield
    assert "eyJ" not in caplog.text
