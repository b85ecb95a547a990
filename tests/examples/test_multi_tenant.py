"""examples/multi_tenant: tenants come and go, and none reaches the notes of another."""

from pathlib import Path
from typing import Any

import pytest

from fastapi_cognito_guard import UserPool
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import bearer, client_of
from tests.examples.conftest import Load

ACME = FakeUserPool("eu-west-1_Abc123Xyz", client_id="4b1example")
GLOBEX = FakeUserPool("eu-central-1_Def456Uvw", client_id="7c2example")
KEYS = {pool.id: pool.jwks for pool in (ACME, GLOBEX)}


def build_pool(pool_id: str, **settings: Any) -> UserPool:
    """Build a pool with its keys, which are fetched otherwise."""
    return UserPool(pool_id, jwks=KEYS[pool_id], **settings)


def test_tenants_that_are_added_reach_their_own_notes_only(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = load("multi_tenant.main", TENANTS_DATABASE=str(tmp_path / "tenants.db"))
    monkeypatch.setattr(example, "UserPool", build_pool)
    example.create_tables()
    example.add_tenant("acme", ACME.id, ACME.client_id)
    client = client_of(example.app)
    ada, eve = bearer(ACME.access_token("ada")), bearer(GLOBEX.access_token("eve", groups=["admins"]))
    assert client.post("/tenants/acme/notes/hello", headers=ada).status_code == 201

    example.add_tenant("globex", GLOBEX.id, GLOBEX.client_id)  # while the app runs
    assert client.post("/tenants/globex/notes/bonjour", headers=eve).status_code == 201
    assert client.get("/tenants/acme/notes", headers=eve).status_code == 403
    assert client.delete("/tenants/acme/notes", headers=eve).status_code == 403  # an admin of globex only
    assert client.get("/tenants/globex/notes", headers=ada).status_code == 403
    assert client.get("/tenants/none/notes", headers=eve).status_code == 403
    assert client.get("/tenants/acme/notes", headers=ada).json() == ["hello"]
    assert client.delete("/tenants/acme/notes", headers=ada).status_code == 403
    assert client.delete("/tenants/globex/notes", headers=eve).status_code == 204
    assert client.get("/tenants/globex/notes", headers=eve).json() == []

    stranger = FakeUserPool("eu-west-1_Stranger1", client_id="4b1example").access_token("mallory")
    assert client.get("/tenants/acme/notes", headers=bearer(stranger)).status_code == 401
    example.remove_tenant("acme")
    assert example.find_pool(ACME.issuer) is None
