"""Where tokens come from: what is sent, how long they are kept, and a clear word where there are none."""

import asyncio
import logging
from typing import Any

import httpx
import pytest

from fastapi_cognito_guard.client import ClientCredentials, CognitoAuth, RefreshToken
from fastapi_cognito_guard.errors import ConfigurationError, TokenRequestFailed
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW
from tests.client.conftest import Shop, TokenEndpoint, async_client_for, client_for
from tests.client.test_auth import client_of_nothing
from tests.servers import Answer, FaultServer, drip, endless, fault_server, hang, reset, response

API = "https://api.example.com"


def machine_at(server: FaultServer) -> ClientCredentials:
    domain = server.address.removesuffix("/jwks.json")
    return ClientCredentials(domain=domain, client_id="robot", client_secret="s3cret")


def test_a_machine_authenticates_in_the_header_and_asks_for_its_scopes(token_endpoint: TokenEndpoint) -> None:
    token_endpoint.answer = {"access_token": "opaque"}
    source = ClientCredentials(
        domain=token_endpoint.address,
        client_id="robot",
        client_secret="s3cret",
        scopes=["orders/read", "orders/write"],
    )
    with client_of_nothing(CognitoAuth(source)) as client:
        client.get(API)
    assert token_endpoint.headers[0]["authorization"] == "Basic cm9ib3Q6czNjcmV0"
    assert token_endpoint.asked == [
        {"grant_type": "client_credentials", "client_id": "robot", "scope": "orders/read orders/write"}
    ]


def test_a_client_without_a_secret_only_names_itself(token_endpoint: TokenEndpoint) -> None:
    token_endpoint.answer = {"access_token": "opaque"}
    source = RefreshToken(domain=token_endpoint.address, client_id="web", refresh_token="r3fresh")
    with client_of_nothing(CognitoAuth(source)) as client:
        client.get(API)
    assert "authorization" not in token_endpoint.headers[0]
    assert token_endpoint.asked == [
        {"grant_type": "refresh_token", "client_id": "web", "refresh_token": "r3fresh"}
    ]


FAILURES: list[tuple[str, Answer, str]] = [
    ("invalid_client", response({"error": "invalid_client"}, "400 Bad Request"), "check client_id"),
    ("invalid_scope", response({"error": "invalid_scope"}, "400 Bad Request"), "these scopes"),
    ("unauthorized", response({"error": "unauthorized_client"}, "400 Bad Request"), "allow the app client"),
    ("an unknown code", response({"error": "eyJhbGciOi\r\n"}, "400 Bad Request"), "out of order"),
    ("a code that is no text", response({"error": ["x"]}, "400 Bad Request"), "out of order"),
    ("an error of the server", response(b"<html>", "500 Internal Server Error"), "answered 500"),
    ("a redirect", response(b"", "302 Found", {"Location": "http://127.0.0.1:1/"}), "answered 302"),
    ("a page", response(b"<html>"), "answered 200, it is no token endpoint"),
    ("a list", response([1]), "answered 200, it is no token endpoint"),
    ("deep", response(b"[" * 50_000), "answered 200, it is no token endpoint"),
    ("no token", response({}), "No token was given"),
    ("a token that is no text", response({"access_token": 5}), "No token was given"),
    ("a token with a line break", response({"access_token": "a\r\nb"}), "No token was given"),
    ("an empty token", response({"access_token": ""}), "No token was given"),
    ("silence", hang, "No token within 0.3 seconds"),
    ("a byte at a time", drip, "No token within 0.3 seconds"),
    ("no end", endless, "no token endpoint"),
    ("a broken connection", reset, "cannot be reached"),
]


