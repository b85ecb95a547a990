"""The recipes of docs/recipes.md: each runs alone, and does what its text says."""

import asyncio
import sqlite3
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import Mock

import httpx
import pytest
from fastapi import FastAPI
from fastapi.exceptions import FastAPIError

from fastapi_cognito_guard import lambda_handler
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import bearer, client_of
from tests.pages import read_code, run_code


@pytest.fixture(scope="module")
def cognito() -> FakeUserPool:
    """Return a pool with the id of the recipes."""
    return FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")


run = partial(run_code, "recipes.md")


def test_the_recipe_for_claims_reads_them_at_both_doors(cognito: FakeUserPool) -> None:
    app = run("Claims as a model", cognito)["app"]
    token = cognito.id_token("ada", claims={"is_admin": True, "custom:tier": "gold"})
    expected = {"email": "ada@example.com", "tier": "gold", "admin": True}
    assert client_of(app).get("/profile", headers=bearer(token)).json() == expected
    for gateway in ("rest", "http"):
        answer = lambda_handler(app)(cognito.event(gateway, token, path="/profile"), None)
        assert httpx.Response(200, text=answer["body"]).json() == expected


@pytest.fixture
def accounts(cognito: FakeUserPool, tmp_path: Path) -> dict[str, Any]:
    names = run("The app's own account", cognito)
    names["DATABASE"] = str(tmp_path / "accounts.db")
    names["create_table"]()
    return names


def count_accounts(names: dict[str, Any]) -> int:
    database = sqlite3.connect(names["DATABASE"])
    (count,) = database.execute("SELECT count(*) FROM accounts").fetchone()
    database.close()
    return int(count)


def test_the_first_request_creates_the_account_at_either_door(
    accounts: dict[str, Any], cognito: FakeUserPool
) -> None:
    client = client_of(accounts["app"])
    ada, bob = cognito.access_token("ada"), cognito.access_token("bob")
    assert client.get("/plan", headers=bearer(ada)).json() == {"account": 1, "plan": "free"}
    assert client.get("/plan", headers=bearer(bob)).json() == {"account": 2, "plan": "free"}
    accounts["ACCOUNTS"].clear()
    answer = lambda_handler(accounts["app"])(cognito.event("http", ada, path="/plan"), None)
    assert answer["body"] == '{"account":1,"plan":"free"}'
    assert count_accounts(accounts) == 2


def test_the_account_is_read_once_while_it_is_cached(accounts: dict[str, Any], cognito: FakeUserPool) -> None:
    load = Mock(wraps=accounts["load_account"])
    accounts["load_account"] = load
    client = client_of(accounts["app"])
    for name in ("ada", "ada", "bob", "ada"):
        assert client.get("/plan", headers=bearer(cognito.access_token(name))).status_code == 200
    keys = [(cognito.id, cognito.sub(name)) for name in ("ada", "bob")]
    assert [read.args for read in load.call_args_list] == list(accounts["ACCOUNTS"]) == keys


def test_two_first_requests_at_once_create_one_account(
    accounts: dict[str, Any], cognito: FakeUserPool
) -> None:
    class Racing(sqlite3.Connection):
        """Connection of a request that inserts when the other one has found no row either."""

        both: ClassVar[threading.Barrier] = threading.Barrier(2)

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            if statement.startswith("INSERT"):
                self.both.wait(timeout=10)
            return super().execute(statement, *values)

    accounts["sqlite3"] = SimpleNamespace(connect=lambda path: sqlite3.connect(path, factory=Racing))
    answers = asyncio.run(call_twice(accounts["app"], bearer(cognito.access_token("ada"))))
    assert [answer.json() for answer in answers] == [{"account": 1, "plan": "free"}] * 2
    assert count_accounts(accounts) == 1


async def call_twice(app: FastAPI, headers: dict[str, str]) -> tuple[httpx.Response, httpx.Response]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
        return await asyncio.gather(client.get("/plan"), client.get("/plan"))


def test_a_machine_gets_no_account(accounts: dict[str, Any], cognito: FakeUserPool) -> None:
    client = client_of(accounts["app"])
    refused = client.get("/plan", headers=bearer(cognito.machine_token(scopes=["orders/read"])))
    assert refused.status_code == 403
    assert client.get("/plan").status_code == 401
    assert count_accounts(accounts) == 0
    shown = accounts["app"].openapi()["paths"]["/plan"]["get"]["x-cognito-requirements"]
    assert "person" in str(shown)


def test_an_account_is_never_read_from_a_request(accounts: dict[str, Any]) -> None:
    async def forgot_depends(account: Any) -> None: ...

    forgot_depends.__annotations__["account"] = accounts["Account"]
    with pytest.raises(FastAPIError, match="Invalid args"):
        FastAPI().post("/plan")(forgot_depends)


