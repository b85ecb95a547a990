"""Token sources: requests to the token endpoint, lifetimes of tokens, and errors."""

import asyncio
import logging
from typing import Any

import httpx
import pytest

from fastapi_cognito_guard.client import ClientCredentials, CognitoAuth, RefreshToken
from fastapi_cognito_guard.errors import ConfigurationError, TokenRequestFailed
from fastapi_cognito_guard.testing import FakeUserPool
from tests.apps import NOW
from tests.client.conftest import Shop, TokenEndpoint, make_async_client, make_client, make_source
from tests.client.test_auth import make_offline_client
from tests.servers import Answer, FaultServer, drip, endless, fault_server, hang, reset, response

API = "https://api.example.com"


def make_machine(server: FaultServer) -> ClientCredentials:
    domain = server.address.removesuffix("/jwks.json")
    return ClientCredentials(domain=domain, client_id="robot", client_secret="s3cret")


def test_a_machine_authenticates_in_the_header_and_requests_its_scopes(token_endpoint: TokenEndpoint) -> None:
    token_endpoint.answer = {"access_token": "opaque"}
    source = ClientCredentials(
        domain=token_endpoint.address,
        client_id="robot",
        client_secret="s3cret",
        scopes=["orders/read", "orders/write"],
    )
    with make_offline_client(CognitoAuth(source)) as client:
        client.get(API)
    assert token_endpoint.headers[0]["authorization"] == "Basic cm9ib3Q6czNjcmV0"
    assert token_endpoint.forms == [
        {"grant_type": "client_credentials", "client_id": "robot", "scope": "orders/read orders/write"}
    ]


def test_a_client_without_a_secret_sends_its_id_only(token_endpoint: TokenEndpoint) -> None:
    token_endpoint.answer = {"access_token": "opaque"}
    source = RefreshToken(domain=token_endpoint.address, client_id="web", refresh_token="r3fresh")
    with make_offline_client(CognitoAuth(source)) as client:
        client.get(API)
    assert "authorization" not in token_endpoint.headers[0]
    assert token_endpoint.forms == [
        {"grant_type": "refresh_token", "client_id": "web", "refresh_token": "r3fresh"}
    ]


FAILURES: list[tuple[str, Answer, str]] = [
    ("invalid_client", response({"error": "invalid_client"}, "400 Bad Request"), "check client_id"),
    ("invalid_scope", response({"error": "invalid_scope"}, "400 Bad Request"), "these scopes"),
    ("unauthorized", response({"error": "unauthorized_client"}, "400 Bad Request"), "allow the app client"),
    ("an unknown code", response({"error": "eyJhbGciOi\r\n"}, "400 Bad Request"), "out of order"),
    ("a code that is no string", response({"error": ["x"]}, "400 Bad Request"), "out of order"),
    ("a server error", response(b"<html>", "500 Internal Server Error"), "answered 500"),
    ("a redirect", response(b"", "302 Found", {"Location": "http://127.0.0.1:1/"}), "answered 302"),
    ("an HTML page", response(b"<html>"), "answered 200, it is no token endpoint"),
    ("a list", response([1]), "answered 200, it is no token endpoint"),
    ("deeply nested JSON", response(b"[" * 50_000), "answered 200, it is no token endpoint"),
    ("no token", response({}), "No token was given"),
    ("a token that is no string", response({"access_token": 5}), "No token was given"),
    ("a token with a line break", response({"access_token": "a\r\nb"}), "No token was given"),
    ("an empty token", response({"access_token": ""}), "No token was given"),
    ("no answer", hang, "No token within 0.3 seconds"),
    ("a byte at a time", drip, "No token within 0.3 seconds"),
    ("an endless answer", endless, "no token endpoint"),
    ("a connection reset", reset, r"cannot be reached \(ReadError, reset: "),
]


@pytest.mark.parametrize(
    ("answer", "message"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES]
)
def test_a_failing_token_endpoint_raises_with_advice_and_without_secrets(
    answer: Answer, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with fault_server(answer) as server:
        auth = CognitoAuth(make_machine(server), timeout=0.3 if answer in (hang, drip) else 10)
        with make_offline_client(auth) as client, pytest.raises(TokenRequestFailed, match=message) as failed:
            client.get(API)
    text = str(failed.value)
    assert ("\n" in text, "eyJ" in text, "s3cret" in text) == (False, False, False)
    assert "s3cret" not in caplog.text
    assert "cm9ib3Q6czNjcmV0" not in caplog.text


def test_a_failure_is_not_cached() -> None:
    with (
        fault_server(response(b"", "500 Internal Server Error")) as server,
        make_offline_client(CognitoAuth(make_machine(server))) as client,
    ):
        with pytest.raises(TokenRequestFailed) as failed:
            client.get(API)
        assert (failed.value.status, failed.value.error) == (500, None)
        server.answer = response({"access_token": "opaque", "expires_in": 60})
        assert client.get(API).status_code == 200


@pytest.mark.anyio
async def test_an_async_client_gets_the_same_error() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200))
    with fault_server(hang) as server:
        auth = CognitoAuth(make_machine(server), timeout=0.3)
        async with httpx.AsyncClient(auth=auth, transport=transport) as client:
            with pytest.raises(TokenRequestFailed, match="No token within"):
                await client.get(API)


