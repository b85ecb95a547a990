"""The README and the docs say what is so: their code runs, their tables are the code's."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from fastapi_cognito_guard import errors, settings
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import bearer, client_of
from tests.semantics import table
from tests.test_errors import tree

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
QUICK_START, TESTING, DOORS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def run(code: str, names: dict[str, Any] | None = None) -> dict[str, Any]:
    names = names if names is not None else {}
    exec(compile(code, "README.md", "exec"), names)
    return names


@pytest.fixture(scope="module")
def cognito() -> FakeUserPool:
    """The pool that the README speaks of."""
    return FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")


def test_the_quick_start_works_behind_each_gateway(cognito: FakeUserPool) -> None:
    handler = run(QUICK_START)["handler"]
    token = cognito.access_token("ada", groups=["admins"], scopes=["orders/write"])
    for flavour in ("rest", "rest-jwt", "http", "http-1.0"):
        for method, path in (("GET", "/me"), ("POST", "/orders"), ("DELETE", "/orders/1")):
            event = cognito.event(flavour, token, method=method, path=path)
            assert handler(event, None)["statusCode"] == 200


def test_the_quick_start_works_standalone(cognito: FakeUserPool) -> None:
    with cognito.serve() as jwks_uri:
        given = 'client_ids={"4b1example"}'
        assert given in QUICK_START
        app = run(QUICK_START.replace(given, f"{given}, jwks_uri={jwks_uri!r}"))["app"]
        client = client_of(app)
        ada = bearer(cognito.access_token("ada", groups=["admins"]))
        assert client.get("/me", headers=ada).json() == {
            "sub": cognito.sub("ada"), "groups": ["admins"], "source": "token",
        }  # fmt: skip
        assert client.get("/me").status_code == 401
        assert client.post("/orders", headers=ada).status_code == 403
        assert client.delete("/orders/1", headers=ada).status_code == 200


def test_the_testing_example_runs() -> None:
    run(TESTING, run(QUICK_START))


def test_the_example_of_tests_through_the_doors_runs() -> None:
    run(DOORS)


def test_the_two_commands_are_there() -> None:
    for command in ("demo", "test"):
        assert f"scripts/{command} " in README
        assert os.access(ROOT / "scripts" / command, os.X_OK)


def test_the_semantics_table_is_the_one_that_all_doors_are_held_to() -> None:
    rows = table()
    assert len(rows) == 6
    assert "\n".join(rows) in README


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_table_of_error_codes_is_the_code() -> None:
    documented = re.findall(r"^\| `(\w+)` \| (\d+) \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    leaves = [error for error in tree(errors.AuthError) if not error.__subclasses__()]
    assert documented == [
        (leaf.code, str(leaf.status)) for leaf in leaves if issubclass(leaf, errors.AuthError)
    ]


def test_the_table_of_variables_is_the_code() -> None:
    documented = re.findall(r"^\| `(COGNITO_\w+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    assert documented == [name for name, _ in {**settings.POOL, **settings.GUARD}.values()]


def test_the_code_in_the_docs_runs() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        for code in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
            run(code)
