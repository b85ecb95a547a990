"""The pytest plugin of fastapi_cognito_guard: fixtures for tests of apps that it protects.

A module of its own, outside of the package, so that pytest's start imports nothing but this: the package
follows with the first test that asks for a fixture (and after coverage has begun to measure).
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fastapi_cognito_guard.testing import FakeUserPool
    from fastapi_cognito_guard.testing.fixtures import AnyDoor, AuthHeaders, Users


@pytest.fixture(scope="session")
def cognito_pool() -> "FakeUserPool":
    """Return a user pool without AWS, with real keys. Override it to use your own id and client."""
    from fastapi_cognito_guard.testing import FakeUserPool

    return FakeUserPool()


@pytest.fixture
def cognito_user() -> "Iterator[Users]":
    """Sign users in without tokens until the test ends: ``cognito_user(app, groups=["admins"])``."""
    from fastapi_cognito_guard.testing.fixtures import Users

    with ExitStack() as stack:
        yield Users(stack)


@pytest.fixture
def auth_headers(cognito_pool: "FakeUserPool") -> "AuthHeaders":
    """Return headers with ada's token; ``auth_headers("bob", groups=["staff"])`` has bob's."""
    from fastapi_cognito_guard.testing.fixtures import AuthHeaders

    return AuthHeaders(cognito_pool)


@pytest.fixture(params=["standalone", "rest", "http"])
def any_door(request: pytest.FixtureRequest, cognito_pool: "FakeUserPool") -> "Iterator[AnyDoor]":
    """Make clients of an app, ``any_door(app)``: standalone, behind a REST API and behind an HTTP API.

    Each test runs once for each. ``@pytest.mark.parametrize("any_door", ["standalone", "http-1.0"],
    indirect=True)`` names other doors.
    """
    from fastapi_cognito_guard.testing.fixtures import AnyDoor

    with ExitStack() as stack:
        yield AnyDoor(stack, request.param, cognito_pool)
