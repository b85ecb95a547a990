"""The pytest plugin of fastapi_cognito_guard: fixtures for tests of apps that it protects, and a report.

A module of its own, outside of the package, so that pytest's start imports nothing but this: the package
follows with the first test that asks for a fixture, or with the options of the report (and after coverage has
begun to measure).
"""

from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fastapi_cognito_guard.testing import FakeUserPool
    from fastapi_cognito_guard.testing.fixtures import AnyDoor, AuthHeaders, Users


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the report."""
    group = parser.getgroup("fastapi_cognito_guard", "fastapi_cognito_guard: authorization")
    group.addoption(
        "--authz-report",
        action="store_true",
        help="Print which routes x outcomes (allowed, each refusal) of guarded apps no test exercised.",
    )
    group.addoption(
        "--authz-fail-under",
        type=_parse_percent,
        metavar="PERCENT",
        help="Fail if the tests exercised less than this percent of them. Implies --authz-report.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start to record, if the report is asked for."""
    fail_under = config.option.authz_fail_under
    if config.option.authz_report or fail_under is not None:
        from fastapi_cognito_guard.testing.authz_report.plugin import AuthzReport

        config.pluginmanager.register(AuthzReport(config, fail_under))


def _parse_percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 100")
    return percent


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
