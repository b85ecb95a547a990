"""The code of docs/tenants.md: the token of one tenant is refused at every other."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from fastapi_cognito_guard import UserPool, lambda_handler
from fastapi_cognito_guard.testing import FakeUserPool, Flavour, as_user
from tests.apps import bearer, client_of
from tests.pages import run_code

ACME = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")
GLOBEX = FakeUserPool("eu-west-1_Def456Uvw", client_id="7c2example")


def call_tenant(app: FastAPI, token: str, path: str, host: str = "acme.example.com") -> int:
    return client_of(app).get(path, headers={**bearer(token), "host": host}).status_code


def test_the_token_of_a_tenant_is_refused_at_every_other_tenant() -> None:
    app = run_code("tenants.md", "A fixed list of pools", ACME, GLOBEX)["app"]
    acme, globex = ACME.access_token("ada"), GLOBEX.access_token("ada")
    assert call_tenant(app, acme, "/tenants/acme/orders") == 200
    assert call_tenant(app, globex, "/tenants/globex/orders") == 200
    assert call_tenant(app, acme, "/import") == 200
    assert call_tenant(app, globex, "/import") == 403
    for tenant in ("globex", "ACME", "acme%20", "acm%65%00", "none", "..%2facme"):
        assert call_tenant(app, acme, f"/tenants/{tenant}/orders") in (403, 404)
    assert call_tenant(app, globex, "/tenants/acme/orders") == 403
    assert call_tenant(app, acme, "/invoices/") == 200
    assert call_tenant(app, acme, "/invoices/", "ACME.Example.com:8000") == 200
    for host in ("globex.example.com", "acme.example.org", "example.com", "acme", "acme.globex.example.com"):
        assert call_tenant(app, acme, "/invoices/", host) == 403
    assert call_tenant(app, globex, "/invoices/") == 403


@pytest.mark.parametrize("gateway", ["rest-jwt", "http", "http-1.0"])
def test_the_token_of_a_tenant_is_refused_at_other_tenants_behind_gateways(gateway: Flavour) -> None:
    handler = lambda_handler(run_code("tenants.md", "A fixed list of pools", ACME, GLOBEX)["app"])
    for pool, tenant, status in (
        (ACME, "acme", 200),
        (ACME, "globex", 403),
        (GLOBEX, "acme", 403),
        (GLOBEX, "globex", 200),
    ):
        event = pool.event(gateway, pool.access_token("ada"), path=f"/tenants/{tenant}/orders")
        assert handler(event, None)["statusCode"] == status


@pytest.fixture
def names(tmp_path: Path) -> dict[str, Any]:
    """Run the code for a directory, with two tenants in its database."""
    names = run_code("tenants.md", "A directory of pools")
    names["DATABASE"] = str(tmp_path / "tenants.db")
    keys = {pool.id: pool.jwks for pool in (ACME, GLOBEX)}

    def build_pool(pool_id: str, **settings: Any) -> UserPool:
        return UserPool(pool_id, jwks=keys[pool_id], **settings)

    names["UserPool"] = build_pool
    database = sqlite3.connect(names["DATABASE"])
    database.execute("CREATE TABLE tenants (name TEXT, pool_id TEXT, client_id TEXT)")
    database.commit()
    database.close()
    add_tenant(names, "acme", ACME)
    add_tenant(names, "globex", GLOBEX)
    return names


def add_tenant(names: dict[str, Any], name: str, pool: FakeUserPool) -> None:
    database = sqlite3.connect(names["DATABASE"])
    database.execute("INSERT INTO tenants VALUES (?, ?, ?)", (name, pool.id, pool.client_id))
    database.commit()
    database.close()


@pytest.mark.parametrize("door", [None, "rest-jwt", "http", "http-1.0"])
def test_a_tenant_of_the_directory_reaches_its_own_path_only(
    names: dict[str, Any], door: Flavour | None
) -> None:
    stranger = FakeUserPool("eu-west-1_Stranger", client_id=ACME.client_id)
    for pool, path, status in (
        (ACME, "acme", 200),
        (ACME, "globex", 403),
        (GLOBEX, "acme", 403),
        (GLOBEX, "globex", 200),
        (ACME, "none", 403),
        (ACME, "ACME", 403),
        (stranger, "acme", 401),
    ):
        path, token = f"/tenants/{path}/orders", pool.access_token("ada")
        if door is None:
            assert call_tenant(names["app"], token, path) == status
        else:
            answer = lambda_handler(names["app"])(pool.event(door, token, path=path), None)
            assert answer["statusCode"] == status


def test_the_kit_signs_users_of_any_tenant_in(names: dict[str, Any]) -> None:
    with as_user(names["app"], pool_id=GLOBEX.id):
        client = client_of(names["app"])
        assert client.get("/tenants/globex/orders").status_code == 200
        assert client.get("/tenants/acme/orders").status_code == 403
