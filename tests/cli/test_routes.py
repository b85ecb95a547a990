"""Command `routes`: requirements of an app's routes, and a check for CI."""

import json
import re
import sys
from pathlib import Path

import pytest

from fastapi_cognito_guard import CognitoGuard
from fastapi_cognito_guard.testing import FakeUserPool
from tests import unresolved_annotations
from tests.cli.running import cognito_guard

pytestmark = pytest.mark.usefixtures("shop")

MARKED_APP = """
from fastapi import Depends, FastAPI
from fastapi_cognito_guard import *

app = FastAPI(openapi_url=None)
CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids="x")).install(app)


@app.get("/a", dependencies=[Depends(require_group("[admins]", "[/x]"))])
async def a(): ...
"""


def test_routes_lists_what_each_route_requires() -> None:
    result = cognito_guard("routes", "shop:app")
    assert result.code == 0
    assert [" ".join(line.split()) for line in result.out.splitlines()] == [
        "Method Path Guard Scopes Groups Claims",
        "GET /me user",
        "POST /orders user orders/write or orders/admin",
        "DELETE /orders/{id} user admins tier: 1",
        "GET /maybe optional",
        "GET /reports iam",
    ]
    assert "not an answer" in result.err


OTHERS_APP = """
from fastapi import Depends, FastAPI
from fastapi_cognito_guard import *

app = FastAPI(openapi_url=None)
CognitoGuard(UserPool("eu-west-1_Abc123Xyz", client_ids="x")).install(app)
one = require_group("admins") | require_scope("orders/admin")
owner = require(lambda user, id: user.sub == id, name="owner")


@app.get("/a", dependencies=[Depends(one)])
async def a(): ...


@app.get("/b/{id}", dependencies=[Depends(owner)])
async def b(): ...
"""


def test_alternatives_and_checks_of_the_app_are_listed_by_name(tmp_path: Path) -> None:
    Path("others.py").write_text(OTHERS_APP)
    result = cognito_guard("routes", "others:app")
    assert [" ".join(line.split()) for line in result.out.splitlines()] == [
        "Method Path Guard Scopes Groups Others",
        "GET /a user group admins or scope orders/admin",
        "GET /b/{id} user owner",
    ]
    rows = json.loads(cognito_guard("routes", "others:app", "--json").out)
    assert [row["others"] for row in rows] == [["group admins or scope orders/admin"], ["owner"]]


def test_routes_are_printed_as_json() -> None:
    rows = json.loads(cognito_guard("routes", "shop:opened", "--json").out)
    assert rows[1] == {
        "methods": ["POST"],
        "path": "/orders",
        "guard": "user",
        "scopes": [["orders/write", "orders/admin"]],
        "groups": [],
        "claims": [],
        "others": [],
    }
    found = {(row["path"], *row["methods"]): row["guard"] for row in rows}
    assert found["/open", "WS"] == found["/open", "GET"] == "public"
    assert found[("/static",)] == "public"


def test_with_deny_by_default_all_routes_are_guarded() -> None:
    rows = json.loads(cognito_guard("routes", "shop:closed", "--json", "--fail-on-public").out)
    guards = {row["path"]: row["guard"] for row in rows}
    assert (guards["/open"], guards["/static"]) == ("user", "user")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ([], 0),
        (["--fail-on-public"], 1),
        (["--fail-on-public", "--allow", "/open"], 1),
        (["--fail-on-public", "--allow", "/open", "--allow", "/static/*"], 0),
    ],
    ids=["no check", "none allowed", "one allowed", "all allowed"],
)
def test_fail_on_public_fails_unless_every_public_route_is_allowed(options: list[str], code: int) -> None:
    result = cognito_guard("routes", "shop:opened", *options)
    assert (result.code, "reached without a token" in result.err) == (code, code == 1)


def test_markup_in_requirements_is_printed_as_it_is(shop: Path) -> None:
    (shop / "marked.py").write_text(MARKED_APP)
    result = cognito_guard("routes", "marked:app")
    assert "[admins] or [/x]" in result.text


def test_routes_that_declare_themselves_public_are_allowed_if_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command and the app of docs/deploy.md."""
    page = (Path(__file__).parents[2] / "docs" / "deploy.md").read_text()
    (tmp_path / "deployed.py").write_text(re.findall(r"```python main.py\n(.*?)```", page, re.DOTALL)[0])
    (command,) = re.findall(r"^cognito-guard (routes main:app.*)$", page, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    env = {"COGNITO_USER_POOL_ID": "eu-west-1_Abc123Xyz", "COGNITO_CLIENT_IDS": "4b1example"}
    words = command.replace("main:app", "deployed:app").split()
    assert cognito_guard(*words, env=env).code == 0
    words.remove("--allow-declared")
    assert cognito_guard(*words, env=env).code == 1
    sys.modules.pop("deployed", None)


def test_a_route_with_an_unresolved_annotation_is_not_called_public(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = FakeUserPool()
    app = unresolved_annotations.create_app(CognitoGuard(pool.user_pool()))
    monkeypatch.setattr(unresolved_annotations, "app", app, raising=False)
    result = cognito_guard("routes", "tests.unresolved_annotations:app", "--fail-on-public")
    assert (result.code, "unresolved" in result.out, "public" in result.out) == (1, True, False)
    assert "warning: GET /open, parameter 'user'" in result.err
