"""MCP servers behind the guard, called by the MCP SDK's own client, which signs in at the local pool."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthToken
from pydantic import AnyHttpUrl
from starlette.applications import Starlette

from examples.mcp_server.client import call_tool
from fastapi_cognito_guard import ANY_BOUND_CLIENT, CognitoGuard, require_level, require_scope
from fastapi_cognito_guard.testing import Directory, LocalPool, local_pool
from fastapi_cognito_guard.testing.uvicorn_server import get_address, listen, serve_app
from tests.apps import bearer
from tests.foreign.mcp_client import KNOWN_CLIENT, OPEN_DIRECTORY, McpClient, Served, serve_example
from tests.foreign.sign_in import submit_sign_in_form

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "mcp_server"
ORDERS = {"1": "tea", "2": "coffee"}
METADATA = "/.well-known/oauth-protected-resource"


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve_example() as served:
        yield served


def call(client: McpClient, tool: str = "list_orders", **arguments: Any) -> Any:
    return asyncio.run(client.call(tool, **arguments))


def hold(token: str, scope: str = "orders/read") -> OAuthToken:
    return OAuthToken(access_token=token, expires_in=3600, scope=scope)


def post(
    url: str,
    token: str | None = None,
    *,
    session: str | None = None,
    method: str = "tools/list",
    **params: Any,
) -> httpx.Response:
    """Send a request of the protocol without the SDK."""
    headers = {} if token is None else bearer(token)
    headers["Accept"] = "application/json, text/event-stream"
    headers |= {} if session is None else {"Mcp-Session-Id": session}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=10)


def test_a_client_that_nobody_knows_finds_the_pool_registers_signs_in_and_calls_a_tool(
    served: Served,
) -> None:
    client = McpClient(served.url)
    assert call(client).structured_content == ORDERS
    assert client.client is not None
    assert client.client.client_id == client.claims["client_id"]
    assert client.client.client_id not in {each.id for each in OPEN_DIRECTORY.clients}
    assert (client.claims["aud"], client.claims["scope"]) == (served.url, "orders/read")
    assert client.challenges == [f'Bearer resource_metadata="{served.origin}{METADATA}/mcp"']


def test_an_mcp_server_is_at_most_six_lines_more_than_an_app_without_one() -> None:
    block = re.findall(r"```python\n(.*?)```", (ROOT / "docs/mcp.md").read_text(), re.DOTALL)[0]
    lines = [line for line in block.splitlines() if line]
    without = [line for line in lines if not re.search(r"^(?!app = FastAPI|pool = ).*(mcp|server)", line)]
    assert len(lines) - len(without) <= 6
    assert [line.split("(")[0] for line in without] == [
        "from fastapi import FastAPI",
        "from fastapi_cognito_guard import ANY_BOUND_CLIENT, CognitoGuard, UserPool, require_scope",
        "app = FastAPI",
        "pool = UserPool",
        "guard = CognitoGuard",
        "guard.install",
    ]


def test_the_sdk_tries_rfc_8414_first_and_finds_the_pool_by_its_openid_discovery(served: Served) -> None:
    """Cognito answers 400 for the metadata of RFC 8414, and so does the local pool."""
    client = McpClient(served.url)
    call(client)
    pool = served.local.pool.id
    tried = [
        (answer.path, answer.status)
        for answer in client.answers
        if answer.url.startswith(served.local.address) and answer.method == "GET"
    ]
    assert tried == [
        (f"/.well-known/oauth-authorization-server/{pool}", 400),
        (f"/.well-known/openid-configuration/{pool}", 400),
        (f"/{pool}/.well-known/openid-configuration", 200),
    ]


def test_a_client_that_is_registered_ahead_signs_in_without_a_secret(served: Served) -> None:
    client = McpClient(served.url, client=KNOWN_CLIENT)
    assert call(client).structured_content == ORDERS
    assert client.claims["client_id"] == "local-docs"
    assert all(answer.path != "/oauth2/register" for answer in client.answers)


def test_the_client_of_the_example_signs_a_person_in_and_calls_a_tool(
    served: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def paste(prompt: str) -> str:
        (address,) = re.findall(r"^http\S+$", capsys.readouterr().out, re.MULTILINE)
        return submit_sign_in_form(address, "ada")

    monkeypatch.setattr("builtins.input", paste)
    done = asyncio.run(call_tool("cancel_order", {"order_id": "2"}, served.url))
    assert done.content[0].text == "ada has cancelled coffee."


def test_the_file_of_the_examples_pool_opens_the_registration() -> None:
    directory = Directory.from_toml(EXAMPLE / "pool.toml")
    assert directory.registration_scopes == ("orders/read",)
    assert "COGNITO_ISSUER=http://127.0.0.1:9229/" + directory.id in (EXAMPLE / "main.py").read_text()


def test_a_tool_knows_its_caller(served: Served) -> None:
    ada, bob = McpClient(served.url, "ada"), McpClient(served.url, "bob")
    assert call(ada, "cancel_order", order_id="1").content[0].text == "ada has cancelled tea."
    refused = call(bob, "cancel_order", order_id="1")
    assert (refused.is_error, "Only admins" in refused.content[0].text) == (True, True)


@pytest.mark.parametrize(
    ("claims", "description"),
    [
        ({"aud": "https://other.example.com/mcp"}, "The token is not for this audience"),
        ({"aud": None}, "The token is not for this audience"),
        ({"aud": "local-docs"}, "The token is not for this audience"),
        ({"exp": 1}, "The token has expired"),
    ],
    ids=["another resource", "no resource", "its own client id", "expired"],
)
def test_a_refused_token_gets_a_challenge_with_which_the_client_goes_on(
    served: Served, claims: dict[str, Any], description: str
) -> None:
    bound = {"aud": served.url, "client_id": "local-docs"}
    token = served.local.pool.access_token("ada", scopes=["orders/read"], claims={**bound, **claims})
    client = McpClient(served.url, client=KNOWN_CLIENT, tokens=hold(token))
    assert call(client).structured_content == ORDERS
    assert client.challenges == [
        f'Bearer error="invalid_token", error_description="{description}", '
        f'resource_metadata="{served.origin}{METADATA}/mcp"'
    ]


def test_a_missing_scope_is_named_and_the_client_asks_for_it(served: Served) -> None:
    token = served.local.pool.access_token("ada", scopes=["openid"], claims={"aud": served.url})
    client = McpClient(served.url, client=KNOWN_CLIENT, tokens=hold(token, "openid"))
    assert call(client).structured_content == ORDERS
    assert client.challenges == [
        'Bearer error="insufficient_scope", scope="orders/read", '
        f'resource_metadata="{served.origin}{METADATA}/mcp"'
    ]
    assert set(client.claims["scope"].split()) == {"openid", "orders/read"}


def test_a_session_is_its_callers_own(served: Served) -> None:
    pool, claims = served.local.pool, {"aud": served.url}
    ada, bob = (pool.access_token(name, scopes=["orders/read"], claims=claims) for name in ("ada", "bob"))
    about: dict[str, Any] = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    }
    begun = post(f"{served.url}/", ada, method="initialize", **about)
    session = begun.headers["mcp-session-id"]
    assert post(f"{served.url}/", ada, session=session).status_code == 200
    assert post(f"{served.url}/", bob, session=session).status_code == 404


def test_an_id_token_of_a_client_that_nobody_knows_is_refused(served: Served) -> None:
    token = served.local.pool.id_token("ada", claims={"aud": "unknown"})
    answer = post(f"{served.url}/", token)
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


def build_tool_server(name: str) -> tuple[MCPServer, Starlette]:
    server = MCPServer(name)

    def tell_name() -> str:
        return name

    server.add_tool(tell_name)
    return server, server.streamable_http_app(streamable_http_path="/", json_response=True)


@asynccontextmanager
async def run_all(*servers: MCPServer) -> Any:
    async with AsyncExitStack() as stack:
        for server in servers:
            await stack.enter_async_context(server.session_manager.run())
        yield


REQUIREMENTS = {
    "first": require_scope("orders/read"),
    "second": require_scope("orders/write"),
    "level": require_level("urn:cognito:loa:4"),
}


def build_servers(local: LocalPool, origin: str) -> FastAPI:
    """Build an app with several MCP servers, each a resource of its own, and all other paths closed."""
    servers = {name: build_tool_server(name) for name in REQUIREMENTS}
    app = FastAPI(lifespan=lambda app: run_all(*(server for server, _ in servers.values())))
    public = [path for name in servers for path in (f"/{name}", f"/{name}/*")]
    guard = CognitoGuard(local.user_pool(resource=f"{origin}/api"), deny_by_default=True, public=public)
    guard.install(app)
    for name, (_, inner) in servers.items():
        own = guard.for_resource(f"{origin}/{name}", client_ids=ANY_BOUND_CLIENT)
        app.mount(f"/{name}", own.protect(inner, REQUIREMENTS[name]))
    return app


@pytest.fixture(scope="module")
def two() -> Iterator[Served]:
    with local_pool(OPEN_DIRECTORY) as local, listen(0) as listener:
        origin = get_address(listener)
        with serve_app(build_servers(local, origin), listener):
            yield Served(local, origin)


@pytest.mark.parametrize(("path", "scope"), [("/first", "orders/read"), ("/second", "orders/write")])
def test_each_server_of_an_app_leads_the_client_to_its_own_resource(
    two: Served, path: str, scope: str
) -> None:
    client = McpClient(f"{two.origin}{path}")
    assert call(client, "tell_name").content[0].text == path[1:]
    assert (client.claims["aud"], client.claims["scope"]) == (f"{two.origin}{path}", scope)
    assert client.challenges == [f'Bearer resource_metadata="{two.origin}{METADATA}{path}"']


def test_a_client_whose_user_never_gets_the_scope_gives_up(two: Served) -> None:
    client = McpClient(f"{two.origin}/second", "bob")  # the pool never gives him orders/write
    with pytest.raises(ExceptionGroup):
        call(client, "tell_name")
    sign_ins = [answer for answer in client.answers if answer.path == "/oauth2/token"]
    assert len(sign_ins) <= 2
    assert 'error="insufficient_scope", scope="orders/write"' in client.challenges[-1]


def test_a_client_that_knows_no_levels_gives_up(two: Served) -> None:
    """The SDK's client takes any 401 for a reason to sign in again, and does not read ``acr_values``."""
    client = McpClient(f"{two.origin}/level", client=KNOWN_CLIENT)
    with pytest.raises(ExceptionGroup):
        call(client, "tell_name")
    assert len([answer for answer in client.answers if answer.path == "/oauth2/token"]) <= 2
    assert 'error="insufficient_user_authentication"' in client.challenges[-1]


