"""The guard under Trio: all waiting goes through anyio."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from fastapi_cognito_guard import CognitoGuard, KeyPolicy
from fastapi_cognito_guard.client import CognitoAuth
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW, bearer, build_app, guard_for
from tests.processes import find_port, run_server
from tests.servers import fault_server, hang, response


@pytest.fixture
def anyio_backend() -> str:
    return "trio"


def client_under_trio(guard: CognitoGuard) -> TestClient:
    return TestClient(build_app(guard), base_url="http://127.0.0.1", backend="trio")


def test_a_request_waits_for_the_first_keys(pool: FakeUserPool, impostor: FakeUserPool) -> None:
    with fault_server(response(pool.jwks)) as server:
        client = client_under_trio(guard_for(pool, user_pool={"jwks_uri": server.address}))
        assert client.get("/me", headers=bearer(pool.access_token("ada"))).json()["username"] == "ada"
        assert client.get("/me", headers=bearer(impostor.access_token())).status_code == 401
        assert client.get("/me").status_code == 401


def test_a_request_that_waits_for_keys_in_vain_is_503(pool: FakeUserPool) -> None:
    with fault_server(hang) as server:
        guard = guard_for(pool, user_pool={"jwks_uri": server.address}, keys=KeyPolicy(timeout=0.1))
        answer = client_under_trio(guard).get("/me", headers=bearer(pool.access_token()))
        assert answer.status_code == 503


def test_under_deny_by_default_a_stranger_is_401_and_an_outage_503(pool: FakeUserPool) -> None:
    settings = {"jwks_uri": "http://127.0.0.1:9/jwks.json"}
    client = client_under_trio(guard_for(pool, user_pool=settings, deny_by_default=True))
    assert client.get("/nowhere", headers=bearer("junk")).status_code == 401
    assert client.get("/nowhere", headers=bearer(pool.access_token())).status_code == 503


@pytest.mark.anyio
async def test_keys_can_be_warmed_up(pool: FakeUserPool, other_pool: FakeUserPool) -> None:
    with fault_server(response(pool.jwks)) as server:
        pools = [each.user_pool(jwks_uri=server.address) for each in (pool, other_pool)]
        assert await CognitoGuard(*pools, now=lambda: NOW).warm_up()
        assert len(server.requests) == 2


@pytest.mark.anyio
async def test_a_client_waits_for_its_token() -> None:
    released = threading.Event()
    threading.Timer(0.1, released.set).start()

    def provider() -> str:
        assert released.wait(timeout=10)
        return "opaque"

    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, text=request.headers["authorization"])
    )
    async with httpx.AsyncClient(auth=CognitoAuth(provider), transport=transport) as client:
        assert (await client.get("https://api.example.com")).text == "Bearer opaque"


@pytest.fixture
def served_by_hypercorn(tmp_path: Path) -> Iterator[tuple[str, FakeUserPool]]:
    """Serve an app with Hypercorn's Trio worker, in a process of its own."""
    pool = FakeUserPool()
    with pool.serve() as jwks_uri:
        port = find_port()
        settings = {"client_ids": [pool.client_id], "jwks_uri": jwks_uri}
        (tmp_path / "served.py").write_text(
            "from fastapi_cognito_guard import CognitoGuard, UserPool\n"
            "from tests.apps import build_app\n"
            f"app = build_app(CognitoGuard(UserPool({pool.id!r}, **{settings!r})))\n"
        )
        command = [sys.executable, "-m", "hypercorn", "-k", "trio", "-b", f"127.0.0.1:{port}", "served:app"]
        root = str(Path(__file__).parents[1])
        environ = {"PYTHONPATH": f"{root}:{tmp_path}", "PATH": ""}
        with run_server(command, tmp_path, port, environ):
            yield f"http://127.0.0.1:{port}", pool


def test_hypercorn_with_its_trio_worker_serves_a_guarded_app(
    served_by_hypercorn: tuple[str, FakeUserPool],
) -> None:
    address, pool = served_by_hypercorn
    with httpx.Client(base_url=address, trust_env=False, timeout=10) as client:
        assert client.get("/me").status_code == 401
        assert client.get("/me", headers=bearer(pool.access_token("ada"))).json()["username"] == "ada"
        with pool.break_jwks("hang"):
            pool.rotate()
            status = client.get("/me", headers=bearer(pool.access_token())).status_code
        assert status == 503
