"""`CognitoAuth`: one token for many requests, its renewal, one retry after a 401, and allowed origins."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from fastapi_cognito_guard.client import ClientCredentials, CognitoAuth, RefreshToken
from fastapi_cognito_guard.errors import ConfigurationError, TokenRequestFailed
from fastapi_cognito_guard.testing import FakeUserPool
from fastapi_cognito_guard.testing.uvicorn_server import serve_app
from tests.apps import NOW
from tests.client.conftest import Shop, TokenEndpoint, build_api, make_async_client, make_client


def make_auth(shop: Shop, **settings: Any) -> CognitoAuth:
    return CognitoAuth(shop.machine, **{"now": shop.now, **settings})


def test_a_machines_token_is_reused(shop: Shop) -> None:
    with make_client(shop, make_auth(shop)) as client:
        first, again = (client.get("/jti").raise_for_status().json() for _ in range(2))
    assert first["jti"] == again["jti"]


@pytest.mark.anyio
async def test_an_async_client_shares_the_token_with_a_sync_one(shop: Shop) -> None:
    auth = make_auth(shop)
    async with make_async_client(shop, auth) as client:
        first, again = [(await client.get("/jti")).raise_for_status().json() for _ in range(2)]
    with make_client(shop, auth) as sync:
        assert first["jti"] == again["jti"] == sync.get("/jti").json()["jti"]


def test_a_token_is_renewed_a_minute_before_it_expires(shop: Shop) -> None:
    with make_client(shop, make_auth(shop)) as client:
        first = client.get("/jti").json()["jti"]
        shop.time = NOW + 3539
        assert client.get("/jti").json()["jti"] == first
        shop.time = NOW + 3540
        assert client.get("/jti").json()["jti"] != first
    assert len(set(shop.calls)) == 2


def test_a_short_lived_token_is_renewed_after_half_its_lifetime() -> None:
    clock = [NOW]
    pool = FakeUserPool(now=lambda: clock[0])
    requested: list[str] = []

    def provider() -> str:
        requested.append(pool.access_token(expires_in=40))
        return requested[-1]

    auth = CognitoAuth(provider, now=lambda: clock[0])
    with make_offline_client(auth) as client:
        for moment, times in ((0, 1), (19, 1), (20, 2), (39, 2)):
            clock[0] = NOW + moment
            assert client.get("https://api.example.com").status_code == 200
            assert len(requested) == times


def make_offline_client(auth: httpx.Auth, status: int = 200) -> httpx.Client:
    """Make a client whose requests never reach a network."""
    return httpx.Client(auth=auth, transport=httpx.MockTransport(lambda request: httpx.Response(status)))


def test_many_threads_request_one_token(shop: Shop) -> None:
    together = threading.Barrier(16)

    def call() -> str:
        together.wait(timeout=10)
        return str(client.get("/jti").json()["jti"])

    with make_client(shop, make_auth(shop)) as client, ThreadPoolExecutor(16) as threads:
        jtis = [future.result() for future in [threads.submit(call) for _ in range(16)]]
    assert len(set(jtis)) == 1


@pytest.mark.anyio
async def test_many_tasks_request_one_token_and_one_more_after_a_401(shop: Shop) -> None:
    async with make_async_client(shop, make_auth(shop)) as client:
        answers = await asyncio.gather(*(client.get("/jti") for _ in range(20)))
        first = {answer.json()["jti"] for answer in answers}
        assert len(first) == 1
        shop.refused |= first
        answers = await asyncio.gather(*(client.get("/jti") for _ in range(20)))
        second = {answer.json()["jti"] for answer in answers}
    assert len(second) == 1
    assert first != second


@pytest.mark.anyio
async def test_cancelling_one_task_does_not_cancel_the_request_of_the_others() -> None:
    requested, go = threading.Event(), threading.Event()

    def provider() -> str:
        requested.set()
        go.wait(timeout=10)
        return "opaque"

    auth = CognitoAuth(provider)
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    async with httpx.AsyncClient(auth=auth, transport=transport) as client:
        tasks = [asyncio.create_task(client.get("https://api.example.com")) for _ in range(3)]
        assert await asyncio.to_thread(requested.wait, 10)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        go.set()
        answers = await asyncio.gather(*tasks[1:])
    assert [answer.status_code for answer in answers] == [200, 200]


def test_after_a_401_the_request_is_sent_once_more_with_a_new_token(shop: Shop) -> None:
    with make_client(shop, make_auth(shop)) as client:
        first = client.get("/jti").json()["jti"]
        shop.refused.add(first)
        answer = client.post("/jti", content=b"tea")
    assert (answer.status_code, answer.json()["body"]) == (200, "tea")
    assert shop.calls == [first, first, answer.json()["jti"]]


def test_an_api_that_refuses_every_token_gets_no_new_token_for_ten_seconds(shop: Shop) -> None:
    shop.refuses_all = True
    with make_client(shop, make_auth(shop)) as client:
        assert client.get("/jti").status_code == 401
        assert (len(shop.calls), len(set(shop.calls))) == (2, 2)
        assert client.get("/jti").status_code == 401  # soon after a futile renewal, there is no other
        assert (len(shop.calls), len(set(shop.calls))) == (3, 2)
        shop.time += 10
        assert client.get("/jti").status_code == 401
        assert (len(shop.calls), len(set(shop.calls))) == (5, 3)


def test_a_streamed_body_is_not_sent_again(shop: Shop) -> None:
    def body() -> Iterator[bytes]:
        yield b"tea"

    with make_client(shop, make_auth(shop)) as client:
        first = client.get("/jti").json()["jti"]
        shop.refused.add(first)
        assert client.post("/jti", content=body()).status_code == 401
        assert client.post("/jti", content=body()).json()["body"] == "tea"
    assert shop.calls[:2] == [first, first]
    assert len(shop.calls) == 3


def test_a_403_is_not_retried(shop: Shop) -> None:
    with make_client(shop, make_auth(shop)) as client:
        assert client.get("/forbidden").status_code == 403
    assert len(shop.calls) == 1


def test_a_redirect_to_another_origin_carries_no_token(shop: Shop) -> None:
    other = Shop(local=shop.local)
    requested: list[str] = []

    def provider() -> str:
        requested.append(shop.pool.pool.access_token())
        return requested[-1]

    with serve_app(build_api(other)) as other.address:
        shop.elsewhere = f"{other.address}/jti"
        with make_client(shop, CognitoAuth(provider, now=shop.now)) as client:
            assert client.get("/elsewhere", follow_redirects=True).status_code == 401
    assert (other.calls, len(requested)) == ([], 1)


def test_a_user_calls_with_a_refresh_token_until_it_is_revoked(shop: Shop) -> None:
    pool = shop.pool.pool
    given: dict[str, Any] = {
        "domain": shop.pool.address,
        "client_id": "local-docs",
        "refresh_token": pool.sign_in("ada", scopes=["openid"]).refresh_token,
    }
    for use in ("access", "id"):
        source = RefreshToken(**given, token_use=use)
        with make_client(shop, CognitoAuth(source, now=shop.now)) as client:
            assert client.get("/jti").json()["use"] == use
    pool.revoke(given["refresh_token"])
    with (
        make_client(shop, CognitoAuth(RefreshToken(**given), now=shop.now)) as client,
        pytest.raises(TokenRequestFailed, match="sign in again") as failed,
    ):
        client.get("/jti")
    assert (failed.value.status, failed.value.error) == (400, "invalid_grant")
    assert shop.calls[2:] == []


def test_a_rotated_refresh_token_replaces_the_old_one(token_endpoint: TokenEndpoint) -> None:
    token_endpoint.answer = {"access_token": "opaque", "expires_in": 100, "refresh_token": "second"}
    clock = [NOW]
    source = RefreshToken(domain=token_endpoint.address, client_id="web", refresh_token="first")
    with make_offline_client(CognitoAuth(source, now=lambda: clock[0])) as client:
        client.get("https://api.example.com")
        clock[0] += 100
        client.get("https://api.example.com")
    assert [form["refresh_token"] for form in token_endpoint.forms] == ["first", "second"]


@pytest.mark.parametrize(
    ("url", "origins", "advice"),
    [
        ("http://api.example.com/", (), "https"),
        ("http://10.0.0.1/", (), "https"),
        ("http://127.0.0.1.example.com/", (), "https"),
        ("ftp://127.0.0.1/", (), "https"),
        ("https://evil.example.com/", "https://api.example.com", "origins"),
        ("https://api.example.com:8443/", ["https://api.example.com"], "origins"),
        ("https://api.example.com.evil.org/", ["https://api.example.com"], "origins"),
        ("http://127.0.0.1:9/", ["http://127.0.0.1:8"], "origins"),
    ],
)
def test_tokens_go_nowhere_else(url: str, origins: Any, advice: str) -> None:
    requested: list[int] = []
    auth = CognitoAuth(lambda: requested.append(1) or "opaque", origins=origins)  # type: ignore[func-returns-value]  # append returns None
    with make_offline_client(auth) as client, pytest.raises(ConfigurationError, match=advice):
        client.get(url)
    assert requested == []


@pytest.mark.parametrize(
    ("url", "origins"),
    [
        ("https://API.example.com:443/x?y", ["https://api.example.com/"]),
        ("https://api.example.com/", "https://api.example.com:443"),
        ("http://localhost:8000/", ()),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("https://other.example.com/", ["https://api.example.com", "https://other.example.com"]),
    ],
)
def test_tokens_are_sent_to_allowed_origins(url: str, origins: Any) -> None:
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["Authorization"])
        return httpx.Response(200)

    auth = CognitoAuth(lambda: "opaque", origins=origins)
    with httpx.Client(auth=auth, transport=httpx.MockTransport(answer)) as client:
        client.get(url, headers={"Authorization": "Basic old"})
    assert sent == ["Bearer opaque"]


def test_over_http_a_token_goes_to_named_hosts_of_the_origins_only() -> None:
    auth = CognitoAuth(lambda: "opaque", origins="http://orders:8000", http_hosts=["orders", "other"])
    with make_offline_client(auth) as client:
        assert client.get("http://orders:8000/jti").status_code == 200
        for url in ("http://other:8000/", "http://orders:8001/", "http://orders/", "https://orders:8000/"):
            with pytest.raises(ConfigurationError, match="origins"):
                client.get(url)
        with pytest.raises(ConfigurationError, match="https"):
            client.get("http://third:8000/")


def test_on_lambda_tokens_go_to_no_host_over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    with pytest.raises(ConfigurationError, match="not for Lambda"):
        CognitoAuth(lambda: "opaque", origins="http://orders:8000", http_hosts=["orders"])


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"source": None}, "ClientCredentials"),
        ({"source": "token"}, "ClientCredentials"),
        ({"origins": "api.example.com"}, "scheme, host and port"),
        ({"origins": ["https://api.example.com/v1"]}, "scheme, host and port"),
        ({"origins": ["https://api.example.com?x"]}, "scheme, host and port"),
        ({"origins": [5]}, "scheme, host and port"),
        ({"origins": ["https://a:b"]}, "scheme, host and port"),
        ({"origins": "http://api.example.com"}, "https"),
        ({"origins": "http://orders:8000", "http_hosts": "api"}, "https"),
        ({"origins": "http://orders:8000", "http_hosts": ["*"]}, "http_hosts lists emulators"),
        ({"http_hosts": ["orders"]}, "http_hosts needs origins"),
    ],
    ids=str,
)
def test_an_invalid_setting_is_a_configuration_error(settings: dict[str, Any], advice: str) -> None:
    with pytest.raises(ConfigurationError, match=advice):
        CognitoAuth(**{"source": lambda: "opaque", **settings})


def test_the_repr_shows_no_secrets() -> None:
    def provider() -> str:
        return "opaque"

    machine = ClientCredentials(domain="a.example.com", client_id="robot", client_secret="s3cret")
    user = RefreshToken(
        domain="a.example.com", client_id="web", refresh_token="s3cret", client_secret="s3cret"
    )
    shown = [repr(CognitoAuth(source)) for source in (machine, user, provider)]
    assert shown == [
        "CognitoAuth(ClientCredentials(domain='a.example.com', client_id='robot', scopes=()))",
        "CognitoAuth(RefreshToken(domain='a.example.com', client_id='web', token_use='access'))",
        "CognitoAuth(<a token provider>)",
    ]