def test_an_account_is_not_kept_if_the_database_fails(
    accounts: dict[str, Any], cognito: FakeUserPool
) -> None:
    load = accounts["load_account"]

    def fail(pool: str, sub: str) -> None:
        raise sqlite3.OperationalError("the database is locked")

    client, ada = client_of(accounts["app"]), bearer(cognito.access_token("ada"))
    accounts["load_account"] = fail
    with pytest.raises(sqlite3.OperationalError):
        client.get("/plan", headers=ada)
    accounts["load_account"] = load
    assert client.get("/plan", headers=ada).status_code == 200


@pytest.fixture
def cedar(cognito: FakeUserPool) -> dict[str, Any]:
    names = run("Rules in Cedar", cognito)
    names["ORDERS"]["1"]["owner"] = cognito.sub("ada")
    return names


@pytest.mark.parametrize(
    ("caller", "method", "sealed", "status"),
    [
        ("owner", "GET", False, 200),
        ("owner", "DELETE", False, 200),
        ("owner", "DELETE", True, 403),
        ("other", "GET", False, 403),
        ("support", "GET", False, 200),
        ("support", "DELETE", False, 403),
        ("machine", "GET", False, 200),
        ("machine", "DELETE", False, 403),
        ("nobody", "GET", False, 401),
    ],
)
def test_the_policies_decide(
    cedar: dict[str, Any], cognito: FakeUserPool, caller: str, method: str, sealed: bool, status: int
) -> None:
    cedar["ORDERS"]["1"]["sealed"] = sealed
    headers = {
        "owner": bearer(cognito.access_token("ada")),
        "other": bearer(cognito.access_token("bob", groups=['x" || true', "Support"])),
        "support": bearer(cognito.access_token("eve", groups=["support"])),
        "machine": bearer(cognito.machine_token(scopes=["orders/read"])),
        "nobody": {},
    }[caller]
    assert client_of(cedar["app"]).request(method, "/orders/1", headers=headers).status_code == status


def test_a_policy_that_fails_refuses_though_cedar_allows(
    cedar: dict[str, Any], cognito: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    policies = (
        "permit (principal, action, resource); forbid (principal, action, resource) when { resource.x };"
    )
    cedar["POLICIES"] = cedar["PolicySet"].from_str(policies)
    results: list[Any] = []
    ask = cedar["is_authorized"]

    def remember(*given: Any) -> Any:
        results.append(ask(*given))
        return results[0]

    cedar["is_authorized"] = remember
    refused = client_of(cedar["app"]).get("/orders/1", headers=bearer(cognito.access_token("ada")))
    assert results[0].allowed  # the trap: a forbid that fails is skipped
    assert refused.status_code == 403
    assert "Cedar cannot decide ReadOrder." in caplog.text


def test_a_resource_that_does_not_fit_the_schema_is_refused(
    cedar: dict[str, Any], cognito: FakeUserPool, caplog: pytest.LogCaptureFixture
) -> None:
    cedar["ORDERS"]["1"]["sealed"] = "secret text"
    ada = bearer(cognito.access_token("ada"))
    # No policy for reading looks at the attribute: the schema refuses it.
    assert client_of(cedar["app"]).get("/orders/1", headers=ada).status_code == 403
    assert "Cedar cannot decide ReadOrder." in caplog.text
    assert "secret text" not in caplog.text


def test_policies_that_do_not_fit_the_schema_stop_the_app(
    cognito: FakeUserPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = read_code("recipes.md", "Rules in Cedar").replace("resource.sealed", "resource.seeled")
    monkeypatch.setattr("tests.pages.read_code", lambda page, title: code)
    with pytest.raises(ValueError, match="attribute `seeled`"):
        run("Rules in Cedar", cognito)


def test_a_stranger_does_not_learn_which_orders_exist(cedar: dict[str, Any], cognito: FakeUserPool) -> None:
    client = client_of(cedar["app"])
    assert client.get("/orders/2").status_code == client.get("/orders/1").status_code == 401
    ada = bearer(cognito.access_token("ada"))
    assert client.get("/orders/2", headers=ada).status_code == 404


def test_the_same_user_id_in_another_pool_owns_nothing(cedar: dict[str, Any], cognito: FakeUserPool) -> None:
    twin = FakeUserPool("eu-west-1_OtherPool", client_id=cognito.client_id)
    own, foreign = (
        cedar["build_caller"](SimpleNamespace(pool_id=pool.id, sub=cognito.sub("ada"), groups=["support"]))
        for pool in (cognito, twin)
    )
    assert own["uid"] != foreign["uid"]
    assert own["parents"] != foreign["parents"]


def test_the_document_names_the_action(cedar: dict[str, Any]) -> None:
    operation = cedar["app"].openapi()["paths"]["/orders/{order_id}"]["delete"]
    assert "CancelOrder" in str(operation["x-cognito-requirements"])