@pytest.mark.parametrize(("answer", "said"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
def test_a_token_endpoint_that_gives_none_is_a_clear_error(
    answer: Answer, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with fault_server(answer) as server:
        auth = CognitoAuth(machine_at(server), timeout=0.3)
        with client_of_nothing(auth) as client, pytest.raises(TokenRequestFailed, match=said) as failed:
            client.get(API)
    message = str(failed.value)
    assert ("\n" in message, "eyJ" in message, "s3cret" in message) == (False, False, False)
    assert "s3cret" not in caplog.text
    assert "cm9ib3Q6czNjcmV0" not in caplog.text


def test_a_failure_is_not_kept() -> None:
    with (
        fault_server(response(b"", "500 Internal Server Error")) as server,
        client_of_nothing(CognitoAuth(machine_at(server))) as client,
    ):
        with pytest.raises(TokenRequestFailed) as failed:
            client.get(API)
        assert (failed.value.status, failed.value.error) == (500, None)
        server.answer = response({"access_token": "opaque", "expires_in": 60})
        assert client.get(API).status_code == 200


@pytest.mark.anyio
async def test_an_async_client_is_told_alike() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with fault_server(hang) as server:
        auth = CognitoAuth(machine_at(server), timeout=0.3)
        async with httpx.AsyncClient(auth=auth, transport=transport) as client:
            with pytest.raises(TokenRequestFailed, match="No token within"):
                await client.get(API)


@pytest.mark.parametrize(
    ("expires_in", "kept"),
    [(3600, True), (3600.0, True), (0, False), (-5, False), ("3600", False), (None, False), (10**400, False)],
    ids=["int", "float", "zero", "negative", "text", "none", "no time"],
)
def test_a_token_is_kept_for_as_long_as_the_endpoint_says(expires_in: Any, kept: bool) -> None:
    with (
        fault_server(response({"access_token": "opaque", "expires_in": expires_in})) as server,
        client_of_nothing(CognitoAuth(machine_at(server), now=lambda: NOW)) as client,
    ):
        client.get(API)
        client.get(API)
    assert len(server.requests) == (1 if kept else 2)


POOL = FakeUserPool(now=lambda: NOW)


@pytest.mark.parametrize(
    ("token", "kept"),
    [
        (POOL.access_token(), True),
        (POOL.access_token(expires_in=0), False),
        (POOL.access_token(expires_in=-10), False),
        (POOL.access_token(claims={"exp": "soon"}), False),
        (POOL.access_token(claims={"exp": None}), False),
        (POOL.sign({"exp": NOW + 60}, header={"alg": "none"}), False),
        ("opaque", False),
    ],
    ids=["an hour", "now", "past", "text", "none", "another algorithm", "opaque"],
)
def test_a_providers_token_is_kept_until_it_expires(token: str, kept: bool) -> None:
    asked: list[str] = []

    async def provider() -> str:
        await asyncio.sleep(0)
        asked.append(token)
        return token

    with client_of_nothing(CognitoAuth(provider, now=lambda: NOW)) as client:
        client.get(API)
        client.get(API)
    assert len(asked) == (1 if kept else 2)


@pytest.mark.anyio
async def test_a_provider_may_be_a_function_or_a_coroutine_for_either_client(shop: Shop) -> None:
    def plain() -> str:
        return shop.pool.pool.access_token("ada")

    async def coroutine() -> str:
        return shop.pool.pool.access_token("ada")

    for provider in (plain, coroutine):
        auth = CognitoAuth(provider, now=shop.now)
        async with async_client_for(shop, auth) as client:
            first = (await client.get("/jti")).json()["jti"]
        with client_for(shop, auth) as sync:
            assert sync.get("/jti").json()["jti"] == first


def test_what_a_provider_raises_arrives_and_what_it_must_not_does_not() -> None:
    def broken() -> str:
        raise LookupError("no such secret")

    def exits() -> str:
        raise SystemExit(3)

    async def cancels() -> str:
        raise asyncio.CancelledError

    def wrong() -> Any:
        return None

    table: list[tuple[Any, type[Exception], str]] = [
        (broken, LookupError, "no such secret"),
        (exits, TokenRequestFailed, "SystemExit"),
        (cancels, TokenRequestFailed, "CancelledError"),
        (wrong, TokenRequestFailed, "provider gave NoneType"),
        (lambda: "a token", TokenRequestFailed, "no Authorization header can have"),
    ]
    for provider, error, said in table:
        with client_of_nothing(CognitoAuth(provider)) as client, pytest.raises(error, match=said):
            client.get(API)


@pytest.mark.parametrize(
    ("kind", "change", "advice"),
    [
        (ClientCredentials, {"domain": "http://login.example.com"}, "domain is"),
        (ClientCredentials, {"scopes": "orders/read"}, "scopes is a list"),
        (RefreshToken, {"domain": ""}, "domain is"),
        (RefreshToken, {"token_use": "refresh"}, "token_use is"),
    ],
)
def test_a_source_that_cannot_be_right_is_refused(kind: Any, change: dict[str, str], advice: str) -> None:
    secret = {"client_secret" if kind is ClientCredentials else "refresh_token": "s3cret"}
    with pytest.raises(ConfigurationError, match=advice):
        kind(**{"domain": "login.example.com", "client_id": "web", **secret, **change})