def test_a_token_for_one_server_is_refused_at_the_other_and_at_the_api(two: Served) -> None:
    client = McpClient(f"{two.origin}/first")
    call(client, "tell_name")
    assert client.tokens is not None
    token = client.tokens.access_token
    for path in ("/second/", "/api"):
        answer = post(f"{two.origin}{path}", token)
        assert answer.status_code == 401
        assert "not for this audience" in answer.headers["www-authenticate"]


def build_verified_server(local: LocalPool, origin: str) -> Starlette:
    """Build a server of the SDK, without FastAPI, that checks tokens with the guard's verifier."""
    guard = CognitoGuard(local.user_pool(resource=f"{origin}/mcp", client_ids=ANY_BOUND_CLIENT))
    auth = AuthSettings(
        issuer_url=AnyHttpUrl(guard.pools[0].issuers[0]),
        resource_server_url=AnyHttpUrl(f"{origin}/mcp"),
        required_scopes=["orders/read"],
        validate_token_resource=True,
    )
    server = MCPServer("orders", token_verifier=guard.token_verifier(), auth=auth)

    def tell_caller() -> list[str | None]:
        token = get_access_token()
        assert token is not None
        assert token.claims is not None
        return [token.subject, token.claims["iss"], token.resource]

    server.add_tool(tell_caller)
    return server.streamable_http_app(json_response=True)


