"""Fixtures of all tests: pools with real keys, generated once, and a check that no token is logged."""

import logging
from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW

# No test measures speed, and machines are noisy.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, help="run so many cases of each parametrized test, spread over all")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    most: int | None = config.getoption("--cases")
    if most is None:
        return
    cases: dict[tuple[object, str], list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[item.parent, getattr(item, "originalname", item.name)].append(item)
    kept = {each[index * len(each) // most] for each in cases.values() for index in range(most)}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def pool() -> FakeUserPool:
    return FakeUserPool(now=lambda: NOW)


@pytest.fixture(scope="session")
def other_pool() -> FakeUserPool:
    """Return a pool with another id and other keys."""
    return FakeUserPool("eu-west-1_OtherPool", now=lambda: NOW)


@pytest.fixture(scope="session")
def impostor(pool: FakeUserPool) -> FakeUserPool:
    """Return a pool with the same id and client, and other keys."""
    return FakeUserPool(pool.id, client_id=pool.client_id, now=lambda: NOW)


@pytest.fixture(autouse=True)
def no_token_in_any_log(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check after each test that no token was logged."""
    caplog.set_level(logging.DEBUG, logger="fastapi_cognito_guard")
    yield
    assert "eyJ" not in caplog.text