@pytest.mark.parametrize(
    ("expires_in", "reused"),
    [(3600, True), (3600.0, True), (0, False), (-5, False), ("3600", False), (None, False), (10**400, False)],
    ids=["int", "float", "zero", "negative", "text", "none", "out of range"],
)
def test_a_token_is_reused_if_the_endpoint_states_a_lifetime(expires_in: Any, reused: bool) -> None:
    with (
        fault_server(response({"access_token": "opaque", "expires_in": expires_in})) as server,
        make_offline_client(CognitoAuth(make_machine(server), now=lambda: NOW)) as client,
    ):
        client.get(API)
        client.get(API)
    assert len(server.requests) == (1 if reused else 2)


POOL = FakeUserPool(now=lambda: NOW)


@pytest.mark.parametrize(
    ("token", "reused"),
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
def test_a_providers_token_is_reused_until_it_expires(token: str, reused: bool) -> None:
    requested: list[str] = []

    async def provider() -> str:
        await asyncio.sleep(0)
        requested.append(token)
        return token

    with make_offline_client(CognitoAuth(provider, now=lambda: NOW)) as client:
        client.get(API)
        client.get(API)
    assert len(requested) == (1 if reused else 2)


@pytest.mark.anyio
async def test_a_provider_may_be_sync_or_async_for_either_client(shop: Shop) -> None:
    def plain() -> str:
        return shop.pool.pool.access_token("ada")

    async def coroutine() -> str:
        return shop.pool.pool.access_token("ada")

    for provider in (plain, coroutine):
        auth = CognitoAuth(provider, now=shop.now)
        async with make_async_client(shop, auth) as client:
            first = (await client.get("/jti")).json()["jti"]
        with make_client(shop, auth) as sync:
            assert sync.get("/jti").json()["jti"] == first


def test_an_exception_of_a_provider_is_raised_but_it_cannot_exit_or_cancel() -> None:
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
    for provider, error, message in table:
        with make_offline_client(CognitoAuth(provider)) as client, pytest.raises(error, match=message):
            client.get(API)


@pytest.mark.parametrize(
    ("kind", "change", "advice"),
    [
        (ClientCredentials, {"domain": "http://login.example.com"}, "domain is"),
        (ClientCredentials, {"domain": "http://cognito:9229", "http_hosts": "other"}, "domain is"),
        (ClientCredentials, {"http_hosts": "*"}, "http_hosts lists emulators"),
        (ClientCredentials, {"scopes": "orders/read"}, "scopes is a list"),
        (RefreshToken, {"domain": ""}, "domain is"),
        (RefreshToken, {"domain": "http://c:9229", "http_hosts": "cognito"}, "domain is"),
        (RefreshToken, {"token_use": "refresh"}, "token_use is"),
    ],
)
def test_an_invalid_source_is_a_configuration_error(kind: Any, change: dict[str, str], advice: str) -> None:
    with pytest.raises(ConfigurationError, match=advice):
        make_source(kind, **change)


@pytest.mark.parametrize(
    "rotated", ["", " ", "second\n", "a b", "\x00", "caf\u00e9", 5, None, ["second"], {}]
)
def test_an_unusable_rotated_refresh_token_leaves_the_good_one(
    rotated: Any, token_endpoint: TokenEndpoint
) -> None:
    token_endpoint.answer = {"access_token": "opaque", "refresh_token": rotated}
    source = make_source(RefreshToken, domain=token_endpoint.address, refresh_token="first")
    with make_offline_client(CognitoAuth(source)) as client:
        client.get(API)
        client.get(API)
    assert [form["refresh_token"] for form in token_endpoint.forms] == ["first", "first"]


@pytest.mark.parametrize("expires_in", [None, "3600", True, [3600], {}], ids=repr)
def test_a_lifetime_that_is_no_number_leaves_the_tokens_own(
    expires_in: Any, token_endpoint: TokenEndpoint
) -> None:
    token_endpoint.answer = {"access_token": POOL.access_token(expires_in=100), "expires_in": expires_in}
    clock = [NOW]
    source = make_source(RefreshToken, domain=token_endpoint.address)
    with make_offline_client(CognitoAuth(source, now=lambda: clock[0])) as client:
        for moment, requests in ((0, 1), (49, 1), (50, 2)):
            clock[0] = NOW + moment
            client.get(API)
            assert len(token_endpoint.forms) == requests