@pytest.fixture(scope="module")
def verified() -> Iterator[Served]:
    with local_pool(OPEN_DIRECTORY) as local, listen(0) as listener:
        origin = get_address(listener)
        with serve_app(build_verified_server(local, origin), listener):
            yield Served(local, origin)


def test_a_server_of_the_sdk_takes_the_guards_verifier(verified: Served) -> None:
    client = McpClient(verified.url)
    pool = verified.local.pool
    assert call(client, "tell_caller").structured_content == {
        "result": [pool.sub("ada"), pool.issuer, verified.url]
    }


@pytest.mark.parametrize(
    ("claims", "status"),
    [({"aud": "https://other.example.com"}, 401), ({"exp": 1}, 401), ({"scope": "openid"}, 403)],
    ids=["another resource", "expired", "without the scope"],
)
def test_the_guards_verifier_refuses_in_a_server_of_the_sdk(
    verified: Served, claims: dict[str, Any], status: int
) -> None:
    own = {"aud": verified.url, "scope": "orders/read"}
    token = verified.local.pool.access_token(claims={**own, **claims})
    answer = post(verified.url, token)
    assert answer.status_code == status
    assert f'resource_metadata="{verified.origin}{METADATA}/mcp"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("behind_guard", [True, False])
def test_without_keys_a_call_fails_and_is_not_sent_to_sign_in(behind_guard: bool) -> None:
    with local_pool(OPEN_DIRECTORY) as local, listen(0) as listener:
        origin = get_address(listener)
        app = build_servers(local, origin) if behind_guard else build_verified_server(local, origin)
        path = "/first" if behind_guard else "/mcp"
        token = local.pool.access_token(scopes=["orders/read"], claims={"aud": f"{origin}{path}"})
        with serve_app(app, listener), local.pool.break_jwks(503):
            answer = post(f"{origin}{path}/" if behind_guard else f"{origin}{path}", token)
        assert answer.status_code == (503 if behind_guard else 500)
        assert "www-authenticate" not in answer.headers
