"""Fixtures of the examples' tests."""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

import pytest

from fastapi_cognito_guard.testing import FakeUserPool

Load = Callable[..., ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Return a function that imports a module of examples/ anew, with its settings in the environment."""

    def load(name: str, **settings: str) -> ModuleType:
        for key, value in settings.items():
            monkeypatch.setenv(key, value)
        monkeypatch.delitem(sys.modules, f"examples.{name}", raising=False)
        return import_module(f"examples.{name}")

    return load


@pytest.fixture(scope="session")
def cognito() -> FakeUserPool:
    """Return a pool with the id and the client of `settings`."""
    return FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")


@pytest.fixture
def settings(cognito: FakeUserPool) -> dict[str, str]:
    """Return the settings of an app that trusts the pool."""
    return {"COGNITO_USER_POOL_ID": cognito.id, "COGNITO_CLIENT_IDS": cognito.client_id}
