"""Outage of the key server under a running app: known keys serve on, new keys are 503, and it recovers."""

import time

import httpx

from fastapi_cognito_guard import CognitoGuard, KeyPolicy, UserPool
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.uvicorn_server import serve_app
from tests.apps import bearer, build_app
from tests.servers import Answer, fault_server, hang, reset, response

OUTAGES: tuple[Answer, ...] = (hang, reset, response(b"", "500 Internal Server Error"))


def test_known_keys_serve_through_an_outage_and_new_keys_after_it() -> None:
    pool = FakeUserPool()
    policy = KeyPolicy(max_age=0.2, cooldown=0.5, backoff=0.1, timeout=1.5)
    with fault_server(response(pool.jwks)) as server:
        guard = CognitoGuard(
            UserPool(pool.id, client_ids=pool.client_id, jwks_uri=server.address), keys=policy
        )
        with (
            serve_app(build_app(guard), 0) as address,
            httpx.Client(base_url=address, trust_env=False, timeout=10) as client,
        ):
            good = bearer(pool.access_token("ada"))
            assert client.get("/me", headers=good).status_code == 200
            for outage in OUTAGES:
                server.answer = outage
                _check_good_tokens_are_served(client, good, seconds=0.5)
            pool.rotate()
            rotated = bearer(pool.access_token("ada"))
            refused = client.get("/me", headers=rotated)
            assert (refused.status_code, refused.content) == (503, b'{"message":"Service Unavailable"}')
            assert 1 <= int(refused.headers["retry-after"]) <= 30
            _check_good_tokens_are_served(client, good, seconds=0.2)
            server.answer = response(pool.jwks)
            assert _measure_seconds_until_served(client, rotated) < 5
            assert client.get("/me", headers=good).status_code == 401  # its key was removed


def _check_good_tokens_are_served(client: httpx.Client, headers: dict[str, str], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        started = time.monotonic()
        assert client.get("/me", headers=headers).status_code == 200
        assert time.monotonic() - started < 1  # no request waits for a fetch, whose deadline is 1.5 s


def _measure_seconds_until_served(client: httpx.Client, headers: dict[str, str]) -> float:
    started = time.monotonic()
    while time.monotonic() - started < 10:
        if client.get("/me", headers=headers).status_code == 200:
            break
        time.sleep(0.05)
    return time.monotonic() - started


def test_an_app_starts_while_the_key_server_is_down() -> None:
    pool = FakeUserPool()
    with fault_server(reset) as server:
        guard = CognitoGuard(
            UserPool(pool.id, client_ids=pool.client_id, jwks_uri=server.address),
            keys=KeyPolicy(backoff=0.05),
        )
        app = build_app(guard)

        async def warm_up() -> None:
            assert await guard.warm_up() is False

        app.router.on_startup.append(warm_up)
        with serve_app(app, 0) as address, httpx.Client(base_url=address, trust_env=False) as client:
            assert client.get("/public").status_code == 200
            server.answer = response(pool.jwks)
            assert _measure_seconds_until_served(client, bearer(pool.access_token())) < 5
