"""Tests of the pytest plugin, each in a test run of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

APP = """
from fastapi import Depends, FastAPI
from fastapi_cognito_guard import CognitoGuard, CurrentUser, UserPool, require_group

app = FastAPI()
CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids={"4b1example"})).install(app)


@app.get("/me")
async def me(user: CurrentUser):
    return {"user": user.username, "client": user.client_id, "source": user.source}


@app.get("/admins", dependencies=[Depends(require_group("admins"))])
async def admins(): ...
"""

TESTS = """
import pytest
from fastapi.testclient import TestClient
from main import app


def test_a_user(cognito_user):
    ada = cognito_user(app, groups=["admins"])
    assert TestClient(app).get("/me").json()["user"] == ada.username == "ada"
    assert TestClient(app).get("/admins").status_code == 200


def test_without_a_user():
    assert TestClient(app).get("/me").status_code == 401


def test_without_a_token_at_any_door(any_door):
    assert any_door(app).get("/me").status_code == 401


def test_ada_and_others(any_door, auth_headers):
    client = any_door(app)
    source = "token" if any_door.door == "standalone" else any_door.door
    assert client.get("/me", headers=auth_headers).json()["source"] == source
    assert client.get("/admins", headers=auth_headers).status_code == 403
    assert client.get("/admins", headers=auth_headers("eve", groups=["admins"])).status_code == 200
    assert client.get("/me", headers=auth_headers.machine()).json()["user"] is None
    assert client.get("/me", headers=auth_headers(token_use="id")).status_code == 401


@pytest.mark.parametrize("any_door", ["function-url"], indirect=True)
def test_another_door(any_door, auth_headers):
    assert any_door(app).get("/me", headers=auth_headers).json()["source"] == "token"


def test_the_pool(cognito_pool, auth_headers):
    assert auth_headers.pool is cognito_pool
"""

OWN_POOL = """
import pytest
from fastapi_cognito_guard.testing import FakeUserPool


@pytest.fixture(scope="session")
def cognito_pool():
    return FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")
"""

TRUST = """
from main import app


def test_the_client_is_the_apps_own(any_door, auth_headers):
    assert any_door(app).get("/me", headers=auth_headers).json()["client"] == "4b1example"
"""

BOUND_APP = APP.replace('{"4b1example"})', '{"4b1example"}, resource="https://api.example.com/shop")')

BOUND = """
from fastapi.testclient import TestClient
from fastapi_cognito_guard.testing import assert_rejects_attacks
from main import app


def test_all_headers_name_the_resource(any_door, auth_headers):
    client = any_door(app)
    assert client.get("/me", headers=auth_headers).json()["user"] == "ada"
    assert client.get("/me", headers={**auth_headers, "X-A": "1"}).json()["user"] == "ada"
    assert client.get("/me", headers=auth_headers | {"X-A": "1"}).json()["user"] == "ada"
    auth_headers["X-B"] = "2"
    auth_headers.update({"X-C": "3"})
    del auth_headers["X-C"]
    assert {"X-A": "1"} | auth_headers == {**auth_headers, "X-A": "1"}
    assert auth_headers.copy() == dict(auth_headers) == auth_headers | {}
    assert (auth_headers.copy().keys(), len(auth_headers)) == ({"Authorization", "X-B"}, 2)
    assert client.get("/admins", headers=auth_headers("eve", groups=["admins"])).status_code == 200
    machine = auth_headers.machine(scopes=["aws.cognito.signin.user.admin"])
    assert client.get("/me", headers={"X-A": "1"} | machine).json()["user"] is None


def test_a_machine_names_the_resource(auth_headers, cognito_pool):
    from fastapi_cognito_guard.testing import trusting
    with trusting(app, cognito_pool):
        client = TestClient(app)
        assert client.get("/me", headers=auth_headers.machine()).json()["user"] is None
        assert client.get("/me", headers=auth_headers).json()["user"] == "ada"
    assert cognito_pool.resource is None


def test_attacks(any_door, cognito_pool):
    assert_rejects_attacks(any_door(app), "/me", pool=cognito_pool)


def test_a_user_without_a_token(cognito_user):
    assert cognito_user(app).claim("aud") == "https://api.example.com/shop"
    assert TestClient(app).get("/me").json()["user"] == "ada"
"""

LAZY = """
import sys


def test_nothing_is_imported_before_the_first_fixture(request):
    assert "fastapi_cognito_guard_pytest" in sys.modules
    heavy = {"fastapi_cognito_guard", "fastapi", "starlette", "httpx", "httpx2", "cryptography", "jose"}
    assert not heavy & sys.modules.keys()
    request.getfixturevalue("cognito_pool")
    assert "fastapi_cognito_guard" in sys.modules
    from fastapi_cognito_guard import decisions
    assert decisions._observers == []
    assert not [name for name in sys.modules if "authz_report" in name]
"""


def run(place: Path, *options: str, **files: str) -> str:
    """Run pytest with this plugin only, and return its output. ``files``: modules by name."""
    return run_to(pytest.ExitCode.OK, place, *options, **files)


def run_to(status: int, place: Path, /, *options: str, **files: str) -> str:
    """Run pytest as `run` does, to another exit status."""
    for name, content in files.items():
        (place / f"{name}.py").write_text(content)
    root = Path(__file__).parent.parent.parent
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-W", "error", "-q", "-p", "fastapi_cognito_guard_pytest", *options],
        cwd=place,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout if status != pytest.ExitCode.USAGE_ERROR else result.stderr


@pytest.mark.parametrize(
    ("files", "summary"),
    [
        ({"main": APP, "test_main": TESTS}, "10 passed"),
        ({"main": APP, "conftest": OWN_POOL, "test_main": TRUST}, "3 passed"),
        ({"main": BOUND_APP, "test_main": BOUND}, "8 passed"),
        ({"main": BOUND_APP, "conftest": OWN_POOL, "test_main": BOUND}, "8 passed"),
    ],
    ids=["another pool id", "the app's pool id", "a resource", "a resource and the app's pool id"],
)
def test_the_fixtures_work_for_an_app_that_knows_nothing_of_them(
    tmp_path: Path, files: dict[str, str], summary: str
) -> None:
    assert summary in run(tmp_path, **files)


def test_a_run_without_fixtures_imports_nothing(tmp_path: Path) -> None:
    assert "1 passed" in run(tmp_path, test_lazy=LAZY)
