"""Public names, and the libraries that importing the package loads."""

import subprocess
import sys

import pytest

import fastapi_cognito_guard
from fastapi_cognito_guard import testing


def test_the_public_names_are_sorted_and_exist() -> None:
    for module in (fastapi_cognito_guard, testing):
        assert module.__all__ == sorted(module.__all__)
        for name in module.__all__:
            assert hasattr(module, name)


def test_an_unknown_name_of_testing_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        testing.nothing  # noqa: B018 - the access is the test


def test_every_public_name_has_a_docstring() -> None:
    for name in fastapi_cognito_guard.__all__:
        if name not in {"ANY_CLIENT", "CurrentUser", "OptionalUser"}:
            assert getattr(fastapi_cognito_guard, name).__doc__


def test_nothing_that_jose_drags_along_is_ever_loaded() -> None:
    """The package must work without ecdsa, which has an open CVE."""
    code = """
import asyncio, sys
class Uninstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"ecdsa", "rsa", "pyasn1"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Uninstalled())
from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import FakeUserPool
pool = FakeUserPool()
print(asyncio.run(CognitoGuard(pool.user_pool()).verify(pool.access_token("ada"))).username)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "ada", "")


def test_importing_the_package_loads_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys, fastapi_cognito_guard as g; g.CognitoGuard(g.UserPool('eu-west-1_A', client_ids='w'));"
        "print(sorted({'httpx', 'jose', 'cryptography', 'cachetools', 'mangum'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "[]", "")
