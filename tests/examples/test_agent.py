"""examples/agent: the agent, the orders API and their pool, as servers on loopback."""

from pathlib import Path

import httpx
import pytest

from fastapi_cognito_guard.testing import Directory, local_pool
from fastapi_cognito_guard.testing.uvicorn_server import get_address, listen, serve_app
from tests.apps import bearer, client_of
from tests.examples.conftest import Load

POOL = Path(__file__).parents[2] / "examples/agent/pool.toml"


def test_the_agent_reads_for_its_user_and_may_not_do_what_only_the_user_may(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with local_pool(Directory.from_toml(POOL)) as local, listen(0) as listener:
        address = get_address(listener)
        orders = load("agent.orders", **local.settings, COGNITO_RESOURCE=address).app
        monkeypatch.delenv("COGNITO_RESOURCE")
        secret = local.directory.clients[1].secret
        agent = client_of(
            load("agent.main", **local.settings, ASSISTANT_SECRET=secret, ORDERS_ADDRESS=address).app
        )
        scopes = ["openid", "orders/read", "orders/write"]
        users = bearer(local.pool.access_token("ada", scopes=scopes))
        with serve_app(orders, listener), httpx.Client(base_url=address, trust_env=False) as direct:
            assert agent.get("/summary", headers=users).json() == "ada has ordered tea and coffee."
            assert agent.post("/clean-up", headers=users).json() == "Only ada may do that."
            assert direct.get("/orders", headers=users).status_code == 401  # it is for the agent only
            users = bearer(local.pool.access_token("ada", scopes=scopes, claims={"aud": address}))
            assert direct.delete("/orders/1", headers=users).json() == "ada has cancelled tea."
        weak = bearer(local.pool.access_token("ada", scopes=["openid"]))
        assert agent.get("/summary", headers=weak).status_code == 502
    assert agent.get("/summary").status_code == 401
